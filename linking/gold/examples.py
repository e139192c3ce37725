"""Training pairs out of gold links, and how often editors linked to each goal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput
from linking.arrays import Counts
from linking.gold.links import Gold, split_of
from linking.text import goal_text, step_text


@dataclass(frozen=True, slots=True)
class Examples:
    """Training pairs: `steps[i]` belongs to `goals[i]`; `also[i]` are further goals that are right for it."""

    steps: list[str]
    goals: list[str]
    also: list[frozenset[str]]
    unlinked: list[str] = field(default_factory=list)
    """Steps that have no goal."""
    rejected: dict[str, frozenset[str]] = field(default_factory=dict)
    """By step, the goals that people rejected for it."""

    @property
    def texts(self) -> list[str]:
        """The steps of the pairs, then those without a goal."""
        return [*self.steps, *self.unlinked]

    def right(self, i: int) -> frozenset[str]:
        """All goals that are right for text i."""
        return self.also[i] if i < len(self.steps) else frozenset()

    def wrong(self, i: int) -> frozenset[str]:
        """The goals that people rejected for text i."""
        return self.rejected.get(self.text(i), frozenset())

    def text(self, i: int) -> str:
        """Text i."""
        return self.steps[i] if i < len(self.steps) else self.unlinked[i - len(self.steps)]

    def links(self) -> dict[str, int]:
        """How many steps link to each goal."""
        counts: dict[str, int] = {}
        for goal in self.goals:
            counts[goal] = counts.get(goal, 0) + 1
        return counts


def training_part(gold: Gold) -> Examples:
    """The pairs that may be trained on and the steps without a goal, each once.

    Raises:
        BadInput: fewer than two are left.
    """
    train = np.flatnonzero(split_of(gold.steps) == "train").tolist()
    examples = examples_of(gold, train)
    if len(examples.steps) < 2:
        raise BadInput(
            f"{len(examples.steps)} of {len(gold.steps)} gold pairs may be trained on (the others are held out by "
            "a hash of the step): at least two are needed, thousands make sense"
        )
    return examples


def examples_of(gold: Gold, lines: Iterable[int]) -> Examples:
    """Some lines of the gold, each pair once; what is right for a step is asked of all lines."""
    also: dict[str, set[str]] = {}
    for step, goal in zip(gold.steps, gold.goals, strict=True):
        also.setdefault(step_text(step), set()).add(goal_text(goal))
    said = dict.fromkeys((step_text(gold.steps[i]), goal_text(gold.goals[i])) for i in lines)
    pairs = [(step, goal) for step, goal in said if goal]
    steps, goals = [step for step, _ in pairs], [goal for _, goal in pairs]
    unlinked = [step for step, goal in said if not goal]
    return Examples(steps, goals, [frozenset(also[step]) for step in steps], unlinked, gold.rejected)


def log_links(counts: Counts) -> NDArray[np.float32]:
    """log(1 + links), shape of `counts`."""
    return np.log1p(counts.astype(np.float32))
