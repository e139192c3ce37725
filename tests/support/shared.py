"""What takes long to make is made once for all test processes that run at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """What `make` leaves in an empty folder, made by whichever process needs it first; the others wait for it.

    `make` gives the path of what it made, which is within the folder.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the folder of the whole run, which has one folder a worker
    with FileLock(base / f"{name}.lock"):
        note = base / f"{name}.made"
        if not note.exists():
            made = make(factory.mktemp(name))
            note.write_text(str(made), encoding="utf-8")
        return Path(note.read_text(encoding="utf-8"))
