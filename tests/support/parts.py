"""Work that tests give to executors, in a file that loads nothing: each process of a pool or cluster loads it anew."""

from __future__ import annotations

import os
import time
from pathlib import Path


def square(folder: Path, part: int) -> int:
    """Work that leaves a file and tells what it worked on."""
    (folder / str(part)).write_text(str(os.getpid()))
    return part**2


def die(part: int) -> int:
    """Work that takes its process with it."""
    os._exit(part)


def meet(folder: Path, parts: int, part: int) -> int:
    """Work that ends only when all parts have begun: each on a worker of its own."""
    (folder / f"began-{part}").touch()
    while len(list(folder.glob("began-*"))) < parts:
        time.sleep(0.01)
    return 1


def note_gpu(folder: Path, parts: int, part: int) -> int:
    """Work that tells which GPU it was given, and ends only when all parts have begun."""
    (folder / f"gpu-{part}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    return meet(folder, parts, part)
