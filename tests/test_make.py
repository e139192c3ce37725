"""`make` as it installs: it says how far it is while pip is silent, and ends as pip ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import ROOT, surroundings

PYTHON = """#!/bin/sh
# A Python whose virtual environments have a pip that is silent until somebody has read a line, and then ends.
[ "$1" = -m ] || exit 0
mkdir -p .venv/bin
printf '#!/bin/sh\\nread -r code < go\\nexit $code\\n' > .venv/bin/pip
chmod +x .venv/bin/pip
"""


@pytest.mark.parametrize("code", [0, 3])
def test_an_install_says_how_far_it_is_and_ends_as_pip_ends(tmp_path: Path, code: int) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "constraints").mkdir()
    for needed in ("pyproject.toml", "constraints/constraints.txt"):
        (tmp_path / needed).touch()
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    os.mkfifo(tmp_path / "go")
    process = subprocess.Popen(
        ["make", "--no-print-directory", ".venv/build", "PYTHON=./python"],  # as said where no other make runs it
        cwd=tmp_path, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Installing what builds knowledge bases into .venv")
        assert process.stdout.readline().endswith(" MB in .venv\n")
        with (tmp_path / "go").open("w") as go:
            go.write(f"{code}\n{code}\n")  # torch first, and what comes after only if that is there
            go.flush()
            said = process.stdout.read()
        assert process.wait() == (2 if code else 0), said
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (tmp_path / ".venv" / "build").exists() == (code == 0)
    assert "\x1b" not in said and "\r" not in said
