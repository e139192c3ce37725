"""Measuring the linker on gold links: recall of the gold goals among the pool, and of "no link".

The rules, in short (docs/linking.md has them whole): every line of gold counts, also where the retriever missed
the goal or where one step has two goals; goals are compared by exact title; ties go by score, then by title.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from howtree import BadInput, progress
from linking.decide import Decision, Floats, fitted_for
from linking.encoder import BASE_ENCODER, DEFAULT_ENCODER, SentenceEncoder, Vectors, load_encoder
from linking.gold import Gold, check_gold
from linking.index import GoalIndex
from linking.lists import GoalLists
from linking.pipeline import CANDIDATES
from linking.reliability import before_and_after, error_of
from linking.rerank import DEPTH, pair_features, scorer_of
from linking.rerank import Scorer as Reranking
from linking.retrieve import SCORE_DECIMALS
from linking.significance import CUTS
from linking.text import goal_text, step_text
from linking.vectors import Rows, VectorStore

BLOCK = 256
TIMED_STEPS = 2_048
"""Speeds are measured on so many steps."""
BM25, DEFAULT = "bm25", "default"
MODELS = (BM25, BASE_ENCODER, DEFAULT)
"""What is measured unless models are named: the lexical baseline, zero-shot, and what a default build uses."""

Flags = NDArray[np.bool_]


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
    """Title of the article that each step stands in, which a build offers no step; None where it is not known."""

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
    def places(self) -> Rows:
        """Position of each gold goal in `titles`, -1 where it is not there; shape [n]."""
        return self.places_of(self.gold.goals)

    def places_of(self, goals: Sequence[str]) -> Rows:
        """Positions of goals in `titles`, -1 where one is not there; shape [len(goals)]."""
        place = {title: i for i, title in enumerate(self.titles)}
        return np.array([place.get(goal, -1) for goal in goals], np.int64)

    @property
    def right(self) -> list[set[int]]:
        """For each line the positions of all goals that gold gives its step."""
        of_step: dict[str, set[int]] = {}
        for step, place in zip(self.gold.steps, self.places.tolist(), strict=True):
            of_step.setdefault(step, set()).add(place)
        return [of_step[step] for step in self.gold.steps]


@dataclass(frozen=True, slots=True)
class Lists:
    """The best goals of each step, best first, and the rank of its gold goal in the whole pool."""

    goals: Rows
    """Positions of titles, shape [n, depth], padded with -1."""
    scores: Floats
    """Shape [n, depth], padded with -inf."""
    ranks: Rows
    """From 1, shape [n]; behind the whole pool where the gold goal is no title of it."""
    best_cosine: Floats | None = None
    """Cosine of each best goal where the scores are a reranker's, shape [n]."""


@dataclass(slots=True)
class Measured:
    """One model's figures and the lists that they come from."""

    name: str
    lists: Lists
    decision: Decision | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the table: the lists as they are, and with "no link" where a decision was fitted for the model."""
    curve: list[dict[str, float | None]] = field(default_factory=list)
    """The figures of "no link" at each threshold."""
    probability: Floats | None = None
    """Of each step's best goal, shape [n]."""

    @property
    def cosines(self) -> Floats:
        """Cosine of each step's best goal, shape [n]."""
        return self.lists.scores[:, 0] if self.lists.best_cosine is None else self.lists.best_cosine

    @property
    def reliability(self) -> dict[str, list[dict[str, float]]]:
        """Probability of the best goal against how often it is right, in bins; nothing without a decision."""
        if self.probability is None:
            return {}
        return before_and_after(self.cosines, self.probability, self.lists.ranks == 1)


def evaluate(task: Task, models: Sequence[str], work: Path) -> list[Measured]:
    """Measure models by name; a goal is encoded once and kept in `work`.

    Args:
        task: gold links and pool.
        models: "bm25", "default", or the name or folder of an encoder.
        work: folder for the vectors of the pool, one folder an encoder.

    Raises:
        BadInput: a model cannot be loaded, or its decision was fitted for another one.
    """
    measured: dict[str, Measured] = {}
    for name in (DEFAULT_ENCODER if each == DEFAULT else each for each in models):
        if name not in measured:
            measured[name] = measure_bm25(task) if name == BM25 else measure_encoder(task, name, work)
    return [
        renamed(measured[DEFAULT_ENCODER], "default build") if name == DEFAULT else measured[name]
        for name in dict.fromkeys(models)
    ]


def renamed(measured: Measured, name: str) -> Measured:
    """The same figures under another name."""
    rows = [{**row, "model": row["model"].replace(measured.name, name, 1)} for row in measured.rows]
    return replace(measured, name=name, rows=rows)


