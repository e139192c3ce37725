"""The command as a person runs it, from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"

SMALL_PARTS = [sys.executable, "-m", "kb", "build", "--part-size", "16"]
"""The command `build` with parts so small that a build of the sample has many."""


def work_folder(kb: Path) -> Path:
    """Where a build of `kb` keeps its stages."""
    return kb.with_name(f"{kb.name}.work")


Run = Callable[..., subprocess.CompletedProcess[str]]


def howtree(
    *arguments: object, cwd: Path | None = None, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kb", *map(str, arguments)],
        cwd=cwd,
        env=surroundings(**environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def surroundings(**environment: str) -> dict[str, str]:
    """The environment for a process: this checkout, no model hub, no knowledge base or encoder by default."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("HOWTREE_KB", "HOWTREE_ENCODER")
    }
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "HOWTREE_PROGRESS": "0",
        **environment,
    }
