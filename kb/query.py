"""Free SQL from people, within limits: reading only, no files, and an end to time, rows and memory."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb

from howtree.errors import BadQuery
from kb.store import MEMORY_LIMIT, KnowledgeBase, first_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONLY_READING = "only queries that read are allowed (SELECT, FROM, WITH, PIVOT, DESCRIBE, EXPLAIN)"
PIVOTING = {"SELECT", "FROM", "WITH", "PIVOT", "PIVOT_WIDER", "DESCRIBE", "SUMMARIZE", "("}
"""How a query begins that has a PIVOT in it and reads."""
NOT_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no query can hold: NUL, and halves of surrogate pairs, as which Python reads bytes that are not UTF-8."""
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
            BadQuery: there are more than the limit; that many have been yielded.
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


@dataclass(frozen=True)
class Answer:
    """The whole answer to a query, as a table in memory."""

    table: pa.Table

    def arrow(self) -> pa.Table:
        """The answer as an Arrow table."""
        return self.table

    def pandas(self) -> pd.DataFrame:
        """The answer as a pandas data frame; integers beyond 64 bits, such as sums, become floats as DuckDB does it."""
        import pyarrow as pa

        columns = [
            column.cast(pa.float64()) if _whole(column.type) else column for column in self.table.columns
        ]
        return pa.table(columns, names=self.columns).to_pandas()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as Python values.

        Raises:
            BadQuery: a date is beyond those of Python.
        """
        try:
            columns = [
                [value if value is None else int(value) for value in column.to_pylist()]
                if _whole(column.type)
                else column.to_pylist()
                for column in self.table.columns
            ]
        except (OverflowError, ValueError) as error:
            raise BadQuery(
                f"a value of the answer has no form in Python ({error}): cast it to VARCHAR in the query"
            ) from error
        return list(zip(*columns, strict=True))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return int(self.table.num_rows)


def _whole(kind: pa.DataType) -> bool:
    """Whether a column holds whole numbers beyond 64 bits, for which Arrow has only decimals."""
    import pyarrow as pa

    return bool(pa.types.is_decimal(kind) and kind.scale == 0)


def ask(kb: KnowledgeBase, sql: str, limits: Limits) -> Answer:
    """The whole answer to one query that reads.

    Raises:
        BadQuery: it is not one reading statement, it is wrong, or a limit was reached.
    """
    import pyarrow as pa

    with running(kb, sql, limits) as result:
        schema, batches = result.arrow()
        return Answer(pa.Table.from_batches(list(batches), schema))


@contextmanager
def running(kb: KnowledgeBase, sql: str, limits: Limits) -> Iterator[Result]:
    """Run one query that reads; it is interrupted where it outlasts `limits.seconds`.

    All who ask share one session, so nothing may be left of a query: it runs in a transaction that cannot write and
    is rolled back, whatever its kind seems to be.

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
    cursor.execute("BEGIN TRANSACTION READ ONLY")
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
        with suppress(duckdb.Error):  # nothing is left to roll back after some errors
            cursor.execute("ROLLBACK")
        cursor.close()


def require_reading(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Check that `sql` is exactly one statement, and one that reads.

    Raises:
        BadQuery: it is not.
    """
    if odd := NOT_TEXT.search(sql):
        raise BadQuery(
            f"character {odd.start() + 1} of the query is no text ({ascii(odd[0])[1:-1]}): write it in UTF-8, "
            "or the value as '\\xFF'::BLOB or chr(0)"
        )
    try:
        statements = cursor.extract_statements(sql)
    except duckdb.Error as error:
        raise BadQuery(explain(error)) from error
    if len(statements) != 1:
        raise BadQuery(f"give one statement, not {len(statements)}")
    kind = kind_of(cursor, statements[0])
    if kind != "SELECT":
        raise BadQuery(f"{ONLY_READING}, not {kind}")


def kind_of(cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> str:
    """The kind of a statement, SELECT for all that read; of an EXPLAIN the kind of what it explains."""
    try:
        kind = statement.type.name
    except ValueError:  # a kind for which DuckDB's Python package has no name, such as UPDATE EXTENSIONS
        kind = "OTHER"
    if kind not in ("EXPLAIN", "MULTI"):
        return kind
    rests = list(rests_of(statement.query))
    first = first_word(rests[0])
    if first == "EXPLAIN":
        return explained(cursor, rests[1:])
    return (
        "SELECT" if first in PIVOTING else first
    )  # a PIVOT is several statements: it looks for its columns first


def explained(cursor: duckdb.DuckDBPyConnection, rests: list[str]) -> str:
    """The kind of the statement behind EXPLAIN and its options: of the longest rest that is a statement."""
    for rest in rests:
        if first_word(rest) != "ANALYZE":  # there is a statement of that name, too
            with suppress(duckdb.Error):
                (statement,) = cursor.extract_statements(rest)
                return kind_of(cursor, statement)
    return "EXPLAIN"


def rests_of(sql: str) -> Iterator[str]:
    """What is left of a query from each word and sign on, comments aside."""
    raw = sql.encode()
    for start, kind in duckdb.tokenize(sql):
        if kind != duckdb.token_type.comment:
            yield raw[start:].decode()


def first_word(sql: str) -> str:
    """The word or the sign that a query begins with."""
    found = re.match(r"\w+|.", sql, re.DOTALL)
    return found[0].upper() if found else ""


def explain(error: duckdb.Error) -> str:
    """An error of the database as a message, with a hint where it comes from our own lock."""
    text = str(error).strip()
    if isinstance(error, duckdb.TransactionException) and "read-only mode" in text:
        return f"{ONLY_READING}; this one writes"
    if isinstance(error, duckdb.PermissionException) or "disabled by configuration" in text:
        return f"a query may not reach files, the network or settings ({first_line(error)})"
    if "configuration has been locked" in text:
        return "a query may not change settings: they are locked"
    if isinstance(
        error, duckdb.InvalidInputException
    ):  # what a macro of ours says, such as that there is no such goal
        text = text.removeprefix("Invalid Input Error: ")
    return f"the query failed: {text}"