def measure_bm25(task: Task) -> Measured:
    """The figures of BM25 on the titles."""
    from linking.bm25 import Bm25

    scorer = Bm25([goal_text(title) for title in task.titles])
    start = time.monotonic()
    lists = ranked_lists(task, scorer, BM25)
    speed = {"retrieve": len(task.gold.steps) / (time.monotonic() - start)}
    return Measured(BM25, lists, None, [row_of(BM25, task, lists.ranks, speed)])


def measure_encoder(task: Task, name: str, work: Path) -> Measured:
    """The figures of an encoder, of its reranker, and of its decision, where they were fitted for it."""
    encoder = load_encoder(name)
    decision, reranker = fitted_for(encoder), scorer_of(encoder)
    scorer = EncoderScorer(encoder, [goal_text(title) for title in task.titles], work)
    lists = ranked_lists(task, scorer, name, CANDIDATES if reranker is None else DEPTH)
    speed = scorer.speed([step_text(step) for step in task.gold.steps[:TIMED_STEPS]])
    measured = Measured(name, lists, decision, [row_of(name, task, lists.ranks, speed, scorer.megabytes())])
    if reranker is not None:
        start = time.monotonic()
        measured.lists = reranked_lists(task, scorer, reranker, lists)
        pairs = {"pairs reranked": lists.goals.size / (time.monotonic() - start)}
        measured.rows.append(row_of(f"{name} + reranker", task, measured.lists.ranks, pairs))
    if decision is not None:
        measured.probability = best_probability(decision, measured.lists.scores[:, :CANDIDATES])
        measured.rows.append(no_link_row(measured, task, decision, measured.probability))
        measured.curve = curve(measured.probability, measured.lists.ranks)
    return measured


class EncoderScorer:
    """Cosines of an encoder, rounded as in a build."""

    def __init__(self, encoder: SentenceEncoder, texts: Sequence[str], work: Path) -> None:
        self.encoder = encoder
        store = VectorStore(work / encoder.digest[:16] / "goals")
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
        return float(
            sum(t.numel() * t.element_size() for t in self.encoder.model.state_dict().values()) / 1e6
        )


def ranked_lists(task: Task, scorer: Scorer, label: str, candidates: int = CANDIDATES) -> Lists:
    """Rank the whole pool for every step: higher score first, then the title. At least `candidates` are kept."""
    places, texts = task.places, [step_text(step) for step in task.gold.steps]
    own = np.full(len(texts), -1) if task.own is None else task.places_of(task.own)
    spare = max(len(goals) for goals in task.right)
    depth = min(len(task.titles), candidates + spare)
    goals, scores = np.empty((len(texts), depth), np.int64), np.empty((len(texts), depth))
    ranks = np.empty(len(texts), np.int64)
    with progress(None, f"Ranking with {label}", len(texts), "steps") as bar:
        for start in range(0, len(texts), BLOCK):
            for i, row in enumerate(scorer.scores(texts[start : start + BLOCK]), start):
                if own[i] not in (-1, places[i]):
                    row[own[i]] = -np.inf
                goals[i] = best_places(row, depth)
                scores[i] = row[goals[i]]
                ranks[i] = rank_of(row, int(places[i]))
                bar.update()
    return Lists(goals, scores, ranks)


def reranked_lists(task: Task, scorer: EncoderScorer, reranker: Reranking, lists: Lists) -> Lists:
    """The lists in the reranker's order; a gold goal behind them keeps its rank."""
    texts = [step_text(step) for step in task.gold.steps]
    rows = np.unique(scorer.rows[lists.goals])
    steps = scorer.encoder.encode_tokens(texts)[1]
    assert steps is not None, "a reranker belongs to an encoder with a token head"
    found = GoalLists(lists.goals, lists.scores.astype(np.float32))
    places = np.searchsorted(rows, scorer.rows[lists.goals])
    links = reranker.links(scorer.store.hashes[scorer.rows[lists.goals]])
    features = pair_features(found, steps, np.arange(len(texts)), scorer.store.tokens(rows), places, links)
    scores = np.where(np.isfinite(lists.scores), reranker.scores(features), -np.inf)
    order = np.lexsort((lists.goals, -scores), axis=1)
    goals = np.take_along_axis(lists.goals, order, 1)
    hit = goals == task.places[:, None]
    ranks = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, lists.ranks)
    cosines = np.take_along_axis(lists.scores, order[:, :1], 1)[:, 0]
    return Lists(goals, np.take_along_axis(scores, order, 1), ranks, cosines)


