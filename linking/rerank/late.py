"""Late interaction: how well a goal's words are met by a step's words, and a step's by the goal's.

The two coverages of a pair, after ColBERT's maximum similarity (Khattab and Zaharia 2020, arXiv 2004.12832), here in
both directions and weighted:

    goal's = sum_j u_j max_i <s_i, g_j> / sum_j u_j        step's = sum_i v_i max_j <s_i, g_j> / sum_i v_i

with token vectors s of the step, g of the goal, and learnt weights v and u. A goal that the step does not mention in
full has a low first coverage, a step that says more than the goal a low second one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from howtree.progress import counted
from linking.arrays import Floats, Positions
from linking.encode.tokens import AS_GOAL, AS_STEP, VECTOR_SCALE, Tokens

CELLS = 1 << 22
"""How many numbers of a block's token vectors are held at a time: 16 MB."""


def coverages(steps: Tokens, texts: Positions, goals: Tokens, candidates: Positions) -> tuple[Floats, Floats]:
    """The coverage of each candidate goal by its step, and of the step by the goal.

    Args:
        steps: tokens of steps.
        texts: positions of the steps to score, shape [n].
        goals: tokens of goals.
        candidates: positions of goals, shape [n, k]; -1 is padding.

    Returns:
        the goal's and the step's coverage, both [n, k], 0 at padding; exact, so a pair has the same in any company.
    """
    of_goal, of_step = np.zeros(candidates.shape), np.zeros(candidates.shape)
    longest = goals.lengths[np.maximum(candidates, 0)].max(axis=1, initial=1)
    order = np.lexsort((longest, steps.lengths[texts]))
    size = candidates.shape[1] * goals.vectors.shape[1] * int(longest.max(initial=1))
    for block in np.array_split(order, max(1, -(-len(order) * size // CELLS))):
        if len(block) and candidates.shape[1]:
            of_goal[block], of_step[block] = block_coverages(steps, texts[block], goals, candidates[block])
            counted(len(block))
    return of_goal, of_step


def block_coverages(
    steps: Tokens, texts: Positions, goals: Tokens, candidates: Positions
) -> tuple[Floats, Floats]:
    """`coverages` of a block that fits into memory."""
    import torch

    there = candidates >= 0
    s, s_weights = steps.padded(texts)
    g, g_weights = goals.padded(np.maximum(candidates, 0))
    n, k, length, dimension = g.shape
    # Integers below 2^24 in float32: each sum is exact.
    left = torch.from_numpy(s.astype(np.float32))
    right = torch.from_numpy(g.reshape(n, k * length, dimension).astype(np.float32)).transpose(1, 2)
    similar = torch.bmm(left, right).view(n, s.shape[1], k, length)
    u, v = g_weights[..., AS_GOAL], s_weights[..., AS_STEP]
    similar.masked_fill_(torch.from_numpy(v == 0)[:, :, None, None], -torch.inf)
    best_for_goal = similar.amax(dim=1).numpy()
    similar.masked_fill_(torch.from_numpy(u == 0)[:, None], -torch.inf)
    best_for_step = similar.amax(dim=3).numpy().transpose(0, 2, 1)
    return weighted(best_for_goal, u, there), weighted(best_for_step, v[:, None], there)


def weighted(best: NDArray[np.float32], weights: NDArray[np.uint8], there: NDArray[np.bool_]) -> Floats:
    """Mean of the best similarities [n, k, t] under whole weights, as cosines [n, k]; 0 where nothing is there."""
    w = np.broadcast_to(weights, best.shape).astype(np.float64)
    known = np.where((w > 0) & np.isfinite(best), best, 0).astype(np.float64)
    total = w.sum(axis=2)
    mean = (known * w).sum(axis=2) / np.maximum(total, 1)
    return np.where(there & (total > 0), mean / VECTOR_SCALE**2, 0.0)
