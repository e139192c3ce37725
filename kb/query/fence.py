"""The fence around a query: one statement that reads, and why not where it is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import duckdb

from howtree.errors import BadQuery, first_line

ONLY_READING = "only queries that read are allowed (SELECT, FROM, WITH, PIVOT, DESCRIBE, EXPLAIN)"
PIVOTING = {"SELECT", "FROM", "WITH", "PIVOT", "PIVOT_WIDER", "DESCRIBE", "SUMMARIZE", "("}
"""How a query begins that has a PIVOT in it and reads."""
NAMELESS = "OTHER"
"""A kind for which DuckDB's Python package has no name, such as UPDATE EXTENSIONS."""
NOT_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no query can hold: NUL, and halves of surrogate pairs, as which Python reads bytes that are not UTF-8."""


def require_reading(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Check that `sql` is exactly one statement, and one that reads.

    Raises:
        BadQuery: it is not.
        duckdb.Error: it is no SQL.
    """
    if odd := NOT_TEXT.search(sql):
        raise BadQuery(
            f"character {odd.start() + 1} of the query is no text ({ascii(odd[0])[1:-1]}): write it in UTF-8, "
            "or the value as '\\xFF'::BLOB or chr(0)"
        )
    statements = cursor.extract_statements(sql)
    if len(statements) != 1:
        raise BadQuery(f"give one statement, not {len(statements)}")
    kind = kind_of(cursor, statements[0])
    if kind != "SELECT":
        raise BadQuery(ONLY_READING if kind == NAMELESS else f"{ONLY_READING}, not {kind}")


def kind_of(cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> str:
    """The kind of a statement, SELECT for all that read; of an EXPLAIN the kind of what it explains."""
    try:
        kind = statement.type.name
    except ValueError:
        kind = NAMELESS
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
