"""What people see of a run while it works: progress bars and lines, on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


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
