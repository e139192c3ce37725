"""The ways that a user would otherwise go, timed on small samples: seconds a step for each.

Time does not depend on what the weights are, so models that are not at hand have random ones of the right shape.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linking.encode.encoder import load_encoder
from linking.measure.bm25 import Bm25

CANDIDATES = 30


def seconds_a_step(goals: Sequence[str], steps: Sequence[str]) -> dict[str, float]:
    """Seconds a step of each way, over all of `goals`."""
    model = load_encoder(precision="float32").model
    of_goals = model.encode(list(goals[:2_000]), convert_to_tensor=True)
    fill = of_goals.repeat(-(-len(goals) // len(of_goals)), 1)[: len(goals)]  # time does not depend on values
    pairs = [
        [(step, goals[(7 * i + j) % len(goals)]) for j in range(CANDIDATES)] for i, step in enumerate(steps)
    ]
    plain = {
        "SentenceTransformer.encode": timed(lambda: model.encode(list(steps[:512])), 512),
        "util.semantic_search": timed(lambda: semantic_search(fill[:256], fill), 256),
        "CrossEncoder.predict over all 30": cross_encoder(model, pairs[:32]),
    }
    return {
        "DeBERTa-large over all 30, a step at a time": deberta(model, pairs[:3]),
        "plain sentence-transformers, all three calls": sum(plain.values()),
        **{f"  {name}": seconds for name, seconds in plain.items()},
        "BM25": bm25(goals, steps[:64]),
    }


def timed(work: Callable[[], Any], steps: int) -> float:
    """Seconds a step of some work on so many steps."""
    clock = time.perf_counter()
    work()
    return (time.perf_counter() - clock) / steps


def semantic_search(queries: Any, goals: Any) -> Any:
    """sentence-transformers' own search."""
    from sentence_transformers import util

    return util.semantic_search(queries, goals, top_k=CANDIDATES)


def deberta(model: Any, pairs: list[list[tuple[str, str]]]) -> float:
    """A cross-encoder of the size of DeBERTa-large, each step with its candidates as one padded batch, float32."""
    import torch
    from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

    config = DebertaV2Config(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, vocab_size=32_000,
        relative_attention=True, position_buckets=256, pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm",
        share_att_key=True, position_biased_input=False, type_vocab_size=0, num_labels=1,
    )  # fmt: skip
    reranker = DebertaV2ForSequenceClassification(config).eval()
    batches = [model.tokenizer(batch, padding=True, return_tensors="pt") for batch in pairs]
    with torch.inference_mode():
        reranker(batches[0]["input_ids"][:1])  # what is set up once
        return timed(
            lambda: [reranker(b["input_ids"], attention_mask=b["attention_mask"]) for b in batches],
            len(pairs),
        )


def cross_encoder(model: Any, pairs: list[list[tuple[str, str]]]) -> float:
    """CrossEncoder.predict as it comes, with a model of the size of MiniLM-L6."""
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, num_labels=1
    )
    with tempfile.TemporaryDirectory() as folder:
        BertForSequenceClassification(config).save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
        reranker = CrossEncoder(folder, device="cpu")
    flat = [pair for batch in pairs for pair in batch]
    reranker.predict(flat[:8], show_progress_bar=False)
    return timed(lambda: reranker.predict(flat, show_progress_bar=False), len(pairs))


def bm25(goals: Sequence[str], steps: Sequence[str]) -> float:
    """BM25 over the titles and the best 30 of them."""
    engine = Bm25(goals)
    return timed(
        lambda: np.argpartition(-engine.scores(steps), CANDIDATES, axis=1)[:, :CANDIDATES], len(steps)
    )
