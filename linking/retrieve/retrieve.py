"""Retrieval: the best goals of each step text, kept beside the vectors and brought up to date exactly.

Lists are made for texts, not for steps: equal steps share one. `depth` goals are kept, a few more than asked
for later, so that a step's own article can be left out and ties at the end do not matter. When goals come or
go, only the new goals that may enter a list are looked at, unless it named a goal that went: then it is
searched again.
Scores are recomputed pair by pair in one fixed order of additions, so a list does not depend on how the
search was cut into blocks, and an updated list equals a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from howtree.files import digest_of
from howtree.progress import counted
from howtree.seals import SUFFIX, seal_as_they_are, sealed
from linking.arrays import Hashes, Rows, Vectors
from linking.retrieve.index import GoalIndex
from linking.retrieve.lists import GoalLists, ListFiles
from linking.retrieve.vectors import VectorStore
from linking.run.executors import Executor

BLOCK = 1_024
SCORE_DECIMALS = 6
"""Scores are rounded here: two goals whose score differs by less are a tie, ordered by their text's hash."""
FEW = 1_024
"""Up to this many new goals are compared with every text; among more, the best for each text are searched first."""
SLACK = 1e-5
"""More than a matrix product in float32 and the rounding together can differ from the exact score."""


class Vectored(Protocol):
    """Things to find, by rows: goals, or what leads to them."""

    @property
    def hashes(self) -> Hashes:
        """What names each of them; of equal scores the smaller comes first."""

    def vectors(self, rows: Rows) -> Vectors:
        """Their unit vectors, [len(rows), dimension]."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """How the goals and the texts of a part were laid out when lists were made: goals are only ever added."""

    goals: Vectored
    steps: VectorStore

    def of(self, part: int) -> str:
        """The number of goals, and a digest of them and of the part's texts, each in its place."""
        return self._among(len(self.goals.hashes), part)

    def still(self, part: int, line: str) -> bool:
        """Whether these goals and texts still have the same places."""
        count = line.partition(" ")[0]
        return (
            count.isdecimal()
            and int(count) <= len(self.goals.hashes)
            and self._among(int(count), part) == line
        )

    def _among(self, goals: int, part: int) -> str:
        texts = self.steps.hashes_of(part)
        return f"{goals} {digest_of(self.goals.hashes[:goals].tobytes(), texts.tobytes())[:32]}"


