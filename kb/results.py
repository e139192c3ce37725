"""Writing the result of a query: as a table for people, as CSV, JSON Lines or Parquet for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from howtree import BadInput, written_aside
from kb.query import BATCH, Result

MAX_CELL = 60


def write_result(result: Result, form: str, output: Path | None) -> None:
    """Write a result in the form 'table', 'csv', 'json' or 'parquet' to a file, else to stdout.

    Raises:
        BadInput: the file cannot be written.
    """
    if form == "parquet" and output is not None:
        write_parquet(result, output)
        return
    with opened(output) as file:
        {"table": write_table, "csv": write_csv, "json": write_json_lines}[form](result, file)


@contextmanager
def opened(output: Path | None) -> Iterator[IO[str]]:
    """The file to write to, put in place when whole, or stdout."""
    if output is None:
        yield sys.stdout
        return
    try:
        with written_aside(output) as aside, aside.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror}") from error


def write_table(result: Result, file: IO[str]) -> None:
    """Columns as wide as the first rows need; long cells are cut."""
    rows = result.rows
    while chunk := list(islice(rows, BATCH)) or None:
        cells = [[cell(value) for value in row] for row in chunk]
        widths = [max(map(len, column)) for column in zip(result.columns, *cells, strict=True)]
        for line in (result.columns, ["-" * width for width in widths], *cells):
            print(
                "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip(),
                file=file,
            )


def cell(value: Any) -> str:
    """A value as one short line."""
    text = (
        "" if value is None else f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    )
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def write_csv(result: Result, file: IO[str]) -> None:
    """Comma-separated values with a header; lists and structs as JSON."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow([as_json(value) if isinstance(value, (list, dict)) else value for value in row])


def write_json_lines(result: Result, file: IO[str]) -> None:
    """One JSON object a row."""
    for row in result.rows:
        print(as_json(dict(zip(result.columns, row, strict=True))), file=file)


def as_json(value: Any) -> str:
    """A value as JSON; what JSON has no form for as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def write_parquet(result: Result, output: Path) -> None:
    """A Parquet file, a row group a batch.

    Raises:
        BadInput: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None
    try:
        with written_aside(output) as aside:
            while (chunk := list(islice(result.rows, 100 * BATCH))) or writer is None:
                columns = list(zip(*chunk, strict=True)) or [()] * len(result.columns)
                schema = writer.schema if writer else None
                table = pa.Table.from_arrays(
                    [pa.array(c, schema.field(i).type if schema else None) for i, c in enumerate(columns)],
                    result.columns,
                )
                writer = writer or pq.ParquetWriter(aside, table.schema, compression="zstd")
                writer.write_table(table)
            writer.close()
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror}") from error
