"""The rooms stay small enough to be read: few files each, none long (docs/design.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import ROOT

PACKAGES = ("howtree", "kb", "crawl", "linking")
MOST_FILES, MOST_LINES = 14, 350
WIDE = ("kb/commands", "kb/explorer")
"""A file for each verb and each page."""
FOLDERS = sorted(
    {
        file.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
    }
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_crowded_and_no_file_is_long(folder: str) -> None:
    files = [file for file in (ROOT / folder).glob("*.py") if file.name not in ("__init__.py", "__main__.py")]
    assert len(files) <= MOST_FILES or folder in WIDE
    assert [file.name for file in files if lines(file) > MOST_LINES] == []


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())
