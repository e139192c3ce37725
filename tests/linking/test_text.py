"""The texts that an encoder reads."""

from __future__ import annotations

import pytest

from linking.text import goal_text, step_text


@pytest.mark.parametrize(
    ("headline", "body", "expected"),
    [
        ("Clean the house.", "", "Clean the house"),
        ("  Clean \n the   house! ", "x", "Clean the house"),
        ("", "Wait here. Then go.", "Wait here"),
        ("", "", ""),
        ("...", "", "..."),
        ("卵を割る。", "", "卵を割る"),
    ],
)
def test_the_text_of_a_step(headline: str, body: str, expected: str) -> None:
    assert step_text(headline, body) == expected


def test_long_texts_are_cut() -> None:
    assert len(step_text("word " * 200_000)) <= 1000
    assert goal_text(" Grill   Fish ") == "Grill Fish"
