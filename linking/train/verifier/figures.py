"""What a verifier is worth on judged links that it has not seen, and the threshold that is best there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from linking.arrays import Flags, Floats, Positions
from linking.gold.judged import Judged
from linking.measure.judged import Sample, at_threshold, intervals, ordering
from linking.rerank.decide import BETAS, best_threshold
from linking.train.verifier.seen import Seen
from linking.verify.judgement import Reads
from linking.verify.never import never
from linking.verify.verifying import cut

BETA = 0.25
"""The default threshold is the best by this F-beta: a wrong link misleads more than a missing one."""
FEW = 20
"""Links on which a precision can be measured at all."""
AS_BUILT = "as a build reads"
"""The row of what a build does."""


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of some judged links."""

    links: int
    """That were drawn at random."""
    chosen: int
    """Links among them of the build that they were drawn from."""
    ordering: dict[str, dict[str, float]]
    """By what orders the candidates: precision at right links per 1,000 steps, and areas under the ROC curve."""
    at: dict[str, dict[str, float]]
    """What is chosen: by the decision at its threshold, and by the verifier at its own and at 0.5."""
    intervals: dict[str, tuple[float, float]]
    """95% intervals of the verifier's at its threshold, by bootstrap over articles."""


@dataclass(frozen=True, slots=True)
class VerifierFigures:
    """What was measured of a verifier."""

    pairs: int
    listed: int
    """Pairs whose goal is among its step's candidates."""
    threshold: float
    thresholds: dict[str, float]
    out_of_fold: Part
    final_fifth: Part | None
    """Of the articles that were kept apart; None where nobody asked for it."""

    def to_dict(self) -> dict[str, Any]:
        """All of it for JSON, what is not defined as null."""
        found: dict[str, Any] = without_nan(asdict(self))
        return found


def without_nan(value: Any) -> Any:
    """The same with None for numbers that are not defined."""
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_built(seen: Seen, reads: Reads, unread: Floats, read: Floats) -> Floats:
    """The probabilities [n] as a build gives them: what it reads by the judgement, the rest with less care.

    Args:
        seen: the links.
        reads: which candidates are read.
        unread: their probability by v alone, [n].
        read: that of the judgement, [n].
    """
    weighed = seen.listed & (seen.rank < reads.first) & (seen.probability >= reads.least)
    taken = weighed & (unread >= reads.worth)
    found = np.where(taken, read, np.where(weighed, unread, seen.probability))
    gone = np.array([never(pair) for pair in seen.pairs], bool)
    closeness: Positions = np.where(gone, 0, weighed.astype(np.int64) + taken)
    found = cut(seen.step, closeness, found)
    found[gone | ~seen.listed] = 0
    return found


def thresholds_of(sample: Sample, probability: Floats) -> dict[str, float]:
    """By beta, as text, the threshold that is best by F-beta on the steps of a sample."""
    best = sample.best(probability)
    findable = np.isin(sample.step[best], sample.step[sample.right])
    linkable, weight = float(sample.weight[best][findable].sum()), sample.weight[best]
    return {
        f"{beta:g}": round(best_threshold(probability[best], sample.right[best], linkable, beta, weight), 3)
        for beta in sorted({*BETAS, BETA})
    }


def threshold_at(sample: Sample, probability: Floats, precision: float) -> float | None:
    """The lowest threshold at which so many of the links of a sample are right, weighted; None where none gets there.

    The first `FEW` links do not count: so few are right or wrong by chance.
    """
    best = sample.best(probability)
    weight, right = sample.weight[best], sample.right[best]
    share = np.cumsum(weight * right) / np.cumsum(weight)
    reached = np.flatnonzero((share >= precision) & (np.arange(len(best)) + 1 >= FEW))
    return None if not len(reached) else math.floor(1000 * probability[best[reached[-1]]]) / 1000


def part_of(
    judged: Sequence[Judged],
    rows: Flags,
    scores: Mapping[str, Floats],
    probability: Floats,
    before: tuple[Floats, float],
    threshold: float,
) -> Part:
    """The figures of those links of `rows` that were drawn at random.

    `scores` are orders of all links [n] by name, `probability` [n] is the verifier's, `before` the decision's with its
    threshold.
    """
    drawn = rows & np.array([link.weight > 0 for link in judged], bool)
    sample = Sample.of([judged[i] for i in np.flatnonzero(drawn).tolist()])
    chosen = {
        "decision": at_threshold(sample, before[0][drawn], before[1]),
        "verifier": at_threshold(sample, probability[drawn], threshold),
        "verifier at 0.5": at_threshold(sample, probability[drawn], 0.5),
    }
    spans = intervals(sample, probability[drawn], probability[drawn], threshold)
    del spans["threshold"]
    return Part(
        int(drawn.sum()),
        int(sample.chosen.sum()),
        {name: ordering(sample, score[drawn]) for name, score in scores.items()},
        chosen,
        spans,
    )


def lines_of(figures: VerifierFigures) -> list[str]:
    """The figures as tables in Markdown, for a terminal and a model card."""
    lines = [f"{figures.pairs:,} judged pairs, {figures.listed:,} of them among their steps' candidates."]
    lines += ["", "Out of fold, on the articles that are not kept apart:", "", *tables(figures.out_of_fold)]
    if figures.final_fifth is not None:
        lines += ["", "On the fifth that was kept apart:", "", *tables(figures.final_fifth)]
    return lines


def tables(part: Part) -> list[str]:
    """The tables of some links."""
    names = list(next(iter(part.ordering.values())))
    rows = {name: list(values.values()) for name, values in part.ordering.items()}
    columns = list(next(iter(part.at.values())))
    chosen = {name: list(values.values()) for name, values in part.at.items()}
    known = {name: span for name, span in part.intervals.items() if not math.isnan(span[0])}
    spans = "; ".join(f"{name} {low:.3g} to {high:.3g}" for name, (low, high) in known.items())
    return [
        f"{part.links:,} random draws, {part.chosen:,} of them chosen by the build that they are from.",
        "",
        *table("order", names, rows),
        "",
        *table("chosen by", columns, chosen),
        "",
        f"95% intervals of the verifier: {spans}.",
    ]


def table(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> list[str]:
    """A table in Markdown."""
    head = f"| {corner} | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"
    return [*head, *(f"| {name} | {' | '.join(map(shown, row))} |" for name, row in rows.items())]


def shown(value: float) -> str:
    """A figure as people read it."""
    return "" if math.isnan(value) else f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"
