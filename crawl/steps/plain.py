"""Text with markup, once or twice escaped -> its words, or its lines."""

from __future__ import annotations

import html
import re

from bs4 import BeautifulSoup
from bs4.element import PreformattedString, Tag

from crawl.article import squeeze
from crawl.pages.prose import walk
from crawl.pages.selectors import BLOCK_TAGS, JUNK_TAGS

_TAG = re.compile(
    r"</?(?:a|abbr|article|b|big|blockquote|br|center|cite|code|dd|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|iframe"
    r"|img|ins|label|li|mark|noscript|ol|p|pre|q|s|script|section|small|span|strike|strong|style|sub|sup|svg|table|tbody"
    r"|td|th|thead|time|tr|u|ul|video|wbr)\b[^<>]*>|<!--",
    re.IGNORECASE,
)
"""A tag of prose: a page on HTML may say that one writes <html>."""
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,30});")
_WRAPPING = re.compile(r"<(?:p|li|div|td|dd|h[1-6])\b", re.IGNORECASE)
_TIMES_ESCAPED = 3
_NO_LETTERS = re.compile(r"[\W_]+")
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
_WORD = re.compile(r"[^\W_]|[\u2190-\u2bff\U0001f000-\U0001faff]")
_UNSEEN = re.compile("[\u200b\u2060\ufeff\u00ad]")
_NO_VALUE = frozenset(("nan", "null", "undefined", "n/a"))
_WRAPPED = re.compile(r"(?<![.!?:;。！？：])[^\S\n]*\n\s*")
"""A line break inside a block of markup, which ends no line unless a sentence ends there."""
_BREAKS = re.compile(r"\s*\n\s*")
_SENTENCE_END = re.compile(r"[.!?:;。！？：][\"'”’)\]]*$")


def words_of(text: str, markup: bool = True) -> str:
    """The words of a text in one line; without markup and entities, unless it is known to have none."""
    return squeeze(_bare(text) if markup else _seen(text)) if text else ""


def lines_of(text: str, markup: bool = True) -> list[str]:
    """The lines of a text: at its line breaks and at the borders of its blocks.

    A line that goes on is one: with a small letter, after a comma, or after no end of a sentence in a text that begins
    with a capital.
    """
    if "\n" not in text and not (markup and _may_hold_markup(text)):
        return [line] if (line := squeeze(_seen(text))) else []
    lines: list[str] = []
    for line in filter(None, map(squeeze, (_bare(text) if markup else _seen(text)).splitlines())):
        if lines and line[0].islower() and _goes_on(lines):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def _goes_on(lines: list[str]) -> bool:
    return lines[-1].endswith(",") or not (lines[0][0].islower() or _SENTENCE_END.search(lines[-1]))


def is_blank(text: str) -> bool:
    """Whether a text has no word: characters that nobody sees, marks alone, or a program's word for nothing."""
    if text[:1].isalnum() and len(text) >= 12:  # as nearly all are
        return False
    return _WORD.search(text) is None or (len(text) < 12 and text.strip().lower() in _NO_VALUE)


def letters(text: str) -> str:
    """The letters and digits of a text alone, in lower case: equal for texts that differ in blanks and marks."""
    if text.isascii():  # nearly all are, and this takes a tenth of the time
        return text.lower().encode().translate(None, _ASCII_MARKS).decode()
    return _NO_LETTERS.sub("", text.casefold())


def begins_with(text: str, beginning: str) -> bool:
    """Whether the letters of a text begin with those of another; of a long text only its beginning is looked at."""
    if text.startswith(beginning):
        return True
    short = letters(beginning)
    head = text[: 2 * len(short) + 32]
    found = letters(head)
    if len(found) < len(short) and len(head) < len(text):
        found = letters(text)
    return found.startswith(short)


def may_begin_alike(one: str, other: str) -> bool:
    """Whether two texts may begin with the same letters: not, as most do not, where their first ones differ."""
    first, second = one[:1], other[:1]
    return not (first.isalnum() and second.isalnum()) or first.casefold() == second.casefold()


def same_letters(one: str, other: str) -> bool:
    """Whether two texts differ in blanks, marks and capitals at most."""
    if not may_begin_alike(one, other):
        return False
    return begins_with(other, one) and letters(other) == letters(one)


def _bare(text: str) -> str:
    """A text without tags, entities and characters that nobody sees, its blocks in lines of their own."""
    if not _may_hold_markup(text):
        return _seen(text)
    for _ in range(_TIMES_ESCAPED):
        if _TAG.search(text):
            text = text_of(text, breaks=True)
        elif _ENTITY.search(text):
            text = html.unescape(text)
        else:
            break
    return _seen(text)


def _may_hold_markup(text: str) -> bool:
    return "<" in text or "&" in text


def _seen(text: str) -> str:
    return text if text.isascii() or text.isprintable() else _UNSEEN.sub("", text)


def text_of(markup: str, breaks: bool = False) -> str:
    """The text in markup, each block in a line of its own.

    Args:
        markup: part of a page, or what a page has in a string.
        breaks: whether a line break outside of all blocks, or where a sentence ends, ends a line, as in strings.
    """
    soft = _WRAPPED if breaks and _WRAPPING.search(markup) else None if breaks else _BREAKS
    parts: list[str] = []
    junk: Tag | None = None
    for node, opens in walk(BeautifulSoup(markup, "lxml")):
        if junk is not None:
            junk = None if node is junk and not opens else junk
        elif isinstance(node, Tag):
            if opens and node.name in JUNK_TAGS:
                junk = node
            elif node.name in BLOCK_TAGS:
                parts.append("\n")
        elif not isinstance(node, PreformattedString):
            parts.append(soft.sub(" ", node) if soft else node)
    return "".join(parts)
