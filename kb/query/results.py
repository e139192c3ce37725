"""Writing the result of a query: as a table for people, as CSV, JSON Lines or Parquet for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from howtree.errors import BadInput
from howtree.files import written_aside
from howtree.progress import progress
from howtree.streams import csv_cell, unchanged
from kb.store import KnowledgeBase

if TYPE_CHECKING:
    import duckdb

    from kb.query.ask import Result

BATCH = 1_000
MAX_CELL = 60
ARTICLES_AT_ONCE = 2_000


class Rows(Protocol):
    """Rows as they come, and the names of their columns."""

    @property
    def columns(self) -> list[str]:
        """The names."""

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows."""


class Fetched:
    """The rows of a query of ours."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.columns = [column[0] for column in cursor.description or ()]

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows, a batch of them in memory."""
        while rows := self._cursor.fetchmany(BATCH):
            yield from rows


def write_result(result: Result, form: str, output: Path | None) -> None:
    """Write a result in the form 'table', 'csv', 'json' or 'parquet' to a file, else to stdout.

    Raises:
        BadInput: the file cannot be written.
    """
    if form == "parquet" and output is not None:
        write_parquet(result, output)
    else:
        write_rows(result, form, output)


def write_rows(result: Rows, form: str, output: Path | None) -> None:
    """Write rows in the form 'table', 'csv' or 'json' to a file, else to stdout.

    Raises:
        BadInput: the file cannot be written.
    """
    if form == "table" and output is None:
        write_table(result, sys.stdout)
        return
    with opened(output) as file:
        {"table": write_table, "csv": write_csv, "json": write_json_lines}[form](result, file)


@contextmanager
def opened(output: Path | None) -> Iterator[IO[str]]:
    """The file to write to, put in place when whole, or stdout."""
    if output is None:
        with unchanged() as stdout:
            yield stdout
        return
    try:
        with written_aside(output) as aside, aside.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror}") from error


def write_table(result: Rows, file: IO[str]) -> None:
    """Columns as wide as their first rows need; long cells are cut."""
    rows = ([cell(value) for value in row] for row in result.rows)
    first = list(islice(rows, BATCH))
    widths = [max(map(len, column)) for column in zip(result.columns, *first, strict=True)]
    for line in chain([result.columns, ["-" * width for width in widths]], first, rows):
        padded = "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        print(padded.rstrip(), file=file)


def cell(value: Any) -> str:
    """A value as one short line."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def write_csv(result: Rows, file: IO[str]) -> None:
    """Comma-separated values with a header; lists and structs as JSON. No cell is a formula."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(csv_cell, result.columns))
    for row in result.rows:
        writer.writerow(
            [as_json(value) if isinstance(value, (list, dict)) else csv_cell(value) for value in row]
        )


def write_json_lines(result: Rows, file: IO[str]) -> None:
    """One JSON object per row."""
    for row in result.rows:
        print(as_json(dict(zip(result.columns, row, strict=True))), file=file)


def as_json(value: Any) -> str:
    """A value as JSON; what JSON has no form for as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def write_parquet(result: Result, output: Path) -> None:
    """A Parquet file, a row group per batch.

    Raises:
        BadInput: the file cannot be written.
    """
    import pyarrow.parquet as pq

    schema, batches = result.arrow()
    try:
        with written_aside(output) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror or error}") from error


def records(kb: KnowledgeBase, sql: str, label: str) -> Iterator[dict[str, Any]]:
    """The rows of a query of ours, a batch at a time, behind a progress bar."""
    found = Fetched(kb.query(sql))
    with progress(None, label, unit="records") as bar:
        for row in found.rows:
            yield dict(zip(found.columns, row, strict=True))
            bar.update(1)


def records_by_article(kb: KnowledgeBase, sql: str, label: str) -> Iterator[dict[str, Any]]:
    """The same for a query over the articles from $first to $last, some at a time, so that little is in memory."""
    row = kb.query("SELECT coalesce(max(article_id), 0) FROM articles").fetchone()
    starts = range(1, (row[0] if row else 0) + 1, ARTICLES_AT_ONCE)
    for first in progress(starts, label, len(starts), f"times {ARTICLES_AT_ONCE:,} articles"):
        span = {"first": first, "last": first + ARTICLES_AT_ONCE - 1}
        cursor = kb.query(sql, span)
        names = [column[0] for column in cursor.description or ()]
        for values in cursor.fetchall():
            yield dict(zip(names, values, strict=True))
