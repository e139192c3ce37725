"""The stage: the first candidates of each step are read, put into a better order, and given a better probability.

A step's candidates are looked at more or less closely. Those that the model *reads* get its probability; of those that
it *weighs* but finds not worth reading the features decide; the others keep the probability of the decision. What was
looked at less closely never comes before what was looked at more closely: its probability is cut to the least of those.

The logits of a pair depend on its texts alone, so they are kept for the next build in a store of pairs, which are
encoded in parts as all texts are. All else is worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from howtree.progress import Bar, progress
from linking.arrays import ArticleIds, Flags, Floats, Positions, Rows, Vectors
from linking.candidates import CANDIDATE_SCHEMA, Goals, StepBatch
from linking.pair import Pair
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearLists
from linking.retrieve.lists import positions_in
from linking.retrieve.vectors import VectorStore, hash_texts
from linking.run.executors import Executor
from linking.text import goal_text, step_text
from linking.verify.features import NAMES, Listed, Vectored, word_features
from linking.verify.never import is_no_action, never
from linking.verify.verifier import Verifier

EXACT, HELPFUL = "exact", "helpful"


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

    @classmethod
    def of(cls, batch: StepBatch, table: pa.Table) -> Table:
        """The columns of `CANDIDATE_SCHEMA`."""
        step, rank, article = (table.column(name).to_numpy() for name in ("step_id", "rank", "article_id"))
        reranked = table.column("rerank_score")
        score = table.column("retrieval_score") if reranked.null_count else reranked
        return cls(
            np.searchsorted(batch.ids, step),
            rank.astype(np.int64) - 1,
            article,
            score.to_numpy().astype(np.float64),
            table.column("probability").to_numpy().astype(np.float64),
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


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidates of a batch that were weighed."""

    rows: Positions
    """Where they are in the table, ascending."""
    texts: list[str]
    """The pairs as texts."""
    never: Flags
    features: Floats | None
    """[n, 38]; None without a judgement."""
    worth: Floats | None
    read: Flags
    """Which of them are worth reading."""


