"""The command as a whole: help, what it loads, wrong usage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, Run, surroundings

from kb.commands.cli import VERBS

HEAVY = {"torch", "faiss", "sentence_transformers", "transformers", "streamlit", "pandas", "bs4"}


def modules_after(*arguments: object) -> set[str]:
    """The top-level modules that a command has loaded when it ends."""
    code = (
        "import sys, atexit; atexit.register(lambda: print('|'.join(sorted(sys.modules)), file=sys.stderr));"
        f"sys.argv = ['howtree', *{[str(a) for a in arguments]!r}]; from kb.commands.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split("|")}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["tree", "Clean an Oven"], ["search", "clean"], ["sql", "SELECT 1"], ["info"]]
)
def test_reading_loads_no_model_library(arguments: list[str], sample_kb_path: Path) -> None:
    if arguments != ["--help"]:
        arguments = [*arguments, "--kb", str(sample_kb_path)]
    loaded = modules_after(*arguments)
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(run: Run, verb: str) -> None:
    done = run(verb.strip("_").replace("_", "-"), "--help")
    assert done.returncode == 0
    assert "Example: howtree" in done.stdout or "Commands:" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["tree"],
        ["tree", "x", "--depth", "none"],
        ["tree", "x", "--format", "xml"],
        ["nothing"],
        ["build", "x", "--precision", "int3"],
        ["sql", "SELECT 1", "--format", "parquet"],
    ],
)
def test_wrong_usage_exits_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(run: Run, tmp_path: Path) -> None:
    assert "Traceback" in run("--debug", "info", "--kb", tmp_path / "none.duckdb").stderr


def test_version_is_that_of_the_package(run: Run) -> None:
    from howtree.version import __version__

    assert run("--version").stdout.strip() == __version__
    assert 'version = { attr = "howtree.version.__version__" }' in (ROOT / "pyproject.toml").read_text(
        "utf-8"
    )


def test_the_shell_completes_verbs(run: Run) -> None:
    done = run(_HOWTREE_COMPLETE="complete_bash", COMP_WORDS="howtree tr", COMP_CWORD="1")
    assert done.stdout.split() == ["tree", "train"]
