"""The process in which people's queries run: it has the knowledge base open, and answers one query at a time.

Started by kb.query.child as `python -m kb.query.inside`. Requests come as lines of JSON on stdin, answers leave as
frames on stdout. The kernel keeps its limits: a timer kills it at the deadline, even within the parser, and it gets
no more memory than the query may use. It ends with whoever started it.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import sys
import threading
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from howtree.errors import BadInput, BadQuery, HowtreeError
from kb.query.arrow import halved, packed
from kb.query.fence import explain, require_reading
from kb.query.frames import COLUMNS, END, READY, ROWS, send, send_json
from kb.query.limits import Limits
from kb.store import KnowledgeBase, default_path

ALLOWANCE = 128
"""MB that the process may use beyond its size when idle and the memory limit, for what DuckDB does not count."""
FRAME = 1 << 20
"""Bytes from which on rows are sent in several frames."""
MB = 1_000_000
MAX_MESSAGE = 10_000


def main() -> None:
    """Open the knowledge base that the first line names, then answer queries until stdin ends."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no frame
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(requests,), daemon=True).start()
    order = requests.get()
    try:
        kb = opened(order["path"], order["file"], order["memory"])
    except HowtreeError as error:
        send_json(pipe, READY, error_kind=type(error).__name__, error=str(error))
        return
    idle = peak_memory()
    limit_memory(order["memory"])
    send_json(pipe, READY, notes=kb.review_notes)
    while True:
        request = requests.get()
        limits = Limits(**request["limits"])
        signal.setitimer(signal.ITIMER_REAL, limits.seconds)
        wrong, sound = answer(kb, request["sql"], limits, request["batch"], pipe)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send_json(pipe, END, error=wrong, again=sound and peak_memory() < idle + ALLOWANCE * MB)


def listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Take in requests, and end the process at once when nobody can send more, even while a query runs."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(1)


def opened(path: str | None, file: list[int] | None, memory: int) -> KnowledgeBase:
    """The knowledge base that the asker has open.

    Raises:
        NotFound, BadInput: it cannot be opened, or another file has taken its place since.
    """
    kb = KnowledgeBase(path or default_path(), memory_limit=f"{memory}MB", lossless=True)
    if file is not None and list(kb.file) != file:
        raise BadInput(f"{kb.path} was replaced by another since it was opened: open it again")
    return kb


def limit_memory(memory: int) -> None:
    """Let the process grow by `memory` MB and the allowance, no further: then an allocation fails."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # where the system does not say, DuckDB's own limit is left
        fields = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line
        )
        most = int(fields["VmData"].split()[0]) * 1024 + (memory + ALLOWANCE) * MB
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def answer(
    kb: KnowledgeBase, sql: str, limits: Limits, batch: int, pipe: IO[bytes]
) -> tuple[str | None, bool]:
    """Send the rows of a query.

    Returns:
        what is wrong with the query, None where nothing is; and whether the process is fit for another.
    """
    cursor = kb.cursor()
    try:
        require_reading(cursor, sql)
        cursor.execute("BEGIN TRANSACTION READ ONLY")  # whatever its kind seems to be, nothing is left of it
        send_rows(cursor.sql(sql), limits, batch, pipe)
    except BadQuery as error:
        return str(error), True
    except (duckdb.OutOfMemoryException, MemoryError):
        return limits.too_hungry, False
    except duckdb.Error as error:
        if any(word in str(error) for word in ("bad_alloc", "llocation failure", "failed to allocate")):
            return limits.too_hungry, False
        return explain(error)[:MAX_MESSAGE], not isinstance(
            error, duckdb.InternalException | duckdb.FatalException
        )
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


if __name__ == "__main__":
    main()