def rank_of(scores: Vectors, place: int) -> int:
    """Rank from 1 of the title at `place`, behind all where it is -1; of equal scores the earlier title is first."""
    if place < 0:
        return len(scores) + 1
    own = scores[place]
    return 1 + int((scores > own).sum()) + int((scores[:place] == own).sum())


def best_places(scores: Vectors, depth: int) -> Rows:
    """Positions of the best titles, best first; of equal scores the earlier title comes first."""
    least = np.partition(scores, -depth)[-depth]
    found = np.flatnonzero(scores >= least)
    return found[np.argsort(-scores[found], kind="stable")][:depth]


def row_of(
    name: str, task: Task, ranks: Rows, speed: dict[str, float], megabytes: float | None = None
) -> dict[str, Any]:
    """A row of the table: recall in percent, speeds in steps a second, sizes in units of 10^6 bytes."""
    return {
        "model": name,
        **recalls(ranks, task.seen),
        "unlinkable_recall": None,
        "steps_per_second": speed,
        "weights_mb": megabytes,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def recalls(ranks: Rows, seen: Flags | None) -> dict[str, float | None]:
    """R@n in percent over all steps and, where it is known, over those with seen and with unseen goals.

    A step counts as found at n where the rank of its gold goal is at most n; a set without steps has None.
    """
    parts = {"": np.ones(len(ranks), bool)}
    if seen is not None:
        parts |= {"seen_": seen, "unseen_": ~seen}
    return {f"{part}recall@{cut}": share(ranks[of] <= cut) for part, of in parts.items() for cut in CUTS}


def share(flags: Flags) -> float | None:
    """How many are true, in percent; None where there are none at all."""
    return 100 * float(flags.mean()) if len(flags) else None


def no_link_row(measured: Measured, task: Task, decision: Decision, probability: Floats) -> dict[str, Any]:
    """The row with "no link" on: a step whose best goal is less probable than the threshold gets no link."""
    linked = probability >= decision.threshold
    ranks = measured.lists.ranks
    missed = ranks > CANDIDATES
    bins = before_and_after(measured.cosines, probability, ranks == 1)
    only_linked = np.where(
        linked, ranks, np.where(ranks == 1, 2, ranks)
    )  # an unlinked step has no first goal
    return {
        **measured.rows[0],
        "model": f"{measured.name} + no link",
        **recalls(only_linked, task.seen),
        "unlinkable_recall": share(~linked[missed]),
        "threshold": decision.threshold,
        "precision": share((ranks == 1)[linked]),
        "calibration_error_before": error_of(bins["before"]),
        "calibration_error": error_of(bins["after"]),
        "goal_taken_out": without_gold(measured.lists, task, decision),
    }


def best_probability(decision: Decision, scores: Floats) -> Floats:
    """The probability of the first of each list, shape [n], for scores [n, k]."""
    return decision.probabilities(scores)[:, 0]


def curve(probability: Floats, ranks: Rows, points: int = 101) -> list[dict[str, float | None]]:
    """The figures of "no link" at evenly spaced thresholds from 0 to 1."""
    missed, right = ranks > CANDIDATES, ranks == 1
    return [
        {
            "threshold": float(threshold),
            "recall@1": share(right & (probability >= threshold)),
            "unlinkable_recall": share((probability < threshold)[missed]),
            "precision": share(right[probability >= threshold]),
        }
        for threshold in np.linspace(0, 1, points)
    ]


def without_gold(lists: Lists, task: Task, decision: Decision) -> dict[str, float | None]:
    """Precision, recall and F1 of "no link", in percent, with the gold goals of half of the steps taken out.

    Whether a step's goals are taken out of its pool is decided by a hash of the step.
    """
    out = np.array([taken_out(step) for step in task.gold.steps], bool)
    scores = np.full((len(out), min(CANDIDATES, lists.goals.shape[1])), -np.inf)
    for i, right in enumerate(task.right):
        kept = ~np.isin(lists.goals[i], list(right)) if out[i] else np.ones(lists.goals.shape[1], bool)
        left = lists.scores[i][kept][: scores.shape[1]]
        scores[i, : len(left)] = left
    unlinked = best_probability(decision, scores) < decision.threshold
    hits = int((unlinked & out).sum())
    precision, recall = share(out[unlinked]), share(unlinked[out])
    total = int(unlinked.sum() + out.sum())
    return {"precision": precision, "recall": recall, "f1": 200 * hits / total if total else None}


def taken_out(step: str) -> bool:
    """Whether a step belongs to the half whose gold goals are taken out: by a hash of its text."""
    return hashlib.sha256(b"taken out\0" + step.encode("utf-8", "surrogatepass")).digest()[0] < 128
