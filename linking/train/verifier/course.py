"""The course of a cross-encoder's training: its parameters, what it learns from, and its losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linking.gold.judged import EXACT, HELPFUL, RELATED
from linking.pair import Candidate, Pair, Place

UNKNOWN = float("nan")
Targets = tuple[float, float, float]
"""Whether a pair's grade is at least 1, 2 and 3: 1 or 0, nan where that is not known."""
WRONG: Targets = (UNKNOWN, 0.0, 0.0)
"""Not right; perhaps related."""
RIGHT: Targets = (1.0, 1.0, UNKNOWN)
"""Right; perhaps exact."""


@dataclass(frozen=True, slots=True)
class Course:
    """How to train. Two runs of one course on one machine with as many threads give the same weights."""

    epochs: int = 3
    rate: float = 6e-5
    head_rate: float = 20.0
    """The head, which starts from nothing, learns so many times faster."""
    batch: int = 32
    lists: int = 8
    """Gold lists in a batch."""
    others: int = 5
    """Goals drawn from each gold list in each epoch, besides the right one."""
    warmup: float = 0.1
    """Share of the batches in which the rate rises from 0; then it falls to 0 in a straight line."""
    drop: float = 0.25
    """Probability that a part of the context is left out, each by itself: so that a model can do without."""
    bare: float = 0.15
    """Probability that all the context of a side is left out."""
    titles: float = 0.6
    """Share of gold lists that show titles alone: titles are all that a wide pool has."""
    taken_out: float = 0.2
    """Share of gold lists whose right goal is taken out, for a model of one label: then "no link" is right."""
    words: bool = True
    """Whether the word embeddings are trained too."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class GradedPair:
    """A pair and what is known of its grade."""

    pair: Pair
    targets: Targets
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GoldList:
    """A step, its right goal (None where it has none), and goals near it that are not right."""

    place: Place
    right: Candidate | None
    others: tuple[Candidate, ...]


def targets_of(grade: int) -> Targets:
    """Whether a grade is at least related, helpful and exact."""
    related, helpful, exact = (float(grade >= least) for least in (RELATED, HELPFUL, EXACT))
    return related, helpful, exact


def yes_or_no(targets: Targets) -> Targets:
    """What is left of targets where only right and wrong are told apart."""
    return UNKNOWN, targets[1], UNKNOWN


def graded_loss(logits: Any, targets: Any, weight: Any) -> Any:
    """The weighted mean of the known yes/no losses, for logits and targets [n, labels] and weights [n]."""
    import torch

    known = (~targets.isnan()) * weight[:, None]
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(0.0), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp_min(1e-6)


def best_loss(scores: Any, right: Any) -> Any:
    """Mean of -log softmax of the right goal, scores [n, k], -inf where there is none; `right` [n] is its column.

    ListNet's top-one loss (Cao et al. 2007, ICML) where a single goal is right.
    """
    import torch

    return torch.nn.functional.cross_entropy(scores, right)
