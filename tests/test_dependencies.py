"""What an install brings: reasons, licences, nothing that runs at every start; and the check of it can fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.dependencies import PYPROJECT, faults, is_allowed, without_reason

PROJECT = """
[project]
name = "x"
dependencies = [
    "made-up>=1",  # a reason
    {more}
]
optional-dependencies.build = ["made-up"]  # likewise
"""


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution; gives the folder of its metadata."""
    about = tmp_path / "made_up-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: made-up\nVersion: 1.0\nLicense-Expression: MIT\n"
    )
    (about / "RECORD").write_text("made_up.py,,\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return about


def test_our_own_are_in_order() -> None:
    assert faults(PYPROJECT.read_text(encoding="utf-8")) == []


def test_a_dependency_needs_a_reason() -> None:
    assert without_reason(PROJECT.format(more='"other>=2",')) == ["other>=2"]
    assert without_reason(PROJECT.format(more='"other>=2",  #')) == ["other>=2"]
    assert without_reason(PROJECT.format(more='"other>=2",  # it helps')) == []


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ("License-Expression: MIT", ""),
        ("License-Expression: GPL-3.0-or-later OR MIT", ""),
        ("License-Expression: MIT AND LGPL-3.0-only", "licence 'MIT AND LGPL-3.0-only'"),
        (
            "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            "licence 'GNU General",
        ),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: anything", ""),
        ("License: GPLv2", "licence 'GPLv2'"),
        ("Summary: says nothing", "licence 'unknown'"),
    ],
)
def test_only_allowed_licences_pass(made_up: Path, about: str, fault: str) -> None:
    (made_up / "METADATA").write_text(f"Metadata-Version: 2.4\nName: made-up\nVersion: 1.0\n{about}\n")
    found = faults(PROJECT.format(more=""))
    assert (fault in found[0] and len(found) == 1) if fault else found == []


def test_what_a_dependency_brings_counts_too(made_up: Path) -> None:
    inner = made_up.with_name("inner-2.0.dist-info")
    inner.mkdir()
    (inner / "METADATA").write_text("Metadata-Version: 2.1\nName: inner\nVersion: 2.0\nLicense: AGPL\n")
    with (made_up / "METADATA").open("a") as file:
        file.write('Requires-Dist: inner\nRequires-Dist: nowhere; python_version < "3"\n')
    assert [line.split(":")[0] for line in faults(PROJECT.format(more=""))] == ["inner 2.0"]


def test_code_at_every_start_is_refused(made_up: Path) -> None:
    (made_up / "RECORD").write_text("made_up.pth,,\n")
    assert "made_up.pth runs code at every start" in faults(PROJECT.format(more=""))[0]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("Apache-2.0 WITH LLVM-exception AND (MIT OR GPL-2.0)", True),
        ("(MIT AND GPL-2.0) OR (MIT AND BSD-3-Clause)", True),
        ("(MIT) AND (GPL-2.0)", False),
        ("MPL-2.0", True),
        ("", False),
    ],
)
def test_expressions(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed
