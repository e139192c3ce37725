"""The work folder beside a knowledge base: what a build leaves there, who may write to it, and what can go wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from howtree.errors import BadInput, HowtreeError
from howtree.files import WORK_SUFFIX, make_folder, write_json
from howtree.progress import warn
from howtree.seals import SUFFIX
from kb.beside import OWNER, beside, refuse_foreign, take_over

LOCK = "lock"
SHOWN = 5
"""Damaged parts that are named one by one."""
FULL = "No space left"
"""What DuckDB says where the disk is full."""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The places where the stages of a build of `output` are kept: kb.duckdb.work for kb.duckdb."""

    output: Path
    """The knowledge base."""

    @property
    def path(self) -> Path:
        """The folder itself. It makes the next build quick and may be deleted."""
        return beside(self.output, WORK_SUFFIX)

    @property
    def corpus(self) -> Path:
        """The articles that were read."""
        return self.path / "corpus"

    @property
    def links(self) -> Path:
        """Vectors and lists of candidates, a folder for each language."""
        return self.path / "links"

    @property
    def candidates(self) -> Path:
        """The candidates of every step on their way into the file; gone when the build is done."""
        return self.path / "candidates"

    @property
    def index(self) -> Path:
        """The goals' vectors for search by meaning, a folder for each language."""
        return self.path / "index"

    @property
    def aside(self) -> Path:
        """The new knowledge base while it is being filled and checked."""
        return self.path / "kb.part"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder alone; the lock goes with the process, however that ends.

        Raises:
            BadInput: another build holds it, it belongs to another output, the output is a folder, or the disk
                is full or refuses a write.
        """
        with _failed_writes_reported(self.output), _alone(self.path, self.output):
            write_json(self.path / OWNER, {"output": self.output.name})
            yield

    def taken_over(self) -> str | None:
        """Move a folder that an earlier version left here; returns what the person is to do where it cannot."""
        return take_over(self.output, WORK_SUFFIX)


def report_damage(damaged: Sequence[Path]) -> None:
    """Say what was damaged in what earlier runs left, if anything was."""
    if damaged:
        names = [str(path.with_suffix("") if path.suffix == SUFFIX else path) for path in damaged[:SHOWN]]
        more = f" and {len(damaged) - SHOWN:,} more" if len(damaged) > SHOWN else ""
        parts = "1 part" if len(damaged) == 1 else f"{len(damaged):,} parts"
        warn(
            f"{parts} of what earlier runs left had been damaged (files do not match their SHA-256) and will be "
            f"made again: {', '.join(names)}{more}. The result is that of undamaged files. Is the disk sound?"
        )


@contextmanager
def _alone(folder: Path, output: Path) -> Iterator[None]:
    if output.is_dir():
        raise BadInput(f"{output} is a folder: name the file to write, e.g. -o {output / 'kb.duckdb'}")
    if note := take_over(output, WORK_SUFFIX):
        warn(note)
    refuse_foreign(output, WORK_SUFFIX)
    make_folder(folder)
    try:
        with FileLock(folder / LOCK, blocking=False):
            try:
                yield
            except BaseException:
                _leave_nothing_empty(folder)
                raise
    except Timeout:
        raise BadInput(f"another build of {output} is running: wait for it, or give another -o") from None


def _leave_nothing_empty(folder: Path) -> None:
    """Remove the folder of a build that failed before it kept anything."""
    if not {path.name for path in folder.rglob("*") if path.is_file()} - {LOCK, OWNER}:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _failed_writes_reported(output: Path) -> Iterator[None]:
    """Turn a full disk or a refused write into a message; all whole stages stay for the next try."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if isinstance(error, HowtreeError):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        full = getattr(error, "errno", None) in (ENOSPC, EDQUOT, EFBIG) or FULL in str(error)
        named = getattr(error, "filename", None)
        where = f" ({named})" if named else ""
        work = beside(output, WORK_SUFFIX)
        allow = f"See that you may read and write {output.absolute().parent} and all in {work}"
        raise BadInput(
            f"could not write the build of {output}: {reason}{where}. {'Make room' if full else allow}, or give "
            "another -o; the same command then goes on from the last whole stage. A knowledge base that was there "
            "before is untouched."
        ) from error
