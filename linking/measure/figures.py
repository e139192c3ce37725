"""What an evaluation of the linker finds, as objects; `to_dict` gives what its JSON holds. Shares are in percent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

Share: TypeAlias = float | None
"""In percent; None where there is nothing to take a share of."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How well steps without their goal in the pool are told from the others."""

    precision: Share
    recall: Share
    f1: Share


@dataclass(frozen=True, slots=True)
class NoLink:
    """The decision at one threshold."""

    threshold: float
    precision: Share
    """How many of the links lead to the gold goal."""
    calibration_error_before: float
    """Of the cosine taken as a probability."""
    calibration_error: float
    goal_taken_out: Refusals
    """With the gold goals of half of the steps taken out of the pool."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model's figures: a row of the tables."""

    model: str
    recalls: dict[str, Share]
    """R@n by "recall@n", and where it is known which goals are seen by "seen_recall@n" and "unseen_recall@n"."""
    unlinkable_recall: Share
    steps_per_second: dict[str, float]
    """By stage."""
    weights_mb: float | None
    """In units of 10^6 bytes, as is the next."""
    peak_memory_mb: float
    no_link: NoLink | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            "model": self.model,
            **self.recalls,
            "unlinkable_recall": self.unlinkable_recall,
            "steps_per_second": self.steps_per_second,
            "weights_mb": self.weights_mb,
            "peak_memory_mb": self.peak_memory_mb,
            **(asdict(self.no_link) if self.no_link else {}),
        }


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The figures of "no link" at one threshold."""

    threshold: float
    first_right: Share
    """How many of all steps are linked to their gold goal: R@1."""
    unlinkable_recall: Share
    precision: Share

    def to_dict(self) -> dict[str, Share]:
        """What JSON holds."""
        return {
            "threshold": self.threshold,
            "recall@1": self.first_right,
            "unlinkable_recall": self.unlinkable_recall,
            "precision": self.precision,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """The steps whose first candidate has a probability between two bounds."""

    low: float
    high: float
    steps: int
    probability: float
    """Their mean."""
    right: float
    """The share of them whose first candidate is the gold goal, from 0 to 1."""
    weight: float | None = None
    """How many steps they stand for; None where each stands for itself."""

    @property
    def holds(self) -> float:
        """How many steps are in it, or what they stand for."""
        return self.steps if self.weight is None else self.weight

    def to_dict(self) -> dict[str, float]:
        """What JSON holds."""
        return {
            "from": self.low,
            "to": self.high,
            "steps": self.steps,
            "probability": self.probability,
            "right": self.right,
            **({} if self.weight is None else {"weight": self.weight}),
        }


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of the first candidate's raw score taken as a probability, and of its probability."""

    before: list[Bin]
    """Empty where no raw score is known."""
    after: list[Bin]

    def to_dict(self) -> dict[str, list[dict[str, float]]]:
        """What JSON holds."""
        return {
            "before": [each.to_dict() for each in self.before],
            "after": [each.to_dict() for each in self.after],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two models at one cut of their lists."""

    first: float
    second: float
    difference: float
    """In points."""
    only_first: int
    """Pairs that the first model alone finds."""
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same pairs."""

    models: tuple[str, str]
    pairs: int
    at: dict[int, Difference]
    """By cut."""
    part: str = ""
    """Of the goals: all, seen, unseen; empty where nothing is parted."""

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            **({"part": self.part} if self.part else {}),
            "models": list(self.models),
            "pairs": self.pairs,
            **{f"recall@{cut}": asdict(difference) for cut, difference in self.at.items()},
        }


@dataclass(frozen=True, slots=True)
class LinkingFigures:
    """All that an evaluation found."""

    rows: list[Row]
    significance: list[Comparison]
    curves: dict[str, list[CurvePoint]]
    """By model, as is the next."""
    reliability: dict[str, Reliability]
    tally: dict[str, int | None]
    """What was measured on, for people."""
    inputs: dict[str, str]
    """Digests of the files that were read, by what they are."""
    version: str

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            "rows": [row.to_dict() for row in self.rows],
            "significance": [pair.to_dict() for pair in self.significance],
            "curves": {name: [point.to_dict() for point in curve] for name, curve in self.curves.items()},
            "reliability": {name: bins.to_dict() for name, bins in self.reliability.items()},
            "tally": self.tally,
            "inputs": self.inputs,
            "version": self.version,
        }
