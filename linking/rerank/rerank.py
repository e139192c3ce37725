"""The reranker: each step's goals in a better order, each pair scored by late interaction, precedents and negation.

The goals of a list are the retriever's and those of the step's nearest precedents. `linking.rerank.scorer` has the
formula, whose weights come from gold links (`linking.train.reranker`). The coverages of a pair never change, so they
are kept, one file a part of 8,192 texts, and only pairs that are new to a list are compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.files import digest_of
from howtree.progress import progress
from linking.arrays import Flags, Floats, Numbers, Rows, Vectors
from linking.encode.tokens import Tokens
from linking.rerank.late import coverages
from linking.rerank.negation import PATTERNS, averting, opposed
from linking.rerank.precedents import NEAREST, joined
from linking.rerank.scorer import Scorer, features_of
from linking.retrieve.lists import GoalLists, ListFiles, places_in
from linking.retrieve.retrieve import BLOCK, Retriever
from linking.retrieve.vectors import VectorStore
from linking.run.executors import Executor

DEPTH = 100
"""So many of the retriever's goals are reranked."""
KEPT = ("goals", "cosine", "of_goal", "of_step")
"""Columns of what is reranked: goals of a text, and what was measured on each pair."""


class Reranker:
    """Keeps the coverages of every list of `retriever`, and the best `depth` goals in the better order."""

    def __init__(self, folder: Path, retriever: Retriever, scorer: Scorer, depth: int) -> None:
        self.folder, self.files = folder, ListFiles(folder)
        self.retriever, self.scorer, self.depth = retriever, scorer, depth
        precedents = scorer.precedents
        known = precedents.of_goals(self.goals.hashes[retriever.goal_rows])
        beside = folder.with_name(
            f"precedents-{precedents.digest[:12]}"
        )  # rows of other precedents mean nothing here
        self.near = Retriever(beside, precedents, retriever.steps, known, NEAREST)
        """The nearest precedents of each step."""
        made_from = retriever.fingerprint, self.near.fingerprint, scorer.digest, PATTERNS, str(depth)
        self.fingerprint = digest_of(*made_from)[:32]
        self._goals: Tokens | None = None
        self._links: Floats | None = None
        self._averts: Flags | None = None
        self._of_precedent: Rows | None = None
        """Row of each precedent's goal, -1 where it is no goal here, and at the end."""

    @property
    def goals(self) -> VectorStore:
        """The store of the goals."""
        store = self.retriever.goals
        assert isinstance(store, VectorStore)
        return store

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its arguments: the process that unpickles it opens the files itself."""
        return Reranker, (self.folder.absolute(), self.retriever, self.scorer, self.depth)

    def update(self, executor: Executor | None = None) -> int:
        """Bring every part up to date; returns how many pairs were compared."""
        steps = self.retriever.steps
        with progress(None, "Finding precedents", len(steps), "texts") as bar:
            self.near.update(bar, executor)
        with progress(None, "Reranking", len(steps), "texts") as bar:
            return self.files.update(steps.parts(), self.fingerprint, self.update_part, bar, executor)

    def lists(self, rows: Rows) -> GoalLists:
        """The best `depth` goals of step texts in the better order, with both scores. Call `update` first."""
        names = ("best", "cosines", "reranked")
        best, cosines, reranked = self.files.gather(self.retriever.steps.parts(), rows, names)
        return GoalLists(best.astype(np.int64), cosines, reranked)

    def features(self, rows: Rows) -> tuple[GoalLists, Floats]:
        """The lists of step texts as they are reranked, and their features, [len(rows), k, 6]. Call `update` first."""
        goals, cosine, of_goal, of_step = self.files.gather(self.retriever.steps.parts(), rows, KEPT)
        lists = GoalLists(goals.astype(np.int64), cosine)
        return lists, self._features(rows, lists.goals, cosine, of_goal, of_step, self._wider(rows)[1])

    def update_part(self, number: int) -> int:
        """Bring one part up to date; returns how many of its pairs were compared."""
        rows, stored = self.retriever.steps.parts()[number], self.files.load(number)
        lists, similar = self._wider(rows)
        goals = lists.goals
        if stored is None or not stored.keys() >= set(KEPT):
            new = goals >= 0
            cosine, of_goal, of_step = (np.zeros(goals.shape, np.float32) for _ in range(3))
        else:
            places = places_in(goals, stored["goals"])
            new = (places < 0) & (goals >= 0)
            cosine, of_goal, of_step = (
                np.take_along_axis(stored[name], np.maximum(places, 0), 1) for name in KEPT[1:]
            )
        known = lists.scores.shape[1]
        cosine[:, :known] = lists.scores
        self._measure(rows, goals[:, known:], new[:, known:], cosine[:, known:])
        of_goal[new], of_step[new] = self._compare(rows, goals, new)
        features = self._features(rows, goals, cosine, of_goal, of_step, similar)
        best = self._in_order(GoalLists(goals, cosine), features)
        self.files.save(
            number,
            self.fingerprint,
            goals=goals.astype(np.int32),
            cosine=cosine,
            of_goal=of_goal,
            of_step=of_step,
            best=best.goals.astype(np.int32),
            cosines=best.scores,
            reranked=best.deciding,
        )
        return int(new.sum())

    def _wider(self, rows: Rows) -> tuple[GoalLists, Vectors]:
        """The retriever's lists, their goals widened by precedents, and the cosine of each goal's nearest precedent."""
        lists, near = self.retriever.lists(rows), self.near.lists(rows)
        if self._of_precedent is None:
            self._of_precedent = np.append(self.goals.rows(self.scorer.precedents.goals), -1)
        goals, similar = joined(lists, GoalLists(self._of_precedent[near.goals], near.scores))
        return GoalLists(goals, lists.scores), similar

    def _measure(self, rows: Rows, goals: Rows, new: NDArray[np.bool_], cosine: Vectors) -> None:
        """Write the cosines of the new ones among the goals that only precedents led to; all [n, k]."""
        cosine[goals < 0] = -np.inf
        lines = np.flatnonzero(new.any(axis=1))
        for start in range(0, len(lines), BLOCK):
            some = lines[start : start + BLOCK]
            vectors, wanted = self.retriever.steps.vectors(rows[some]), np.where(new[some], goals[some], -1)
            cosine[some] = np.where(new[some], self.retriever.cosines(vectors, wanted), cosine[some])

    def _features(
        self, rows: Rows, goals: Rows, cosine: Numbers, of_goal: Numbers, of_step: Numbers, similar: Vectors
    ) -> Floats:
        if self._links is None or self._averts is None:
            self._links = self.scorer.links(self.goals.hashes)
            self._averts = averting(self.goals.texts_at(np.arange(len(self.goals))))
        steps = self.retriever.steps.texts_at(rows)
        return features_of(
            cosine, of_goal, of_step, self._links[goals], similar, opposed(steps, self._averts[goals])
        )

    def _in_order(self, lists: GoalLists, features: Floats) -> GoalLists:
        """The first `depth` goals of lists with these features [n, k, 6], in the order of their scores."""
        scores = np.where(lists.goals < 0, -np.inf, self.scorer.scores(features))
        # Ties stay in the retriever's order, which is the same in every build.
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.depth]
        return GoalLists(*(np.take_along_axis(a, order, 1) for a in (lists.goals, lists.scores, scores)))

    def _compare(self, rows: Rows, goals: Rows, new: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """The coverages of the pairs marked as new, in the order of the marks: each [pairs]."""
        changed = np.flatnonzero(new.any(axis=1))
        if not self.scorer.late or not len(changed):
            return np.zeros(new.sum()), np.zeros(new.sum())
        if self._goals is None:
            self._goals = self.goals.tokens(self.retriever.goal_rows)
        first = np.argsort(~new[changed], axis=1, kind="stable")[:, : new[changed].sum(axis=1).max()]
        wanted = np.take_along_axis(new[changed], first, 1)
        places = np.searchsorted(self.retriever.goal_rows, np.take_along_axis(goals[changed], first, 1))
        steps = self.retriever.steps.tokens(rows[changed])
        found = coverages(steps, np.arange(len(changed)), self._goals, np.where(wanted, places, -1))
        return found[0][wanted], found[1][wanted]
