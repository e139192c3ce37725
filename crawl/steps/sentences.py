"""Where the sentences of plain text end, which no markup says."""

from __future__ import annotations

import re

_SHORT_FORMS = re.compile(
    r"(?:^|[\s(\"'])(?:mr|mrs|ms|dr|st|no|vs|etc|e\.g|i\.e|approx|oz|tsp|tbsp|lb|lbs|in|ft|min|max|inc|jr|sr|p|[a-z])$",
    re.IGNORECASE,
)


_SENTENCE_END = re.compile(r"[.!?。！？](?:(?<=[。！？])|(?<=[.!?])[.!?]*[\"'”’)]*(?=\s))")


def split_headline(text: str) -> tuple[str, str]:
    """(first sentence, the rest): the headline that wikiHow itself would bold, in a step given as plain text.

    A sentence ends at ".", "!" or "?" before a blank, or at a full-width one; not after "Mr." or "e.g.".
    """
    for match in _SENTENCE_END.finditer(text):
        if match[0].startswith(".") and _is_short_form(text, match.start()):
            continue
        return text[: match.end()].strip(), text[match.end() :].strip()
    return text, ""


def ends_sentence(text: str) -> bool:
    """Whether a text ends where a sentence does."""
    match = re.search(r"[.!?]+[\"'”’)]*$|[。！？]$", text)
    return match is not None and not (match[0].startswith(".") and _is_short_form(text, match.start()))


def _is_short_form(text: str, end: int) -> bool:
    return _SHORT_FORMS.search(text, max(0, end - 12), end) is not None


def sentences(text: str) -> list[str]:
    """The sentences of a text, in their order."""
    found = []
    while text:
        sentence, text = split_headline(text)
        found.append(sentence)
    return found
