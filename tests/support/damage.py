"""Damage as disks, copies and people do it, to a file among the files of a folder."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

Harm = Callable[[Path, Sequence[Path], random.Random], str]
"""Harms a file, one of several, and says how."""


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, at any depth, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flipped(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """One bit is another."""
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data))
    data[at] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    return f"a bit of byte {at} of {len(data)} flipped"


def zeroed(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """A stretch is zeros, as after a power cut."""
    data = bytearray(path.read_bytes())
    start = dice.choice((0, dice.randrange(len(data))))
    end = min(len(data), start + dice.choice((16, 512, 4096, len(data))))
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    return f"zeros from {start} to {end} of {len(data)}"


def shortened(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """The end is missing."""
    data = path.read_bytes()
    kept = dice.choice((0, len(data) // 2, len(data) - 1))
    path.write_bytes(data[:kept])
    return f"{kept} of {len(data)} bytes left"


def swapped(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """It has the content of another file of its kind, and that one its own."""
    alike = [file for file in files if file != path and file.name.split(".")[1:] == path.name.split(".")[1:]]
    other = dice.choice(alike or [file for file in files if file != path])
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return f"swapped with {other}"


def lost(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """It is gone."""
    path.unlink()
    return "gone"


def half_copied(path: Path, files: Sequence[Path], dice: random.Random) -> str:
    """It and all that come after it in order are gone, as when a copy of the folder broke off."""
    for file in files[files.index(path) :]:
        file.unlink()
    return "gone with all that come after it"


HARMS: tuple[Harm, ...] = (flipped, zeroed, shortened, swapped, lost, half_copied)
