"""The stages of linking in order: encode, retrieve, rerank, verify, decide.

Each keeps its results for the next run; what a model has no part for is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from howtree.files import written_aside
from howtree.progress import progress
from linking.arrays import Rows
from linking.candidates import ArticlesOfGoal, Goals, StepBatch, candidate_table, most_probable_first
from linking.model import Model, base_decision
from linking.rerank.linear import LinearLists
from linking.rerank.reranker import RerankedLists
from linking.retrieve.index import GoalIndex
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import PART_SIZE, VectorStore, hash_texts
from linking.run.executors import Executor, InProcess
from linking.verify.never import Never
from linking.verify.table import PairFeatures
from linking.verify.verifying import Verifying

CANDIDATES = 30
Lists = Retriever | RerankedLists
"""What keeps the lists of all steps: without a reranker it is the retriever."""
SPARE = 16
"""Goals kept beyond those asked for: a step's own article may be among the best, and so may equal titles."""


@dataclass(slots=True)
class LinkTally:
    """What a run of the linker did."""

    steps: int = 0
    encoded: int = 0
    searched: int = 0
    compared: int = 0
    """Pairs of a step and a goal that the reranker compared."""
    verified: int = 0
    """Pairs that the verifier read."""
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: LinkTally) -> None:
        """Add the figures of another run."""
        self.steps += other.steps
        self.encoded += other.encoded
        self.searched += other.searched
        self.compared += other.compared
        self.verified += other.verified
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Linker:
    """Links the steps of one language to its goals with a model, keeping vectors and lists in `folder`.

    `linking.retrieve.mend` takes away what is damaged there, before.
    """

    def __init__(
        self,
        folder: Path,
        model: Model,
        candidates: int = CANDIDATES,
        executor: Executor | None = None,
        part_size: int = PART_SIZE,
    ) -> None:
        self.folder = folder / model.encoder.digest[:16]
        self.encoder, self.reranker = model.encoder, model.reranker
        self.decision, self.verifier = model.decision or base_decision(), model.verifier
        self.candidates = candidates
        self.executor = executor or InProcess()
        self.goals = VectorStore(self.folder / "goals", part_size)
        self.steps = VectorStore(self.folder / "steps", part_size)

    def run(
        self, goals: Goals, steps: Callable[[], Iterable[StepBatch]], total: int, output: Path
    ) -> LinkTally:
        """Link all steps; the candidates appear as `output/part-00000.parquet` and on.

        Args:
            goals: every goal that a step may be linked to.
            steps: gives the steps in batches, afresh at each call: they are read once to be laid out in parts and
                once to be written, so that no more than one batch is in memory.
            total: number of steps, for the progress bar.
            output: folder for the candidates.
        """
        tally = LinkTally(steps=total)
        ranked, articles_of = self.ranked(goals, steps, tally)
        never = Never(goals)

        def tables() -> Iterator[tuple[StepBatch, pa.Table]]:
            for batch in steps():
                yield batch, never.refused(batch, self.table(batch, ranked, articles_of))

        verifying = self._verifying(goals, ranked)
        if verifying is not None:
            with timed(tally, "verify"):
                tally.verified = verifying.read(tables, total, self.executor)
        with timed(tally, "decide"):
            write(tables(), verifying, total, output)
        return tally

    def ranked(
        self, goals: Goals, steps: Callable[[], Iterable[StepBatch]], tally: LinkTally
    ) -> tuple[Lists, ArticlesOfGoal]:
        """The lists of all steps, retrieved and reranked, and which articles their goals are."""
        with timed(tally, "encode"):
            goal_rows = self._encode(goals, steps, tally)
        depth = self.candidates + SPARE
        searched = depth if self.reranker is None else max(depth, self.reranker.reads)
        retriever = Retriever(self.folder / "lists", self.goals, self.steps, goal_rows, searched)
        with timed(tally, "retrieve"), progress(None, "Retrieving", len(self.steps), "texts") as bar:
            tally.searched = retriever.update(bar, self.executor)
        articles_of = ArticlesOfGoal(goals.ids, goal_rows, goals.groups)
        if self.reranker is None:
            return retriever, articles_of
        ranked = self.reranker.over(self.folder / "reranked", retriever, depth)
        with timed(tally, "rerank"):
            tally.compared = ranked.update(self.executor)
        return ranked, articles_of

    def table(self, batch: StepBatch, ranked: Lists, articles_of: ArticlesOfGoal) -> pa.Table:
        """The candidates of a batch of steps by the decision, rows of `CANDIDATE_SCHEMA`."""
        lists = ranked.lists(self.steps.rows(hash_texts(batch.texts)))
        return candidate_table(batch, lists, articles_of, self.decision, self.candidates)

    def index(self, goals: Goals, goal_set: str) -> GoalIndex:
        """The FAISS index over the vectors of `goals`, labelled with their article ids.

        `goal_set` names the set of articles that the ids belong to.
        """
        rows = self.goals.add(goals.texts, self.encoder)
        return GoalIndex(
            self.goals.vectors(rows), goals.ids, self.encoder.name, self.encoder.digest, goal_set
        )

    def _encode(self, goals: Goals, steps: Callable[[], Iterable[StepBatch]], tally: LinkTally) -> Rows:
        """Rows of the goals, once they and all steps have vectors."""
        self.goals.lay_out([goals.texts])
        self.steps.lay_out(batch.texts for batch in steps())
        for store, label in ((self.goals, "Encoding goals"), (self.steps, "Encoding steps")):
            parts = store.parts()
            missing = sum(len(parts[number]) for number in store.not_encoded())
            with progress(None, label, missing, "texts") as bar:
                tally.encoded += store.encode(self.encoder, bar, self.executor)
        return self.goals.rows(hash_texts(goals.texts))

    def _verifying(self, goals: Goals, ranked: Lists) -> Verifying | None:
        if self.verifier is None:
            return None
        lists = ranked if isinstance(ranked, LinearLists) else None
        features = None if lists is None else PairFeatures(self.decision, self.goals, self.steps, lists)
        return Verifying(self.folder, self.verifier, goals, features, self.steps.part_size)


def write(
    tables: Iterable[tuple[StepBatch, pa.Table]], verifying: Verifying | None, total: int, output: Path
) -> None:
    """Write the candidates of each batch, verified where something verifies them, as a file of its own."""
    output.mkdir(parents=True, exist_ok=True)
    with progress(None, "Deciding", total, "steps") as bar:
        for number, (batch, table) in enumerate(tables):
            decided = most_probable_first(table) if verifying is None else verifying.decided(batch, table)
            with written_aside(output / f"part-{number:05d}.parquet") as aside:
                pq.write_table(decided, aside, compression="zstd")
            bar.update(len(batch.ids))


class timed:
    """Adds the seconds spent inside to a tally's stage."""

    def __init__(self, tally: LinkTally, stage: str) -> None:
        self.tally, self.stage = tally, stage

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = time.monotonic() - self.start
        self.tally.seconds[self.stage] = self.tally.seconds.get(self.stage, 0.0) + spent
