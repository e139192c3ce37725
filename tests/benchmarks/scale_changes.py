"""What each way of saving time gains, and what it costs in R@1 on held-out gold links, all in one run.

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/scale_changes.py [WORK]

WORK keeps the vectors of the pool. Times are of samples of steps of the corpus of full size against 110,000 goals, in
milliseconds a step; R@1 and R@30 are those of the whole linker on the held-out tenth of the gold against the pool.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from full_corpus import GOALS, Material
from numpy.typing import NDArray
from other_ways import cross_encoder

from linking.encode.batches import batches_of_equal_length
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import ModelFolder
from linking.gold.links import Gold, in_dev, read_gold, read_pool
from linking.measure.ranking import EncoderScorer, Lists, Task, ranked_lists, reranked_lists
from linking.model import reranker_in
from linking.rerank.late import coverages
from linking.rerank.linear import DEPTH, LinearReranker
from linking.retrieve.index import GoalIndex
from linking.retrieve.retrieve import SCORE_DECIMALS
from linking.text import goal_text, step_text

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
ENCODED, SEARCHED, ALONE = 8_192, 1_024, 64
"""Steps that are encoded, searched in a block, and searched or compared one at a time."""
K, DEEP = 30, 2 * DEPTH
CLEAR = (0.25, 0.5, 0.75)


def main() -> None:
    """Measure and print each table."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        encoder, material = load_encoder(), Material()
        texts = [step_text(step) for _, steps in material.articles(0.01) for step in steps][:ENCODED]
        task = held_out()
        exact = load_encoder(precision="float32")
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        encoding(encoder, exact, texts, task, work)
        searching(encoder, material.titles[:GOALS], texts[:SEARCHED])
        reranking(encoder, material.titles[:GOALS], texts, task, work)


def held_out() -> Task:
    """The held-out tenth of the gold against the whole pool."""
    gold = read_gold(DATA / "gold" / "step_goal_train.jsonl")
    kept = np.flatnonzero(in_dev(gold.steps)).tolist()
    pool = read_pool(DATA / "goals" / "titles.txt")
    return Task.of(Gold([gold.steps[i] for i in kept], [gold.goals[i] for i in kept]), pool)


def milliseconds(work: Callable[[], Any], steps: int, times: int = 2) -> float:
    """Milliseconds a step, the best of some times."""
    best = np.inf
    for _ in range(times):
        clock = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - clock)
    return 1e3 * best / steps


def recall(ranks: NDArray[np.int64], cut: int) -> str:
    """In percent."""
    return f"{100 * float((ranks <= cut).mean()):.1f}"


def encoding(
    encoder: SentenceEncoder, exact: SentenceEncoder, texts: list[str], task: Task, work: Path
) -> None:
    """Padding, precision and threads."""
    plain = exact.model

    def one_after_the_other() -> None:
        ids = encoder.token_ids(texts)
        for batch in batches_of_equal_length([len(row) for row in ids]):
            encoder.forward([ids[i] for i in batch], encoder.head)

    some = texts[:1_024]
    rows = {
        "32 texts a batch as they come, padded, float32": milliseconds(
            lambda: [
                plain.encode(some[i : i + 32], show_progress_bar=False) for i in range(0, len(some), 32)
            ],
            len(some),
        ),
        "SentenceTransformer.encode: sorted by length": milliseconds(
            lambda: plain.encode(some, show_progress_bar=False), len(some)
        ),
        "texts of one length a batch, no padding": milliseconds(lambda: exact.encode(texts), len(texts)),
        "bfloat16": milliseconds(lambda: encoder.encode(texts), len(texts)),
        "and token vectors for the reranker": milliseconds(lambda: encoder.encode_tokens(texts), len(texts)),
        "the same, all threads on one batch after the other": milliseconds(one_after_the_other, len(texts)),
    }
    table("encoding", rows)
    for each in (exact, encoder):
        ranks = whole_linker(each, task, work)[1].ranks
        print(f"R@1 / R@30 of the linker in {each.precision}: {recall(ranks, 1)} / {recall(ranks, K)}")


def whole_linker(encoder: SentenceEncoder, task: Task, work: Path) -> tuple[Lists, Lists]:
    """The retriever's lists of the held-out steps, and the reranker's."""
    scorer = EncoderScorer(encoder, [goal_text(title) for title in task.titles], work)
    lists = ranked_lists(task, scorer, encoder.name, DEPTH)
    return lists, reranked_lists(task, scorer, reranker_of(encoder), lists)


def reranker_of(encoder: SentenceEncoder) -> LinearReranker:
    """The reranker that ships with the packaged encoder."""
    reranker = reranker_in(ModelFolder.of(encoder.name), encoder)
    assert reranker is not None
    return reranker


