"""What every room of the project stands on: the error family, files written aside, progress bars, manifests."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar

__version__ = "0.1.0"

T = TypeVar("T")


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


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; on success it takes the place of `path` in one atomic step.

    A reader of `path` sees the old file or the whole new one, never a part. On an error the side file is
    removed and `path` stays as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, aside and renamed."""
    with written_aside(path) as aside:
        aside.write_text(
            json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
        )


def read_json(path: Path) -> Any:
    """The JSON value in `path`, or None where the file is missing or no whole JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def digest_of(*parts: str | bytes) -> str:
    """SHA-256 over the parts, each kept apart from the next by its length, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def progress(items: Iterable[T] | None, label: str, total: int | None = None, unit: str = "") -> Any:
    """A progress bar on stderr: a tqdm over `items`, or one to `update()` where `items` is None.

    It shows itself only where a run lasts longer than two seconds; HOWTREE_PROGRESS=0 turns it off.
    """
    from tqdm import tqdm

    return tqdm(
        items,
        desc=label,
        total=total,
        unit=f" {unit}" if unit else " items",
        unit_scale=total is not None and total > 99_999,
        delay=2.0,
        file=sys.stderr,
        disable=os.environ.get("HOWTREE_PROGRESS") == "0",
        dynamic_ncols=True,
    )


def say(message: str) -> None:
    """One line for the person, on stderr: stdout carries results alone."""
    print(message, file=sys.stderr, flush=True)


def end_with_parent() -> None:
    """In a process of a pool: leave Ctrl-C to the main process, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
