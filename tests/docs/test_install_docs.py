"""docs/install.md tells the truth: its commands run, its licences are those of what is installed."""

from __future__ import annotations

import re
import shlex

from support.command import ROOT, Run
from support.dependencies import EXCEPTIONS, PYPROJECT, closure, licence
from test_docs import blocks

from howtree.extras import EXTRAS, install

PAGE = ROOT / "docs" / "install.md"


def test_its_commands_run(run: Run) -> None:
    commands = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    assert len(commands) >= 3
    for command in commands:
        if "fetch" in command:  # over the network; its own tests fetch from a folder and an index here
            continue
        done = run(*shlex.split(command)[1:])
        assert done.returncode == 0 and done.stdout, f"{command}\n{done.stderr}"


def test_it_names_every_extra_and_library_with_its_licence() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|`]+) \|$", text, re.MULTILINE))
    for extra in EXTRAS:
        assert f"`howtree[{extra}]`" in text
    for found in closure(PYPROJECT.read_text(encoding="utf-8"), ("", "build")):
        name = re.sub(r"[-_.]+", "-", found.name).lower()
        if not re.fullmatch("|".join([*EXCEPTIONS, "triton"]), name):  # of a CUDA build of torch
            assert name in rows[licence(found)].split(", "), found.name
    assert install("build") in text
