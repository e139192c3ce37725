"""What a knowledge base says of itself: the runs that made it and its meta data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from crawl.corpus.write import digests_of
from howtree.errors import BadInput
from howtree.version import __version__
from kb.build.fill import articles_digest, number
from kb.engine import in_use
from kb.store import SCHEMA_VERSION, in_memory, literal


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run that fills a knowledge base."""

    started: datetime
    inputs: Mapping[str, Any]
    """Paths of what was read; `record` adds the digests."""
    models: Mapping[str, Any]
    parameters: Mapping[str, Any]
    tally: Mapping[str, Any]


def keep_runs(session: duckdb.DuckDBPyConnection, output: Path) -> None:
    """Take over the runs recorded in the file that this build replaces, if it is one of ours, of any schema version."""
    if not output.is_file():
        return
    try:
        with in_memory() as old:
            old.execute(f"ATTACH {literal(str(output))} AS old (READ_ONLY)")
            earlier = old.execute("SELECT * EXCLUDE (run_id) FROM old.runs ORDER BY run_id").fetchall()
    except duckdb.Error as error:
        if holder := in_use(error, output):
            raise BadInput(holder) from error
        return  # another program's file, or a damaged one
    for run_id, row in enumerate(earlier, 1):
        session.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [run_id, *row])


def record(
    session: duckdb.DuckDBPyConnection,
    corpus: Path,
    run: RunRecord,
    *,
    threshold: float,
    encoder: str,
    **meta: Any,
) -> None:
    """Write the row of a run that ends now, and what the file says of itself.

    Args:
        session: over the new file.
        corpus: the corpus that it was filled from, which knows the digests of its sources.
        run: the run.
        threshold: least probability of a chosen link.
        encoder: name of the encoder, or what took its place.
        meta: further values by their keys.
    """
    finished, articles = datetime.now(UTC), articles_digest(session)
    inputs = {**run.inputs, "digests": digests_of(corpus), "articles_digest": articles}
    values: list[Any] = [
        number(session, "SELECT coalesce(max(run_id), 0) + 1 FROM runs"),
        run.started.replace(tzinfo=None),
        finished.replace(tzinfo=None),
        __version__,
        *map(json.dumps, (inputs, run.models, run.parameters, run.tally)),
    ]
    session.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    entries = {
        "schema_version": SCHEMA_VERSION,
        "threshold": threshold,
        "built_at": finished.isoformat(timespec="seconds"),
        "version": __version__,
        "encoder": encoder,
        "articles_digest": articles,
        "sources": json.dumps(inputs["digests"], ensure_ascii=False),
        **{
            name: value
            for name, value in {**inputs, **run.models}.items()
            if name.endswith("_digest") and value
        },
        **meta,
    }
    session.executemany(
        "INSERT INTO meta VALUES (?, ?)", [[key, str(value)] for key, value in entries.items()]
    )
