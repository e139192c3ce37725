"""Reliability: how often a link of a given probability is right, before and after the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.extras import required
from howtree.files import written_aside
from linking.arrays import Flags, Floats
from linking.measure.figures import Bin, Reliability

BINS = 15


def reliability(
    probability: Floats, right: Flags, bins: int = BINS, weight: Floats | None = None
) -> list[Bin]:
    """Probabilities against the truth in bins of equal width; bins without a step are left out.

    A plot of the two is a reliability diagram (DeGroot and Fienberg, 1983, The Statistician 32).

    Args:
        probability: said of each step's first candidate, shape [n], in [0, 1].
        right: whether that candidate is the gold goal, shape [n].
        bins: their number.
        weight: how many steps each of them stands for, shape [n]; one each where it is None.

    Returns:
        the bins that hold a step, rising.
    """
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    return [
        Bin(
            float(b / bins),
            float((b + 1) / bins),
            int(own.sum()),
            float(np.average(probability[own], weights=None if weight is None else weight[own])),
            float(np.average(right[own], weights=None if weight is None else weight[own])),
            None if weight is None else float(weight[own].sum()),
        )
        for b in np.unique(bin_of)
        for own in (bin_of == b,)
    ]


def error_of(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean of |share right - mean probability| over the bins, weighted by what they hold.

    Source: Guo et al. (2017, arXiv 1706.04599).
    """
    return sum(each.holds * abs(each.right - each.probability) for each in bins) / sum(
        each.holds for each in bins
    )


def calibration_error(
    probability: Floats, right: Flags, bins: int = BINS, weight: Floats | None = None
) -> float:
    """Expected calibration error of probabilities [n], n > 0, of which `right` [n] says how they turned out.

    `weight` [n] says how much each counts; all count alike without it.
    """
    return error_of(reliability(probability, right, bins, weight))


def before_and_after(scores: NDArray[Any], probability: Floats, right: Flags) -> Reliability:
    """The bins of the first candidate's raw score, taken as a probability, and of its probability. All [n]."""
    raw = np.clip(scores.astype(np.float64), 0, 1)
    return Reliability(reliability(raw, right), reliability(probability, right))


def draw_reliability(models: Mapping[str, Reliability], path: Path) -> None:
    """Draw share right against mean probability, before and after the decision, and how many steps each bin has.

    One column a model: above the diagram, below the counts. `models` holds what `before_and_after` returned.
    """
    required("matplotlib", "eval", "a picture")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1 + 4.5 * len(models), 6), layout="constrained")
    axes = figure.subplots(2, len(models), squeeze=False, sharex=True, height_ratios=[3, 1])
    for (name, parts), (diagram, counts) in zip(models.items(), axes.T, strict=True):
        diagram.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="perfect")
        for said, bins in (("raw score", parts.before), ("decision", parts.after)):
            if not bins:
                continue
            label = f"{said}, ECE {error_of(bins):.3f}"
            line = diagram.plot(
                [b.probability for b in bins],
                [b.right for b in bins],
                marker="o",
                clip_on=False,
                label=label,
            )[0]
            counts.stairs(*_histogram(bins), color=line.get_color(), linewidth=1.5)
        diagram.set(title=name, ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        diagram.legend(loc="upper left")
        counts.set(xlabel="mean probability of the first candidate", ylabel="steps")
        diagram.grid(alpha=0.3)
        counts.grid(alpha=0.3)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=120)


def _histogram(bins: Sequence[Bin]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of all bins, the empty ones too, and their edges."""
    counts = np.zeros(BINS)
    for each in bins:
        counts[round(each.low * BINS)] = each.holds
    return counts, np.linspace(0, 1, BINS + 1)
