"""Made-up texts, and an encoder that reads them quickly."""

from __future__ import annotations

import random

import numpy as np

from linking.retrieve.vectors import hash_texts

WORDS = ("clean house bake bread plant tree fix bike fold shirt wash car paint wall cut onion").split()  # noqa: SIM905


def texts(count: int, seed: int = 0) -> list[str]:
    """Distinct texts of one to nine words."""
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=1 + i % 9)) + f" {i}" for i in range(count)]


class Fixed:
    """An encoder that gives each text a random vector of its own, quickly."""

    name, digest, device, dimension = "fixed", "fixed", "cpu", 8

    def encode(self, some: list[str]) -> np.ndarray:
        seeds = hash_texts(some)
        vectors = np.stack([np.random.default_rng(seed).normal(size=8) for seed in seeds]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_tokens(self, some: list[str]) -> tuple[np.ndarray, None]:
        return self.encode(some), None
