"""Measuring a linker on judged links: of ordinary steps, how many links are right, and is the probability true?

A step counts by its best-scored judged candidate, and for as many steps as it stands for. Intervals are those of the
bootstrap over articles: all figures again with the articles drawn anew, 1,000 times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from howtree.errors import BadInput
from howtree.progress import progress, warn
from linking.arrays import Flags, Floats
from linking.gold.judged import CHOSEN, EXACT, HELPFUL, Judged, bare
from linking.measure.figures import Reliability
from linking.measure.judged import LEAST, SHARES
from linking.measure.judged_figures import Estimate, Part
from linking.measure.reliability import BINS, reliability
from linking.pair import Place

RESAMPLES = 1_000
SEED = 0
INTERVAL = (2.5, 97.5)
SELECTED = "selected"
"""What is written for the stratum of steps that were not drawn at random: they stand for no others."""
EVERY = "all"
"""The stratum of all steps where none was drawn at random."""
ORDER = {CHOSEN: 0, "near": 1, "low": 2, "none": 3}
"""The strata as they are shown; others follow."""
POINTS = 101


@dataclass(slots=True)
class JudgedStep:
    """A step with the candidates that were judged for it."""

    place: Place
    at: tuple[int | None, int | None]
    """Number of the method and of the step in the article."""
    stratum: str
    weight: float
    """How many steps it stands for."""
    grades: dict[str, int] = field(default_factory=dict)
    """By goal, in the file's order."""


def by_step(judged: Sequence[Judged]) -> list[JudgedStep]:
    """Judged links by their steps, in their order. Where none was drawn at random, each step counts once.

    Raises:
        BadInput: the lines of a step put it into two strata, or let it stand for two numbers of steps.
    """
    drawn = any(link.weight for link in judged)
    if not drawn:
        warn("No judged link is a random draw with a stratum and a weight, so every step counts once.")
    steps: dict[tuple[object, ...], JudgedStep] = {}
    for link in judged:
        stratum = (link.stratum or SELECTED) if drawn else EVERY
        new = JudgedStep(link.place, link.at, stratum, link.weight or 1.0)
        step = steps.setdefault((link.place, *link.at), new)
        if (step.stratum, step.weight) != (new.stratum, new.weight):
            raise BadInput(
                f"the judged step {link.place.step!r} of {link.place.article!r} is in {step.stratum} with weight "
                f"{step.weight:g} and in {new.stratum} with weight {new.weight:g}: a step "
                "stands for one number of steps"
            )
        step.grades[link.goal] = link.grade
    return list(steps.values())


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a linker says of a step."""

    probability: Mapping[str, float]
    """Of each judged goal that is among its candidates."""
    first: str | None
    """Its first candidate, judged or not."""
    first_probability: float
    raw: Mapping[str, float] = field(default_factory=dict)
    """The raw score of each judged goal among its candidates, where it is known."""
    missing: frozenset[str] = frozenset()
    """Judged goals that the linker cannot find, since they are not in its pool."""


class Outcomes:
    """Judged steps as arrays: n steps with m judged candidates."""

    def __init__(self, steps: Sequence[JudgedStep], said: Sequence[Candidates]) -> None:
        """`said[i]` is what the linker says of `steps[i]`."""
        articles: dict[str, int] = {}
        self.article = np.array(
            [articles.setdefault(bare(step.place.article), len(articles)) for step in steps], np.int64
        )
        self.strata = np.array([step.stratum for step in steps])
        self.weight = np.array([step.weight for step in steps])
        pairs = [
            (i, each.probability.get(goal, 0.0), each.raw.get(goal, 0.0), grade)
            for i, (step, each) in enumerate(zip(steps, said, strict=True))
            for goal, grade in step.grades.items()
            if goal not in each.missing
        ]
        columns = list(zip(*pairs, strict=True)) or [(), (), (), ()]
        self.pair_step = np.array(columns[0], np.int64)
        self.pair_probability, self.pair_raw = np.array(columns[1], float), np.array(columns[2], float)
        self.pair_grade = np.array(columns[3], np.int64)
        self.probability, self.grade = np.zeros(len(steps)), np.full(len(steps), -1)
        for i, probability, _, grade in pairs:
            if probability > self.probability[i]:
                self.probability[i], self.grade[i] = probability, grade
        self.findable = np.zeros(len(steps), bool)
        np.logical_or.at(self.findable, self.pair_step, self.pair_grade >= HELPFUL)
        self.first_probability = np.array([each.first_probability for each in said])
        self.first_judged = np.array(
            [each.first in step.grades for step, each in zip(steps, said, strict=True)], bool
        )

    @property
    def right(self) -> Flags:
        """Whether the best-scored judged candidate is right, [n]."""
        return np.asarray(self.grade >= HELPFUL)

    @cached_property
    def drawn(self) -> Flags:
        """Whether each step was drawn at random, [n]."""
        return np.asarray(self.strata != SELECTED)

    @property
    def pairs_drawn(self) -> Flags:
        """Whether each pair's step was drawn at random, [m]."""
        return self.drawn[self.pair_step]

    def weights(self) -> Floats:
        """The weight of each step as it is, then with the articles drawn anew, [1 + RESAMPLES, n]."""
        articles = int(self.article.max(initial=-1)) + 1
        dice = np.random.default_rng(SEED)
        counts = np.ones((1 + RESAMPLES, articles), np.float32)
        for row in progress(range(RESAMPLES), "Drawing articles anew", RESAMPLES, "times"):
            counts[1 + row] = np.bincount(dice.integers(0, articles, articles), minlength=articles)
        return np.asarray(counts[:, self.article] * self.weight, np.float64)


