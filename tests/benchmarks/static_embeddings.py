"""The fastest encoder there is, a vector a word and no transformer: what it finds, untrained and trained on gold.

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/static_embeddings.py [--epochs 8] [--rate 0.002]

The word vectors are those at the bottom of the packaged encoder, times a / (a + share of the word among the titles)
(Arora et al. 2017, ICLR). They are trained as in the first round of `howtree train retriever`: a step tells its goal
from the other goals of the batch. Measured like everything in docs/linking.md, on the held-out tenth.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from linking.arrays import Vectors
from linking.encode.encoder import load_encoder, unit
from linking.encode.packaged import BASE_ENCODER
from linking.gold.examples import Examples, training_part
from linking.gold.links import dev_part, read_gold, read_pool
from linking.measure.evaluate import recalls
from linking.measure.ranking import Task, ranked_lists
from linking.text import goal_text, step_text
from linking.train.recipe import Recipe, contrastive_loss

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
RARE = 1e-3
"""The a of the formula: words of this share count half."""
BATCH = 256


class Static:
    """Scores titles by the cosine of mean word vectors."""

    def __init__(self, words: StaticEmbedding, titles: Sequence[str]) -> None:
        self.model = SentenceTransformer(modules=[words], device="cpu")
        self.titles = self.encode([goal_text(title) for title in titles])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, [len(texts), dimension]."""
        return unit(np.asarray(self.model.encode(list(texts), show_progress_bar=False), np.float32))

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosine of each text with every title."""
        return np.round(self.encode(texts) @ self.titles.T, 6)


def word_vectors(pool: Sequence[str]) -> StaticEmbedding:
    """The packaged encoder's word vectors, rare words weighing more."""
    base = load_encoder(BASE_ENCODER).model
    weights = base[0].auto_model.embeddings.word_embeddings.weight.detach().clone()
    ids = [i for row in base.tokenizer(list(pool), add_special_tokens=False)["input_ids"] for i in row]
    share = torch.bincount(torch.tensor(ids), minlength=len(weights)) / len(ids)
    return StaticEmbedding(base.tokenizer, embedding_weights=weights * (RARE / (RARE + share))[:, None])


def train(words: StaticEmbedding, examples: Examples, epochs: int, rate: float) -> None:
    """In-batch negatives; a goal that gold gives to the step as well is none."""
    dice, scale = np.random.default_rng(0), Recipe().scale
    optimiser = torch.optim.Adam(words.parameters(), lr=rate)
    for _ in range(epochs):
        for rows in np.array_split(dice.permutation(len(examples.steps)), len(examples.steps) // BATCH):
            goals = [examples.goals[i] for i in rows]
            masked = torch.tensor([[goal in examples.also[i] for goal in goals] for i in rows])
            masked.fill_diagonal_(False)
            pairs = [[examples.steps[i] for i in rows], goals]
            vectors = [words(words.preprocess(texts))["sentence_embedding"] for texts in pairs]
            steps, titles = (torch.nn.functional.normalize(part, dim=1) for part in vectors)
            optimiser.zero_grad()
            contrastive_loss(steps, titles, masked, scale).backward()  # type: ignore[no-untyped-call]
            optimiser.step()


def report(name: str, words: StaticEmbedding, task: Task) -> None:
    """A line of the table."""
    scorer = Static(words, task.titles)
    texts = [step_text(step) for step in task.gold.steps]
    start = time.monotonic()
    scorer.encode(texts)
    speed = len(texts) / (time.monotonic() - start)
    found = recalls(ranked_lists(task, scorer, name).ranks, task.seen)
    cells = [f"{found[f'{part}recall@{cut}']:.1f}" for part in ("", "unseen_") for cut in (1, 10, 30)]
    print(f"| {name} | {' | '.join(cells)} | {speed:,.0f} |")


def main() -> None:
    """Measure untrained, train, measure again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.002)
    options = parser.parse_args()
    gold, pool = read_gold(DATA / "gold/step_goal_train.jsonl"), read_pool(DATA / "goals/titles.txt")
    task = Task.of(dev_part(gold), pool, gold)
    print("| encoder | R@1 | R@10 | R@30 | unseen R@1 | unseen R@10 | unseen R@30 | steps encoded a second |")
    print("| --- |" + " ---: |" * 7)
    words = word_vectors(pool)
    report("word vectors, untrained", words, task)
    start = time.monotonic()
    train(words, training_part(gold), options.epochs, options.rate)
    report(f"word vectors, trained {time.monotonic() - start:.0f} s", words, task)


if __name__ == "__main__":
    main()
