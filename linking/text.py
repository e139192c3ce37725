"""What text of a goal and of a step is shown to the models."""

from __future__ import annotations

import re

MAX_CHARACTERS = 1_000
"""Longer texts are cut here: more than the models read, and a megabyte would stall the tokenizer."""


def goal_text(goal: str) -> str:
    """The text of a goal: its words with single blanks between them."""
    return clean(goal)


def step_text(headline: str, body: str = "") -> str:
    """The text of a step: its headline without the closing mark; without a headline, its first sentence.

    A final full stop is dropped since goals have none.
    """
    text = clean(headline) or first_sentence(clean(body))
    return text.rstrip(" .!:;,。！：；，") or text


def clean(text: str) -> str:
    """`text` with single blanks between its words, cut to `MAX_CHARACTERS` at a word's end."""
    words = " ".join(text[: 2 * MAX_CHARACTERS].split())
    if len(words) <= MAX_CHARACTERS:
        return words
    return words[:MAX_CHARACTERS].rsplit(" ", 1)[0]


def first_sentence(text: str) -> str:
    """The text up to the first mark that ends a sentence."""
    return re.split(r"(?<=[.!?])\s|(?<=[。！？])", text, maxsplit=1)[0]
