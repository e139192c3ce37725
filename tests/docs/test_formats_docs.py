"""docs/formats.md says what the code does: every reason, every form, and examples that run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.command import ROOT, Run

from crawl.readers.files import FORMS_BY_SUFFIX
from crawl.readers.sources import REASONS

DOCS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def reasons_in_code() -> set[str]:
    """The reason of every Skip, skip_item and Unusable in crawl/ that is written out, and those of pages."""
    found = set(REASONS.values())
    for path in (ROOT / "crawl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"Skip": 1, "skip_item": 1, "Unusable": 0}.get(node.func.id)
                if place is not None and len(node.args) > place:
                    reason = node.args[place]
                    found |= {reason.value} if isinstance(reason, ast.Constant) else set()
    return found


def test_every_reason_is_documented() -> None:
    table = DOCS.split("## The tally")[1]
    documented = {
        reason
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        for reason in row.strip().split(", ")
    }
    assert documented - {"reason", "---"} == reasons_in_code() | {"duplicate"}


def test_every_suffix_is_documented() -> None:
    assert [suffix for suffix in FORMS_BY_SUFFIX if f"`{suffix}`" not in DOCS] == []


def test_examples_run(run: Run, tmp_path: Path) -> None:
    examples = re.findall(r"^    howtree (import .*)$", DOCS, re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        arguments = [ROOT / word if word.startswith("data/") else word for word in example.split()]
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
