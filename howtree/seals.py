"""Seals: beside the files of a part, their digests in the form of `sha256sum`. A part is whole when it is sealed.

The seal is taken away first and written last, so a part whose making was interrupted has none, and one whose files do
not match its seal was damaged. The first line binds a seal to its own name and to all its lines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from howtree.files import digest_of, digest_of_file, read_json, write_json, written_aside

SUFFIX = ".sha256"

Write = Callable[[Path], AbstractContextManager[Path]]
"""Gives a name to write to, whose content takes the place of the path's, as `written_aside` does."""


@contextmanager
def sealed(seal: Path, about: str = "") -> Iterator[Write]:
    """Give what writes the files of a part, all beside `seal`; at the end they are sealed.

    `about` is one line that the seal keeps and `about_of` gives.
    """
    seal.unlink(missing_ok=True)
    digests: dict[str, str] = {}

    @contextmanager
    def write(path: Path) -> Iterator[Path]:
        with written_aside(path) as aside:
            yield aside
            digests[path.name] = digest_of_file(aside)

    yield write
    _write_seal(seal, digests, about)


def seal_as_they_are(seal: Path, files: Iterable[Path], about: str = "") -> None:
    """Seal files that are whole already."""
    _write_seal(seal, {file.name: digest_of_file(file) for file in files}, about)


def is_whole(seal: Path) -> bool:
    """Whether the files that a seal names are there and as they were when it was written."""
    read = _read_seal(seal)
    if read is None:
        return False
    try:
        return all(digest_of_file(seal.with_name(name)) == digest for name, digest in read[0].items())
    except OSError:
        return False


def whole_among(seals: Sequence[Path]) -> set[Path]:
    """Those of the seals that are whole; all files are read once, on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # a digest of much data lets other threads run
        return {seal for seal, whole in zip(seals, threads.map(is_whole, seals), strict=True) if whole}


def files_of(seal: Path) -> list[Path]:
    """The files that a seal names; none where it is damaged."""
    read = _read_seal(seal)
    return [seal.with_name(name) for name in read[0]] if read else []


def about_of(seal: Path) -> str | None:
    """The line about a part; None where its seal is missing or damaged."""
    read = _read_seal(seal)
    return read[1] if read else None


def write_sealed_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object that carries its own digest."""
    write_json(path, {**value, "sha256": _digest_of_json(value)})


def read_sealed_json(path: Path) -> dict[str, Any] | None:
    """What `write_sealed_json` wrote; None where the file is missing or damaged."""
    value = read_json(path)
    if not isinstance(value, dict) or value.pop("sha256", None) != _digest_of_json(value):
        return None
    return value


def _digest_of_json(value: dict[str, Any]) -> str:
    return digest_of(json.dumps(value, sort_keys=True))


def _write_seal(seal: Path, digests: dict[str, str], about: str) -> None:
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    with written_aside(seal) as aside:
        aside.write_text(
            f"# {digest_of(seal.name, about, lines)} {about}".rstrip() + f"\n{lines}", encoding="utf-8"
        )


def _read_seal(seal: Path) -> tuple[dict[str, str], str] | None:
    """The digests by the names of files, and the line about them; None where the seal is missing or damaged."""
    try:
        first, _, lines = seal.read_text(encoding="utf-8").partition("\n")
    except (OSError, ValueError):
        return None
    mark, _, rest = first.partition(" ")
    digest, _, about = rest.partition(" ")
    if mark != "#" or digest != digest_of(seal.name, about, lines):
        return None
    named = (line.split("  ", 1) for line in lines.splitlines())
    return {name: digest for digest, name in named}, about
