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

import numpy as np

from linking.arrays import Flags, Floats, Ranks
from linking.encode.device import Device
from linking.encode.encoder import load_encoder
from linking.encode.folder import default_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.measure.figures import CurvePoint, NoLink, Refusals, Reliability, Row, Share
from linking.measure.ranking import EncoderScorer, Lists, Task, ranked_lists, reranked_lists
from linking.measure.reliability import before_and_after, error_of, reliability
from linking.measure.significance import CUTS
from linking.model import Model
from linking.pipeline import CANDIDATES
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearReranker
from linking.text import goal_text, step_text

STRICT = 2 / 3
"""A second row has "no link" at the threshold, read off the curve, that refuses so many of the unlinkable steps: at
one unlinkable recall models can be compared. The paper's best refuses 64.5%."""
TIMED_STEPS = 2_048
"""Speeds are measured on so many steps."""
BM25, DEFAULT = "bm25", "default"
MODELS = (BM25, BASE_ENCODER, DEFAULT)
"""What is measured unless models are named: the lexical baseline, zero-shot, and what a default build uses."""


@dataclass(slots=True)
class Measured:
    """One model's figures and the lists that they come from."""

    name: str
    lists: Lists
    decision: Decision | None
    rows: list[Row] = field(default_factory=list)
    """The lists as they are, and with "no link" where a decision was fitted for the model."""
    curve: list[CurvePoint] = field(default_factory=list)
    """The figures of "no link" at each threshold."""
    probability: Floats | None = None
    """Of each step's best goal, shape [n]."""

    @property
    def cosines(self) -> Floats:
        """Cosine of each step's best goal, shape [n]."""
        return self.lists.scores[:, 0] if self.lists.best_cosine is None else self.lists.best_cosine

    @property
    def reliability(self) -> Reliability | None:
        """Probability of the best goal against how often it is right, in bins; nothing without a decision."""
        if self.probability is None:
            return None
        if self.decision is None:
            return Reliability([], reliability(self.probability, self.lists.ranks == 1))
        return before_and_after(self.cosines, self.probability, self.lists.ranks == 1)


def evaluate(task: Task, models: Sequence[str], work: Path, device: Device = "cpu") -> list[Measured]:
    """Measure models by name; a goal is encoded once and kept in `work`.

    Args:
        task: gold links and pool.
        models: "bm25", "default", or the name or folder of an encoder.
        work: folder for the vectors of the pool, one folder an encoder.
        device: where the encoders run.

    Raises:
        BadInput: a model cannot be loaded, or its decision was fitted for another one.
    """
    measured: dict[str, Measured] = {}
    for name in (default_encoder() if each == DEFAULT else each for each in models):
        if name not in measured:
            measured[name] = measure_bm25(task) if name == BM25 else measure_encoder(task, name, work, device)
    return [
        renamed(measured[default_encoder()], "default build") if name == DEFAULT else measured[name]
        for name in dict.fromkeys(models)
    ]


def renamed(measured: Measured, name: str) -> Measured:
    """The same figures under another name."""
    rows = [replace(row, model=row.model.replace(measured.name, name, 1)) for row in measured.rows]
    return replace(measured, name=name, rows=rows)


def measure_bm25(task: Task) -> Measured:
    """The figures of BM25 on the titles."""
    from linking.measure.bm25 import Bm25

    scorer = Bm25([goal_text(title) for title in task.titles])
    start = time.monotonic()
    lists = ranked_lists(task, scorer, BM25)
    speed = {"retrieve": len(task.gold.steps) / (time.monotonic() - start)}
    return Measured(BM25, lists, None, [row_of(BM25, task, lists.ranks, speed)])


