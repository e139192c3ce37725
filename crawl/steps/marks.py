"""Marks that only count the steps ("Step 1", "Schritt 2:", "第三步", "2)", "①"): no headline, and no step.

Known in the 20 most spoken languages and in those of wikiHow. A mark at the beginning of a step is taken away where its
step says that it counts: by a word for "step", or by a number that is the step's place or rises with its neighbours'.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from crawl.steps.mark_words import FIRST_TO_TENTH, ONE_TO_TEN, PREPARATION, STEP

_NUMERALS = "一二三四五六七八九十"
_CIRCLED = "①-⑳⑴-⒇❶-❿➀-➓"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")


def _any_of(words: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_GLUED = [word for word in STEP if re.search("[\u0e00-\u0e7f\u3040-\u9fff\uac00-\ud7af]$", word)]
_STEP = rf"(?!steps?\s+on\b)(?:(?:{_any_of(STEP)})(?![^\W\d_])|(?:{_any_of(_GLUED)}))"
"""A word for "step"; those of scripts without blanks may be followed by anything.

"Step on" is none: in Turkish, "on" is ten."""
_DIGITS = rf"(?:\d{{1,3}}\ufe0f?\u20e3?|[{_CIRCLED}])"
_WORDS = rf"(?:{_any_of((*ONE_TO_TEN, *FIRST_TO_TENTH, *_ROMAN))})(?![^\W_])|[{_NUMERALS}]{{1,3}}"
_NUMBER_SIGN = r"(?:(?:n(?:o|r|um(?:ber)?|úmero|ummer)?[.º°]{0,2}|[#№第]|ที่)\s*)?"
_SIGNS = ("n", "第", "ที่")
"""The letters that a sign before a number begins with."""
_ORDINAL = r"(?:(?:st|nd|rd|th|er|re|ère|e|ème|ος|[-–][йяое])(?![^\W_])|[.º°ª]{1,2})?"
_TOTAL = r"(?:\s*(?:/|／|of|out\ of|von|de|sur|di|van|из|з|z|av|af|dari|trong|trên|/|od|จาก|में\ से|من|از)\s*\d{1,3})?"

_LABEL = rf"""(?:
    {_STEP} \s*[:.(\[\-]?\s* (?:(?:ya|na)\s+)? {_NUMBER_SIGN} (?P<after>{_DIGITS}|{_WORDS}) {_TOTAL}
  | {_NUMBER_SIGN} (?P<before>{_DIGITS}|{_WORDS}) {_ORDINAL} \s* {_STEP} {_TOTAL}
)"""
_FLAGS = re.VERBOSE | re.IGNORECASE
_ONLY_LABEL = re.compile(
    rf"[\W_]* (?: {_LABEL.replace('?P<after>', '?:').replace('?P<before>', '?:')}"
    rf" | {_NUMBER_SIGN}(?:{_DIGITS}){_ORDINAL}{_TOTAL} | {_STEP} ) [\W_]*",
    _FLAGS,
)
_HINT = re.compile(rf"[\d{_CIRCLED}{_NUMERALS}]")
_FIRST_WORDS = frozenset(
    word.partition(" ")[0].casefold() for word in (*STEP, *ONE_TO_TEN, *FIRST_TO_TENTH, *_ROMAN, *_LETTERS)
)
_NUMBER_WORD = re.compile(rf"[\W_]*(?:{_WORDS})[\W_]*", re.IGNORECASE)
_STOP = r"(?P<stop>\s*[.):\]、．）：，|]+(?:\s*[-–—]\s)?\s*|\s*[-–—]+\s+|\s*)"
_LEADING_LABEL = re.compile(rf"[\W_]*? {_LABEL} {_STOP} (?!\d|[.,:]\d)", _FLAGS)
_LEADING_NUMBER = re.compile(
    rf"[\W_]*? {_NUMBER_SIGN} (?P<number>{_DIGITS}) {_STOP} (?![\d/]|[.,:]\d)", _FLAGS
)
_LEADING_LETTERS = re.compile(r"\(?(?P<number>[ivx]{1,4}|[a-z])[.)]\s+", re.IGNORECASE)
_RUNNING_LABEL = _LABEL.replace(_WORDS, f"[{_NUMERALS}]{{1,3}}")
_RUNNING = re.compile(
    rf"(?<![^\W\d_]) {_RUNNING_LABEL} | (?<![\w/(.,]) [(\[]? (?P<number>\d{{1,2}}) (?:[.)\]:、．]|\s[-–—]\s) (?!\d)"
    rf"| (?P<circled>[{_CIRCLED}]|\d\ufe0f?\u20e3) | (?<=[.!?)]) (?P<glued>\d{{1,2}}) [.)] (?!\d)",
    _FLAGS,
)
"""A mark in the middle of a text."""
_PREPARATION = re.compile(rf"[\W_]*(?:{_any_of(PREPARATION)})[\W_]*", re.IGNORECASE)


_BEGINNING = re.compile(r"[^\W_]{1,3}")


def _beginning(text: str) -> str:
    """The first letters of a text, three at most, as they are compared: in lower case, and "i" for each kind of it."""
    found = _BEGINNING.search(text)
    letters = found[0].casefold() if found else ""
    return letters if letters.isascii() else letters.replace("ı", "i").replace("i\u0307", "i")


_BEGINNINGS = frozenset(
    map(_beginning, (*STEP, *ONE_TO_TEN, *FIRST_TO_TENTH, *_ROMAN, *PREPARATION, *_SIGNS))
)
"""Of all words that a mark may begin with; those of one letter or two may go on without a blank, as in "n1"."""


def only_counts(text: str) -> bool:
    """Whether a text says nothing but which step it is: "Step 1 of 5", "2.", "Erster Schritt", "Step"."""
    return len(text) < 60 and _may_be_a_mark(text) and _ONLY_LABEL.fullmatch(text) is not None


def is_number_word(text: str) -> bool:
    """Whether a text is a number in words, or a Roman one: "First", "Zwei", "III."."""
    return len(text) < 30 and _may_be_a_mark(text) and _NUMBER_WORD.fullmatch(text) is not None


def only_announces(text: str) -> bool:
    """Whether a text says nothing but that steps follow: "Directions:", "Zubereitung"."""
    return len(text) < 60 and _may_be_a_mark(text) and _PREPARATION.fullmatch(text) is not None


def _may_be_a_mark(text: str) -> bool:
    """Whether a text begins as marks do: nearly all begin with other letters, and this is soon seen."""
    found = _beginning(text)
    return (
        found in _BEGINNINGS or found[:1] in _BEGINNINGS or found[:2] in _BEGINNINGS or found[:1].isnumeric()
    )


def without_marks(texts: Sequence[str]) -> list[str]:
    """The texts of a list of steps, each without the mark that counts it; one that only counts is left empty."""
    if not any(texts) or not any(map(_may_be_marked, texts)):
        return list(texts)
    texts = ["" if only_counts(text) else text for text in texts]
    return _without_letters(_without_numbers(_without_labels(texts)))


def _may_be_marked(text: str) -> bool:
    """Whether it is worth while to look for a mark: nearly all steps have none, and there are millions of them."""
    head = text[:24]
    return _HINT.search(head) is not None or head.partition(" ")[0].casefold().strip(".:)") in _FIRST_WORDS


def _without_labels(texts: list[str]) -> list[str]:
    """Without "Step 3:"; "Step 2 feet back" keeps its beginning where nothing beside it is counted so."""
    labels = [_LEADING_LABEL.match(text) if _may_be_a_mark(text) else None for text in texts]
    if not any(labels):
        return texts
    all_labelled = all(label for label, text in zip(labels, texts, strict=True) if text)
    rising = _rising([number_of(label["after"] or label["before"]) if label else None for label in labels])
    return [
        text[label.end() :]
        if label and label.end() < len(text) and _is_apart(label, text[label.end() :], rises, all_labelled)
        else text
        for text, label, rises in zip(texts, labels, rising, strict=True)
    ]


def _is_apart(label: re.Match[str], rest: str, rises: bool, all_labelled: bool) -> bool:
    """Whether a label ends where its step's words begin; "3. Step on it" may be the third step, on which one steps."""
    stop = label["stop"]
    if label["before"] and rest[:1].islower() and not all_labelled:
        return bool(stop.strip())
    return bool(stop.strip()) or (bool(stop) and rises) or ((bool(stop) or rises) and not rest[:1].islower())


def _without_numbers(texts: list[str]) -> list[str]:
    """Without "3." and "(3)" where that is the step's place or rises with others; without "3" where all are counted."""
    found = [_LEADING_NUMBER.match(text) if _may_be_a_mark(text) else None for text in texts]
    if not any(found):
        return texts
    values = [number_of(match["number"]) if match else None for match in found]
    rising = _rising(values)
    rests = [text[match.end() :] for text, match in zip(texts, found, strict=True) if match and text]
    count = sum(map(bool, texts))
    all_counted = (
        count > 1
        and [value for value in values if value] == list(range(1, count + 1))
        and not any(rest[:1].islower() for rest in rests)
    )
    return [
        text[match.end() :]
        if match
        and (all_counted or (_is_sure(match) and (rises or (value == place and _begins(text, match)))))
        else text
        for place, (text, match, value, rises) in enumerate(zip(texts, found, values, rising, strict=True), 1)
    ]


def _begins(text: str, mark: re.Match[str]) -> bool:
    """Whether words begin behind a mark, and not the rest of a name such as "2.jpg"."""
    return mark["stop"][-1:].isspace() or not text[mark.end() : mark.end() + 1].islower()


def _is_sure(mark: re.Match[str]) -> bool:
    """Whether a number is set off as marks are: by a stop, a circle or a key around it."""
    return bool(mark["stop"].strip()) or not mark["number"].isdecimal()


def _without_letters(texts: list[str]) -> list[str]:
    """Without "a)" or "II." where all are counted so."""
    found = [_LEADING_LETTERS.match(text) for text in texts]
    marks = [match["number"].lower() for match in found if match]
    if len(marks) < max(2, len(texts)) or marks not in (
        list(_ROMAN[: len(marks)]),
        list(_LETTERS[: len(marks)]),
    ):
        return texts
    return [text[match.end() :] if match else text for text, match in zip(texts, found, strict=True)]


def _rising(values: Sequence[int | None]) -> list[bool]:
    """Of each number in a row, whether another rises with it: as many higher as it is places further on."""
    offsets = [None if value is None else value - place for place, value in enumerate(values)]
    counts = Counter(offsets)
    return [offset is not None and counts[offset] > 1 for offset in offsets]


def counted_parts(text: str) -> list[str]:
    """The parts of a text that begin with 1, 2, 3 ..., with their marks; none where it does not begin with 1."""
    if not (_begins_with_one(text) or only_announces(text[:60].partition(":")[0])):
        return []
    starts: list[int] = []
    for match in _RUNNING.finditer(text):
        mark = next(filter(None, map(match.group, ("after", "before", "number", "circled", "glued"))))
        if number_of(mark) == len(starts) + 1:
            starts.append(match.start())
    head = text[: starts[0]] if starts else text
    if len(starts) < 2 or not (re.search(r"[^\W_]", head) is None or only_announces(head)):
        return []
    return [text[begin:end].strip() for begin, end in zip(starts, [*starts[1:], None], strict=True)]


def _begins_with_one(text: str) -> bool:
    if not (_may_be_marked(text) and _may_be_a_mark(text)):
        return False
    label, number = _LEADING_LABEL.match(text), _LEADING_NUMBER.match(text)
    marks = [label["after"] or label["before"] if label else "", number["number"] if number else ""]
    return any(mark and number_of(mark) == 1 for mark in marks)


def number_of(mark: str) -> int | None:
    """The number that a mark is, in the digits of any script; None for words."""
    first = mark.rstrip("\ufe0f\u20e3")
    if first.isdecimal():
        return int(first)
    tens, ten, ones = first.partition("十")
    if ten and len(first) > 1:
        return 10 * (number_of(tens) or 1) + (number_of(ones) or 0)
    return int(unicodedata.numeric(first, 0)) or None if len(first) == 1 else None
