"""Fitting the search: which goal is asked for, and where nothing fits, from questions whose answers are known.

Which goal: a softmax over the goals of a question, fitted so that a right one is likely. Whether any: a logistic
regression on `signals`; each knowledge base weighs the same, and within it questions with an answer and those without.
The bar is where a wished share of those without an answer stay below, each scored by regressions that did not see it.
With several knowledge bases their bars lie on a line over the logarithm of the number of goals. Both have a ridge on
standardised numbers and are solved by Newton's method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from kb.meaning.fit import Fit, signals
from kb.meaning.goals import GoalVectors
from kb.meaning.measure import Question
from kb.meaning.weigh import Likeness, Weighed
from kb.search import MOST_GOALS, compared, main_words, search_by_words, spelt
from kb.store import KnowledgeBase

FOLDS, TIMES = 10, 3
ROUNDS, NEAR_ENOUGH = 40, 1e-6
"""Of Newton's method: at most so many, and none after steps so small."""
ORDER_RIDGE = 0.02
"""A question, of the weights that order goals."""
GATE_RIDGE = 1.0
NAMES = tuple(part.name for part in fields(Likeness))
AGAINST = {"missed", "untitled"}
"""What speaks against a goal; all else in its likeness speaks for it, and no weight may say otherwise."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A question with what the search compares."""

    goals: list[Weighed]
    right: NDArray[np.bool_]
    """Which of them answer it, [len(goals)]."""
    answered: bool
    """Whether any goal of the knowledge base does."""
    length: int
    """Content words of the question."""
    total: int
    """Goals of the knowledge base."""


def examples(kb: KnowledgeBase, questions: Sequence[Question], model: bool) -> list[Example]:
    """What the search compares for each question; those of which it compares nothing are left out."""
    group = dict(kb.query("SELECT article_id, group_id FROM alternatives").fetchall())
    total, found = len(GoalVectors.of(kb).ids), []
    for question in questions:
        by_words = search_by_words(kb, question.text, MOST_GOALS)
        asked = spelt(main_words(kb, question.text), by_words)
        goals = compared(kb, question.text, asked, by_words, model)
        if goals:
            right = [group.get(each.article_id, each.article_id) in question.goals for each in goals]
            found.append(Example(goals, np.array(right), bool(question.goals), len(asked), total))
    return found


def learn(places: Sequence[Sequence[Example]], stay: Sequence[float]) -> Fit:
    """Weights by the examples of some knowledge bases.

    Args:
        places: the examples of each.
        stay: for each the share of the questions without an answer that are to find nothing.
    """
    given = [each for place in places for each in place]
    first = order_weights([(_parts(each.goals, titled=False), each.right) for each in given])
    read = [_read(each) for each in given]
    titled = order_weights([(_parts(each.goals, titled=True), each.right) for each in read if each.goals])
    table = np.array([signals(each.goals, each.length, each.total) for each in given])
    right = np.array([each.answered for each in given], np.float64)
    place = np.repeat(np.arange(len(places)), [len(each) for each in places])
    gate, bar = gate_weights(table, right, place, stay)
    return Fit(tuple(first), tuple(titled), tuple(gate), bar)


def _read(example: Example) -> Example:
    """An example with those goals alone whose titles were read."""
    kept = [i for i, each in enumerate(example.goals) if each.likeness.title is not None]
    return replace(example, goals=[example.goals[i] for i in kept], right=example.right[kept])


def _parts(goals: Sequence[Weighed], titled: bool) -> Numbers:
    """The numbers of goals' likenesses, with or without that of the title, [len(goals), parts]."""
    likeness = [each.likeness if titled else replace(each.likeness, title=None) for each in goals]
    return np.array([[part for part in astuple(each) if part is not None] for each in likeness], np.float64)


