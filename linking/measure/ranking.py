"""Ranking the whole pool of titles for gold steps: what a linker is measured by.

Goals are compared by exact title; of equal scores the earlier title comes first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from howtree.errors import BadInput
from howtree.progress import progress
from linking.arrays import Flags, Floats, Positions, Ranks, Rows, Vectors
from linking.encode.encoder import SentenceEncoder
from linking.gold.links import Gold, check_gold
from linking.pipeline import CANDIDATES
from linking.rerank.features import features_of
from linking.rerank.late import coverages
from linking.rerank.linear import LinearReranker
from linking.rerank.negation import averting, opposed
from linking.rerank.precedents import NEAREST, joined
from linking.retrieve.index import GoalIndex
from linking.retrieve.lists import GoalLists
from linking.retrieve.mend import mend
from linking.retrieve.retrieve import SCORE_DECIMALS, pair_cosines
from linking.retrieve.vectors import VectorStore
from linking.text import step_text

BLOCK = 256


class Scorer(Protocol):
    """Anything that gives every title of the pool a score."""

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of all titles for each text, shape [len(texts), titles]."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured: gold links, and the titles of the pool in ascending order."""

    gold: Gold
    titles: list[str]
    seen: Flags | None
    """Whether the gold goal of each step occurs in training, shape [n]; None where no training file is known."""
    own: list[str] | None = None
    """Title of the article that each step is in, which a build offers no step; None where it is not known."""

    @classmethod
    def of(
        cls, gold: Gold, pool: Sequence[str], train: Gold | None = None, own: list[str] | None = None
    ) -> Task:
        """Check the gold against the pool.

        A goal is seen where training links another step than those measured to it, so a training file that
        holds the measured pairs too gives none of them away.

        Raises:
            BadInput: too many gold goals are no titles of the pool.
        """
        check_gold(gold, pool)
        seen = None
        if train is not None:
            measured = set(gold.steps)
            goals = {g for s, g in zip(train.steps, train.goals, strict=True) if s not in measured}
            seen = np.array([goal in goals for goal in gold.goals])
        return cls(gold, sorted(set(pool)), seen, own)

    @property
    def positions(self) -> Positions:
        """Position of each gold goal in `titles`, -1 where it is not there; shape [n]."""
        return self.positions_of(self.gold.goals)

    def positions_of(self, goals: Sequence[str]) -> Positions:
        """Positions of goals in `titles`, -1 where one is not there; shape [len(goals)]."""
        position = {title: i for i, title in enumerate(self.titles)}
        return np.array([position.get(goal, -1) for goal in goals], np.int64)

    @property
    def right(self) -> list[set[int]]:
        """For each line the positions of all goals that gold gives its step."""
        of_step: dict[str, set[int]] = {}
        for step, position in zip(self.gold.steps, self.positions.tolist(), strict=True):
            of_step.setdefault(step, set()).add(position)
        return [of_step[step] for step in self.gold.steps]


@dataclass(frozen=True, slots=True)
class Lists:
    """The best goals of each step, best first, and the rank of its gold goal in the whole pool."""

    goals: Positions
    """Of titles, shape [n, depth], padded with -1."""
    scores: Floats
    """Shape [n, depth], padded with -inf."""
    ranks: Ranks
    """From 1, shape [n]; behind the whole pool where the gold goal is no title of it."""
    best_cosine: Floats | None = None
    """Cosine of each best goal where the scores are a reranker's, shape [n]."""


