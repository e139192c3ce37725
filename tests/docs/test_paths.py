"""What the documentation names is there: files, folders, modules; and docs/design.md names every room."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest
from support.command import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("howtree", "crawl", "linking", "kb")
FILES = r"(?:md|duckdb|work|reviews|toml)\b"
"""What follows the dot in names of files: `kb.duckdb` is no module, nor is `howtree.toml`."""
PATH = re.compile(
    rf"(?<![\w./<-])(?:{'|'.join(PACKAGES)}|tests|data|docs)(?:/(?=[A-Za-z_])[\w-]+)+(?:\.\w+)*"
)
MODULE = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:\.(?!{FILES})[A-Za-z_]\w*)+")


def named(pattern: re.Pattern[str], page: Path) -> list[str]:
    """What a page names by a pattern, each once, in order."""
    return list(dict.fromkeys(pattern.findall(page.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_on_a_page_exists(page: Path) -> None:
    assert [path for path in named(PATH, page) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_on_a_page_exists(page: Path) -> None:
    for name in named(MODULE, page):
        if page.name == "python.md":  # there `kb` is the knowledge base that its examples open
            name = re.sub(r"^kb\.", "howtree.KnowledgeBase.", name)
        assert resolve_name(name) is not None


def test_the_patterns_find_what_they_are_for() -> None:
    text = "`kb/sql/views.sql`, (linking/encode/), `tests/linking/encode/test_device.py`; howtree/0.1.0, a/kb/x.py"
    assert PATH.findall(text) == ["kb/sql/views.sql", "linking/encode", "tests/linking/encode/test_device.py"]
    assert MODULE.findall("`kb.store.KnowledgeBase(path)`, kb.duckdb") == ["kb.store.KnowledgeBase"]
    assert len(named(PATH, ROOT / "docs" / "design.md")) > 50


def test_the_page_on_design_names_every_room() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rooms = page.split("## The rooms")[1].split("```")[1]
    for package in PACKAGES:
        inner = rooms.split(f"\n{package}/ ")[1].split("\n", 1)[1]
        shown = re.match(r"(?:  .*\n)*", inner)
        assert shown
        folders = sorted(
            path.name for path in (ROOT / package).iterdir() if path.is_dir() and path.name[0] != "_"
        )
        assert sorted(re.findall(r"^  (\w+)/", shown[0], re.MULTILINE)) == folders