def order_weights(lists: Sequence[tuple[Numbers, NDArray[np.bool_]]]) -> Numbers:
    """Weights [parts] by which right goals come first, of lists of numbers [n, parts] and which are right [n].

    A list without a right goal teaches nothing; where none has one the weights are none.
    """
    taught = [(parts, right) for parts, right in lists if right.any()]
    if not taught:
        return np.empty(0)
    _, spread = _standard(np.concatenate([parts for parts, _ in taught]))
    given = [(parts / spread, right) for parts, right in taught]

    def slopes(weights: Numbers) -> tuple[Numbers, Numbers]:
        slope, bend = np.zeros_like(weights), np.zeros((len(weights), len(weights)))
        for parts, right in given:
            likely = np.exp(parts @ weights - (parts @ weights).max())
            likely /= likely.sum()
            mean = likely @ parts
            slope += mean - parts[right].mean(axis=0)
            bend += (parts * likely[:, None]).T @ parts - np.outer(mean, mean)
        return slope, bend

    ridge = np.full(len(spread), ORDER_RIDGE * len(given))
    signs = np.array([-1 if name in AGAINST else 1 for name in NAMES[: len(spread)]])
    return np.round(newton(slopes, ridge, signs) / spread, 3)


def gate_weights(
    table: Numbers, right: Numbers, place: NDArray[np.int64], stay: Sequence[float]
) -> tuple[Numbers, float]:
    """Weights of signals [n, signals] and the bar, by which questions have an answer [n], of which place [n]."""
    weights, size = logistic(table, right, place), table[:, -1]
    weights[-1] = 0.0
    shown = apart(table, right, place)
    bars = [
        float(np.quantile(shown[(place == each) & (right == 0)], share)) for each, share in enumerate(stay)
    ]
    sizes = [float(size[place == each].mean()) for each in range(len(stay))]
    if np.ptp(sizes) > 0:  # what bars rise by from one size to another
        slope, bar = np.polyfit(sizes, bars, 1)
        weights[-1] = -slope
    else:
        bar = float(np.mean(bars))
    return np.round(weights, 3), round(float(bar), 3)


def apart(table: Numbers, right: Numbers, place: NDArray[np.int64]) -> Numbers:
    """The mean score of each question, but for its knowledge base's size, by regressions that did not see it, [n]."""
    scores = np.zeros(len(right))
    for seed in range(TIMES):
        fold = np.random.default_rng(seed).permutation(len(right)) % FOLDS
        for each in range(FOLDS):
            seen = fold != each
            weights = logistic(table[seen], right[seen], place[seen])
            scores[~seen] += table[~seen, :-1] @ weights[:-1] / TIMES
    return scores


def logistic(table: Numbers, right: Numbers, place: NDArray[np.int64]) -> Numbers:
    """Weights [signals] of a logistic regression in which all kinds of questions of all places weigh the same."""
    mean, spread = _standard(table)
    given = np.c_[(table - mean) / spread, np.ones(len(table))]
    kinds, number = np.unique(2 * place + right, return_inverse=True)
    counts = (len(table) / len(kinds) / np.bincount(number))[number]

    def slopes(weights: Numbers) -> tuple[Numbers, Numbers]:
        likely = 1 / (1 + np.exp(-given @ weights))
        return given.T @ (counts * (likely - right)), (
            given * (counts * likely * (1 - likely))[:, None]
        ).T @ given

    ridge = np.r_[np.full(table.shape[1], GATE_RIDGE), 1e-6]
    signs = np.r_[
        np.ones(table.shape[1] - 3), -1, 1, -1, 0
    ]  # as `signals` has them, and any sign for the bias
    return newton(slopes, ridge, signs)[:-1] / spread


def newton(
    slopes: Callable[[Numbers], tuple[Numbers, Numbers]], ridge: Numbers, signs: NDArray[np.float64]
) -> Numbers:
    """Where a convex loss with a ridge is least, by weights none of which has the opposite of its sign.

    Those that would have it are 0.

    Args:
        slopes: gives the first and second derivatives at some weights, without the ridge.
        ridge: of each weight.
        signs: of each weight, 1 or -1; 0 for either.
    """
    free = np.ones(len(ridge), bool)
    while True:
        found = np.zeros(len(ridge))
        for _ in range(ROUNDS):
            slope, bend = slopes(found)
            bend = bend[np.ix_(free, free)] + np.diag(ridge[free])
            step = np.linalg.solve(bend, (slope + ridge * found)[free])
            found[free] -= step / max(1.0, float(np.abs(step).max(initial=0)))
            if np.abs(step).max(initial=0) < NEAR_ENOUGH:
                break
        wrong = found * signs < 0
        if not wrong.any():
            return found
        free &= ~wrong


def _standard(table: Numbers) -> tuple[Numbers, Numbers]:
    """Mean and spread of each column; a column that is one number has a spread of 1."""
    spread = table.std(axis=0)
    return table.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)
