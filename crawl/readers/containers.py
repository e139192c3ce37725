"""Articles inside whatever holds them: lists, {"articles": [...]}, {id: article}, {"row": article}, columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crawl.readers.items import Item
from crawl.readers.methods import NAMES_OF_STEPS

MAX_DEPTH = 6
"""Of containers in containers."""


def unwrapped(item: Item) -> Iterator[Item]:
    """The records in what was read as one, each under its own place; the thing itself where it holds none."""
    if isinstance(item.data, dict) and isinstance(item.data.get("title"), str) and _says_steps(item.data):
        yield item  # as nearly all are
        return
    found = list(_records_in(item.data, MAX_DEPTH))
    if not any(isinstance(one, Mapping) for one in found):
        found = []
    if len(found) == 1:
        yield Item("record", item.where, found[0])
    mark = "#" if item.where.rpartition(":")[2].isdigit() else ":"
    if len(found) > 1:
        yield from (Item("record", f"{item.where}{mark}{number}", one) for number, one in enumerate(found, 1))
    if not found:
        yield item


def node_in(record: Any) -> dict[str, Any] | None:
    """The record as a document of JSON-LD, if it is one."""
    if not isinstance(record, dict):
        return None
    if not {"@type", "@graph", "@context"}.isdisjoint(record):
        return record
    return {"@type": "Recipe", **record} if "recipeInstructions" in record else None


def _records_in(value: Any, depth: int) -> Iterator[Any]:
    """Every record in a value; what is beside articles in a list or a mapping is one, too, if it might have been."""
    if isinstance(value, list) and depth:
        for one in value:
            yield from list(_records_in(one, depth - 1)) or [one]
    elif _is_article(value):
        yield from _rows_of(value)
    elif isinstance(value, Mapping) and depth:
        are_articles = any(map(_is_article, value.values()))
        for key, inner in value.items():
            found = list(_records_in(inner, depth - 1))
            if any(map(_is_article, found)):
                yield from (_addressed(key, one) for one in found)
            elif are_articles and isinstance(inner, Mapping):
                yield _addressed(key, inner)


def _is_article(value: Any) -> bool:
    """Whether a mapping says steps, under one of their names, or is a document of JSON-LD or a record of WikiLingua."""
    if not isinstance(value, Mapping):
        return False
    if _says_steps(value) or node_in(value) is not None:
        return True
    inner = value.get("article")
    return isinstance(inner, Mapping) and "url" in value and not _is_article(inner)


def _says_steps(value: Mapping[str, Any]) -> bool:
    return not NAMES_OF_STEPS.isdisjoint(value)


def _addressed(key: str, record: Any) -> Any:
    """A record under an address has that, if it names none."""
    if key.startswith(("http://", "https://")) and isinstance(record, Mapping):
        return {"url": key, **record}
    return record


def _rows_of(value: Mapping[str, Any]) -> Iterator[Any]:
    """The rows of a table that is written by its columns, {"title": [...], "steps": [...]}; else the record alone."""
    columns = {name: _column(column) for name, column in value.items()}
    titles = columns.get("title") or columns.get("name")
    if (
        titles is None
        or not titles
        or any(len(one) != len(titles) for one in columns.values() if one is not None)
    ):
        yield value
        return
    full = {name: column for name, column in columns.items() if column is not None}
    yield from (dict(zip(full, row, strict=True)) for row in zip(*full.values(), strict=True))


def _column(value: Any) -> list[Any] | None:
    """The cells of a column: a list, or a mapping by row numbers as pandas writes it."""
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping) and value and all(key.isdigit() for key in value):
        return list(value.values())
    return None
