"""The command as a person runs it, from this checkout: as a process of its own, or within that of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from unittest import mock

from kb.commands import cli

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"

SMALL_PARTS = [sys.executable, "-m", "kb", "build", "--part-size", "16"]
"""The command `build` with parts so small that a build of the sample has many."""


def work_folder(kb: Path) -> Path:
    """Where a build of `kb` keeps its stages."""
    return kb.with_name(f"{kb.name}.work")


Run = Callable[..., subprocess.CompletedProcess[str]]

PATIENCE = 1800.0
"""Seconds that no command of a test takes, however slow and busy the machine is."""


def howtree(
    *arguments: object, cwd: Path | None = None, timeout: float = PATIENCE, **environment: str
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


def within(
    *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command within this process, from words to exit code, without the seconds that libraries need to load."""
    words = ["howtree", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", words),
        mock.patch.dict(os.environ, surroundings(**environment), clear=True),
        chdir(cwd or Path.cwd()),
        TemporaryFile() as out,
        TemporaryFile() as err,
    ):
        with written_to(1, out), written_to(2, err):
            code = exit_code(cli.main)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())


@contextmanager
def written_to(number: int, file: IO[bytes]) -> Iterator[None]:
    """Let what goes to stdout (1) or stderr (2) go to a file, whether Python or something below it writes."""
    redirect = redirect_stdout if number == 1 else redirect_stderr
    kept = os.dup(number)
    os.dup2(file.fileno(), number)
    try:
        with open(number, "w", encoding="utf-8", closefd=False) as stream, redirect(stream):
            yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def exit_code(main: Callable[[], None]) -> int:
    """What `main` would leave to the shell; what it does not catch is printed as Python prints it."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except Exception:
        traceback.print_exc()
        return 1
    return 0


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