class EncoderScorer:
    """Cosines of an encoder, rounded as in a build."""

    def __init__(self, encoder: SentenceEncoder, texts: Sequence[str], work: Path) -> None:
        self.encoder = encoder
        folder = work / encoder.digest[:16] / "goals"
        mend(folder)
        store = VectorStore(folder)
        with progress(None, f"Encoding goals with {encoder.name}", len(texts), "goals") as bar:
            rows = store.add(texts, encoder, bar)
        self.store, self.rows = store, rows
        self.goals = store.vectors(rows)
        if self.goals.shape[1] != encoder.dimension:
            raise BadInput(
                f"{store.folder} holds vectors of length {self.goals.shape[1]}, {encoder.name} makes vectors of "
                f"length {encoder.dimension}: remove the folder, or give another --work"
            )

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosine of each text with every title, shape [len(texts), titles]."""
        return np.round(self.encoder.encode(texts) @ self.goals.T, SCORE_DECIMALS)

    def speed(self, texts: Sequence[str]) -> dict[str, float]:
        """Steps a second of encoding and of the search as a build does it."""
        index = GoalIndex(self.goals, np.arange(len(self.goals)), self.encoder.name, self.encoder.digest)
        start = time.monotonic()
        vectors = self.encoder.encode(texts)
        between = time.monotonic()
        index.search(vectors, CANDIDATES)
        end = time.monotonic()
        return {"encode": len(texts) / (between - start), "retrieve": len(texts) / (end - between)}

    def megabytes(self) -> float:
        """Size of the weights in memory, in units of 10^6 bytes."""
        model = self.encoder.model
        return float(sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers())) / 1e6)


def ranked_lists(task: Task, scorer: Scorer, label: str, candidates: int = CANDIDATES) -> Lists:
    """Rank the whole pool for every step: higher score first, then the title. At least `candidates` are kept."""
    positions, texts = task.positions, [step_text(step) for step in task.gold.steps]
    own = np.full(len(texts), -1) if task.own is None else task.positions_of(task.own)
    spare = max(len(goals) for goals in task.right)
    depth = min(len(task.titles), candidates + spare)
    goals, scores = np.empty((len(texts), depth), np.int64), np.empty((len(texts), depth))
    ranks = np.empty(len(texts), np.int64)
    with progress(None, f"Ranking with {label}", len(texts), "steps") as bar:
        for start in range(0, len(texts), BLOCK):
            for i, row in enumerate(scorer.scores(texts[start : start + BLOCK]), start):
                if own[i] not in (-1, positions[i]):
                    row[own[i]] = -np.inf
                goals[i] = best_positions(row, depth)
                scores[i] = row[goals[i]]
                ranks[i] = rank_of(row, int(positions[i]))
                bar.update()
    return Lists(goals, scores, ranks)


def reranked_lists(task: Task, scorer: EncoderScorer, reranker: LinearReranker, lists: Lists) -> Lists:
    """The lists, widened by precedents, in the reranker's order; a gold goal that is not among them comes behind."""
    texts = [step_text(step) for step in task.gold.steps]
    vectors, steps = scorer.encoder.encode_tokens(texts)
    found, similar = with_precedents(task, scorer, reranker, lists, vectors)
    rows, there = scorer.rows[found.goals], found.goals >= 0
    known = np.unique(rows[there])
    positions = np.where(there, np.searchsorted(known, rows), -1)
    covered = np.zeros(positions.shape), np.zeros(positions.shape)
    if reranker.late and steps is not None:
        covered = coverages(steps, np.arange(len(vectors)), scorer.store.tokens(known), positions)
    links = reranker.links(scorer.store.hashes[rows])
    against = opposed(texts, averting(task.titles)[found.goals])
    features = features_of(found.scores, *covered, links, similar, against)
    scores = np.where(there, reranker.scores(features), -np.inf)
    order = np.lexsort((found.goals, -scores), axis=1)
    goals = np.take_along_axis(found.goals, order, 1)
    hit = (goals == task.positions[:, None]) & (goals >= 0)
    behind = np.maximum(lists.ranks, there.sum(axis=1) + 1)
    ranks = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, behind)
    cosines = np.take_along_axis(found.scores, order[:, :1], 1)[:, 0].astype(np.float64)
    return Lists(goals, np.take_along_axis(scores, order, 1), ranks, cosines)


def with_precedents(
    task: Task, scorer: EncoderScorer, reranker: LinearReranker, lists: Lists, vectors: Vectors
) -> tuple[GoalLists, Vectors]:
    """The lists widened by the goals of the nearest precedents, and how near each goal's nearest precedent is.

    No step gets the article that it is in. `vectors` are those of the steps, [n, dimension].
    """
    goals, cosines = nearest_precedents(scorer, reranker, vectors)
    if task.own is not None:
        own = task.positions_of(task.own)[:, None]
        goals = np.where((goals == own) & (goals != task.positions[:, None]), -1, goals)
    there = np.isfinite(lists.scores)
    narrow = GoalLists(np.where(there, lists.goals, -1), lists.scores.astype(np.float32))
    wide, similar = joined(narrow, GoalLists(goals, cosines))
    further = wide[:, lists.goals.shape[1] :]
    scores = pair_cosines(vectors, further, lambda positions: scorer.goals[positions])
    return GoalLists(wide, np.concatenate([narrow.scores, scores], axis=1)), similar


def nearest_precedents(
    scorer: EncoderScorer, reranker: LinearReranker, vectors: Vectors
) -> tuple[Rows, Vectors]:
    """Positions of the titles of each step's nearest precedents, and the precedents' cosines, both [n, NEAREST]."""
    precedents, hashes = reranker.precedents, scorer.store.hashes[scorer.rows]
    order = np.argsort(hashes, kind="stable")
    position = order[np.minimum(np.searchsorted(hashes, precedents.goals, sorter=order), len(hashes) - 1)]
    among = np.flatnonzero(hashes[position] == precedents.goals)
    index = GoalIndex(precedents.vectors(among), position[among], scorer.encoder.name, scorer.encoder.digest)
    cosines, found = index.search(vectors, NEAREST)
    return index.labels_of(found), np.round(cosines, SCORE_DECIMALS).astype(np.float32)


def rank_of(scores: Vectors, position: int) -> int:
    """Rank from 1 of the title at `position`, behind all where it is -1; of equal scores the earlier title is first."""
    if position < 0:
        return len(scores) + 1
    own = scores[position]
    return 1 + int((scores > own).sum()) + int((scores[:position] == own).sum())


def best_positions(scores: Vectors, depth: int) -> Positions:
    """Positions of the best titles, best first; of equal scores the earlier title comes first."""
    least = np.partition(scores, -depth)[-depth]
    found = np.flatnonzero(scores >= least)
    return found[np.argsort(-scores[found], kind="stable")][:depth]
