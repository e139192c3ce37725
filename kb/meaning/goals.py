"""The vectors of all goals: made with the knowledge base, kept in its file, searched by cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import duckdb
import numpy as np
from numpy.typing import NDArray

from kb.meaning.encoder import NAME, Vectors, WordEncoder, unit, word_encoder
from kb.store import KnowledgeBase

MODEL = "howtree-retriever"
"""The encoder that made the links, as the table names it (`linking.encode.folder`)."""
TITLE = 0.6
"""The weight of a goal's title in its vector; the mean of its steps has the rest."""
LEVELS = 127
AT_ONCE = 2_000
"""Goals that are encoded together."""
ROWS = 256
"""Vectors that are compared together: as many as fit into the cache of a core as floats."""


def write_goal_vectors(session: duckdb.DuckDBPyConnection) -> None:
    """Fill the table goal_vectors of a new file from its articles and steps; goals of unknown words get no row."""
    encoder = word_encoder()
    for ids, titles, steps in _goals(session):
        keep(session, NAME, np.array(ids, np.int64), goal_vectors(encoder, titles, steps))


def keep(
    session: duckdb.DuckDBPyConnection, encoder: str, ids: NDArray[np.int64], vectors: NDArray[np.float32]
) -> None:
    """Add the vectors of goals, [len(ids), dimension], to the table; those of length 0 are left out."""
    import pyarrow as pa  # which reading does without

    scale = np.abs(vectors).max(axis=1) / LEVELS
    kept = np.flatnonzero(scale > 0)
    whole = np.rint(vectors[kept] / scale[kept, None]).astype(np.int8)
    starts = np.arange(len(kept) + 1, dtype=np.int32) * vectors.shape[1]
    table = pa.table(
        {
            "encoder": pa.array([encoder] * len(kept), pa.string()),
            "article_id": pa.array(ids[kept]),
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
    return mixed(title, steps.sum(axis=0))


def mixed(titles: NDArray[np.float32], sums: NDArray[np.float32]) -> Vectors:
    """Unit vectors of goals by those of their titles and the sums of those of their steps, both [..., dimension]."""
    return unit(TITLE * titles + (1 - TITLE) * unit(sums))


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
    """The vectors of a knowledge base by one encoder as whole numbers, with a scale a goal."""

    ids: NDArray[np.int64]
    scale: NDArray[np.float32]
    steps: NDArray[np.int8]
    """[len(ids), dimension]."""

    @classmethod
    def of(cls, kb: KnowledgeBase, encoder: str = NAME) -> GoalVectors:
        """Those in the file, read once for each knowledge base that is open; none where none were written."""
        held = _held.setdefault(kb, {})
        if encoder not in held:
            held[encoder] = cls._read(kb, encoder)
        return held[encoder]

    @classmethod
    def _read(cls, kb: KnowledgeBase, encoder: str) -> GoalVectors:
        asked = "SELECT {} FROM goal_vectors WHERE encoder = ? ORDER BY article_id"
        found = kb.query(asked.format("article_id, scale"), [encoder]).fetchnumpy()
        ids, scale = np.asarray(found["article_id"], np.int64), np.asarray(found["scale"], np.float32)
        if not len(ids):
            return cls(ids, scale, np.empty((0, 1), np.int8))
        parts = kb.query(f"SELECT unnest(vector) AS part FROM ({asked.format('vector')})", [encoder])
        return cls(ids, scale, np.asarray(parts.fetchnumpy()["part"], np.int8).reshape(len(ids), -1))

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of each goal with a unit vector, [len(ids)]."""
        found = np.empty(len(self.ids), np.float32)
        floats = np.empty((ROWS, self.steps.shape[1]), np.float32)
        for start in range(0, len(self.ids), ROWS):
            steps = self.steps[start : start + ROWS]
            part = floats[: len(steps)]
            np.copyto(part, steps)
            np.dot(part, query, out=found[start : start + ROWS])
        return found * self.scale

    def best(self, cosines: NDArray[np.float32], count: int) -> list[int]:
        """The ids of the `count` goals with the highest cosines, best first."""
        count = min(count, len(cosines))
        if not count:
            return []
        best = np.argpartition(-cosines, count - 1)[:count]
        order = np.lexsort((self.ids[best], -cosines[best]))
        return [int(article_id) for article_id in self.ids[best[order]]]

    def of_goals(self, ids: Sequence[int], cosines: NDArray[np.float32]) -> dict[int, float]:
        """Of some goals the cosines that they have, by id; one without a vector has none."""
        if not len(self.ids):
            return {}
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        here = self.ids[places] == np.asarray(ids)
        return dict(zip(self.ids[places[here]].tolist(), cosines[places[here]].tolist(), strict=True))


_held: WeakKeyDictionary[KnowledgeBase, dict[str, GoalVectors]] = WeakKeyDictionary()
