"""Files that appear whole or not at all, and digests of what is in them."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from howtree.errors import BadInput

WORK_SUFFIX = ".work"
"""Of the folders in which commands keep the stages of what they make: no source of articles."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; on success it takes the place of `path` in one atomic step.

    A reader of `path` sees the old file or the whole new one, never a part. On an error the side file is
    removed and `path` stays as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def refuse_unwritable(folder: Path) -> None:
    """See before the work whether its result can be written to a folder, which may be still to be made.

    Raises:
        BadInput: it is a file, or nothing can be written there.
    """
    try:
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
        with TemporaryFile(dir=there):
            return
    except OSError as error:
        raise BadInput(f"cannot write to {folder}: {error.strerror}. Name another folder.") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those around it where they are missing, so that they are there after a power cut."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def put_in_place(aside: Path, path: Path) -> None:
    """Let a whole file take the place of `path`, so that it is there after a power cut, content and name."""
    sync_file(aside)
    aside.replace(path)
    sync_folder(path.parent)


def put_folder_in_place(aside: Path, folder: Path) -> None:
    """Let a whole folder take the place of `folder`, if there is one, so that none is ever there in part."""
    for path in (*aside.rglob("*"), aside):
        sync_folder(path) if path.is_dir() else sync_file(path)
    if not folder.exists():
        aside.rename(folder)
    elif not _exchanged(aside, folder):
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)  # of a run that was killed
        folder.rename(old)
        aside.rename(folder)
        old.rename(aside)
    sync_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system cannot (Linux can, on most file systems)."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, TypeError, OSError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def sync_file(path: Path) -> None:
    """Have what is in a file written to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems of networks know no such thing
            raise
    finally:
        os.close(number)


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


FileStamp = tuple[str, int, int, int]
"""Where a file is, its inode, when it was changed in nanoseconds, its size; zeros where there is none."""


def stamp_of(path: Path) -> FileStamp:
    """What changes when another file takes the place of this one, or it grows: seen without reading it."""
    try:
        found = path.absolute().stat()
    except OSError:
        return str(path.absolute()), 0, 0, 0
    return str(path.absolute()), found.st_ino, found.st_mtime_ns, found.st_size


def stamps_in(folder: Path) -> tuple[FileStamp, ...]:
    """The stamps of all files in a folder and below it."""
    return tuple(stamp_of(path) for path in sorted(folder.rglob("*")) if path.is_file())
