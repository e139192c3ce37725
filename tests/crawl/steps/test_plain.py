"""Words out of text with markup, however often it was escaped."""

from __future__ import annotations

import html

import pytest

from crawl.steps.plain import is_blank, lines_of, words_of


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>Peel &amp; cut.</p>", "Peel & cut."),
        ("Cr&egrave;me br&#251;l&#xe9;e", "Crème brûlée"),
        ("Cut<br>it", "Cut it"),
        ("<b>P</b>eel <i>it</i>", "Peel it"),
        ("Peel<script>alert(1)</script> it", "Peel it"),
        ("Peel<!-- not this --> it", "Peel it"),
        ('<a href="/x">Peel</a> it', "Peel it"),
    ],
)
def test_markup_goes_however_often_it_was_escaped(markup: str, expected: str, times: int) -> None:
    for _ in range(times):
        markup = html.escape(markup, quote=False)
    assert words_of(markup) == expected


@pytest.mark.parametrize(
    "text", ["3 < 4 and 5 > 4", "AT&T", "Write <html> first", "x&copy=1", "<your name>", "R&D; more"]
)
def test_signs_are_not_markup(text: str) -> None:
    assert words_of(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u200b", "\ufeff", "\u00ad", "\u2060\u200b", "...", "-", ";", "•", "NaN", "null", "\u3000"],
)
def test_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["x", "5", "水", "👍", "→", "Nan bread", "No"])
def test_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_characters_that_nobody_sees_go_and_joiners_stay() -> None:
    assert words_of("Pe\u200bel\u00ad it \ufeff") == "Peel it"
    assert words_of("می\u200cخواهم 👨\u200d🍳") == "می\u200cخواهم 👨\u200d🍳"


def test_a_line_break_inside_a_block_ends_no_line() -> None:
    assert lines_of("<p>Peel\n the apple.</p><p>Cut\nit.</p>") == ["Peel the apple.", "Cut it."]
