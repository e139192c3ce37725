"""Free SQL from people, within limits: reading only, no files, and an end to time, rows and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from howtree import BadQuery
from kb.store import MEMORY_LIMIT, KnowledgeBase, first_line

READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a query is stopped."""

    seconds: float = 60.0
    rows: int = 100_000


@dataclass(slots=True)
class Result:
    """A running query: its columns, and its rows as they come."""

    columns: list[str]
    types: list[str]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def running(kb: KnowledgeBase, sql: str, limits: Limits) -> Iterator[Result]:
    """Run one query that reads; it is interrupted where it outlasts `limits.seconds`.

    Raises:
        BadQuery: it is not one reading statement, it is wrong, or a limit was reached. Rows that came before a
            limit have been yielded.
    """
    cursor = kb.cursor()
    require_reading(cursor, sql)
    late = threading.Event()

    def stop() -> None:
        late.set()
        cursor.interrupt()

    timer = threading.Timer(limits.seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        cursor.execute(sql)
        description = cursor.description or []
        yield Result(
            [c[0] for c in description], [str(c[1]) for c in description], limited(cursor, limits.rows)
        )
    except duckdb.InterruptException as error:
        if not late.is_set():
            raise
        raise BadQuery(
            f"the query was stopped after {limits.seconds:g} seconds: narrow it, or allow more with --timeout"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise BadQuery(
            f"the query was stopped: it needs more than {MEMORY_LIMIT} of memory; narrow it"
        ) from error
    except duckdb.Error as error:
        raise BadQuery(explain(error)) from error
    finally:
        timer.cancel()
        cursor.close()


def require_reading(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Check that `sql` is exactly one statement, and one that reads.

    Raises:
        BadQuery: it is not.
    """
    try:
        statements = cursor.extract_statements(sql)
    except duckdb.Error as error:
        raise BadQuery(explain(error)) from error
    if len(statements) != 1:
        raise BadQuery(f"give one statement, not {len(statements)}")
    if statements[0].type not in READING:
        kind = str(statements[0].type).rpartition(".")[2]
        raise BadQuery(
            f"only queries that read are allowed (SELECT, FROM, WITH, DESCRIBE, EXPLAIN), not {kind}"
        )


def limited(cursor: duckdb.DuckDBPyConnection, most: int) -> Iterator[tuple[Any, ...]]:
    """The rows of a cursor, a batch at a time, up to `most`.

    Raises:
        BadQuery: there are more; the first `most` have been yielded.
    """
    count = 0
    while rows := cursor.fetchmany(BATCH):
        for row in rows:
            if count >= most:
                raise BadQuery(f"stopped after {most:,} rows: add a LIMIT, or allow more with --limit")
            yield row
            count += 1


def explain(error: duckdb.Error) -> str:
    """An error of the database as a message, with a hint where it comes from our own lock."""
    text = str(error).strip()
    if isinstance(error, duckdb.PermissionException) or "disabled by configuration" in text:
        return f"a query may not reach files, the network or settings ({first_line(error)})"
    if "configuration has been locked" in text:
        return "a query may not change settings: they are locked"
    return f"the query failed: {text}"
