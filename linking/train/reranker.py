"""Fitting the reranker: the weights of its features, by a softmax over each list.

The encoder has seen the training pairs and is too sure of them, so the weights are fitted on the calibration
twentieth. Precedents are the steps of the training pairs alone. Where some steps have no goal, "no link" is one more
candidate in every list, with a score that is fitted beside the weights. What people rejected for a step counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from howtree.extras import required
from howtree.progress import progress
from linking.arrays import Flags, Floats, Positions
from linking.encode.encoder import SentenceEncoder
from linking.gold.examples import training_part
from linking.gold.links import Gold, part_of, split_of
from linking.gold.lists import GoldRetriever
from linking.rerank.features import AGAINST_OPPOSED, FITTED
from linking.rerank.linear import DEPTH, LinearReranker
from linking.rerank.precedents import Precedents
from linking.retrieve.vectors import hash_texts
from linking.text import goal_text

RIDGE = 1e-4
"""Weight of the squared weights beside the mean loss: enough to keep them finite on separable lists."""
LINKS = 0.5
"""The fitted weight of editors' habits serves goals that editors know; new goals are better off with none. So half."""
START = (10.0, 5.0, 5.0, 0.0, 0.0)
NOT_LATE = (10.0, 0.0, 0.0, 0.0, 0.0)
"""Where the fit begins without a token head: what is 0 in all features stays 0."""
NONE_START = 10.0
"""Where the score of "no link" begins, if some steps have no goal."""


def train_reranker(
    gold: Gold,
    pool: Sequence[str],
    encoder: SentenceEncoder,
    work: Path,
    source: str,
    links: float = LINKS,
) -> LinearReranker:
    """Fit the reranker of an encoder, without late interaction where it has no token head.

    `links` is the share of the fitted weight of editors' habits that is used.

    Raises:
        BadInput: no gold goal of the calibration part was retrieved.
    """
    lines = np.flatnonzero(split_of(gold.steps) == "calibration").tolist()
    part = part_of(gold, lines)
    if not lines:
        raise BadInput(
            f"{len(gold.steps)} gold pairs are too few: a hash of the step puts none into the calibration part"
        )
    precedents = precedents_of(gold, encoder)
    start = NOT_LATE if encoder.head is None else START
    untrained = LinearReranker((*start, AGAINST_OPPOSED), precedents)
    stages = GoldRetriever(part, pool, encoder, work, DEPTH)
    found, features = stages.features(untrained)
    unlinked = np.array([not goal for goal in part.goals])
    known = (found.positions >= 0) | unlinked
    if not (found.positions >= 0).any():
        raise BadInput(
            "no gold goal of the calibration part is among the retrieved: the encoder does not fit the gold"
        )
    seen = precedents.counts(hash_texts([goal_text(goal) for goal in part.goals])) > 0
    there = found.lists.goals[known] >= 0
    rejected = stages.rejected(found.lists)[known]
    fitted = fit_weights(
        features[known][..., : len(FITTED)], found.positions[known], there, seen[known], start, rejected
    )
    weights = dict(zip(FITTED, fitted, strict=True))
    weights["links"] = round(weights["links"] * links, 4)
    return LinearReranker((*weights.values(), AGAINST_OPPOSED), precedents, encoder.weights_digest, source)


def precedents_of(gold: Gold, encoder: SentenceEncoder) -> Precedents:
    """The steps of the training pairs as the encoder sees them."""
    examples = training_part(gold)
    with progress(None, "Encoding precedents", len(examples.steps), "steps"):
        return Precedents.of(hash_texts(examples.goals), encoder.encode(examples.steps))


def fit_weights(
    features: Floats,
    positions: Positions,
    there: Flags,
    seen_goal: Flags,
    start: Sequence[float] = START,
    rejected: Flags | None = None,
) -> list[float]:
    """The weights with the least mean -log softmax of the right goal (ListNet's top-one loss).

    Pairs with a goal that training knows and pairs with a new one weigh the same in sum: articles to come are new, and
    a reranker that serves the known alone would learn what editors like instead of what a paraphrase is. A step without
    a goal weighs as much as the mean of the pairs.

    Args:
        features: those that are fitted, [n, k, 5].
        positions: position of the right goal, [n]; -1 where "no link" is right.
        there: False at padding, [n, k].
        seen_goal: whether the right goal occurs in training, [n].
        start: the weights to begin with, [5].
        rejected: which goals count twice, [n, k].
    """
    minimize = required("scipy.optimize", "build", "fitting the reranker").minimize

    unlinked, wanted = positions < 0, len(start)
    share = shares(seen_goal, unlinked)
    margin = np.where(np.zeros_like(there) if rejected is None else rejected, np.log(2), 0.0)
    if unlinked.any():
        features, there, margin, positions = with_no_link(features, there, margin, positions)
        start = (*start, NONE_START)
    line = np.arange(len(positions))
    spread = np.maximum(features[there].std(axis=0), 1e-9)
    features = features / spread  # so that the ridge weighs on all alike

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = np.where(there, features @ weights + margin, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        value = -(share * np.log(np.maximum(p[line, positions], 1e-300))).sum() + RIDGE * weights @ weights
        p[line, positions] -= 1
        return float(value), np.einsum("n,nk,nkf->f", share, p, features) + 2 * RIDGE * weights

    fitted = minimize(loss, np.array(start) * spread, jac=True, method="L-BFGS-B").x / spread
    return [round(float(weight), 4) for weight in fitted[:wanted]]


def shares(seen_goal: Flags, unlinked: Flags) -> Floats:
    """What each list weighs, [n], summing to 1: the known goals as much as the new ones."""
    known, new = seen_goal & ~unlinked, ~seen_goal & ~unlinked
    share = np.where(known, 0.5 / max(1, known.sum()), 0.5 / max(1, new.sum()))
    share[unlinked] = share[~unlinked].sum() / max(1, (~unlinked).sum())
    return np.asarray(share / share.sum())


def with_no_link(
    features: Floats, there: Flags, margin: Floats, positions: Positions
) -> tuple[Floats, Flags, Floats, Positions]:
    """Lists with "no link" as their last candidate, [n, k + 1], known by one more feature, which it alone has."""
    k = features.shape[1]
    features = np.pad(features, ((0, 0), (0, 1), (0, 1)))
    features[:, k, -1] = 1
    there, margin = np.pad(there, ((0, 0), (0, 1)), constant_values=True), np.pad(margin, ((0, 0), (0, 1)))
    return features, there, margin, np.where(positions < 0, k, positions)
