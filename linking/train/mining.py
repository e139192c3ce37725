"""Hard negatives: goals that the model puts near a step although they are not right for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from howtree.files import written_aside
from howtree.progress import progress
from linking.arrays import Flags, Positions, Vectors
from linking.encode.encoder import SentenceEncoder
from linking.gold.examples import Examples
from linking.retrieve.index import GoalIndex
from linking.retrieve.mend import mend
from linking.retrieve.vectors import VectorStore

BLOCK = 1_024


class NearDuplicates:
    """Titles that may mean the same, by the untrained encoder: they are never negatives of each other."""

    def __init__(self, untrained: SentenceEncoder, folder: Path, cosine: float) -> None:
        self.untrained, self.cosine = untrained, cosine
        mend(folder)
        self.titles = VectorStore(folder)

    def vectors(self, titles: Sequence[str]) -> Vectors:
        """Unit vectors of titles, [n, d]; each title is encoded once."""
        return self.titles.vectors(self.titles.add(titles, self.untrained))

    def among(self, titles: Sequence[str], others: Sequence[str]) -> Flags:
        """Whether each of `titles` is a near-duplicate of each of `others`, [n, m]."""
        return np.asarray(self.vectors(titles) @ self.vectors(others).T >= self.cosine)


def mined_negatives(
    encoder: SentenceEncoder,
    examples: Examples,
    pool: Sequence[str],
    duplicates: NearDuplicates,
    depth: int,
    path: Path,
) -> list[Positions]:
    """For each of `examples.texts` those of its `depth` nearest goals that are not right: positions in the pool.

    They are kept at `path`, so a run that was stopped goes on with the same.
    """
    if not path.exists():
        nearest = nearest_goals(encoder, examples.texts, pool, depth)
        duplicates.vectors([*examples.goals, *(pool[j] for j in np.unique(nearest[nearest >= 0]))])
        kept = np.full(nearest.shape, -1, np.int64)
        for i, positions in enumerate(progress(nearest, "Sorting out near-duplicates", unit="steps")):
            good = without_right(examples, i, positions[positions >= 0], pool, duplicates)
            kept[i, : len(good)] = good
        with written_aside(path) as aside, aside.open("wb") as file:
            np.save(file, kept)
    return [row[row >= 0] for row in np.load(path)]


def without_right(
    examples: Examples, i: int, positions: Positions, pool: Sequence[str], duplicates: NearDuplicates
) -> Positions:
    """Those of the goals at `positions` that are neither right for text i nor near-duplicates of its goal.

    Where it has no goal they are all wrong.
    """
    if i >= len(examples.steps):
        return positions
    titles = [pool[j] for j in positions]
    near = duplicates.among([examples.goals[i]], titles)[0]
    right = np.array([title in examples.also[i] for title in titles], bool)
    return np.asarray(positions[~near & ~right])


def nearest_goals(
    encoder: SentenceEncoder, steps: Sequence[str], pool: Sequence[str], depth: int
) -> Positions:
    """Positions of the nearest goals of each step under the model as it is, [n, depth], padded with -1."""
    goals = encoded(encoder, pool, "Encoding goals")
    vectors = encoded(encoder, steps, "Encoding steps")
    index = GoalIndex(goals, np.arange(len(goals)), encoder.name, "")
    blocks = range(0, len(vectors), BLOCK)
    return np.concatenate([index.search(vectors[i : i + BLOCK], depth)[1] for i in blocks]).astype(np.int64)


def encoded(encoder: SentenceEncoder, texts: Sequence[str], label: str) -> Vectors:
    """Unit vectors under the model as it is, with a progress bar."""
    vectors = []
    with progress(None, label, len(texts), "texts") as bar:
        for start in range(0, len(texts), 8_192):
            vectors.append(encoder.encode(texts[start : start + 8_192]))
            bar.update(len(vectors[-1]))
    return np.concatenate(vectors)
