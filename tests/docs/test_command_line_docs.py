"""docs/command-line.md and docs/jobs.md: their examples run, and what is for programs has the schema they name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import jsonschema
import pytest
from support.command import ROOT, Run, work_folder
from support.pages import blocks
from support.schemas import checked

from kb.commands.cli import VERBS

PAGE, JOBS = ROOT / "docs" / "command-line.md", ROOT / "docs" / "jobs.md"
NO_RESULT = (
    "build",
    "review sample",
    "review export",
    "review bake",
    "review add",
    "export",
    "weights",
    "diff",
)
"""Commands whose stdout may be empty."""


@pytest.fixture
def home(own_sample_kb: Path) -> Path:
    """A folder with the sample articles and their knowledge base."""
    (own_sample_kb.parent / "data").symlink_to(ROOT / "data")
    return own_sample_kb.parent


def test_every_example_of_the_command_line_runs(run: Run, home: Path) -> None:
    commands = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    assert len(commands) >= 24
    for command in commands:
        done = run(*shlex.split(command)[1:], cwd=home)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout or command.removeprefix("howtree ").startswith(NO_RESULT), command
    checked((home / "summary.json").read_text(encoding="utf-8"), "build-summary")


def test_every_verb_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"howtree {verb.strip('_').replace('_', '-')}" not in page] == []


def test_what_programs_read_has_the_schema_that_is_named(run: Run, home: Path) -> None:
    assert run("review", "add", 1, "no link", "--who", "ann", cwd=home).returncode == 0
    for arguments, schema, lines in (
        (["info", "--json"], "info", False),
        (["info", "--format", "json"], "info", False),
        (["check", "--format", "json"], "check", False),
        (["tree", "Host a Dinner Party", "--depth", "5", "--format", "json"], "tree", False),
        (
            ["tree", "Host a Dinner Party", "--depth", "5", "--things", "--format", "json"],
            "tree-things",
            False,
        ),
        (["search", "clean", "house", "--format", "json"], "search", True),
        (["review", "list", "--format", "json"], "review-list", True),
        (["review", "agreement", "--format", "json"], "review-agreement", False),
        (["weights", "list", "--format", "json"], "weights-list", True),
    ):
        done = run(*arguments, cwd=home)
        assert done.returncode == 0, done.stderr
        texts = done.stdout.splitlines() if lines else [done.stdout]
        assert texts
        for text in texts:
            checked(text, schema)
    done = run("import", "data/sample", "--show", 1, "--format", "json", cwd=home)
    article = json.loads((ROOT / "crawl" / "article.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(done.stdout), article)


def test_every_schema_is_named_by_the_page_and_every_one_that_is_named_is_there() -> None:
    named = set(re.findall(r"\(json/(\S+)\)", PAGE.read_text(encoding="utf-8")))
    assert named == {path.name for path in (ROOT / "docs" / "json").iterdir()}


def test_info_gives_numbers_and_objects(run: Run, sample_kb_path: Path) -> None:
    facts = json.loads(run("info", "--json", "--kb", sample_kb_path).stdout)
    assert facts["languages"]["en"] == facts["goals"] - sum(
        count for language, count in facts["languages"].items() if language != "en"
    )
    assert facts["share_of_steps_linked"] == pytest.approx(facts["linked_steps"] / facts["steps"])
    assert facts["run"]["tally"]["seconds"]["encode"] > 0


def test_changes_have_their_schema(run: Run, home: Path) -> None:
    shutil.copy(home / "kb.duckdb", home / "few.duckdb")
    built = run("build", "data/sample", "-o", "kb.duckdb", "--threshold", 0.1, cwd=home)
    assert built.returncode == 0, built.stderr
    lines = run("diff", "few.duckdb", "kb.duckdb", "--format", "json", cwd=home).stdout.splitlines()
    assert lines
    for line in lines:
        checked(line, "diff")


def test_the_jobs_of_the_page_run(run: Run, home: Path) -> None:
    (config,) = blocks(JOBS, "toml")
    (home / "howtree.toml").write_text(config, encoding="utf-8")
    quiet, logged, configured = (shlex.split(line)[1:] for line in blocks(JOBS, "sh")[0].splitlines())
    done = run(*quiet, cwd=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    checked((home / "summary.json").read_text(encoding="utf-8"), "build-summary")
    done = run(*logged, cwd=home)
    assert done.returncode == 0 and done.stderr.splitlines()
    for line in done.stderr.splitlines():
        checked(line, "log-line")
    (home / "summary.json").unlink()
    (home / "elsewhere").mkdir()
    configured[-1] = "../howtree.toml"
    done = run(*configured, "--candidates", 7, cwd=home / "elsewhere")
    assert done.returncode == 0, done.stderr
    summary = json.loads((home / "summary.json").read_text(encoding="utf-8"))
    assert summary["parameters"]["candidates"] == 7
    assert work_folder(home / "kb.duckdb").is_dir() and not list((home / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[build]\ncandidate = 3", "no option 'candidate'; there is candidates"),
        ("[built]\ncandidates = 3", "no table 'built'; there is build"),
        ("candidates = 3", "no table 'candidates'"),
        ("[build", "is not TOML"),
        ("[build]\ncandidates = 'many'", "candidates"),
    ],
)
def test_a_wrong_config_is_an_error_that_names_the_key(
    run: Run, tmp_path: Path, config: str, said: str
) -> None:
    (tmp_path / "howtree.toml").write_text(config, encoding="utf-8")
    done = run("build", "x.jsonl", "--config", "howtree.toml", cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr and "Traceback" not in done.stderr


def test_every_variable_of_the_environment_is_on_the_page() -> None:
    page = JOBS.read_text(encoding="utf-8")
    named = {
        name
        for room in ("howtree", "kb", "crawl", "linking")
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(r"\bHOWTREE_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert len(named) >= 7
    assert [name for name in sorted(named) if f"| `{name}` |" not in page] == []
