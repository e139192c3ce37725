"""Free SQL from people, within limits: reading only, no files, and an end to time, rows and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from howtree.errors import BadQuery
from kb.store import MEMORY_LIMIT, KnowledgeBase, first_line

READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a query is stopped."""

    seconds: float = 60.0
    rows: int = 100_000


class Result:
    """A running query: its columns, and its rows as they come, either as tuples or as Arrow batches."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, sql: str, limits: Limits) -> None:
        self._cursor, self._sql, self._most = cursor, sql, limits.rows

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns; starts the query."""
        return [column[0] for column in self._cursor.execute(self._sql).description or ()]

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows.

        Raises:
            BadQuery: there are more than the limit; so many have been yielded.
        """
        left = self._most if self.columns else 0
        while rows := self._cursor.fetchmany(BATCH):
            yield from rows[:left]
            if len(rows) > left:
                raise self._too_many()
            left -= len(rows)

    def arrow(self) -> tuple[Any, Iterator[Any]]:
        """The Arrow schema, and the record batches; these raise BadQuery as `rows` does."""
        reader = self._cursor.sql(self._sql).to_arrow_reader(100 * BATCH)
        return reader.schema, self._batches(reader)

    def _batches(self, reader: Any) -> Iterator[Any]:
        left = self._most
        for batch in reader:
            yield batch.slice(0, left)
            if batch.num_rows > left:
                raise self._too_many()
            left -= batch.num_rows

    def _too_many(self) -> BadQuery:
        return BadQuery(f"stopped after {self._most:,} rows: add a LIMIT, or allow more with --limit")


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
        yield Result(cursor, sql, limits)
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


def explain(error: duckdb.Error) -> str:
    """An error of the database as a message, with a hint where it comes from our own lock."""
    text = str(error).strip()
    if isinstance(error, duckdb.PermissionException) or "disabled by configuration" in text:
        return f"a query may not reach files, the network or settings ({first_line(error)})"
    if "configuration has been locked" in text:
        return "a query may not change settings: they are locked"
    return f"the query failed: {text}"
