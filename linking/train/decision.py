"""Fitting the decision to gold links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from linking.arrays import Floats, Positions, Vectors
from linking.encode.encoder import SentenceEncoder
from linking.gold.links import Gold, split_of
from linking.gold.lists import gold_lists
from linking.measure.reliability import calibration_error
from linking.pipeline import CANDIDATES
from linking.rerank.decide import BETA, Decision, fit_decision
from linking.rerank.reranker import Reranker


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


def train_decision(
    gold: Gold,
    pool: Sequence[str],
    encoder: SentenceEncoder,
    folder: Path,
    source: str,
    reranker: Reranker | None = None,
    trained_on_gold: bool = False,
    beta: float = BETA,
) -> DecisionReport:
    """Fit the decision on gold links outside the dev tenth and report its figures on that tenth.

    With a `reranker` the lists are reranked first. An encoder trained on the gold links is too sure of those that it
    has seen, so its decision is fitted on the calibration twentieth alone. The default threshold is that of the best
    F-beta.

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
    found = gold_lists(gold, pool, encoder, folder, reranker, CANDIDATES)
    scores, positions = found.lists.deciding, found.positions
    fitted = fit_decision(scores[fit], positions[fit], source, beta)
    decision = replace(fitted, weights_digest=encoder.weights_digest)
    return report(decision, scores[dev], found.lists.scores[dev, 0], positions[dev])


def report(decision: Decision, scores: Floats, cosines: Vectors, positions: Positions) -> DecisionReport:
    """The figures of `decision` on lists with scores [n, k], the first goal's cosine [n] and gold positions [n]."""
    best = decision.probabilities(scores)[:, 0]
    right, linked, linkable = positions == 0, best >= decision.threshold, positions >= 0
    return DecisionReport(
        decision,
        len(positions),
        calibration_error(np.clip(cosines.astype(np.float64), 0, 1), right),
        calibration_error(best, right),
        float(right[linked].mean()) if linked.any() else 0.0,
        float((right & linked).sum() / max(1, linkable.sum())),
        float((~linked[~linkable]).mean()) if (~linkable).any() else 0.0,
    )
