"""What readers hand on: a raw item that is found but not yet parsed, and what came out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawl.article import Article, Skip


@dataclass(frozen=True, slots=True)
class Item:
    """One raw item. It can be sent to another process."""

    form: str
    """How it is to be parsed ("page file", "page", "line", "record", "row", "skip")."""
    where: str
    """File, with line or record."""
    data: Any
    """What the form needs: a path, bytes, a record, or the Skip that it is."""


@dataclass(frozen=True, slots=True)
class PageData:
    """A page out of an archive, with what the archive says of it."""

    page: bytes
    url: str = ""
    fetched_at: str = ""
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out of one raw item: one outcome, but for a page of another site, which may hold several."""

    outcomes: list[Article | Skip]
    notes: Counter[str]
    """What was mended ("blank steps dropped")."""


def unreadable_item(path: Path, error: Exception) -> Item:
    """A file that cannot be read, and what the system or its packing says of it."""
    return skip_item(str(path), "unreadable", getattr(error, "strerror", None) or str(error))


def skip_item(where: str, reason: str, detail: str = "") -> Item:
    """An item that is known to be unreadable already when it is found."""
    return Item("skip", where, Skip(where, reason, detail))
