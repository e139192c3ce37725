"""Precedents: steps that editors linked to a goal, kept as vectors without their text.

Where a step is nearer to a goal's precedent than to its title, that speaks for the goal; and precedents lead to goals
whose titles are not among the nearest. Goals without precedents lose nothing but the company.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from howtree.files import digest_of, written_aside
from linking.arrays import Counts, Hashes, Rows, Vectors
from linking.encode.encoder import unit
from linking.retrieve.lists import GoalLists, positions_in

NEAREST = 30
"""How many of the nearest precedents of a step are looked at."""
SCALE = 400
"""A component of 0.317 becomes 127, the largest; components of a unit vector are rarely larger, and then cut."""


class Precedents:
    """The precedents of a training set. `goals` are hashes of the goals' texts, ascending; `numbers` vectors."""

    def __init__(self, goals: Hashes, numbers: NDArray[np.int8]) -> None:
        """`goals` has shape [n]; `numbers` [n, dimension], unit vectors times `SCALE`."""
        self.goals, self.numbers = goals, numbers

    @classmethod
    def of(cls, goals: Hashes, vectors: Vectors) -> Self:
        """The precedents with these goals [n] and unit vectors [n, dimension]."""
        numbers = np.clip(np.round(vectors * SCALE), -127, 127).astype(np.int8)
        order = np.lexsort((*numbers.T[::-1], goals))
        return cls(goals[order], numbers[order])

    def __len__(self) -> int:
        return len(self.goals)

    def __reduce__(self) -> tuple[Any, ...]:
        return Precedents, (self.goals, self.numbers)

    @cached_property
    def hashes(self) -> Hashes:
        """What names each precedent among these, [n]: its row, for other precedents are kept in another folder."""
        return np.arange(len(self), dtype=np.uint64)

    @cached_property
    def _units(self) -> Vectors:
        return unit(self.numbers.astype(np.float32))

    def vectors(self, rows: Rows) -> Vectors:
        """The unit vectors of some precedents, [len(rows), dimension]."""
        return self._units[rows]

    def of_goals(self, hashes: Hashes) -> Rows:
        """The precedents of the goals with these hashes, ascending."""
        return np.flatnonzero(np.isin(self.goals, hashes))

    def counts(self, hashes: Hashes) -> Counts:
        """How many precedents the goals with these hashes have, of any shape."""
        first, behind = (np.searchsorted(self.goals, hashes, side=side) for side in ("left", "right"))
        return np.asarray(behind - first)

    @cached_property
    def digest(self) -> str:
        """Changes with any of them."""
        return digest_of(self.goals.tobytes(), self.numbers.tobytes())

    def save(self, path: Path) -> None:
        """Write them as one file."""
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez(file, goals=self.goals, numbers=self.numbers)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError, KeyError, ValueError: it is no such file.
        """
        with np.load(path) as file:
            return cls(file["goals"], file["numbers"])


def joined(lists: GoalLists, near: GoalLists) -> tuple[Rows, Vectors]:
    """The goals of some lists, behind them those that only precedents lead to, and how near each one's precedent is.

    Args:
        lists: n lists with k goals each.
        near: the goals of the nearest precedents of the same steps, best first, with the precedents' cosines, [n, j].

    Returns:
        Goals, [n, k + j], padded with -1; and the cosine of the nearest precedent of each, 0 where none is near.
    """
    line = np.arange(len(near.goals))
    positions = positions_in(near.goals, lists.goals)
    first = (near.goals[:, :, None] == near.goals[:, None, :]).argmax(axis=2) == np.arange(
        near.goals.shape[1]
    )
    new = first & (positions < 0) & (near.goals >= 0)
    similar = np.zeros(lists.goals.shape, np.float32)
    for j in np.flatnonzero((positions >= 0).any(axis=0))[::-1]:  # so that the nearest has the last word
        there = positions[:, j] >= 0
        similar[line[there], positions[there, j]] = near.scores[there, j]
    return (
        np.concatenate([lists.goals, np.where(new, near.goals, -1)], axis=1),
        np.concatenate([similar, np.where(new, near.scores, 0)], axis=1, dtype=np.float32),
    )
