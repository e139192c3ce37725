"""Models with a verifier that has learnt nothing: all its parts are there, and its figures are drawn by lot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from linking.encode.encoder import load_encoder
from linking.encode.folder import SMALL_ENCODER, ModelFolder
from linking.encode.packaged import BASE_ENCODER, packaged_model
from linking.model import Model
from linking.verify.features import NAMES
from linking.verify.forest import Forest
from linking.verify.judgement import Judgement, Linear, Reads
from linking.verify.kinds import graded_module, save_graded


def linear(size: int, **weights: float) -> Linear:
    """A regression over features by their names and `size` columns more, these drawn by lot."""
    row = np.random.default_rng(0).normal(size=len(NAMES) + size) * 0.02
    for name, weight in weights.items():
        row[NAMES.index(name)] = weight
    return Linear(np.zeros(len(row)), np.ones(len(row)), row, 0.0)


def stump() -> Forest:
    """Two trees, a branch on the second logit and a bare leaf: one share below 0, another above."""
    feature = np.array([1, 0, 0, 0], np.int16)
    threshold, value = np.zeros(4, np.float32), np.array([0, 0.3, 0.7, 0.5], np.float32)
    to_left, to_right = np.array([1, 0, 0, 0], np.int32), np.array([2, 0, 0, 0], np.int32)
    return Forest(feature, threshold, to_left, to_right, value, np.array([0, 3], np.int32), 1)


def drawn_judgement(encoder: str, reranker: str, reads: Reads) -> Judgement:
    """A judgement that follows the retriever, with the logits' say beside it."""
    beside = ("lone", "cosine")
    right = Linear(np.zeros(6), np.ones(6), np.array([1.0, 2.0, 1.0, 0.5, 0.7, 1.0]), 0.0)
    exact = Linear(np.zeros(6), np.ones(6), np.array([0.0, -1.0, 2.0, 0.0, 0.1, 0.0]), 0.0)
    words = linear(768, lone=0.5, goal_in_step=1.0)
    return Judgement(
        words,
        right,
        exact,
        stump(),
        (2.0, 0.0),
        (1.0, -1.0),
        0.5,
        beside,
        reads,
        reranker,
        encoder,
        "nothing",
    )


def model_with_verifier(folder: Path, reads: Reads | None = None) -> Path:
    """A copy of the model that ships, with a verifier, in `folder`."""
    shutil.copytree(ModelFolder.of(SMALL_ENCODER).path, folder, ignore=shutil.ignore_patterns("verifier"))
    model = Model.load(str(folder))
    torch.manual_seed(0)
    base = load_encoder(BASE_ENCODER, "float32")
    module = graded_module(base.model[0].auto_model)
    torch.nn.init.normal_(module.head.weight, std=0.3)
    place = ModelFolder(folder).verifier
    save_graded(module, place)
    reranker = model.digests["reranker_digest"] or ""
    judgement = drawn_judgement(model.encoder.weights_digest, reranker, reads or Reads(4, 0.0, 0.0))  # type: ignore[attr-defined]
    judgement.save(place)
    return folder


def random_cross_encoder(folder: Path, labels: int = 1, markers: bool = True) -> Path:
    """A tiny BERT with a classifier, its weights drawn by lot, as sentence-transformers saves it."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(packaged_model(BASE_ENCODER))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if not markers:
        for path in (folder / "tokenizer.json", folder / "vocab.txt"):
            if path.exists():
                path.write_text(
                    path.read_text(encoding="utf-8").replace("[unused", "[taken"), encoding="utf-8"
                )
    return folder
