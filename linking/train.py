"""Fitting the decision to gold links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from howtree import BadInput, progress
from linking.decide import BETA, Decision, fit_decision
from linking.encoder import Encoder, SentenceEncoder, Vectors
from linking.gold import Gold, split_of
from linking.pipeline import CANDIDATES
from linking.reliability import calibration_error
from linking.retrieve import Retriever
from linking.text import goal_text, step_text
from linking.vectors import VectorStore, hash_texts


@dataclass(frozen=True, slots=True)
class DecisionReport:
    """A fitted decision with its figures on steps that it was not fitted on."""

    decision: Decision
    held_out: int
    error_before: float
    """Expected calibration error of the raw cosine taken as a probability."""
    error_after: float
    precision: float
    """At the threshold: share of the links that are right."""
    recall: float
    """At the threshold: share of the linkable steps that got the right link."""
    unlinkable_recall: float
    """At the threshold: share of the steps without a goal that got no link."""


def gold_lists(
    gold: Gold, pool: Sequence[str], encoder: Encoder, folder: Path, k: int = CANDIDATES
) -> tuple[Vectors, NDArray[np.int64]]:
    """The retriever's lists for gold steps, with the gold goal's place in each.

    A step whose gold goal is not among the first `k` counts as unlinkable, as in the paper.

    Returns:
        scores [n, k], and the position of the gold goal in each list [n], -1 where it is not there.
    """
    folder /= encoder.digest[:16]  # vectors of two encoders never meet
    goals, steps = VectorStore(folder / "goals"), VectorStore(folder / "steps")
    with progress(None, "Encoding goals", len(pool), "goals") as bar:
        goal_rows = goals.add([goal_text(title) for title in pool], encoder, bar)
    with progress(None, "Encoding steps", len(gold.steps), "steps") as bar:
        step_rows = steps.add([step_text(step) for step in gold.steps], encoder, bar)
    retriever = Retriever(folder / "lists", goals, steps, goal_rows, k)
    with progress(None, "Retrieving", len(steps), "texts") as bar:
        retriever.update(bar)
    lists = retriever.lists(step_rows)
    gold_rows = goals.rows(hash_texts([goal_text(title) for title in gold.goals]))
    hit = (lists.goals == gold_rows[:, None]) & (gold_rows >= 0)[:, None]
    return lists.scores, np.where(hit.any(axis=1), hit.argmax(axis=1), -1)


def train_decision(
    gold: Gold,
    pool: Sequence[str],
    encoder: SentenceEncoder,
    folder: Path,
    source: str,
    trained_on_gold: bool = False,
    beta: float = BETA,
) -> DecisionReport:
    """Fit the decision on gold links outside the dev tenth and report its figures on that tenth.

    An encoder trained on the gold links is too sure of those that it has seen, so its decision is fitted on the
    calibration twentieth alone. The default threshold is that of the best F-beta.

    Raises:
        BadInput: no gold link is left to fit on, or none to measure on.
    """
    part = split_of(gold.steps)
    dev, fit = part == "dev", part == "calibration" if trained_on_gold else part != "dev"
    if not dev.any() or not fit.any():
        raise BadInput(
            f"{len(gold.steps)} gold pairs are too few: a hash of the step puts {int(fit.sum())} into the part that "
            f"the decision is fitted on and {int(dev.sum())} into the part that it is measured on"
        )
    scores, places = gold_lists(gold, pool, encoder, folder)
    decision = replace(fit_decision(scores[fit], places[fit], source, beta), weights=encoder.weights)
    return report(decision, scores[dev], places[dev])


def report(decision: Decision, scores: Vectors, places: NDArray[np.int64]) -> DecisionReport:
    """The figures of `decision` on lists with scores [n, k] and gold positions [n]."""
    best = decision.probabilities(scores)[:, 0]
    right, linked, linkable = places == 0, best >= decision.threshold, places >= 0
    return DecisionReport(
        decision,
        len(places),
        calibration_error(np.clip(scores[:, 0].astype(np.float64), 0, 1), right),
        calibration_error(best, right),
        float(right[linked].mean()) if linked.any() else 0.0,
        float((right & linked).sum() / max(1, linkable.sum())),
        float((~linked[~linkable]).mean()) if (~linkable).any() else 0.0,
    )
