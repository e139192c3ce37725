"""The stage: the first candidates of each step are read, put into a better order, and given a better probability.

A step's candidates are looked at more or less closely. Those that the model *reads* get its probability; of those that
it *weighs* but finds not worth reading the features decide; the others keep the probability of the decision. What was
looked at less closely never comes before what was looked at more closely: its probability is cut to the least of those.

The logits of a pair depend on its texts alone, so they are kept for the next build in a store of pairs, which are
encoded in parts as all texts are. All else is worked out anew, once a build: what was weighed waits in files without a
name until the pairs are read, so memory does not grow with the steps.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from howtree.progress import Bar, progress
from linking.arrays import ArticleIds, Flags, Floats, Hashes, Positions
from linking.candidates import CANDIDATE_SCHEMA, Goals, StepBatch
from linking.pair import Pair
from linking.retrieve.vectors import VectorStore, hash_texts
from linking.run.executors import Executor
from linking.verify.judgement import Judgement
from linking.verify.never import is_no_action, never
from linking.verify.table import PairFeatures, Table
from linking.verify.verifier import Verifier

EXACT, HELPFUL = "exact", "helpful"
AT_ONCE = 4_096
"""Pairs whose vectors are in memory together: they take 25 KB a pair."""
NONE: Floats = np.empty(0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The n candidates of a batch that were weighed, r of them worth reading."""

    rows: Positions
    """Where they are in the table, ascending, [n]."""
    never: Flags
    worth: Floats
    """v, [n]; empty without a judgement."""
    read: Flags
    """Which of them are worth reading, [n]."""
    features: Floats
    """Of those, [r, 38]; empty without a judgement."""
    pairs: Hashes
    """Of the texts of those, [r]."""

    def put_away(self, folder: Path) -> IO[bytes]:
        """A file without a name in a folder, which is gone when it is closed, even by a kill."""
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (taken_out closes it)
        np.savez(file, **{name: getattr(self, name) for name in self.__slots__})
        return file

    @classmethod
    def taken_out(cls, file: IO[bytes]) -> Weighed:
        """From what `put_away` gave, which is closed."""
        with file:
            file.seek(0)
            with np.load(file) as arrays:
                return cls(**{name: arrays[name] for name in cls.__slots__})


class Verifying:
    """Verifies the candidates of one language's steps."""

    def __init__(
        self,
        folder: Path,
        verifier: Verifier,
        goals: Goals,
        features: PairFeatures | None,
        part_size: int,
    ) -> None:
        """`features` are there where the reranker that ships ran; a judgement needs them."""
        self.verifier, self.goals, self.features = verifier, goals, features
        self.pairs = VectorStore(folder / f"pairs-{verifier.cross.digest[:12]}", part_size)
        self._weighed: deque[IO[bytes]] = deque()

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
        weighed, texts = self.weigh(batch, Table.of(batch, table))
        self._weighed.append(weighed.put_away(self.pairs.folder))
        bar.update(len(batch.ids))
        return texts

    def decided(self, batch: StepBatch, candidates: pa.Table) -> pa.Table:
        """The candidates with the verifier's probability and relation, in its order.

        Call `read` first, then this with each of the same batches in the same order.
        """
        table = Table.of(batch, candidates)
        weighed = Weighed.taken_out(self._weighed.popleft())
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

    def weigh(self, batch: StepBatch, table: Table) -> tuple[Weighed, list[str]]:
        """The first candidates of each step that are probable enough to matter, and what editors mention in it.

        With them come the texts of the pairs that are worth reading.
        """
        reads = self.verifier.reads
        first = (table.rank < reads.first) & (table.probability >= reads.least)
        rows = np.flatnonzero(first | (table.mentioned & (table.probability > 0)))
        pairs = pairs_of(batch, self.goals, table.step[rows], table.article[rows])
        gone = np.array([never(pair) for pair in pairs], bool)
        judgement, features, worth, read = self.verifier.judgement, NONE, NONE, ~gone
        if judgement is not None:
            features, worth = self._worth(judgement, batch, table, rows, pairs)
            read &= judgement.of_unread(worth) >= reads.worth
            features = features[read]
        texts = [pairs[i].text() for i in np.flatnonzero(read)]
        return Weighed(rows, gone, worth, read, features, hash_texts(texts)), texts

    def _worth(
        self, judgement: Judgement, batch: StepBatch, table: Table, rows: Positions, pairs: list[Pair]
    ) -> tuple[Floats, Floats]:
        """The features [n, 38] of some candidates, and v [n]."""
        assert self.features is not None, "a judgement goes with the reranker that it was fitted on"
        features, worth = [], []
        for start in range(0, max(1, len(rows)), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            numbers, products = self.features.of(batch, table, rows[some], pairs[some])
            features.append(numbers)
            worth.append(judgement.worth(numbers, products))
        return np.concatenate(features), np.concatenate(worth)

    def _judged(self, weighed: Weighed) -> tuple[Floats, Flags | None]:
        """The probability of each weighed pair, and whether it is rather exact than helpful."""
        judgement, read = self.verifier.judgement, weighed.read
        found = self.pairs.rows(weighed.pairs)
        logits = self.pairs.vectors(found) if len(found) else np.empty((0, 3), np.float32)
        if judgement is None:
            probability = np.zeros(len(read))
            probability[read] = self.verifier.of_logits(logits)[0]
            return probability, None
        probability, exact = judgement.of_unread(weighed.worth), np.zeros(len(read), bool)
        probability[read], exact[read] = judgement.of_read(logits, weighed.worth[read], weighed.features)
        return probability, exact


def pairs_of(batch: StepBatch, goals: Goals, steps: Positions, articles: ArticleIds) -> list[Pair]:
    """The pairs of steps, by their positions in the batch, and articles; both [n]."""
    known_steps, of_step = np.unique(steps, return_inverse=True)
    known_articles, of_article = np.unique(articles, return_inverse=True)
    places, candidates = batch.places(known_steps), goals.candidates(known_articles)
    return [
        Pair(places[i], candidates[j]) for i, j in zip(of_step.tolist(), of_article.tolist(), strict=True)
    ]


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
