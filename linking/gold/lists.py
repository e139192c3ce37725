"""The linker's lists for gold steps: what its parts are fitted on and measured with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from howtree.progress import progress
from linking.arrays import Flags, Floats, Positions, Rows
from linking.encode.encoder import Encoder
from linking.gold.links import Gold
from linking.rerank.linear import LinearReranker
from linking.rerank.reranker import Reranker
from linking.retrieve.lists import GoalLists
from linking.retrieve.mend import mend
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import VectorStore, hash_texts
from linking.text import goal_text, step_text


@dataclass(frozen=True, slots=True)
class GoldLists:
    """The lists of gold steps and where the gold goal is in each."""

    lists: GoalLists
    positions: Positions
    """Position of the gold goal, [n], -1 where it is not in the list."""


class GoldRetriever:
    """The stages of a build over gold steps and a pool, kept in `folder`."""

    def __init__(self, gold: Gold, pool: Sequence[str], encoder: Encoder, folder: Path, depth: int) -> None:
        folder /= encoder.digest[:16]  # vectors of two encoders never meet
        self.folder, self.gold = folder, gold
        mend(folder)
        self.goals, self.steps = VectorStore(folder / "goals"), VectorStore(folder / "steps")
        with progress(None, "Encoding goals", len(pool), "goals") as bar:
            goal_rows = self.goals.add([goal_text(title) for title in pool], encoder, bar)
        with progress(None, "Encoding steps", len(gold.steps), "steps") as bar:
            self.rows = self.steps.add([step_text(step) for step in gold.steps], encoder, bar)
        self.retriever = Retriever(folder / f"lists-{depth}", self.goals, self.steps, goal_rows, depth)
        with progress(None, "Retrieving", len(self.steps), "texts") as bar:
            self.retriever.update(bar)

    def retrieved(self) -> GoldLists:
        """The retriever's lists."""
        return self._with_positions(self.retriever.lists(self.rows))

    def reranked(self, reranker: Reranker, k: int) -> GoldLists:
        """The reranker's lists of `k` goals."""
        ranked = reranker.over(self._folder_of_reranked, self.retriever, k)
        ranked.update()
        return self._with_positions(ranked.lists(self.rows))

    def features(self, reranker: LinearReranker) -> tuple[GoldLists, Floats]:
        """What the reranker would put in order, and its features, [n, k, 6]."""
        ranked = reranker.over(self._folder_of_reranked, self.retriever, self.retriever.depth)
        ranked.update()
        lists, features = ranked.features(self.rows)
        return self._with_positions(lists), features

    def rejected(self, lists: GoalLists) -> Flags:
        """Which goals of each step's list people rejected for it, [n, k]."""
        found = np.zeros(lists.goals.shape, bool)
        for i, step in enumerate(self.gold.steps):
            if titles := self.gold.rejected.get(step_text(step)):
                found[i] = np.isin(lists.goals[i], self.goals.rows(hash_texts(sorted(titles)))) & (
                    lists.goals[i] >= 0
                )
        return found

    @property
    def _folder_of_reranked(self) -> Path:
        return self.folder / f"reranked-{self.retriever.depth}"

    def _with_positions(self, lists: GoalLists) -> GoldLists:
        right = self.goals.rows(hash_texts([goal_text(goal) for goal in self.gold.goals]))
        return GoldLists(lists, positions_of(lists.goals, right))


def positions_of(goals: Rows, right: Rows) -> Positions:
    """Position of the right goal [n] in each list [n, depth], -1 where it is not there or not known."""
    hit = (goals == right[:, None]) & (right >= 0)[:, None]
    return np.where(hit.any(axis=1), hit.argmax(axis=1), -1)


def gold_lists(
    gold: Gold, pool: Sequence[str], encoder: Encoder, folder: Path, reranker: Reranker | None, k: int
) -> GoldLists:
    """The first `k` goals of each gold step, in the order that a build gives them.

    A step whose gold goal is not among the first `k` counts as unlinkable, as in the paper.
    """
    depth = k if reranker is None else max(k, reranker.reads)
    stages = GoldRetriever(gold, pool, encoder, folder, depth)
    return stages.retrieved() if reranker is None else stages.reranked(reranker, k)
