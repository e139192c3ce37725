"""A guide as iFixit's API gives it (https://www.ifixit.com/api/2.0/doc/Guides) -> its record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from crawl.formats.said import Record, whole_step
from crawl.pages.links import host_of
from crawl.steps.sentences import split_headline

HOST = "www.ifixit.com"
_EMPHASIS = re.compile("'{2,5}")


def is_guide(value: Any) -> bool:
    """Whether a JSON object is a guide: it has a number, and its steps have lines."""
    steps = value.get("steps") if isinstance(value, Mapping) and "guideid" in value else None
    return isinstance(steps, list) and any(isinstance(one, Mapping) and "lines" in one for one in steps)


def record_of(guide: Mapping[str, Any]) -> Record:
    """The record of a guide.

    The guides that are to be done first are the first part, each a step that is linked to its guide, as editors said.
    """
    url = _text(guide.get("url")) or f"https://{HOST}/Guide/-/{guide['guideid']}"
    host = host_of(url) or HOST
    before = [_before(one, host) for one in _mappings(guide.get("prerequisites"))]
    steps = [_step(one) for one in _mappings(guide["steps"])]
    parts = [{"name": "Before you begin", "steps": before}] if before else []
    return {
        "title": guide.get("title"),
        "url": url,
        "language": guide.get("locale") or guide.get("langid"),
        "introduction": _plain(guide.get("introduction_raw") or guide.get("summary")),
        "category": guide.get("category"),
        "parts": [*parts, {"name": "", "steps": steps}],
        "tools": guide.get("tools"),
        "items": guide.get("parts"),
        "modified": _date(guide.get("modified_date")),
        "published": _date(guide.get("published_date")),
        "revision": guide.get("revisionid"),
    }


def _before(guide: Mapping[str, Any], host: str) -> Record:
    title = _text(guide.get("title"))
    return whole_step(title, "", links=[(f"{host}/Guide/{guide.get('guideid')}", title)])


def _step(step: Mapping[str, Any]) -> Record:
    """A step: its title is the headline, else the first sentence of its first line; further lines are bullets."""
    texts = list(filter(None, (_plain(line.get("text_raw")) for line in _mappings(step.get("lines")))))
    title = _plain(step.get("title"))
    first = texts[0] if texts else ""
    headline, body = (title, first) if title else split_headline(first)
    return whole_step(headline, body, texts[1:])


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in (value if isinstance(value, list) else []) if isinstance(one, Mapping))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: Any) -> str:
    return _EMPHASIS.sub("", _text(value))


def _date(seconds: Any) -> str:
    """A time in seconds since 1970 as ISO 8601 date."""
    if not isinstance(seconds, int) or not 0 < seconds < 2**33:
        return ""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