def searching(encoder: SentenceEncoder, titles: list[str], texts: list[str]) -> None:
    """One at a time, in blocks, and by a bfloat16 matrix product whose best are scored again."""
    goals = encoder.encode([goal_text(title) for title in titles])
    steps = encoder.encode(texts)
    index = GoalIndex(goals, np.arange(len(goals)), "", "")
    short = torch.from_numpy(goals).bfloat16()

    def product() -> NDArray[np.int64]:
        best = []
        for start in range(0, len(steps), 256):
            block = steps[start : start + 256]
            found = (torch.from_numpy(block).bfloat16() @ short.T).topk(DEEP, dim=1).indices.numpy()
            scores = np.round(np.einsum("nd,nkd->nk", block, goals[found]), SCORE_DECIMALS)
            best.append(np.take_along_axis(found, np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH], 1))
        return np.concatenate(best)

    rows = {
        "FAISS, one step at a time": milliseconds(
            lambda: [index.search(steps[i : i + 1], DEPTH) for i in range(ALONE)], ALONE
        ),
        "FAISS, 1,024 steps a block": milliseconds(lambda: index.search(steps, DEPTH), len(steps)),
        f"bfloat16 product, its first {DEEP} scored again": milliseconds(product, len(steps)),
    }
    table("search", rows)
    exact, found = index.search(steps, DEPTH)[1].tolist(), product().tolist()
    for first in (K, DEPTH):
        same = [set(a[:first]) == set(b[:first]) for a, b in zip(exact, found, strict=True)]
        print(f"the product gives the same first {first} for {np.mean(same):.1%} of {len(same):,} steps")


def reranking(encoder: SentenceEncoder, titles: list[str], texts: list[str], task: Task, work: Path) -> None:
    """Late interaction beside a cross-encoder; how deep; and a cascade that leaves clear cases alone."""
    steps, goals = (encoder.encode_tokens(each)[1] for each in (texts[:SEARCHED], titles[:20_000]))
    assert steps is not None and goals is not None
    dice = np.random.default_rng(0)
    pairs = [[(text, titles[j]) for j in dice.integers(0, len(titles), K)] for text in texts[:ALONE]]
    drawn = dice.integers(0, len(goals.lengths), (SEARCHED, DEPTH))
    every = np.arange(SEARCHED)
    rows = {
        f"CrossEncoder.predict, {K} goals, float32": 1e3 * cross_encoder(encoder.model, pairs),
        f"late interaction, {K} goals": milliseconds(
            lambda: coverages(steps, every, goals, drawn[:, :K]), SEARCHED
        ),
        f"late interaction, {DEPTH} goals": milliseconds(
            lambda: coverages(steps, every, goals, drawn), SEARCHED
        ),
    }
    table("reranking", rows)
    before, after = whole_linker(encoder, task, work)
    print("\n| what is reranked | R@1 | R@30 |\n| --- | ---: | ---: |")
    print(f"| nothing | {recall(before.ranks, 1)} | {recall(before.ranks, K)} |")
    first = within(before, after, K)
    print(f"| the first {K} of each step | {recall(first, 1)} | {recall(first, K)} |")
    print(f"| the first {DEPTH} of each step | {recall(after.ranks, 1)} | {recall(after.ranks, K)} |")
    margin = before.scores[:, 0] - before.scores[:, 1]
    for clear in CLEAR:
        ranks = np.where(margin >= np.quantile(margin, 1 - clear), before.ranks, after.ranks)
        print(f"| all but the {clear:.0%} of the widest margin | {recall(ranks, 1)} | {recall(ranks, K)} |")


def within(before: Lists, after: Lists, depth: int) -> NDArray[np.int64]:
    """Ranks where only the first `depth` goals of each list are put into the reranker's order."""
    kept = np.array([np.isin(a, b[:depth]) for a, b in zip(after.goals, before.goals, strict=True)])
    ranks = before.ranks.copy()
    for i in np.flatnonzero(before.ranks <= depth):
        gold = before.goals[i, before.ranks[i] - 1]
        place = int(np.flatnonzero(after.goals[i] == gold)[0])
        ranks[i] = 1 + int(kept[i, :place].sum())
    return ranks


def table(title: str, rows: dict[str, float]) -> None:
    """Milliseconds a step and how many times the first row's speed."""
    print(f"\n| {title} | ms a step | times |\n| --- | ---: | ---: |")
    first = next(iter(rows.values()))
    for name, each in rows.items():
        print(f"| {name} | {each:.3f} | {first / each:.1f} |")


if __name__ == "__main__":
    main()
