"""What SQL makes of a text is what Python makes of it: two languages, one rule."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.command import Run
from support.small_kb import article, small_kb

from crawl.article import goal_of
from kb.review.reviews import text_hash
from kb.store import in_memory


def said(expression: str, *values: str) -> Any:
    with in_memory() as session:
        row = session.execute(f"SELECT {expression}", values).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    "title",
    [
        "How to Grill Fish",
        "how  TO\tGrill Fish",
        "Grill Fish",
        "How to",
        "How too Much",
        "How to How to Sing",
        "Öl",
    ],
)
def test_how_to_is_taken_off_alike(title: str) -> None:
    assert said("plain_goal(?)", title) == goal_of(title).lower()


@pytest.mark.parametrize("text", ["", "Chop the onion.", "Schäle 👍 die Zwiebel", "a\nb", "'"])
def test_a_text_has_one_hash(text: str) -> None:
    assert said("text_hash(?)", text) == text_hash(text)


def test_a_step_is_its_headline_or_else_its_body() -> None:
    assert said("step_text(?, ?)", "Chop.", "Finely.") == "Chop."
    assert said("step_text(?, ?)", "", "Finely.") == "Finely."


STEERING = {"esc": "\x1b[31mred", "bell": "\x07", "override": "\u202egnp", "isolate": "\u2066x", "arabic": "\u061cx",
            "c1": "\x9b31m", "delete": "\x7f", "return": "a\rb"}  # fmt: skip


@pytest.mark.parametrize("name", STEERING)
def test_nothing_steers_the_terminal(run: Run, tmp_path: Path, name: str) -> None:
    text = STEERING[name]
    kb = small_kb(tmp_path, (article(f"Bake {text} Cakes", f"Line the {text} tin."),))
    for command in (
        ["search", "bake"],
        ["search", "bake", "--format", "json"],
        ["tree", "1"],
        ["sql", "SELECT goal FROM goals"],
        ["sql", f'SELECT nothing AS "{text}"'],
        ["search", f"zzz{text}"],
    ):
        done = run(*command, "--kb", kb)
        shown = done.stdout + done.stderr
        assert shown and not set(shown) & {c for c in text if not c.isascii() or not c.isprintable()}, command
        if "json" in command:
            goal = json.loads(done.stdout)["goal"]
            assert goal.startswith("Bake ") and goal.endswith(" Cakes")


FORMULAS = ("=1+1", "+A1", "-1+1", "@SUM(1)", "\uff1d1+1", "\uff0bA1", " =A1", "\t=A1", "\n=A1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_csv_is_a_formula(run: Run, tmp_path: Path, formula: str) -> None:
    kb = small_kb(tmp_path, (article("Bake a Cake", formula),))
    text = formula.replace("'", "''")
    done = run("sql", f"SELECT '{text}' AS said, -5 AS number, 'a=b' AS plain", "--format", "csv", "--kb", kb)
    ((_, *_), row) = csv.reader(io.StringIO(done.stdout))
    assert row == [f"'{formula}", "-5", "a=b"], done.stderr
