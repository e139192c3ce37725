"""The JSON-LD scripts of a page, found without reading the rest of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARACTERS = 2**20
"""Of one script; a longer one is refused, as what its nodes refer to could take hours to fill in."""
MAX_SCRIPTS = 1000
"""In one page."""

_MARK = re.compile(r"ld(?:\+|&#43;|&#x2b;|&plus;)json", re.IGNORECASE)
_START = re.compile(r"""<script\b(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE)
_END = re.compile("</script", re.IGNORECASE)
_MAX_TAG = 20_000


@dataclass(frozen=True, slots=True)
class Script:
    """What one script holds."""

    text: str
    line: int
    """Of the page, from 1, where the text begins."""
    closed: bool = True


def scripts_of(text: str) -> Iterator[Script]:
    """Every JSON-LD script of a page, in order; the last may lack its end where the page is cut."""
    end = number = 0
    for mark in _MARK.finditer(text):
        start = _tag_around(text, mark, end)
        if start is None:
            continue
        number += 1
        close = _END.search(text, start.end())
        end = close.start() if close else len(text)
        yield Script(text[start.end() : end], text.count("\n", 0, start.end()) + 1, close is not None)
        if close is None or number == MAX_SCRIPTS:
            return


def _tag_around(text: str, mark: re.Match[str], end: int) -> re.Match[str] | None:
    """The script's start tag that a mark is inside of, if it begins after `end`."""
    if mark.start() < end:
        return None
    first = max(end, mark.start() - _MAX_TAG)
    begins = text[first : mark.start()].lower().rfind("<script")
    tag = _START.match(text, first + begins, mark.start() + _MAX_TAG) if begins >= 0 else None
    return tag if tag is not None and tag.end() > mark.end() else None
