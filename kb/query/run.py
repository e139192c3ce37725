"""Run a query within the process that is there for it, and send its rows."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import chain
from typing import IO

import duckdb
import pyarrow as pa

from howtree.errors import BadQuery
from kb.query.arrow import halved, packed
from kb.query.fence import explain, require_reading
from kb.query.frames import COLUMNS, ROWS, send, send_json
from kb.query.limits import MB, Limits
from kb.store import KnowledgeBase

FRAME = 1 << 20
"""Bytes from which on rows are sent in several frames."""
MAX_MESSAGE = 10_000
NO_MEMORY = re.compile("bad.alloc|allocation failure|failed to allocate", re.IGNORECASE)
"""What errors say that come of an allocation that failed."""


def run(kb: KnowledgeBase, sql: str, limits: Limits, batch: int, pipe: IO[bytes]) -> tuple[str | None, bool]:
    """Send the answer to a query.

    Args:
        kb: the knowledge base.
        sql: what somebody asks.
        limits: of rows, size and memory.
        batch: how many rows may be sent together.
        pipe: where to.

    Returns:
        what is wrong with the query, None where nothing is; and whether the process is fit for another.
    """
    cursor = kb.cursor()
    try:
        require_reading(cursor, sql)
        cursor.execute("BEGIN TRANSACTION READ ONLY")  # whatever its kind seems to be, nothing is left of it
        send_rows(cursor.sql(sql), limits, batch, pipe)
    except BadQuery as error:
        return str(error)[:MAX_MESSAGE], True
    except (duckdb.OutOfMemoryException, MemoryError):
        return limits.too_hungry, False
    except duckdb.Error as error:
        if NO_MEMORY.search(str(error)):
            return limits.too_hungry, False
        broken = isinstance(error, duckdb.InternalException | duckdb.FatalException)
        return explain(error)[:MAX_MESSAGE], not broken
    except pa.ArrowException as error:
        return f"the answer has no form in Arrow ({error}): cast its columns to VARCHAR"[:MAX_MESSAGE], True
    finally:
        with suppress(duckdb.Error):  # nothing is left to roll back after some errors
            cursor.execute("ROLLBACK")
        cursor.close()
    return None, True


def send_rows(relation: duckdb.DuckDBPyRelation, limits: Limits, batch: int, pipe: IO[bytes]) -> None:
    """Send the columns, then rows as they come.

    Raises:
        BadQuery: there are more rows or bytes than the limits; as many as they allow have been sent.
    """
    reader = relation.to_arrow_reader(batch)
    send_json(pipe, COLUMNS, names=reader.schema.names, types=[str(kind) for kind in relation.types])
    send(pipe, ROWS, packed(reader.schema, []))
    rows, size = limits.rows, limits.size * MB
    for part in chain.from_iterable(halved(batch, FRAME) for batch in reader):
        frame = packed(reader.schema, [part.slice(0, rows)])
        if frame.size > size:
            raise BadQuery(limits.too_large)
        send(pipe, ROWS, frame)
        if part.num_rows > rows:
            raise BadQuery(limits.too_many)
        rows, size = rows - part.num_rows, size - frame.size
