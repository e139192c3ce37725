"""The database engine's errors as messages: a file that another process writes, a damaged one, too little memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from howtree.errors import BadInput, first_line

_HOLDER = re.compile(r"Could not set lock.*?held in (?P<program>.*?) \(PID (?P<process>\d+)\)", re.DOTALL)


@contextmanager
def errors_told(path: Path) -> Iterator[None]:
    """Turn an engine's error while `path` is read into a message.

    Raises:
        BadInput: in place of the engine's error.
    """
    try:
        yield
    except duckdb.InterruptException:  # Ctrl-C, which has a message of its own
        raise
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise BadInput(told(error, path)) from error


def told(error: BaseException, path: Path) -> str:
    """What an engine's error says of the file at `path`, and what to do."""
    if holder := in_use(error, path):
        return holder
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"{path} needs more memory than it may use ({first_line(error)}): ask for less at a time"
    return (
        f"{path} cannot be read as a whole ({first_line(error)}). It may be damaged: run `howtree check`, and make it "
        "again with the `howtree build` that made it, which goes on from its work folder"
    )


def in_use(error: BaseException, path: Path) -> str | None:
    """Who holds the file, where that is why it cannot be opened."""
    held = _HOLDER.search(str(error))
    if not held:
        return None
    return (
        f"{path} is in use by process {held['process']} ({held['program']}), which has it open for writing: wait until "
        "that process closes it, or read a copy of the file"
    )
