"""The mean of several runs' weights ("model soup")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def average(mine: Any, theirs: Sequence[Any]) -> None:
    """Put the mean of a module's weights and those of others alike into it.

    Source: Wortsman et al. (2022), arXiv 2203.05482. Runs from one start lie in one basin, so their mean does too.
    """
    states = [model.state_dict() for model in (mine, *theirs)]
    mean = {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[0].items()
    }
    mine.load_state_dict(mean)