def part_at(name: str, outcomes: Outcomes, weights: Floats, of: Flags, threshold: float) -> Part:
    """The figures of the steps `of` [n] at a threshold. `weights` has shape [r, n]; its first row is the figure."""
    own = weights[:, of]
    linked = (outcomes.probability >= threshold)[of]
    right, grade, findable = outcomes.right[of], outcomes.grade[of], outcomes.findable[of]
    total, links, good = own.sum(axis=1), own @ linked, own @ (linked & right)
    can = own @ findable
    precision, found = ratio(good, links), ratio(good, can)
    by_first = (outcomes.first_probability >= threshold)[of]
    return Part(
        name,
        int(of.sum()),
        round(float(total[0]), 1),
        round(threshold, 6),
        linked=estimate(100 * ratio(links, total)),
        precision=estimate(100 * precision),
        exact=estimate(100 * ratio(own @ (linked & (grade == EXACT)), links)),
        helpful=estimate(100 * ratio(own @ (linked & (grade == HELPFUL)), links)),
        findable=estimate(100 * ratio(can, total)),
        found=estimate(100 * found),
        f_half=estimate(100 * ratio(1.25 * precision * found, 0.25 * precision + found)),
        right_of_1000=estimate(1000 * ratio(good, total)),
        not_judged=estimate(100 * ratio(own @ (by_first & ~outcomes.first_judged[of]), own @ by_first)),
    )


def parts_of(outcomes: Outcomes, weights: Floats, threshold: float) -> list[Part]:
    """All steps that were drawn at random, each stratum, and the selected ones."""
    strata = sorted(
        set(outcomes.strata[outcomes.drawn].tolist()), key=lambda name: (ORDER.get(name, 9), name)
    )
    chosen = {"all": outcomes.drawn} | {name: outcomes.strata == name for name in strata if len(strata) > 1}
    if not outcomes.drawn.all():
        chosen[SELECTED] = ~outcomes.drawn
    return [part_at(name, outcomes, weights, of, threshold) for name, of in chosen.items() if of.any()]


def levels_of(outcomes: Outcomes, weights: Floats, levels: Sequence[float] = SHARES) -> list[Part]:
    """All steps at the highest threshold that gives each number of right links of 1,000; none where no one does."""
    drawn = outcomes.drawn
    score, weight = outcomes.probability[drawn], outcomes.weight[drawn]
    order = np.argsort(-score, kind="stable")
    good = np.cumsum((weight * outcomes.right[drawn])[order]) / weight.sum() * 1000
    parts = []
    for level in levels:
        place = int(np.searchsorted(good, level - 1e-9))
        if place < len(order) and score[order[place]] > 0:
            parts.append(
                part_at(f"{level:g} right of 1,000", outcomes, weights, drawn, float(score[order[place]]))
            )
    return parts


