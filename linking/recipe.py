"""The recipe of the bi-encoder's fine-tuning: its parameters, its loss, its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Two runs of one recipe on one machine give the same weights."""

    seed: int = 0
    epochs: int = 2
    """Of the first round, with negatives of the batch alone."""
    hard_epochs: int = 1
    """Of the second round, with mined negatives too."""
    batch: int = 128
    rate: float = 5e-5
    hard_rate: float = 3e-5
    warmup: float = 0.1
    """Share of a round's batches in which the rate rises from 0; then it falls to 0 in a straight line."""
    scale: float = 20.0
    """The cosine is multiplied by this before the softmax."""
    mined: int = 30
    """Hard negatives are drawn from so many nearest goals."""
    negatives: int = 1
    """Hard negatives drawn for each step in each epoch."""
    duplicate: float = 0.8
    """Titles whose cosine under the untrained encoder is at least this are near-duplicates."""


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
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(steps)))


def rate_at(batch: int, batches: int, warmup: float) -> float:
    """Share of the highest rate at a batch: rising to 1 over the warm-up, then falling to 0, both linearly."""
    rising = max(1, round(warmup * batches))
    if batch < rising:
        return (batch + 1) / rising
    return max(0.0, (batches - batch) / max(1, batches - rising))
