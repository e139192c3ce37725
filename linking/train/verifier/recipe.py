"""The recipe of a verifier: both courses, and what may be left out to see what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from linking.train.verifier.course import Course
from linking.verify.reader import GOAL_SIDE, LONGEST, STEP_SIDE

LEFT_OUT = {
    "both": (),
    "step": GOAL_SIDE,
    "candidate": STEP_SIDE,
    "none": (*STEP_SIDE, *GOAL_SIDE),
}
"""By whose context is read, the parts that are not."""


@dataclass(frozen=True, slots=True)
class VerifierRecipe:
    """How to train a verifier."""

    first: Course = field(default_factory=lambda: Course(epochs=2, rate=8e-5))
    """On gold lists and pairs by rule."""
    second: Course = field(default_factory=lambda: Course(words=False))
    """On judged links, for each fold anew; words that they hold too rarely are left as they are."""
    lists: int = 12_000
    """Gold lists in the first course, at most."""
    rules: int = 20_000
    """Wrong pairs made by rule in the first course, at most."""
    context: str = "both"
    """Whose context is read: both, step, candidate or none."""
    graded: bool = True
    """Whether grades are learnt, or only what is right."""
    precision: float | None = None
    """The share of its links that are to be right, which sets the threshold; None for the best F-beta."""
    folds: int = 4
    """Parts of the articles that are not kept apart, for logits out of fold."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a pair that are read."""
        return tuple(part for part in LONGEST if part not in LEFT_OUT[self.context])
