"""Values of records whose form nobody promises, as texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from crawl.article import squeeze

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_SCALARS = (str, int, float)


def first(record: Mapping[str, Any], *names: str) -> Any:
    """The first value under one of some names that is not empty."""
    for name in names:
        value = record.get(name)
        if value or value not in _EMPTY:
            return value
    return None


def text_in(value: Any) -> str:
    """One line of words out of a string, a number or a list of such."""
    if isinstance(value, str):
        return squeeze(value)
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return squeeze(" ".join(map(text_in, value)))
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return str(value) if is_number else ""


def texts_in(value: Any) -> tuple[str, ...]:
    """The texts in a list, each a line, without empty ones; a mapping gives its title or text."""
    if value is None:
        return ()
    if isinstance(value, _SCALARS):
        value = [value]
    if not isinstance(value, list | tuple):
        return ()
    texts = (
        text_in(first(one, "title", "name", "text", "headline") if isinstance(one, dict) else one)
        for one in value
    )
    return tuple(text for text in texts if text)


def number_in(value: Any) -> int | None:
    """A number in a value, which may be a text."""
    text = text_in(value)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def listed(value: Any) -> list[Any]:
    """A list as it is, the lines of a text, and nothing of any other value."""
    if isinstance(value, str):
        return value.splitlines()
    return list(value) if isinstance(value, list | tuple) else []