def measure_encoder(task: Task, name: str, work: Path, device: Device = "cpu") -> Measured:
    """The figures of an encoder, of its reranker, and of its decision, where they were fitted for it."""
    encoder = load_encoder(name, device=device)
    model = Model.of(encoder)
    decision, reranker = model.decision, model.reranker
    scorer = EncoderScorer(encoder, [goal_text(title) for title in task.titles], work)
    lists = ranked_lists(task, scorer, name, CANDIDATES if reranker is None else reranker.reads)
    speed = scorer.speed([step_text(step) for step in task.gold.steps[:TIMED_STEPS]])
    measured = Measured(name, lists, decision, [row_of(name, task, lists.ranks, speed, scorer.megabytes())])
    if isinstance(reranker, LinearReranker):
        start = time.monotonic()
        measured.lists = reranked_lists(task, scorer, reranker, lists)
        pairs = {"pairs reranked": lists.goals.size / (time.monotonic() - start)}
        measured.rows.append(row_of(f"{name} + reranker", task, measured.lists.ranks, pairs))
    if decision is not None:
        measured.probability = best_probability(decision, measured.lists.scores[:, :CANDIDATES])
        measured.curve = curve(measured.probability, measured.lists.ranks)
        measured.rows.append(no_link_row(measured, task, decision, measured.probability))
        if (strict := strict_threshold(measured.curve)) is not None:
            held = replace(decision, threshold=strict)
            measured.rows.append(
                no_link_row(measured, task, held, measured.probability, f", {STRICT:.0%} refused")
            )
    return measured


def row_of(
    name: str, task: Task, ranks: Ranks, speed: dict[str, float], megabytes: float | None = None
) -> Row:
    """A row of the tables: recall in percent, speeds in steps a second, sizes in units of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return Row(name, recalls(ranks, task.seen), None, speed, megabytes, peak)


def recalls(ranks: Ranks, seen: Flags | None) -> dict[str, Share]:
    """R@n in percent over all steps and, where it is known, over those with seen and with unseen goals.

    A step counts as found at n where the rank of its gold goal is at most n; a set without steps has None.
    """
    parts = {"": np.ones(len(ranks), bool)}
    if seen is not None:
        parts |= {"seen_": seen, "unseen_": ~seen}
    return {f"{part}recall@{cut}": share(ranks[of] <= cut) for part, of in parts.items() for cut in CUTS}


def share(flags: Flags) -> Share:
    """How many are true, in percent; None where there are none at all."""
    return 100 * float(flags.mean()) if len(flags) else None


def strict_threshold(points: Sequence[CurvePoint]) -> float | None:
    """The least threshold of a curve at which `STRICT` of the unlinkable steps get no link; None without such steps."""
    enough = (p.threshold for p in points if (p.unlinkable_recall or 0) >= 100 * STRICT)
    return next(enough, None)


def no_link_row(
    measured: Measured, task: Task, decision: Decision, probability: Floats, setting: str = ""
) -> Row:
    """The row with "no link" on: a step whose best goal is less probable than the threshold gets no link."""
    linked = probability >= decision.threshold
    ranks = measured.lists.ranks
    missed = ranks > CANDIDATES
    bins = before_and_after(measured.cosines, probability, ranks == 1)
    only_linked = np.where(
        linked, ranks, np.where(ranks == 1, 2, ranks)
    )  # an unlinked step has no first goal
    return replace(
        measured.rows[0],
        model=f"{measured.name} + no link{setting}",
        recalls=recalls(only_linked, task.seen),
        unlinkable_recall=share(~linked[missed]),
        no_link=NoLink(
            decision.threshold,
            share((ranks == 1)[linked]),
            error_of(bins.before),
            error_of(bins.after),
            without_gold(measured.lists, task, decision),
        ),
    )


def best_probability(decision: Decision, scores: Floats) -> Floats:
    """The probability of the first of each list, shape [n], for scores [n, k]."""
    return decision.probabilities(scores)[:, 0]


def curve(probability: Floats, ranks: Ranks, points: int = 101) -> list[CurvePoint]:
    """The figures of "no link" at evenly spaced thresholds from 0 to 1."""
    missed, right = ranks > CANDIDATES, ranks == 1
    return [
        CurvePoint(
            float(threshold),
            share(right & (probability >= threshold)),
            share((probability < threshold)[missed]),
            share(right[probability >= threshold]),
        )
        for threshold in np.linspace(0, 1, points)
    ]


def without_gold(lists: Lists, task: Task, decision: Decision) -> Refusals:
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
    return Refusals(precision, recall, 200 * hits / total if total else None)


def taken_out(step: str) -> bool:
    """Whether a step belongs to the half whose gold goals are taken out: by a hash of its text."""
    return hashlib.sha256(b"taken out\0" + step.encode("utf-8", "surrogatepass")).digest()[0] < 128
