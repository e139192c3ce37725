"""The vectors of goals by the encoder that links them, for the search: made of vectors that linking has kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb
import numpy as np

from kb.meaning.goals import MODEL, keep, mixed
from linking.candidates import Goals, StepBatch
from linking.pipeline import Linker
from linking.retrieve.vectors import hash_texts


def write_vectors(
    session: duckdb.DuckDBPyConnection, linker: Linker, goals: Goals, steps: Callable[[], Iterable[StepBatch]]
) -> None:
    """Add them to the table goal_vectors, once a linker has run; only of the encoder that the search can load."""
    if linker.encoder.name != MODEL or not len(goals.ids):
        return
    titles = linker.goals.vectors(linker.goals.rows(hash_texts(goals.texts)))
    sums = np.zeros_like(titles)
    for batch in steps():
        vectors = linker.steps.vectors(linker.steps.rows(hash_texts(batch.texts)))
        np.add.at(sums, np.searchsorted(goals.ids, batch.article_ids), vectors)
    keep(session, linker.encoder.name, goals.ids, mixed(titles, sums))