def curve_of(outcomes: Outcomes, weights: Floats) -> list[Part]:
    """All steps at evenly spaced thresholds above 0."""
    return [
        part_at("all", outcomes, weights, outcomes.drawn, float(threshold))
        for threshold in progress(np.linspace(0, 1, POINTS)[1:], "Curve", POINTS - 1, "thresholds")
    ]


def calibration_of(outcomes: Outcomes, weights: Floats, threshold: float) -> dict[str, Estimate]:
    """Expected calibration error of the judged candidates, of those from `LEAST` on, and of the links."""
    pairs = outcomes.pairs_drawn
    probability, right = outcomes.pair_probability[pairs], outcomes.pair_grade[pairs] >= HELPFUL
    of_pairs = weights[:, outcomes.pair_step[pairs]]
    bar = probability >= LEAST
    linked = outcomes.drawn & (outcomes.probability >= threshold)
    return {
        "candidates": calibration_error(of_pairs, probability, right),
        f"candidates from {LEAST:g} on": calibration_error(of_pairs[:, bar], probability[bar], right[bar]),
        "links": calibration_error(weights[:, linked], outcomes.probability[linked], outcomes.right[linked]),
    }


def calibration_error(weights: Floats, probability: Floats, right: Flags) -> Estimate:
    """Expected calibration error (`linking.measure.reliability.error_of`) of n candidates with weights [r, n]."""
    bin_of = np.minimum((probability * BINS).astype(int), BINS - 1)
    gap = np.zeros(len(weights))
    for each in np.unique(bin_of):
        own = bin_of == each
        gap += np.abs(weights[:, own] @ right[own].astype(float) - weights[:, own] @ probability[own])
    return estimate(ratio(gap, weights.sum(axis=1)))


def auc_of(outcomes: Outcomes, weights: Floats) -> dict[str, Estimate]:
    """How well the probability tells right candidates from wrong ones: of all drawn, and of the stratum "chosen"."""
    pairs = outcomes.pairs_drawn
    counts = weights / outcomes.weight  # a pair counts once, whatever its step stands for
    found = {}
    for name, of in (
        ("candidates", pairs),
        ("candidates of chosen", pairs & (outcomes.strata == CHOSEN)[outcomes.pair_step]),
    ):
        own = counts[:, outcomes.pair_step[of]]
        found[name] = estimate(area(own, outcomes.pair_probability[of], outcomes.pair_grade[of] >= HELPFUL))
    return found


def area(weights: Floats, score: Floats, right: Flags) -> Floats:
    """Area under the curve of true against false positives for weights [r, n], [r]; ties count half."""
    if not len(score):
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    good, bad = (weights * flags for flags in (right, ~right))
    good, bad = (np.add.reduceat(each[:, order], starts, axis=1) for each in (good, bad))
    below = np.cumsum(bad, axis=1) - bad / 2
    return ratio((good * below).sum(axis=1), good.sum(axis=1) * bad.sum(axis=1))


def reliability_of(outcomes: Outcomes) -> Reliability:
    """The judged candidates of the random draws in bins, weighted; of raw scores too where they are known."""
    pairs = outcomes.pairs_drawn
    right, weight = outcomes.pair_grade[pairs] >= HELPFUL, outcomes.weight[outcomes.pair_step[pairs]]
    raw = outcomes.pair_raw[pairs]
    before = reliability(np.clip(raw, 0, 1), right, weight=weight) if raw.any() else []
    return Reliability(before, reliability(outcomes.pair_probability[pairs], right, weight=weight))


def ratio(part: Floats, whole: Floats) -> Floats:
    """One over the other, NaN where there is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def estimate(values: Floats) -> Estimate:
    """The first of some values [r], and the interval that the others give."""
    if np.isnan(values[0]):
        return Estimate(None, None, None)
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = np.percentile(drawn, INTERVAL) if len(drawn) else (values[0], values[0])
    return Estimate(*(round(float(value), 4) for value in (values[0], low, high)))
