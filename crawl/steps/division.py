"""Names and texts of steps as a page or a dump gives them -> steps, each with its headline.

What is mended, and only where it is plain: a mark that only counts is no headline; a name that is the cut beginning of
its text is none either; text that runs on through several steps is divided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crawl.article import Step, StepLink
from crawl.steps.marks import counted_parts, is_number_word, only_announces, only_counts, without_marks
from crawl.steps.plain import (
    begins_with,
    is_blank,
    letters,
    lines_of,
    may_begin_alike,
    same_letters,
    words_of,
)
from crawl.steps.sentences import ends_sentence, split_headline

FEW = 2
"""In a list of at most so many steps a text of several lines is taken for several steps that run on."""


class Given(NamedTuple):
    """A step as it was found."""

    text: str
    """With whatever markup it has."""
    name: str = ""
    is_text: bool = False
    """Whether it was a plain text in place of a step: each of its lines is one."""
    is_whole: bool = False
    """Whether it says itself what its headline and its body are, so that an empty name is no headline."""
    bullets: tuple[str, ...] = ()
    links: tuple[StepLink, ...] = ()


def steps_of(given: Sequence[Given], markup: bool = True) -> tuple[Step, ...]:
    """The steps of one list, those without a word as well.

    Args:
        given: what was found, in its order.
        markup: whether "<p>" and "&amp;" in names and texts are markup; an article on HTML has them as words.
    """
    found = [part for one in given for part in _divided(one, few=len(given) <= FEW, markup=markup)]
    names = without_marks([name for _, name, _ in found])
    texts = without_marks([text for _, _, text in found])
    if len(names) > 1 and names[0] and set(map(letters, names)) == {letters(names[0])}:
        names = [""] * len(names)  # "Directions" above each
    return tuple(
        Step(number, *_said_by(one, name, text), one.bullets, one.links)
        for number, ((one, _, _), name, text) in enumerate(zip(found, names, texts, strict=True), 1)
    )


def _said_by(one: Given, name: str, text: str) -> tuple[str, str]:
    """(headline, body) of a step, its name and text free of marks."""
    if (
        one.is_whole
        and (bool(name) == bool(one.name))
        and not (name and _is_cut(name) and _is_beginning(name, text))
    ):
        return name, text
    return headline_and_body(name, text)


def headline_and_body(name: str, text: str) -> tuple[str, str]:
    """(headline, body) of a step: the name is the headline, unless the text says it; else its first sentence is."""
    name, text = "" if is_blank(name) else name, "" if is_blank(text) else text
    if name and text and _is_beginning(text, name):
        text = ""
    if not (name and text) or only_announces(name) or same_letters(name, text):
        return split_headline(text or name)
    if is_number_word(name) or _is_beginning(name, text):
        return split_headline(text)
    if text.startswith(name):
        text = text[len(name) :].strip()
    return name, text


_CUT = re.compile(r"[\s.]*(?:…|\.\.+|\[(?:…|\.\.\.)\])[\s.…]*$")


def _is_cut(name: str) -> bool:
    return _uncut(name) != name


def _uncut(name: str) -> str:
    """A name without the "..." at which it was cut."""
    return _CUT.sub("", name) if "…" in name or ".." in name else name


def _is_beginning(name: str, text: str) -> bool:
    """Whether a name is only the beginning of the sentence that a text begins with, often cut at "..."."""
    if not may_begin_alike(name, text):
        return False
    stem = _uncut(name)
    if not (letters(stem[:32]) or letters(stem)) or not begins_with(text, stem):
        return False
    if stem != name:
        return True
    rest = text[len(name) :] if text.startswith(name) else ""
    return rest.lstrip()[:1].islower() and not ends_sentence(name)


def _divided(one: Given, few: bool, markup: bool) -> Iterator[tuple[Given, str, str]]:
    """A step with the words of its name and of its text; or each of the steps whose texts run on in it."""
    name, text = words_of(one.name, markup), words_of(one.text, markup)
    if one.is_whole or (one.name and not _says_nothing(name, text)):
        yield one, name, text
        return
    lines = [line for line in lines_of(one.text, markup) if not (only_announces(line) or only_counts(line))]
    if one.is_text or (few and len(lines) > 1):
        pieces = [piece for line in lines for piece in _pieces(line, glued=few and len(lines) <= FEW)]
    else:
        pieces = _pieces(" ".join(lines), glued=few)
    if len(pieces) < 2:
        yield one, name, words_of("\n".join(lines), markup) if len(lines) > 1 else text
        return
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        part = Given(piece, bullets=one.bullets if last else (), links=_links_in(one, piece))
        yield part, "", words_of(piece, markup)


def _says_nothing(name: str, text: str) -> bool:
    """Whether a name says no more than the step's place and text do."""
    if only_counts(name) or only_announces(name):
        return True
    return bool(text) and (same_letters(name, text) or _is_beginning(name, text))


def _links_in(one: Given, piece: str) -> tuple[StepLink, ...]:
    return tuple(link for link in one.links if link.anchor in piece)


def _pieces(line: str, glued: bool) -> list[str]:
    """The steps in one line: counted by numbers that rise from 1, or each glued to the full stop of the last."""
    counted = counted_parts(line)
    if len(counted) > 1:
        return counted
    return _unglued(line) if glued else [line]


_GLUED = re.compile(r"(?<=[\w)\"'”’%°])[.!?]+[\"'”’)]*(?=[^\W\d_])")


def _unglued(line: str) -> list[str]:
    """The parts of a line where a sentence begins right after the stop of another: "Fill the kettle.Boil it."."""
    begin = 0
    parts: list[str] = []
    for match in _GLUED.finditer(line):
        left, right = line[begin : match.end()], line[match.end() :]
        begins = right[0].isupper() and (right[1:2].islower() or right[1:2] == " ")
        if (
            begins
            and " " in left.strip()
            and " " in right
            and ends_sentence(left)
            and not _is_name(line, match)
        ):
            parts.append(left)
            begin = match.end()
    return [part for part in (*parts, line[begin:]) if part.strip()]


_ENDINGS = ("com", "org", "net", "js")


def _is_name(line: str, match: re.Match[str]) -> bool:
    """Whether a stop is inside a name such as "Node.Js" or "U.S.A"."""
    before = re.search(r"\S*$", line[: match.start()])
    after = re.match(r"[^\s.]*", line[match.end() :])
    word, following = (before[0] if before else ""), (after[0] if after else "")
    return (
        len(word) < 2
        or word == "www"
        or re.search("[/@.]", word) is not None
        or following.lower() in _ENDINGS
    )
