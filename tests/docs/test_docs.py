"""The documentation tells the truth: its commands run, its tree is the real one, every verb is in it."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.command import ROOT, Run, work_folder
from support.pages import blocks

import howtree
from kb.commands.cli import VERBS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def home(sample_kb_path: Path, tmp_path: Path) -> Path:
    """A folder as a reader of the README has it, the sample articles below data/, after a build that broke off late."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    shutil.copytree(work_folder(sample_kb_path), tmp_path / "kb.duckdb.work")
    return tmp_path


def test_the_commands_of_the_readme_run_in_order(run: Run, home: Path) -> None:
    commands = [
        line
        for block in blocks(ROOT / "README.md", "sh")
        for line in block.splitlines()
        if line.startswith("howtree")
    ]
    assert len(commands) >= 6
    for command in commands:
        if command.startswith("howtree explore"):  # serves until it is stopped; its own tests start it
            continue
        done = run(*shlex.split(command)[1:], cwd=home)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout or command.startswith("howtree build"), command


def test_the_commands_of_the_page_on_scale_run_and_give_the_same(
    run: Run, home: Path, sample_kb_path: Path
) -> None:
    commands = [line for block in blocks(ROOT / "docs" / "scale.md", "sh") for line in block.splitlines()]
    assert len(commands) >= 3
    edges = "SELECT parent_id, step_id, child_id, probability FROM edges ORDER BY ALL"
    expected = run("sql", edges, "--format", "csv", "--kb", sample_kb_path).stdout
    for command in commands:
        if "ray" in command.split() and not find_spec("ray"):
            pytest.skip("needs Ray: pip install 'howtree[ray]'")
        if (
            "ray" in command.split()
        ):  # the others do the one part that there is of each stage as any build does
            shutil.rmtree(home / "kb.duckdb.work")
        done = run(*shlex.split(command)[1:], cwd=home)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert run("sql", edges, "--format", "csv", "--kb", home / "kb.duckdb").stdout == expected != ""


def test_the_python_of_the_readme_runs(own_sample_kb: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(own_sample_kb.parent)
    (code,) = blocks(ROOT / "README.md", "python")
    exec(compile(code, "README.md", "exec"), {})
    assert "Deep Clean Your House" in capsys.readouterr().out


def test_the_examples_of_the_page_on_python_give_what_it_says(
    own_sample_kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_sample_kb.parent / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(own_sample_kb.parent)
    monkeypatch.setenv("HOWTREE_PROGRESS", "0")
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(
        "".join(blocks(ROOT / "docs" / "python.md", "pycon")), {}, "docs/python.md", None, None
    )
    assert len(examples.examples) == page.count(">>> ") > 20
    told: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=told.append)
    assert not failed, "".join(told)


def test_the_page_on_python_names_all_that_the_front_door_has() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    methods = [name for name in vars(howtree.KnowledgeBase) if not name.startswith("_")]
    assert len(methods) >= 6
    for name in (*howtree.__all__, *(f"kb.{method}" for method in methods)):
        assert name in page, name


@pytest.mark.parametrize("verb", [verb.strip("_").replace("_", "-") for verb in VERBS])
def test_every_verb_is_documented(verb: str) -> None:
    assert any(f"howtree {verb}" in page.read_text(encoding="utf-8") for page in PAGES)


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        # What is in examples is none of the page's own links.
        text = page.read_text(encoding="utf-8")
        said = re.sub(r"```.*?```|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#:]+)\)", said):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_links_to_headings_lead_to_one() -> None:
    for page in PAGES:
        for target, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            assert heading in headings(page.parent / target if target else page), (
                f"{page.name}: {target}#{heading}"
            )


def headings(page: Path) -> list[str]:
    """The addresses of a page's headings, as GitHub makes them: lower case, no punctuation, hyphens for blanks."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
