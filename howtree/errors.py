"""The family of errors that people can mend: each message says what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class HowtreeError(Exception):
    """Something the user can mend. The message says what is wrong, where, and what to do next."""

    exit_code = 1


class BadInput(HowtreeError):
    """A file or record given by the user cannot be read."""


class BadQuery(HowtreeError):
    """A query was refused, failed or ran out of its limits."""


class NotFound(HowtreeError):
    """A goal, step or file that was named does not exist."""


class BadUsage(HowtreeError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class Stopped(HowtreeError):
    """Ctrl-C was pressed. The message says what is kept."""

    exit_code = 130


@contextmanager
def stoppable(kept: str = "") -> Iterator[None]:
    """Turn Ctrl-C inside into `Stopped`, with what is kept.

    Raises:
        Stopped: Ctrl-C was pressed.
    """
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as stop:
        if isinstance(stop, RuntimeError) and str(stop) != "Query interrupted":  # DuckDB's word for Ctrl-C
            raise
        raise Stopped(f"stopped; {kept}" if kept else "stopped") from stop


def require_within(name: str, value: Any, least: float, most: float) -> None:
    """Check that a number is within bounds.

    Raises:
        BadUsage: it is not.
    """
    if not least <= value <= most:
        raise BadUsage(f"{name} is a number from {least} to {most:,}, not {value!r}")


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
