"""The features of candidates in their lists: what a judgement is fitted on and judges by.

`linking.verify.features` says what each is; here they are put together from lists, stores of vectors and words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from linking.arrays import ArticleIds, Flags, Floats, Positions, Rows, Vectors
from linking.candidates import StepBatch
from linking.pair import Pair
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearLists
from linking.retrieve.lists import positions_in
from linking.retrieve.vectors import VectorStore, hash_texts
from linking.text import goal_text, step_text
from linking.verify.features import NAMES, Listed, Vectored, word_features


@dataclass(frozen=True, slots=True)
class Table:
    """The candidates of a batch as arrays [n], in the order of steps and ranks."""

    step: Positions
    """Of each candidate's step in the batch."""
    rank: Positions
    """From 0."""
    article: ArticleIds
    score: Floats
    probability: Floats
    mentioned: Flags
    """Whether an editor mentions the goal in the step."""

    @classmethod
    def of(cls, batch: StepBatch, table: pa.Table) -> Table:
        """The columns of `CANDIDATE_SCHEMA`."""
        step, rank, article = (table.column(name).to_numpy() for name in ("step_id", "rank", "article_id"))
        reranked = table.column("rerank_score")
        score = table.column("retrieval_score") if reranked.null_count else reranked
        return cls(
            at := np.searchsorted(batch.ids, step),
            rank.astype(np.int64) - 1,
            article,
            score.to_numpy().astype(np.float64),
            table.column("probability").to_numpy().astype(np.float64),
            batch.mentioned(at, article),
        )

    def listed(self, rows: Positions, reranked_by: Floats, decision: Decision) -> Listed:
        """What the lists say of some candidates; their own scores are left out of `others`."""
        grid = np.full((int(self.step.max(initial=0)) + 1, int(self.rank.max(initial=0)) + 1), -np.inf)
        grid[self.step, self.rank] = self.score
        others = grid[self.step[rows]]
        others[np.arange(len(rows)), self.rank[rows]] = -np.inf
        none = np.full((len(rows), 1), decision.bias)
        total = np.logaddexp.reduce(np.concatenate([others, none], axis=1) / decision.temperature, axis=1)
        best, rank = others.max(axis=1, initial=-np.inf), self.rank[rows].astype(np.float64) + 1
        return Listed(self.score[rows], total, best, rank, reranked_by)


class PairFeatures:
    """Gives the features of candidates, and the products of their vectors."""

    def __init__(
        self, decision: Decision, goal_vectors: VectorStore, step_vectors: VectorStore, lists: LinearLists
    ) -> None:
        self.decision, self.lists = decision, lists
        self.goal_vectors, self.step_vectors = goal_vectors, step_vectors

    def of(self, batch: StepBatch, table: Table, rows: Positions, pairs: list[Pair]) -> tuple[Floats, Floats]:
        """The features of some candidates, [n, 38], and the products of their vectors, [n, 2 d]."""
        if not len(rows):
            return np.empty((0, len(NAMES))), np.empty((0, 2 * self.step_vectors.vectors(rows).shape[1]))
        steps, of_pair = np.unique(table.step[rows], return_inverse=True)
        step_rows = self.step_vectors.rows(hash_texts([batch.texts[i] for i in steps]))
        goal_rows = self.goal_vectors.rows(hash_texts([goal_text(pair.candidate.title) for pair in pairs]))
        lists, reranked_by = self.lists.features(step_rows)
        at = positions_in(goal_rows[:, None], lists.goals[of_pair])[:, 0]
        listed = table.listed(rows, reranked_by[of_pair, at], self.decision)
        vectored = self._vectored(step_rows[of_pair], goal_rows, pairs)
        features = [
            listed.features(self.decision.temperature, self.decision.bias),
            vectored.features(),
            word_features(pairs),
        ]
        return np.concatenate(features, axis=1), vectored.products()

    def _vectored(self, step_rows: Rows, goal_rows: Rows, pairs: list[Pair]) -> Vectored:
        places = [pair.place for pair in pairs]
        first = [len(pair.candidate.first) for pair in pairs]
        of_first = self._of_steps([text for pair in pairs for text in pair.candidate.first])
        articles = self.goal_vectors.rows(hash_texts([goal_text(place.article) for place in places]))
        return Vectored(
            self.step_vectors.vectors(step_rows),
            self.goal_vectors.vectors(goal_rows),
            known(self.goal_vectors, articles),
            self._of_steps([place.before for place in places]),
            self._of_steps([place.after for place in places]),
            np.split(of_first, np.cumsum(first)[:-1]),
        )

    def _of_steps(self, texts: list[str]) -> Vectors:
        return known(self.step_vectors, self.step_vectors.rows(hash_texts([step_text(t) for t in texts])))


def known(store: VectorStore, rows: Rows) -> Vectors:
    """The vectors of rows, zeros for row -1."""
    vectors = store.vectors(np.maximum(rows, 0))
    vectors[rows < 0] = 0
    return vectors
