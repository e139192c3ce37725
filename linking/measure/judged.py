"""What is right among the links that would be chosen, by judged links, each weighted by the steps that it represents.

Only random draws are measured; of each step the judged candidate with the best score. A candidate is right from grade
2, helpful, on. Candidates that nobody has judged are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from howtree.extras import required
from linking.arrays import Flags, Floats, Positions
from linking.gold.judged import CHOSEN, EXACT, HELPFUL, Judged, bare, grades_of
from linking.measure.reliability import calibration_error

SHARES = (8.0, 13.2, 18.0, 27.0)
"""Right links per 1,000 steps at which precision is read."""
LEAST = 0.2
"""Calibration is measured among candidates from this probability on, and among those that are chosen."""
DRAWS = 200
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Random draws as arrays [n]; `step` and `article` number the steps and the articles."""

    grade: Positions
    weight: Floats
    step: Positions
    article: Positions
    chosen: Flags
    """Whether the build that it was drawn from had linked the step to it."""

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Sample:
        """The arrays of links that are all random draws."""
        return cls(
            grades_of(judged),
            np.array([link.weight for link in judged]),
            numbered([repr(link.step) for link in judged]),
            numbered([bare(link.place.article) for link in judged]),
            np.array([link.stratum == CHOSEN and link.rank == 1 for link in judged], bool),
        )

    @property
    def right(self) -> Flags:
        """Whether each is exact or helpful, [n]."""
        return self.grade >= HELPFUL

    def best(self, score: Floats) -> Positions:
        """The pair of each step with the best score [n], by falling score."""
        order = np.lexsort((-score, self.step))
        first = order[np.diff(self.step[order], prepend=-1) > 0]
        return np.asarray(first[np.argsort(-score[first], kind="stable")])

    def part(self, rows: Positions, copy: Positions) -> Sample:
        """Some pairs; `copy` [n] says which draw of its article each belongs to, for an article may be drawn twice."""
        step = self.step[rows] * (copy.max(initial=0) + 1) + copy
        step = np.unique(step, return_inverse=True)[1]
        return Sample(self.grade[rows], self.weight[rows], step, copy, self.chosen[rows])


def numbered(names: Sequence[str]) -> Positions:
    """A number for each name, the same for equal ones."""
    return np.unique(np.array(names, str), return_inverse=True)[1].astype(np.int64)


def ordering(sample: Sample, score: Floats) -> dict[str, float]:
    """How well scores [n] order the pairs: precision at `SHARES`, and the area under the ROC curve.

    "AUC chosen" is that among the links of the build that the pairs were drawn from. nan where it is not defined.
    """
    found = {f"P@{share:g}": precision_at(sample, score, share) for share in SHARES}
    found["AUC"] = area_under_roc(sample.right, score)
    found["AUC chosen"] = area_under_roc(sample.right[sample.chosen], score[sample.chosen])
    return found


def precision_at(sample: Sample, score: Floats, share: float) -> float:
    """Precision where the right links reach `share` of 1,000 steps; nan where they never do."""
    best = sample.best(score)
    hits, links = np.cumsum(sample.weight[best] * sample.right[best]), np.cumsum(sample.weight[best])
    reached = np.flatnonzero(hits >= share / 1_000 * links[-1])
    return float(hits[reached[0]] / links[reached[0]]) if len(reached) else float("nan")


def area_under_roc(right: Flags, score: Floats) -> float:
    """The share of pairs of a right and a wrong one that the scores [n] put in order, ties half; nan without such."""
    rankdata = required("scipy.stats", "eval", "measuring judged links").rankdata

    yes, no = int(right.sum()), int((~right).sum())
    if not yes or not no:
        return float("nan")
    return float((rankdata(score)[right].sum() - yes * (yes + 1) / 2) / (yes * no))


def at_threshold(sample: Sample, probability: Floats, threshold: float) -> dict[str, float]:
    """What links of at least `threshold` are, by the probability [n] of the pairs.

    links and right: per 1,000 steps; precision; exact: share of exact links; recall: share of the steps with a right
    judged candidate that get a right link; ECE: calibration error of what is chosen, and from `LEAST` on.
    """
    best, right, some = sample.best(probability), sample.right, probability >= LEAST
    steps = sample.weight[best].sum()
    taken = best[probability[best] >= threshold]
    weight = sample.weight[taken]
    links, hits = weight.sum(), (weight * right[taken]).sum()
    findable = np.isin(sample.step[best], sample.step[right])
    return {
        "threshold": threshold,
        "links": float(1_000 * links / steps),
        "right": float(1_000 * hits / steps),
        "precision": ratio(hits, links),
        "exact": ratio((weight * (sample.grade[taken] >= EXACT)).sum(), links),
        "recall": ratio(hits, sample.weight[best][findable].sum()),
        "mean probability": ratio((weight * probability[taken]).sum(), links),
        "ECE chosen": calibration_error(probability[taken], right[taken], weight=weight)
        if len(taken)
        else float("nan"),
        "ECE from 0.2": calibration_error(probability[some], right[some], weight=sample.weight[some])
        if some.any()
        else float("nan"),
    }


def ratio(part: float, whole: float) -> float:
    """A share; nan of nothing."""
    return float(part / whole) if whole else float("nan")


def intervals(
    sample: Sample, score: Floats, probability: Floats, threshold: float, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The 2.5 and 97.5 percentiles of all figures over draws of articles with replacement (Efron 1979)."""
    dice = np.random.default_rng(seed)
    order = np.argsort(sample.article, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(sample.article[order])) + 1)
    found: dict[str, list[float]] = {}
    for _ in range(DRAWS):
        picked = dice.integers(0, len(groups), len(groups)).tolist()
        rows = np.concatenate([groups[i] for i in picked])
        copy = np.repeat(np.arange(len(picked)), [len(groups[i]) for i in picked])
        part = sample.part(rows, copy)
        figures = ordering(part, score[rows]) | at_threshold(part, probability[rows], threshold)
        for name, value in figures.items():
            found.setdefault(name, []).append(value)
    return {name: middle(np.array(values)) for name, values in found.items()}


def middle(values: Floats) -> tuple[float, float]:
    """The 2.5 and 97.5 percentiles of those values that are defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5]).tolist()
    return float(low), float(high)
