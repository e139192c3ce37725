"""The recipe of the bi-encoder's fine-tuning: its parameters, its losses, its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NONE = 0.5
"""A step without a goal is to be less near to every goal than this cosine."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Two runs of one recipe on one machine give the same weights."""

    seed: int = 0
    epochs: int = 1
    """Of the first round, with negatives of the batch alone."""
    hard_epochs: int = 2
    """Of the second round, with mined negatives too."""
    batch: int = 64
    rate: float = 5e-5
    hard_rate: float = 5e-5
    head_rate: float = 20.0
    """The token head, which starts from nothing, learns so many times faster."""
    warmup: float = 0.1
    """Share of a round's batches in which the rate rises from 0; then it falls to 0 in a straight line."""
    scale: float = 20.0
    """The cosine is multiplied by this before the softmax."""
    mined: int = 40
    """Hard negatives are drawn from so many nearest goals."""
    negatives: int = 7
    """Hard negatives drawn for each step in each epoch."""
    links: float = 0.7
    """Weight of log(1 + other links to the goal) that is added to the scores of a list in training alone: what
    editors like to link to is explained by this, and the encoder need not learn it."""
    runs: int = 2
    """Number of runs, each with the next seed, whose weights are averaged: better than either, and no slower to use."""
    duplicate: float = 0.8
    """Titles whose cosine under the untrained encoder is at least this are near-duplicates."""
    words: bool = True
    """Whether the word embeddings are trained too."""
    late: bool = True
    """Whether the token head, which helps to train, is kept for the reranker."""


LARGE = Recipe(rate=2e-5, hard_epochs=1, hard_rate=2e-5, runs=1, words=False, late=False)
"""For all-mpnet-base-v2: what is trained is kept in few dimensions, which words are not worth; an epoch less, since it
takes long; and its tokens tell the reranker nothing that the cosine has not told."""


def contrastive_loss(steps: Any, goals: Any, masked: Any, scale: float) -> Any:
    """Mean of -log softmax_j(scale * cos(step_i, goal_j)) at j = i, goals masked for step i left out of its sum.

    The multiple negatives ranking loss of Henderson et al. (2017, arXiv 1705.00652), with a mask.

    Args:
        steps: unit vectors [n, d].
        goals: unit vectors [m, d], goal i being the right one of step i for i < n.
        masked: bool [n, m].
        scale: factor of the cosine.
    """
    import torch

    logits = (scale * steps @ goals.T).masked_fill(masked, -torch.inf)
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(steps), device=logits.device))


def unlinked_loss(cosines: Any, scale: float) -> Any:
    """Mean of log(1 + sum_j exp(scale * (cos_ij - NONE))): "no link" is right, with `NONE` as its cosine.

    It is the loss of `contrastive_loss` with one more goal, which stands at `NONE` from every step.

    Args:
        cosines: of steps without a goal and goals, [n, m].
        scale: factor of the cosine.
    """
    import torch

    logits = scale * (cosines - NONE)
    return torch.logsumexp(torch.cat([logits.new_zeros(len(logits), 1), logits], dim=1), dim=1).mean()


def list_loss(scores: Any) -> Any:
    """Mean of -log softmax_j(scores_ij) at j = 0: each list [k] of `scores` [n, k] begins with the right goal.

    ListNet's top-one loss (Cao et al. 2007, ICML) where a single goal is right.
    """
    import torch

    return torch.nn.functional.cross_entropy(scores, scores.new_zeros(len(scores), dtype=torch.long))


def soft_coverages(steps: Any, step_weights: Any, goals: Any, goal_weights: Any) -> tuple[Any, Any]:
    """The coverages of `linking.rerank.late`, with gradients.

    Args:
        steps: token vectors [n, s, d].
        step_weights: [n, s], 0 at padding.
        goals: token vectors [n, k, g, d].
        goal_weights: [n, k, g], 0 at padding.

    Returns:
        the goal's and the step's coverage, both [n, k].
    """
    import torch

    similar = torch.einsum("nsd,nkgd->nksg", steps, goals)
    real = (step_weights > 0)[:, None, :, None] & (goal_weights > 0)[:, :, None, :]
    similar = similar.masked_fill(~real, -1.0)
    best_for_goal, best_for_step = similar.amax(dim=2), similar.amax(dim=3)
    of_step = step_weights[:, None]
    return (
        (best_for_goal * goal_weights).sum(2) / goal_weights.sum(2).clamp_min(1e-6),
        (best_for_step * of_step).sum(2) / of_step.sum(2).clamp_min(1e-6),
    )


def rate_at(batch: int, batches: int, warmup: float) -> float:
    """Share of the highest rate at a batch: rising to 1 over the warm-up, then falling to 0, both linearly."""
    rising = max(1, round(warmup * batches))
    if batch < rising:
        return (batch + 1) / rising
    return max(0.0, (batches - batch) / max(1, batches - rising))
