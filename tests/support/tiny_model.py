"""A model whose figures are drawn by lot, each from its text: all stages of a build run, in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linking.encode.tokens import DIMENSION, Tokens
from linking.model import Model
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearReranker
from linking.rerank.precedents import Precedents
from linking.retrieve.vectors import hash_texts
from linking.verify.verifier import Verifier

WIDTH = 8


def drawn(texts: Sequence[str], width: int) -> np.ndarray:
    """A vector for each text, the same for the same text."""
    found = [np.random.default_rng(seed).normal(size=width) for seed in hash_texts(texts)]
    return np.array(found, np.float32).reshape(-1, width)


def units(texts: Sequence[str]) -> np.ndarray:
    vectors = drawn(texts, WIDTH)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class TinyEncoder:
    """Unit vectors by lot, and three tokens a text."""

    name, digest, device, dimension = "tiny", "tiny-encoder-digest", "cpu", WIDTH

    def encode_tokens(self, texts: Sequence[str]) -> tuple[np.ndarray, Tokens]:
        tokens = (drawn(texts, 3 * DIMENSION) * 40).clip(-127, 127).astype(np.int8).reshape(-1, DIMENSION)
        weights = np.full((len(tokens), 2), 64, np.uint8)
        return units(texts), Tokens(tokens, weights, np.arange(len(texts) + 1) * 3)


class TinyCross:
    """A logit a pair, by lot."""

    name, digest, device, dimension = "tiny", "tiny-cross-digest", "cpu", 1

    def encode_tokens(self, texts: Sequence[str]) -> tuple[np.ndarray, None]:
        return drawn(texts, 1), None


def tiny_model(goals: Sequence[str]) -> Model:
    """All stages: retrieval, a reranker with precedents of `goals`, a verifier of pairs."""
    precedents = Precedents.of(hash_texts(goals), units([f"step to {goal}" for goal in goals]))
    reranker = LinearReranker((10.0, 5.0, 5.0, 1.0, 10.0, -3.0), precedents)
    verifier = Verifier(TinyCross())  # type: ignore[arg-type]
    return Model(TinyEncoder(), reranker, Decision(0.5, 5.0, 0.02), verifier)
