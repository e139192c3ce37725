"""Token vectors: what late interaction compares, kept as small integers.

A text's tokens stay apart, each with a short vector and a weight. Integers make every inner product exact in float32,
whatever the order of its additions, so a pair's score does not depend on what it is computed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linking.arrays import Counts, Positions

DIMENSION = 96
"""Length of a token's vector."""
VECTOR_SCALE = 256
"""A component of 0.5 becomes 127, the largest; components of a unit vector are rarely larger, and then cut."""
WEIGHT_SCALE = 64
"""A weight of 1 becomes 64; weights run from 1/64 to just under 4."""
LONGEST = 48
"""Further tokens of a text are not compared."""

AS_GOAL, AS_STEP = 0, 1
"""Columns of the weights: what a token counts for when its text is the goal or the step of a pair."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of n texts, text i having those from `starts[i]` to `starts[i + 1]`."""

    vectors: NDArray[np.int8]
    """Shape [tokens, dimension]; unit vectors times `VECTOR_SCALE`."""
    weights: NDArray[np.uint8]
    """Shape [tokens, 2], by `AS_GOAL` and `AS_STEP`; times `WEIGHT_SCALE`."""
    starts: NDArray[np.int64]
    """Shape [n + 1]."""

    @classmethod
    def none(cls, dimension: int = DIMENSION) -> Tokens:
        """The tokens of no texts."""
        return cls(np.empty((0, dimension), np.int8), np.empty((0, 2), np.uint8), np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Counts:
        """Tokens of each text, shape [n]."""
        return np.diff(self.starts)

    def padded(self, texts: Positions) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """The tokens of some texts, padded with zeros to the longest of them.

        Args:
            texts: positions of texts, any shape.

        Returns:
            vectors [*texts.shape, longest, dimension], weights [*texts.shape, longest, 2].
        """
        lengths = self.lengths[texts]
        position = np.arange(max(1, lengths.max(initial=0)))
        there = position < lengths[..., None]
        rows = np.where(there, self.starts[texts][..., None] + position, 0)
        if not len(self.vectors):
            shape = (*rows.shape, self.vectors.shape[1])
            return np.zeros(shape, np.int8), np.zeros((*rows.shape, 2), np.uint8)
        vectors, weights = self.vectors[rows], self.weights[rows]
        vectors[~there], weights[~there] = 0, 0
        return vectors, weights

    def save(self, path: Path) -> None:
        """Write the tokens, uncompressed."""
        with path.open("wb") as file:
            np.savez(file, vectors=self.vectors, weights=self.weights, starts=self.starts)

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(file["vectors"], file["weights"], file["starts"])

    @classmethod
    def joined(cls, parts: Sequence[Tokens]) -> Tokens:
        """The texts of all parts, in order. At least one part is needed."""
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        )

    def picked(self, texts: Positions) -> Tokens:
        """Some texts, by their positions [m], in that order."""
        lengths = self.lengths[texts]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(self.starts[texts] - starts[:-1], lengths) + np.arange(starts[-1])
        return Tokens(self.vectors[rows], self.weights[rows], starts)


def as_integers(
    vectors: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Unit vectors [t, d] and positive weights [t, 2] as the integers that `Tokens` holds."""
    scaled = np.clip(np.rint(vectors * VECTOR_SCALE), -127, 127)
    return scaled.astype(np.int8), np.clip(np.rint(weights * WEIGHT_SCALE), 1, 255).astype(np.uint8)
