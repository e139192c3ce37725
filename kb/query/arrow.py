"""Rows on their way from a child to us: as Arrow that loses nothing of DuckDB's types, then as people get them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

EXTENSION = b"ARROW:extension:name"
"""In the remarks on a field: that Arrow has no such type, and what it stands for."""


@cache
def session() -> duckdb.DuckDBPyConnection:
    """A session without tables, which turns Arrow into what DuckDB gives to Python."""
    return duckdb.connect(config={"threads": 1})


def packed(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
    """Batches as an IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in batches:
            stream.write_batch(batch)
    return sink.getvalue()


def unpacked(stream: bytes) -> pa.Table:
    """The table that an IPC stream holds."""
    return pa.ipc.open_stream(stream).read_all()


def halved(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """A batch in parts of at most so many bytes, or of one row."""
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        if part.nbytes <= size or part.num_rows < 2:
            yield part
        else:
            half = part.num_rows // 2
            waiting += [part.slice(half), part.slice(0, half)]


def rows_of(table: pa.Table, types: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of a table as DuckDB gives them to Python.

    Args:
        table: as it came from a child.
        types: what DuckDB calls the types of its columns.
    """
    return _projected(table, [_column(number, types) for number in range(len(types))])


def _column(number: int, types: Sequence[str]) -> str:
    """A column with its type, as SQL."""
    kind = types[number]
    return f"CAST(c{number} AS {kind})" if "TUPLE(" in kind else f"c{number}"  # Arrow knows structs alone


def _projected(table: pa.Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of a table as columns of SQL make them, in which c0 is its first."""
    names = [f"c{number}" for number in range(table.num_columns)]
    relation = session().cursor().from_arrow(table.rename_columns(names))
    return list(relation.project(", ".join(columns)).fetchall())


def texts_of(table: pa.Table, types: Sequence[str]) -> list[tuple[str | None, ...]]:
    """The rows of a table with every value as DuckDB writes it, whatever its type; None for NULL. As for `rows_of`."""
    return _projected(table, [f"CAST({_column(number, types)} AS VARCHAR)" for number in range(len(types))])


def numbers_of(table: pa.Table, types: Sequence[str], number: int) -> list[float | None]:
    """A column of numbers as floats. As for `rows_of`; the column is counted from 0."""
    return [row[0] for row in _projected(table, [f"CAST({_column(number, types)} AS DOUBLE)"])]


def plain(table: pa.Table) -> pa.Table:
    """A table as DuckDB gives it to other programs: with Arrow's own types alone."""
    for number, field in enumerate(table.schema):
        if is_extended(field):
            column = pa.table([table.column(number)], pa.schema([field.with_name("c")]))
            other = session().cursor().from_arrow(column).to_arrow_table()
            table = table.set_column(number, other.field(0).with_name(field.name), other.column(0))
    return table


def is_extended(field: pa.Field) -> bool:
    """Whether the type of a field, or one within it, is none of Arrow's own."""
    inner = [field.type.field(number) for number in range(field.type.num_fields)]
    return (
        isinstance(field.type, pa.BaseExtensionType)
        or EXTENSION in (field.metadata or {})
        or any(is_extended(each) for each in inner)
    )
