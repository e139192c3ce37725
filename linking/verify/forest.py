"""A forest of decision trees as plain arrays: extremely randomised trees (Geurts, Ernst and Wehenkel 2006)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linking.arrays import Floats

NODES = ("feature", "threshold", "to_left", "to_right", "value")
DECIMALS = 4
"""Inputs are rounded here, so that their last bits decide nothing."""
LEAST = 0.002
"""A share of right pairs that counts as none: no logit is infinite."""


@dataclass(frozen=True, slots=True)
class Forest:
    """All nodes of all trees in one row.

    From a node it is `to_left` places on where input `feature` is at most `threshold`, else `to_right`; from a leaf 0.
    Such small numbers, many of them alike, take a third of the room of the children's places.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    to_left: NDArray[np.int32]
    to_right: NDArray[np.int32]
    value: NDArray[np.float32]
    """Of a leaf: the share of right pairs among those of training; else 0."""
    roots: NDArray[np.int32]
    depth: int

    def logits(self, x: Floats) -> Floats:
        """Log odds of the mean of the trees' leaves, [n], for inputs [n, m]."""
        inputs = np.round(x, DECIMALS).astype(np.float32)
        line, total = np.arange(len(x)), np.zeros(len(x))
        for root in self.roots:
            at = np.full(len(x), root)
            for _ in range(self.depth):
                goes_left = inputs[line, self.feature[at]] <= self.threshold[at]
                at = at + np.where(goes_left, self.to_left[at], self.to_right[at])
            total += self.value[at]
        share = np.clip(total / max(1, len(self.roots)), LEAST, 1 - LEAST)
        return np.asarray(np.log(share / (1 - share)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by names."""
        rows = {name: getattr(self, name) for name in (*NODES, "roots")}
        return {**rows, "depth": np.array(self.depth)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Forest:
        """From what `arrays` gave.

        Raises:
            KeyError: something is missing.
        """
        rows = {name: arrays[name] for name in (*NODES, "roots")}
        return cls(**rows, depth=int(arrays["depth"]))
