"""The work folder beside a knowledge base: what a build leaves there, who may write to it, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from howtree.errors import BadInput, HowtreeError
from howtree.files import WORK_SUFFIX


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The places where the stages of a build of `output` are kept: kb.work for kb.duckdb."""

    output: Path
    """The knowledge base."""

    @property
    def path(self) -> Path:
        """The folder itself. It makes the next build quick and may be deleted."""
        return self.output.with_suffix(WORK_SUFFIX)

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
            BadInput: another build holds it, the output is a folder, or the disk is full or refuses a write.
        """
        with _failed_writes_reported(self.output), _alone(self.path, self.output):
            yield


@contextmanager
def _alone(folder: Path, output: Path) -> Iterator[None]:
    if output.is_dir():
        raise BadInput(f"{output} is a folder: name the file to write, e.g. -o {output / 'kb.duckdb'}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", blocking=False):
            yield
    except Timeout:
        raise BadInput(f"another build of {output} is running: wait for it, or give another -o") from None


@contextmanager
def _failed_writes_reported(output: Path) -> Iterator[None]:
    """Turn a full disk or a refused write into a message; all whole stages stay for the next try."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if isinstance(error, HowtreeError):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BadInput(
            f"could not write the build of {output}: {reason}. Make room or give another -o; the same command "
            "then goes on from the last whole stage. A knowledge base that was there before is untouched."
        ) from error
