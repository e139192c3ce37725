"""Where the search says that nothing fits: the figures `nearest`, `length`, `more` and `bar` of kb/meaning/weigh.py.

A logistic regression tells questions with an answer from those without by the highest cosines, the length of the
question and the size of the knowledge base. Knowledge bases weigh the same, and within each so do both kinds of
questions. The bar is where `STAY` of those without an answer in the first knowledge base stay below, each scored by
regressions that did not see it (ten folds, five times over). Only questions of the half "tuning" are read.

    howtree build data/sample -o kb.duckdb
    python tests/benchmarks/search_bar.py kb.duckdb data/eval/questions.jsonl other.duckdb other.jsonl
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.meaning.goals import GoalVectors
from kb.meaning.measure import Question, read_questions
from kb.meaning.weigh import LONG, SHORT, weighed
from kb.search import _by_model, _main_words, _spelt, search_by_words
from kb.store import KnowledgeBase

STAY, FOLDS, TIMES, RIDGE, ROUNDS = 0.83, 10, 5, 0.5, 40
Numbers = NDArray[np.float64]


def main() -> None:
    """Print the figures by word vectors alone and with the encoder that made the links."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="KB QUESTIONS")
    signals, right, place = read(parser.parse_args().files)
    for name, columns in (("words", [0, 2, 3]), ("words and model", [0, 1, 2, 3])):
        some = signals[:, columns]
        weights, bias = fitted(some, right, place)
        scores, first = apart(some, right, place), place == 0
        bar = np.quantile(scores[first & (right == 0)], STAY)
        kept = float((scores[first & (right == 1)] > bar).mean())
        print(
            f"{name}: {np.round(weights, 2)}, bar {bar - bias:.2f}; {100 * kept:.1f}% of those with an answer pass"
        )


def read(files: list[Path]) -> tuple[Numbers, Numbers, Numbers]:
    """The signals of all questions, which have an answer, and of which knowledge base each is."""
    rows: list[tuple[float, ...]] = []
    for place, (path, queries) in enumerate(zip(files[::2], files[1::2], strict=True)):
        with KnowledgeBase(path) as kb:
            rows += [
                (*signals_of(kb, each), bool(each.goals), place)
                for each in read_questions(kb, queries, "tuning")
            ]
    table = np.array(rows, np.float64)
    return table[:, :-2], table[:, -2], table[:, -1]


def signals_of(kb: KnowledgeBase, question: Question) -> Iterator[float]:
    """The highest cosines by word vectors and by the encoder, the length, and tens of goals as powers, from 100 on."""
    hits = search_by_words(kb, question.text, 30)
    asked = _spelt(_main_words(kb, question.text), hits)
    goals = weighed(kb, asked, {hit.article_id: hit.score for hit in hits}, _by_model(kb, question.text))
    yield max(goal.likeness.meaning for goal in goals)
    yield max(goal.likeness.model or 0.0 for goal in goals)
    yield math.log(min(max(len(asked), SHORT), LONG))
    yield math.log10(max(len(GoalVectors.of(kb).ids), 100) / 100)


def fitted(signals: Numbers, right: Numbers, place: Numbers) -> tuple[Numbers, float]:
    """Weights and bias of a logistic regression with a ridge, by Newton's method."""
    mean, spread = signals.mean(axis=0), signals.std(axis=0) + 1e-9
    given = np.c_[(signals - mean) / spread, np.ones(len(signals))]
    kinds = 2 * place + right
    counts = sum((kinds == kind) / (kinds == kind).mean() for kind in np.unique(kinds)) / len(
        np.unique(kinds)
    )
    ridge = np.r_[np.full(signals.shape[1], RIDGE), 0]
    found = np.zeros(given.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-given @ found))
        slope = given.T @ (counts * (likely - right)) + ridge * found
        bend = (given * (counts * likely * (1 - likely))[:, None]).T @ given + np.diag(ridge)
        found -= np.linalg.solve(bend, slope)
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ mean)


def apart(signals: Numbers, right: Numbers, place: Numbers) -> Numbers:
    """The mean score of each question by regressions that did not see it."""
    scores = np.zeros(len(right))
    for seed in range(TIMES):
        fold = np.random.default_rng(seed).permutation(len(right)) % FOLDS
        for each in range(FOLDS):
            seen = fold != each
            weights, bias = fitted(signals[seen], right[seen], place[seen])
            scores[~seen] += signals[~seen] @ weights + bias
    return scores / TIMES


if __name__ == "__main__":
    main()
