"""Words out of text with markup, however often it was escaped."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawl.steps.plain import begins_with, is_blank, letters, lines_of, same_letters, words_of


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


@given(st.text(max_size=80), st.integers(0, 80), st.sampled_from(("", "!", " x")))
def test_letters_are_those_that_a_pattern_finds(text: str, cut: int, more: str) -> None:
    def found(words: str) -> str:
        return re.sub(r"[\W_]+", "", words.casefold())

    short = text[:cut] + more
    assert letters(text) == found(text)
    assert begins_with(text, found(short)) == found(text).startswith(found(short))
    assert same_letters(short, text) == (found(short) == found(text))
