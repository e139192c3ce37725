"""What every format hands on: steps of a record, links of steps, and what the heading of a list says that it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from crawl.article import squeeze
from crawl.steps.sentences import split_headline

Record = dict[str, Any]
Linked = tuple[str, str]
"""The slug that a link leads to, and its words."""

_FIELDS = {
    "tips": r"tips?|hints?|tips and tricks",
    "warnings": r"warnings?|cautions?",
    "ingredients": r"ingredients?",
    "tools": r"tools?|equipment|tools needed|required tools",
    "things": r"(?:things |what )?you(?:'ll|’ll| will)? need|materials?|supplies|parts|requirements|prerequisites",
}
_ALTERNATIVE = re.compile(r"(?:method|option|way|variant|alternative)\b", re.IGNORECASE)


def field_of(heading: str) -> str:
    """The field of a record that a list under a heading fills; empty for any other list."""
    words = heading.strip().rstrip(":").lower()
    return next((field for field, names in _FIELDS.items() if re.fullmatch(names, words)), "")


def step(paragraphs: Sequence[str], bullets: Iterable[str] = (), links: Iterable[Linked] = ()) -> Record:
    """A step: the first sentence is its headline, or the first paragraph where that is bold as a whole."""
    texts = [text for text in map(squeeze, paragraphs) if text]
    headline, rest = split_headline(texts[0]) if texts else ("", "")
    return whole_step(headline, "\n".join([rest, *texts[1:]]).strip(), bullets, links)


def whole_step(headline: str, body: str, bullets: Iterable[str] = (), links: Iterable[Linked] = ()) -> Record:
    """A step whose headline is known."""
    return {
        "headline": headline,
        "body": body,
        "bullets": [text for text in map(squeeze, bullets) if text],
        "links": [
            {"slug": slug, "anchor": words, "place": _place(words, headline, body)}
            for slug, words in links
            if slug and words
        ],
    }


def _place(words: str, headline: str, body: str) -> str:
    return "headline" if words in headline else "body" if words in body else "bullet"


def methods_record(lists: Sequence[tuple[str, Sequence[Record]]]) -> list[Record]:
    """The lists of steps with their names: methods where all are called so, else parts."""
    kept = [(name, steps) for name, steps in lists if steps]
    if len(kept) < 2:
        return [{"name": "", "steps": list(steps)} for _, steps in kept]
    kind = "method" if all(_ALTERNATIVE.match(name) for name, _ in kept) else "part"
    return [{"name": name, "steps": list(steps), "kind": kind} for name, steps in kept]
