"""What SQL makes of a text is what Python makes of it: two languages, one rule."""

from __future__ import annotations

from typing import Any

import pytest

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
