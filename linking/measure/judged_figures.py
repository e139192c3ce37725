"""What the evaluation on judged links finds, as objects; `to_dict` gives what its JSON holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from linking.measure.figures import Reliability


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval of 95%; all None where there is nothing to take it of."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """The links of some steps at one threshold. Shares are in percent, of the steps that these stand for."""

    name: str
    """"all", a stratum, or "selected" for the steps that stand for no others."""
    steps: int
    """Judged."""
    stands_for: float
    """How many steps they stand for."""
    threshold: float
    linked: Estimate
    """Share of the steps whose best-scored judged candidate reaches the threshold."""
    precision: Estimate
    """Share of these links that are right: exact or helpful."""
    exact: Estimate
    """Share of these links that are exact, and likewise the next."""
    helpful: Estimate
    findable: Estimate
    """Share of the steps for which a judged candidate is right."""
    found: Estimate
    """Share of the findable that are linked right."""
    f_half: Estimate
    """F0.5 of precision and found."""
    right_of_1000: Estimate
    """Right links of 1,000 steps."""
    not_judged: Estimate
    """Share of the steps that the linker links to a first candidate nobody has judged, among those that it links."""


@dataclass(frozen=True, slots=True)
class JudgedFigures:
    """All that the evaluation found."""

    parts: list[Part]
    """At the threshold in use: all, each stratum, selected."""
    levels: list[Part]
    """All steps, each at the threshold that gives a number of right links."""
    curve: list[Part]
    """All steps at evenly spaced thresholds."""
    calibration: dict[str, Estimate]
    """Expected calibration error: of all judged candidates, of those from 0.2 on, and of the links."""
    auc: dict[str, Estimate]
    """Of judged candidates, right against wrong: of all, and of those of the stratum "chosen"."""
    reliability: Reliability
    """Of the judged candidates, weighted."""
    tally: dict[str, int]
    inputs: dict[str, str]
    """Digests of the files that were read, by what they are."""
    version: str

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            "parts": [asdict(part) for part in self.parts],
            "levels": [asdict(part) for part in self.levels],
            "curve": [asdict(part) for part in self.curve],
            "calibration": {name: asdict(each) for name, each in self.calibration.items()},
            "auc": {name: asdict(each) for name, each in self.auc.items()},
            "reliability": self.reliability.to_dict(),
            "tally": self.tally,
            "inputs": self.inputs,
            "version": self.version,
        }
