"""The vectors of all goals: made with the knowledge base, kept in its file, searched by cosine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import duckdb
import numpy as np
from numpy.typing import NDArray

from kb.meaning.encoder import NAME, Vectors, WordEncoder, unit, word_encoder
from kb.store import KnowledgeBase

TITLE = 0.6
"""The weight of a goal's title in its vector; the mean of its steps has the rest."""
LEVELS = 127
AT_ONCE = 2_000
"""Goals that are encoded together."""
ROWS = 16_384
"""Vectors that are compared together."""


def write_goal_vectors(session: duckdb.DuckDBPyConnection) -> None:
    """Fill the table goal_vectors of a new file from its articles and steps; goals of unknown words get no row."""
    import pyarrow as pa  # which reading does without

    encoder = word_encoder()
    for ids, titles, steps in _goals(session):
        vectors = goal_vectors(encoder, titles, steps)
        scale = np.abs(vectors).max(axis=1) / LEVELS
        kept = np.flatnonzero(scale > 0)
        whole = np.rint(vectors[kept] / scale[kept, None]).astype(np.int8)
        starts = np.arange(len(kept) + 1, dtype=np.int32) * encoder.dimension
        table = pa.table(
            {
                "encoder": pa.array([NAME] * len(kept), pa.string()),
                "article_id": pa.array(np.array(ids, np.int64)[kept]),
                "scale": pa.array(scale[kept], pa.float32()),
                "vector": pa.ListArray.from_arrays(pa.array(starts), pa.array(whole.ravel())),
            }
        )
        session.register("vectors_of_goals", table)
        session.execute("INSERT INTO goal_vectors FROM vectors_of_goals")
        session.unregister("vectors_of_goals")


def goal_vectors(encoder: WordEncoder, titles: list[str], steps: list[list[str]]) -> Vectors:
    """A unit vector for each goal, [len(titles), dimension]."""
    flat = encoder.encode([text for each in steps for text in each])
    starts = np.cumsum([0, *(len(each) for each in steps)])
    parts = (flat[a:b] for a, b in pairwise(starts))
    return np.array(
        [goal_vector(title, each) for title, each in zip(encoder.encode(titles), parts, strict=True)]
    )


def goal_vector(title: NDArray[np.float32], steps: Vectors) -> NDArray[np.float32]:
    """The unit vector of a goal by those of its title [dimension] and its steps [n, dimension]."""
    return unit(TITLE * title + (1 - TITLE) * unit(steps.sum(axis=0)))


def _goals(session: duckdb.DuckDBPyConnection) -> Iterator[tuple[list[int], list[str], list[list[str]]]]:
    """Ids, titles and step texts of all goals, `AT_ONCE` of them at a time."""
    most = session.execute("SELECT coalesce(max(article_id), 0) FROM articles").fetchall()[0][0]
    for start in range(1, most + 1, AT_ONCE):
        rows = session.execute(
            """
            SELECT article_id, any_value(goal), list(step_text(headline, body)[:300] ORDER BY step_id)
            FROM articles JOIN steps USING (article_id) WHERE article_id BETWEEN ? AND ?
            GROUP BY article_id ORDER BY article_id
            """,
            [start, start + AT_ONCE - 1],
        ).fetchall()
        if rows:
            ids, titles, steps = zip(*rows, strict=True)
            yield list(ids), list(titles), list(steps)


@dataclass(frozen=True, slots=True)
class GoalVectors:
    """The vectors of a knowledge base as whole numbers, with a scale a goal."""

    ids: NDArray[np.int64]
    scale: NDArray[np.float32]
    steps: NDArray[np.int8]
    """[len(ids), dimension]."""

    @classmethod
    def of(cls, kb: KnowledgeBase) -> GoalVectors:
        """Those in the file, read once for each knowledge base that is open; none where none were written."""
        held = _held.get(kb)
        if held is None:
            held = _held[kb] = cls._read(kb)
        return held

    @classmethod
    def _read(cls, kb: KnowledgeBase) -> GoalVectors:
        found = kb.query(
            "SELECT article_id, scale, vector FROM goal_vectors WHERE encoder = ? ORDER BY article_id", [NAME]
        ).fetchnumpy()
        ids, scale = np.asarray(found["article_id"], np.int64), np.asarray(found["scale"], np.float32)
        return cls(ids, scale, np.stack(list(found["vector"])) if len(ids) else np.empty((0, 1), np.int8))

    def nearest(self, query: NDArray[np.float32], count: int) -> list[int]:
        """The ids of the `count` goals with the highest cosine with a unit vector, best first."""
        parts = [
            self.steps[start : start + ROWS].astype(np.float32) @ query
            for start in range(0, len(self.ids), ROWS)
        ]
        if not parts:
            return []
        scores = np.concatenate(parts) * self.scale
        count = min(count, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        order = np.lexsort((self.ids[best], -scores[best]))
        return [int(article_id) for article_id in self.ids[best[order]]]


_held: WeakKeyDictionary[KnowledgeBase, GoalVectors] = WeakKeyDictionary()
