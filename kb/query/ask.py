"""Ask a query: within its limits, in a process of its own, with the rows as they come or all at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kb.query.answer import Answer
from kb.query.arrow import plain, rows_of, session, unpacked
from kb.query.child import Child
from kb.query.children import Children
from kb.query.limits import Limits

BATCH = 10_000
"""Rows that come together; ten times that many for Parquet, where they become a row group."""


class Result:
    """A query to run: its columns, and its rows as they come, either as tuples or as Arrow batches."""

    def __init__(self, child: Child, sql: str, limits: Limits) -> None:
        self._child, self._sql, self._limits = child, sql, limits
        self._begun: _Started | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns; starts the query."""
        return list(self._as_rows.names)

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows as DuckDB gives them to Python.

        Raises:
            BadQuery: it is no query that reads, it is wrong, or a limit was reached; the rows before that have been
                yielded.
        """
        for table in self._as_rows.tables:
            yield from rows_of(table, self._as_rows.types)

    @property
    def types(self) -> list[str]:
        """What DuckDB calls the types of the columns; starts the query."""
        return list(self._as_rows.types)

    @property
    def tables(self) -> Iterator[Any]:
        """The rows as Arrow tables that lose nothing of DuckDB's types (`kb.query.arrow`), at first an empty one.

        Raises:
            BadQuery: as `rows` does.
        """
        return self._as_rows.tables

    def arrow(self) -> tuple[Any, Iterator[Any]]:
        """The Arrow schema, and the record batches; both raise BadQuery as `rows` does."""
        tables = self._started(10 * BATCH).tables
        schema = plain(next(tables)).schema
        return schema, (batch for table in tables for batch in plain(table).to_batches())

    @property
    def _as_rows(self) -> _Started:
        if (
            self._begun is None
        ):  # no cached_property: until Python 3.12 the queries of all threads waited for each other
            self._begun = self._started(BATCH)
        return self._begun

    def _started(self, batch: int) -> _Started:
        frames = self._child.answer(self._sql, self._limits, batch)
        columns = json.loads(next(frames))
        return _Started(columns["names"], columns["types"], map(unpacked, frames))


@dataclass(frozen=True)
class _Started:
    """A query that runs."""

    names: list[str]
    types: list[str]
    tables: Iterator[Any]
    """Its rows as they come, at first an empty table."""


@contextmanager
def running(
    children: Children, sql: str, limits: Limits, wait: Callable[[], None] | None = None
) -> Iterator[Result]:
    """Run one query that reads, in a process of its own that is killed at its limits and when the `with` ends early.

    Args:
        children: the processes for queries over the knowledge base.
        sql: the query.
        limits: where it is stopped.
        wait: called once where as many queries run as may, before we wait.

    Raises:
        NotFound, BadInput: the knowledge base cannot be opened.
        BadQuery: it is not one reading statement, it is wrong, or a limit was reached. Rows that came before a limit
            have been yielded.
    """
    session()  # while the process gets ready
    with children.one(limits.memory, wait) as child:
        yield Result(child, sql, limits)


def ask(children: Children, sql: str, limits: Limits) -> Answer:
    """The whole answer to one query that reads.

    Raises:
        NotFound, BadInput: the knowledge base cannot be opened.
        BadQuery: it is not one reading statement, it is wrong, or a limit was reached.
    """
    with running(children, sql, limits) as result:
        schema, batches = result.arrow()
        return Answer(pa.Table.from_batches(list(batches), schema))