class Verifying:
    """Verifies the candidates of one language's steps."""

    def __init__(
        self,
        folder: Path,
        verifier: Verifier,
        decision: Decision,
        goals: Goals,
        vectors: tuple[VectorStore, VectorStore],
        lists: LinearLists | None,
        part_size: int,
    ) -> None:
        """`vectors` are the stores of goals and of steps; `lists` those of the reranker that ships, if it ran."""
        self.verifier, self.decision, self.goals, self.lists = verifier, decision, goals, lists
        self.goal_vectors, self.step_vectors = vectors
        self.pairs = VectorStore(folder / f"pairs-{verifier.cross.digest[:12]}", part_size)

    def read(
        self,
        tables: Callable[[], Iterable[tuple[StepBatch, pa.Table]]],
        total: int,
        executor: Executor | None,
    ) -> int:
        """Read every pair that is worth it and not yet known; returns how many there were.

        `tables` gives the batches with their candidates, `total` steps in all.
        """
        with progress(None, "Weighing", total, "steps") as bar:
            self.pairs.lay_out(self._asked(batch, table, bar) for batch, table in tables())
        parts = self.pairs.parts()
        missing = sum(len(parts[number]) for number in self.pairs.not_encoded())
        with progress(None, "Verifying", missing, "pairs") as bar:
            return self.pairs.encode(self.verifier.cross, bar, executor)

    def _asked(self, batch: StepBatch, table: pa.Table, bar: Bar[None]) -> list[str]:
        weighed = self.weigh(batch, Table.of(batch, table))
        bar.update(len(batch.ids))
        return [weighed.texts[i] for i in np.flatnonzero(weighed.read)]

    def decided(self, batch: StepBatch, candidates: pa.Table) -> pa.Table:
        """The candidates with the verifier's probability and relation, in its order. Call `read` first."""
        table = Table.of(batch, candidates)
        weighed = self.weigh(batch, table)
        probability, exact = self._judged(weighed)
        closeness = np.zeros(len(table.step), np.int64)
        closeness[weighed.rows] = np.where(weighed.never, 0, 1 + weighed.read)
        sure = table.probability.copy()
        sure[weighed.rows] = probability
        sure = cut(table.step, closeness, sure)
        sure[weighed.rows[weighed.never]] = 0
        sure[np.array([is_no_action(text) for text in batch.texts], bool)[table.step]] = 0
        sure = shared(table.step, sure).astype(np.float32)
        relation = np.full(len(sure), None, object)
        if exact is not None:
            relation[weighed.rows[weighed.read]] = np.where(exact, EXACT, HELPFUL)[weighed.read]
        order = np.lexsort((table.rank, -sure, table.step))
        return (
            candidates.take(order)
            .set_column(1, "rank", candidates.column("rank"))
            .set_column(5, "probability", pa.array(sure[order]))
            .set_column(6, "relation", pa.array(relation[order], pa.string()))
            .cast(CANDIDATE_SCHEMA)
        )

    def weigh(self, batch: StepBatch, table: Table) -> Weighed:
        """The first candidates of each step that are probable enough to matter."""
        reads = self.verifier.reads
        rows = np.flatnonzero((table.rank < reads.first) & (table.probability >= reads.least))
        pairs = self._pairs(batch, table.step[rows], table.article[rows])
        gone = np.array([never(pair) for pair in pairs], bool)
        texts = [pair.text() for pair in pairs]
        judgement = self.verifier.judgement
        if judgement is None:
            return Weighed(rows, texts, gone, None, None, ~gone)
        features, products = self._features(batch, table, rows, pairs)
        worth = judgement.worth(features, products)
        read = (judgement.of_unread(worth) >= reads.worth) & ~gone
        return Weighed(rows, texts, gone, features, worth, read)

    def _pairs(self, batch: StepBatch, steps: Positions, articles: ArticleIds) -> list[Pair]:
        """The pairs of steps, by their positions in the batch, and articles; both [n]."""
        known_steps, of_step = np.unique(steps, return_inverse=True)
        known_articles, of_article = np.unique(articles, return_inverse=True)
        places, candidates = batch.places(known_steps), self.goals.candidates(known_articles)
        return [
            Pair(places[i], candidates[j]) for i, j in zip(of_step.tolist(), of_article.tolist(), strict=True)
        ]

    def _judged(self, weighed: Weighed) -> tuple[Floats, Flags | None]:
        """The probability of each weighed pair, and whether it is rather exact than helpful."""
        judgement, read = self.verifier.judgement, weighed.read
        found = self.pairs.rows(hash_texts([weighed.texts[i] for i in np.flatnonzero(read)]))
        logits = self.pairs.vectors(found) if len(found) else np.empty((0, 3), np.float32)
        if judgement is None:
            probability = np.zeros(len(read))
            probability[read] = self.verifier.of_logits(logits)[0]
            return probability, None
        assert weighed.worth is not None and weighed.features is not None
        probability, exact = judgement.of_unread(weighed.worth), np.zeros(len(read), bool)
        probability[read], exact[read] = judgement.of_read(
            logits, weighed.worth[read], weighed.features[read]
        )
        return probability, exact

    def _features(
        self, batch: StepBatch, table: Table, rows: Positions, pairs: list[Pair]
    ) -> tuple[Floats, Floats]:
        """The features of some candidates, [n, 38], and the products of their vectors."""
        assert self.lists is not None, "a judgement goes with the reranker that it was fitted on"
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


def cut(step: Positions, closeness: Positions, probability: Floats) -> Floats:
    """Probabilities, none above the least of those of the same step that were looked at more closely; all [n]."""
    result = probability.copy()
    for least in (2, 1):
        bound = np.full(int(step.max(initial=0)) + 1, np.inf)
        np.minimum.at(bound, step[closeness >= least], result[closeness >= least])
        below = closeness < least
        result[below] = np.minimum(result[below], bound[step[below]])
    return result


def shared(step: Positions, probability: Floats) -> Floats:
    """Probabilities that sum to at most 1 in each step, for it has one link at most; both [n].

    Where they sum to more the most probable goal keeps its own, and the others share what it leaves; equal ones share
    all.
    """
    total = np.bincount(step, probability)
    most = np.zeros(len(total))
    np.maximum.at(most, step, probability)
    first = probability == most[step]
    tied = np.bincount(step, first, len(total)) > 1
    left = np.where(tied, 1 / np.maximum(total, 1e-12), (1 - most) / np.maximum(total - most, 1e-12))
    factor = np.where(total > 1, left, 1.0)
    return np.where(first & ~tied[step], probability, probability * factor[step])