class Retriever:
    """Keeps the goal lists of every text in `steps`, one file a part of the store, in `folder`."""

    def __init__(
        self, folder: Path, goals: Vectored, steps: VectorStore, goal_rows: Rows, depth: int
    ) -> None:
        self.folder, self.files = folder, ListFiles(folder, LaidOut(goals, steps))
        self.goals, self.steps, self.depth = goals, steps, depth
        self.goal_rows = np.unique(goal_rows)
        self.fingerprint = self._fingerprint(self.goal_rows)
        self._indexes: dict[str, GoalIndex] = {}
        self._adopt_sets()
        path = self._set_path(self.fingerprint)
        if not _seal_of(path).exists():
            with sealed(_seal_of(path)) as write, write(path) as aside, aside.open("wb") as file:
                np.save(file, self.goal_rows)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its arguments: the process that unpickles it opens the files and makes the index itself."""
        return Retriever, (self.folder.absolute(), self.goals, self.steps, self.goal_rows, self.depth)

    def update(self, bar: Any = None, executor: Executor | None = None) -> int:
        """Bring every part up to date; returns how many texts were searched against all goals."""
        parts = self.steps.parts()
        self.files.adopt(parts, len(self.goals.hashes))
        searched = self.files.update(parts, self.fingerprint, self.update_part, bar, executor)
        self._indexes.clear()
        for old in self.folder.glob("goals-*.npy"):
            if old != self._set_path(self.fingerprint):
                _seal_of(old).unlink(missing_ok=True)
                old.unlink()
        return searched

    def lists(self, rows: Rows) -> GoalLists:
        """The lists of step texts, by their rows. Call `update` first."""
        goals, scores = self.files.gather(self.steps.parts(), rows, ("goals", "scores"))
        return GoalLists(goals.astype(np.int64), scores)

    def update_part(self, number: int) -> int:
        """Bring one part up to date; returns how many of its texts were searched against all goals."""
        rows = self.steps.parts()[number]
        stored, vectors = self.files.load(number), self.steps.vectors(rows)
        before = self._goal_set(self.files.made_from(number))
        if stored is None or before is None or stored["goals"].shape[1] != self.depth:
            lists, searched = self._search(vectors, self.goal_rows), len(rows)
        else:
            old = GoalLists(stored["goals"].astype(np.int64), stored["scores"])
            lists, searched = self._revise(old, vectors, before)
        goals = lists.goals.astype(np.int32)
        self.files.save(number, self.fingerprint, goals=goals, scores=lists.scores)
        return searched

    def _revise(self, old: GoalLists, vectors: Vectors, before: Rows) -> tuple[GoalLists, int]:
        added = np.setdiff1d(self.goal_rows, before)
        removed = np.setdiff1d(before, self.goal_rows)
        lists = old
        if len(added) > FEW:
            lists = self._merge(old, self._search(vectors, added))
        elif len(added):
            lists = self._insert(old, vectors, added)
        stale = np.isin(old.goals, removed).any(axis=1)
        if stale.any():
            fresh = self._search(vectors[stale], self.goal_rows)
            goals, scores = lists.goals.copy(), lists.scores.copy()
            goals[stale], scores[stale] = fresh.goals, fresh.scores
            lists = GoalLists(goals, scores)
        return lists, int(stale.sum())

    def _insert(self, old: GoalLists, vectors: Vectors, added: Rows) -> GoalLists:
        """The lists with those of a few new goals that come before a list's last."""
        near = vectors @ self.goals.vectors(added).T >= old.scores[:, -1:] - SLACK
        changed = np.flatnonzero(near.any(axis=1))
        if not len(changed):
            return old
        near = near[changed]
        first = np.argsort(~near, axis=1, kind="stable")[:, : near.sum(axis=1).max()]
        entering = np.where(np.take_along_axis(near, first, 1), added[first], -1)
        scored = GoalLists(entering, self.cosines(vectors[changed], entering))
        merged = self._merge(GoalLists(old.goals[changed], old.scores[changed]), scored)
        goals, scores = old.goals.copy(), old.scores.copy()
        goals[changed], scores[changed] = merged.goals, merged.scores
        return GoalLists(goals, scores)

    def _search(self, vectors: Vectors, goal_rows: Rows) -> GoalLists:
        """Exact search among `goal_rows`, a block of texts at a time."""
        key = digest_of(goal_rows.tobytes())
        if key not in self._indexes:
            self._indexes[key] = GoalIndex(self.goals.vectors(goal_rows), goal_rows, "", "")
        index = self._indexes[key]
        blocks = [self._search_block(vectors[i : i + BLOCK], index) for i in range(0, len(vectors), BLOCK)]
        if not blocks:
            return GoalLists(np.empty((0, self.depth), np.int64), np.empty((0, self.depth), np.float32))
        return GoalLists(
            np.concatenate([b.goals for b in blocks]), np.concatenate([b.scores for b in blocks])
        )

    def _search_block(self, vectors: Vectors, index: GoalIndex) -> GoalLists:
        _, found = index.search(vectors, self.depth)
        counted(len(vectors))
        goals = index.labels_of(found)
        return self._ordered(goals, self.cosines(vectors, goals))

    def cosines(self, vectors: Vectors, goals: Rows) -> Vectors:
        """Cosine of each vector with its goals [n, k], -inf at padding; each pair summed in the same order."""
        return pair_cosines(vectors, goals, self.goals.vectors)

    def _merge(self, a: GoalLists, b: GoalLists) -> GoalLists:
        return self._ordered(
            np.concatenate([a.goals, b.goals], axis=1), np.concatenate([a.scores, b.scores], axis=1)
        )

    def _ordered(self, goals: Rows, scores: Vectors) -> GoalLists:
        """The best `depth` of each row: higher score first, then the smaller hash of the goal's text."""
        hashes = self.goals.hashes[np.maximum(goals, 0)]
        order = np.lexsort((hashes, -scores), axis=1)[:, : self.depth]
        return GoalLists(np.take_along_axis(goals, order, 1), np.take_along_axis(scores, order, 1))

    def _goal_set(self, fingerprint: str | None) -> Rows | None:
        """The rows of the goals that lists were made from, None where they are not known for sure."""
        path = self._set_path(fingerprint or "none")
        return np.load(path) if _seal_of(path).exists() else None

    def _adopt_sets(self) -> None:
        """Seal the sets of goals of an earlier version, which have no seals; those that are not as named go."""
        for path in self.folder.glob("goals-*.npy"):
            if not _seal_of(path).exists():
                try:
                    same = path == self._set_path(self._fingerprint(np.load(path)))
                except Exception:  # whatever a damaged file makes its reader raise
                    same = False
                if same:
                    seal_as_they_are(_seal_of(path), [path])
                else:
                    path.unlink(missing_ok=True)

    def _fingerprint(self, goal_rows: Rows) -> str:
        return digest_of(np.sort(self.goals.hashes[goal_rows]).tobytes(), str(self.depth))[:32]

    def _set_path(self, fingerprint: str) -> Path:
        return self.folder / f"goals-{fingerprint}.npy"


def _seal_of(goal_set: Path) -> Path:
    return goal_set.with_suffix(SUFFIX)


def pair_cosines(vectors: Vectors, goals: Rows, vectors_of: Callable[[Rows], Vectors]) -> Vectors:
    """Cosine of each vector with its goals [n, k], -inf at padding; each pair summed in the same order.

    `vectors_of` gives the goals' vectors by their rows.
    """
    there, scores = goals >= 0, np.full(goals.shape, -np.inf, np.float32)
    if there.any():
        of_goals = np.split(vectors_of(goals[there]), np.cumsum(there.sum(axis=1))[:-1])
        found = [np.einsum("kd,d->k", g, v) for g, v in zip(of_goals, vectors, strict=True)]
        scores[there] = np.round(np.concatenate(found), SCORE_DECIMALS)
    return scores
