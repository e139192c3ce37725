"""The stages of linking in order: encode, retrieve, rerank, decide. Each keeps its results for the next run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from howtree.files import written_aside
from howtree.progress import progress
from linking.arrays import ArticleIds, Floats, Positions, Rows, StepIds
from linking.model import Model, base_decision
from linking.rerank.decide import Decision
from linking.rerank.reranker import RerankedLists
from linking.retrieve.index import GoalIndex
from linking.retrieve.lists import GoalLists
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import PART_SIZE, VectorStore, hash_texts
from linking.run.executors import Executor, InProcess

CANDIDATES = 30
SPARE = 16
"""Goals kept beyond those asked for: a step's own article may be among the best, and so may equal titles."""

CANDIDATE_SCHEMA = pa.schema(
    {
        "step_id": pa.int64(),
        "rank": pa.int32(),
        "article_id": pa.int64(),
        "retrieval_score": pa.float32(),
        "rerank_score": pa.float32(),
        "probability": pa.float32(),
    }
)


@dataclass(frozen=True, slots=True)
class Goals:
    """The goals to link to. `ids` are article ids, shape [n]; `texts` what the encoder reads."""

    ids: ArticleIds
    texts: list[str]


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Some steps to link: step ids, the ids of the articles that they are in, and texts, all of one length."""

    ids: StepIds
    article_ids: ArticleIds
    texts: list[str]


@dataclass(slots=True)
class LinkTally:
    """What a run of the linker did."""

    steps: int = 0
    encoded: int = 0
    searched: int = 0
    compared: int = 0
    """Pairs of a step and a goal that the reranker compared."""
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: LinkTally) -> None:
        """Add the figures of another run."""
        self.steps += other.steps
        self.encoded += other.encoded
        self.searched += other.searched
        self.compared += other.compared
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Linker:
    """Links the steps of one language to its goals with a model, keeping vectors and lists in `folder`."""

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
        self.decision = model.decision or base_decision()
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
        self._remove_leftovers()
        with timed(tally, "encode"):
            goal_rows = self._encode(goals, steps, tally)
        depth = self.candidates + SPARE
        searched = depth if self.reranker is None else max(depth, self.reranker.reads)
        retriever = Retriever(self.folder / "lists", self.goals, self.steps, goal_rows, searched)
        with timed(tally, "retrieve"), progress(None, "Retrieving", len(self.steps), "texts") as bar:
            tally.searched = retriever.update(bar, self.executor)
        ranked: Retriever | RerankedLists = retriever
        if self.reranker is not None:
            ranked = self.reranker.over(self.folder / "reranked", retriever, depth)
            with timed(tally, "rerank"):
                tally.compared = ranked.update(self.executor)
        with timed(tally, "decide"):
            self._write(goals.ids, goal_rows, steps, total, ranked, output)
        return tally

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

    def _remove_leftovers(self) -> None:
        """Remove what runs that were killed had begun to write."""
        for aside in self.folder.glob("*/.*.part"):
            aside.unlink(missing_ok=True)

    def _write(
        self,
        article_ids: ArticleIds,
        goal_rows: Rows,
        steps: Callable[[], Iterable[StepBatch]],
        total: int,
        ranked: Retriever | RerankedLists,
        output: Path,
    ) -> None:
        output.mkdir(parents=True, exist_ok=True)
        articles_of = ArticlesOfGoal(article_ids, goal_rows)
        with progress(None, "Deciding", total, "steps") as bar:
            for number, batch in enumerate(steps()):
                lists = ranked.lists(self.steps.rows(hash_texts(batch.texts)))
                table = candidate_table(batch, lists, articles_of, self.decision, self.candidates)
                with written_aside(output / f"part-{number:05d}.parquet") as aside:
                    pq.write_table(table, aside, compression="zstd")
                bar.update(len(batch.ids))


class ArticlesOfGoal:
    """Which articles have the goal text of a row: nearly always one, but titles can be equal."""

    def __init__(self, article_ids: ArticleIds, goal_rows: Rows) -> None:
        self._ids = article_ids[np.lexsort((article_ids, goal_rows))]
        self._count = np.bincount(goal_rows, minlength=1)
        self._first = np.cumsum(self._count) - self._count

    def spread(self, goal_rows: Rows) -> tuple[Positions, ArticleIds]:
        """For each article of each goal row: the position in `goal_rows`, and the article's id; none for row -1."""
        count = np.where(goal_rows < 0, 0, self._count[goal_rows])
        position = np.repeat(np.arange(len(goal_rows)), count)
        within = np.arange(len(position)) - np.repeat(np.cumsum(count) - count, count)
        return position, self._ids[self._first[goal_rows[position]] + within]


def candidate_table(
    batch: StepBatch, lists: GoalLists, articles_of: ArticlesOfGoal, decision: Decision, k: int
) -> pa.Table:
    """The first `k` candidates of each step as rows of `CANDIDATE_SCHEMA`, without the step's own article.

    Higher score first, then the smaller article id.
    """
    depth = lists.goals.shape[1]
    position, article = articles_of.spread(lists.goals.ravel())
    step = position // depth if depth else position
    score, cosine = lists.deciding.ravel()[position], lists.scores.ravel()[position]
    foreign = article != batch.article_ids[step]
    step, article, score, cosine = step[foreign], article[foreign], score[foreign], cosine[foreign]
    article = smaller_first(step, score, article)
    rank = np.arange(len(step)) - np.searchsorted(step, step, side="left")
    kept = rank < k
    step, article, score, cosine, rank = step[kept], article[kept], score[kept], cosine[kept], rank[kept]
    grid = np.full((len(batch.ids), k), -np.inf)
    grid[step, rank] = score
    probability = decision.probabilities(grid)[step, rank] if len(step) else np.empty(0)
    return pa.table(
        {
            "step_id": batch.ids[step],
            "rank": (rank + 1).astype(np.int32),
            "article_id": article,
            "retrieval_score": cosine.astype(np.float32),
            "rerank_score": pa.nulls(len(step), pa.float32())
            if lists.reranked is None
            else score.astype(np.float32),
            "probability": probability.astype(np.float32),
        },
        schema=CANDIDATE_SCHEMA,
    )


def smaller_first(step: Positions, score: Floats, article: ArticleIds) -> ArticleIds:
    """The articles of lists that are in order of their scores, those of equal score now by their ids. All [n]."""
    group = np.cumsum(np.diff(step, prepend=-1).astype(bool) | np.diff(score, prepend=np.nan).astype(bool))
    same = group[1:] == group[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    article = article.copy()
    article[tied] = article[tied][np.lexsort((article[tied], group[tied]))]
    return article


class timed:
    """Adds the seconds spent inside to a tally's stage."""

    def __init__(self, tally: LinkTally, stage: str) -> None:
        self.tally, self.stage = tally, stage

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = time.monotonic() - self.start
        self.tally.seconds[self.stage] = self.tally.seconds.get(self.stage, 0.0) + spent
