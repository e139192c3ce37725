"""The reranker: each step's goals in a better order, each pair scored by late interaction, precedents and negation.

The goals of a list are the retriever's and those of the step's nearest precedents. `linking.rerank.features` has the
formula, whose weights come from gold links (`linking.train.reranker`). The coverages of a pair never change, so they
are kept, one file a part of the steps, and only pairs that are new to a list are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of, read_json, write_json
from howtree.progress import progress
from linking.arrays import Flags, Floats, Hashes, Numbers, Rows, Vectors
from linking.encode.folder import ModelFolder
from linking.encode.tokens import Tokens
from linking.rerank.features import FEATURES, features_of
from linking.rerank.late import coverages
from linking.rerank.negation import PATTERNS, averting, opposed
from linking.rerank.precedents import NEAREST, Precedents, joined
from linking.retrieve.lists import GoalLists, ListFiles, positions_in
from linking.retrieve.retrieve import BLOCK, SCORE_DECIMALS, Retriever
from linking.retrieve.vectors import VectorStore
from linking.run.executors import Executor

DEPTH = 100
"""How many of the retriever's goals are reranked."""
KEPT = ("goals", "cosine", "of_goal", "of_step")
"""Columns of what is reranked: goals of a text, and what was measured on each pair."""


@dataclass(frozen=True, slots=True)
class LinearReranker:
    """The reranker that ships: weights of the features, and precedents."""

    weights: tuple[float, ...]
    precedents: Precedents
    fitted_for: str = ""
    """Digest of the weights of the encoder that it belongs to."""
    fitted_on: str = ""

    @property
    def reads(self) -> int:
        """How many of the retriever's goals it looks at."""
        return DEPTH

    def over(self, folder: Path, retriever: Retriever, depth: int) -> LinearLists:
        """The lists of `retriever` in the better order, cut to the best `depth` goals and kept in `folder`."""
        return LinearLists(folder, retriever, self, depth)

    def links(self, hashes: Hashes) -> Floats:
        """log(1 + precedents) of the goals with these hashes, any shape."""
        return np.log1p(self.precedents.counts(hashes).astype(np.float64))

    def scores(self, features: Floats) -> Floats:
        """Scores [...] of features [..., 6]; summed in one order, so a pair scores the same in any company."""
        total = features[..., 0] * self.weights[0]
        for i in range(1, len(FEATURES)):
            total = total + features[..., i] * self.weights[i]
        return np.asarray(np.round(total, SCORE_DECIMALS))

    @property
    def late(self) -> bool:
        """Whether late interaction counts; if not, no tokens are compared."""
        return any(self.weights[1:3])

    @property
    def digest(self) -> str:
        """Changes with anything that was fitted or chosen."""
        return digest_of(repr(self.weights), self.precedents.digest, self.fitted_for)

    def save(self, folder: ModelFolder) -> None:
        """Write weights and precedents to a model's folder."""
        self.precedents.save(folder.precedents)
        about = {"weights": dict(zip(FEATURES, self.weights, strict=True)), "sha256": self.digest}
        write_json(folder.reranker, {**about, "encoder": self.fitted_for, "fitted_on": self.fitted_on})

    @classmethod
    def load(cls, folder: ModelFolder) -> LinearReranker:
        """Read what `save` wrote.

        Raises:
            BadInput: the files are not those that were written.
        """
        about = read_json(folder.reranker) or {}
        try:
            precedents = Precedents.load(folder.precedents)
            weights = tuple(float(about["weights"][name]) for name in FEATURES)
            reranker = cls(weights, precedents, about["encoder"], about["fitted_on"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{folder.path} holds no whole reranker ({folder.reranker.name}, {folder.precedents.name}): "
                "fit it again"
            ) from error
        if reranker.digest != about.get("sha256"):
            raise BadInput(
                f"the reranker in {folder.path} has changed since it was fitted: restore its files"
            )
        return reranker


class LinearLists:
    """Keeps the coverages of every list of `retriever`, and the best `depth` goals in the better order."""

    def __init__(self, folder: Path, retriever: Retriever, reranker: LinearReranker, depth: int) -> None:
        self.folder, self.files = folder, ListFiles(folder, retriever.files.layout)
        self.retriever, self.reranker, self.depth = retriever, reranker, depth
        precedents = reranker.precedents
        known = precedents.of_goals(self.goals.hashes[retriever.goal_rows])
        beside = folder.with_name(
            f"precedents-{precedents.digest[:12]}"
        )  # rows of other precedents mean nothing here
        self.near = Retriever(beside, precedents, retriever.steps, known, NEAREST)
        """The nearest precedents of each step."""
        made_from = retriever.fingerprint, self.near.fingerprint, reranker.digest, PATTERNS, str(depth)
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
        return LinearLists, (self.folder.absolute(), self.retriever, self.reranker, self.depth)

    def update(self, executor: Executor | None = None) -> int:
        """Bring every part up to date; returns how many pairs were compared."""
        steps = self.retriever.steps
        with progress(None, "Finding precedents", len(steps), "texts") as bar:
            self.near.update(bar, executor)
        self.files.adopt(steps.parts(), len(self.goals))
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
            positions = positions_in(goals, stored["goals"])
            new = (positions < 0) & (goals >= 0)
            cosine, of_goal, of_step = (
                np.take_along_axis(stored[name], np.maximum(positions, 0), 1) for name in KEPT[1:]
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
            self._of_precedent = np.append(self.goals.rows(self.reranker.precedents.goals), -1)
        goals, similar = joined(lists, GoalLists(self._of_precedent[near.goals], near.scores))
        return GoalLists(goals, lists.scores), similar

    def _measure(self, rows: Rows, goals: Rows, new: Flags, cosine: Vectors) -> None:
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
            self._links = self.reranker.links(self.goals.hashes)
            self._averts = averting(self.goals.texts_at(np.arange(len(self.goals))))
        steps = self.retriever.steps.texts_at(rows)
        return features_of(
            cosine, of_goal, of_step, self._links[goals], similar, opposed(steps, self._averts[goals])
        )

    def _in_order(self, lists: GoalLists, features: Floats) -> GoalLists:
        """The first `depth` goals of lists with these features [n, k, 6], in the order of their scores."""
        scores = np.where(lists.goals < 0, -np.inf, self.reranker.scores(features))
        # Ties stay in the retriever's order, which is the same in every build.
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.depth]
        return GoalLists(*(np.take_along_axis(a, order, 1) for a in (lists.goals, lists.scores, scores)))

    def _compare(self, rows: Rows, goals: Rows, new: Flags) -> tuple[Floats, Floats]:
        """The coverages of the pairs marked as new, in the order of the marks: each [pairs]."""
        changed = np.flatnonzero(new.any(axis=1))
        if not self.reranker.late or not len(changed):
            return np.zeros(new.sum()), np.zeros(new.sum())
        if self._goals is None:
            self._goals = self.goals.tokens(self.retriever.goal_rows)
        first = np.argsort(~new[changed], axis=1, kind="stable")[:, : new[changed].sum(axis=1).max()]
        wanted = np.take_along_axis(new[changed], first, 1)
        positions = np.searchsorted(self.retriever.goal_rows, np.take_along_axis(goals[changed], first, 1))
        steps = self.retriever.steps.tokens(rows[changed])
        found = coverages(steps, np.arange(len(changed)), self._goals, np.where(wanted, positions, -1))
        return found[0][wanted], found[1][wanted]
