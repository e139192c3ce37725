"""A HowTo or Recipe of schema.org, as a node under plain names -> its article."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from crawl.article import Article, Method, Skip
from crawl.pages.links import slug_of_page
from crawl.schema.identity import best_address, slug_in_file
from crawl.schema.nodes import Node
from crawl.steps.division import Given, steps_of
from crawl.steps.plain import is_blank, words_of

KINDS = ("HowTo", "Recipe")


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a node from where it was found."""

    source: str
    markup: str
    """What it was written in, as a message names it: "JSON-LD"."""
    base: str = ""
    """The address that others are relative to."""
    addresses: tuple[str, ...] = ()
    """Of the page, the most telling first."""
    language: str = ""
    fetched_at: str = ""


def article_of_node(node: Node, around: Around) -> Article | Skip:
    """The article of a node, or why it has none; its slug is that of its page, which may hold others."""
    title = _words(node.get("name") or node.get("headline"))
    kind = next(kind for kind in KINDS if kind in node["@type"])
    methods = tuple(_methods(node))
    if not title:
        return Skip(around.source, "no title", f"a {kind} in its {around.markup} has no name")
    if not methods:
        detail = f"the {kind} {title[:100]!r} in its {around.markup} has no step with a word"
        return Skip(around.source, "no steps", detail)
    address = best_address((*_addresses(node), *around.addresses), around.base)
    return Article(
        language=_language(node) or around.language or "en",
        title=title,
        methods=methods,
        slug=slug_of_page(address) or slug_in_file(around.source, title),
        url=address,
        introduction=_words(node.get("description")),
        categories=tuple(filter(None, map(_words, _list(node.get("recipeCategory"))))),
        ingredients=_texts(node.get("recipeIngredient") or node.get("ingredients")),
        things=_texts(node.get("supply")),
        tools=_texts(node.get("tool")),
        licence=_reference(node.get("license")),
        published=_words(node.get("datePublished")),
        modified=_words(node.get("dateModified")),
        fetched_at=around.fetched_at,
        source=around.source,
    )


def _addresses(node: Node) -> Iterator[str]:
    for name in ("url", "mainEntityOfPage", "@id"):
        for value in _list(node.get(name)):
            if address := _reference(value):
                yield address.partition("#")[0]


def _language(node: Node) -> str:
    said = node.get("inLanguage")
    said = said.get("alternateName") if isinstance(said, dict) and "alternateName" in said else said
    return code_of(_words(said))


@lru_cache(maxsize=4096)
def code_of(language: str) -> str:
    """The code of a language, "pt" of "pt-BR"; empty for what is none."""
    code = re.split("[-_]", language.lower())[0]
    return code if re.fullmatch("[a-z]{2,3}", code) else ""


def _methods(node: Node) -> Iterator[Method]:
    """Sections are parts: schema.org's HowToSection groups steps that are all to be done."""
    groups = list(_groups("", _list(node.get("step") or node.get("steps") or node.get("recipeInstructions"))))
    found = [(name, steps_of(given)) for name, given in groups]
    found = [(name, steps) for name, steps in found if steps]
    if len(found) == 1 and not found[0][0]:
        yield Method("single", 1, "", found[0][1])
        return
    for number, (name, steps) in enumerate(found, 1):
        yield Method("part", number, name, steps)


def _groups(name: str, values: list[Any]) -> Iterator[tuple[str, list[Given]]]:
    """The lists of steps in a list of steps and sections, in its order, each with the names around it."""
    for are_sections, some in groupby(map(_item, values), _is_section):
        if not are_sections:
            yield name, [_given(value) for value in some]
            continue
        for section in some:
            own = "" if _is(section, "ItemList") else _words(section.get("name"))
            yield from _groups(": ".join(filter(None, (name, own))), _inner(section))


def _is_section(value: Any) -> bool:
    """Whether a value groups steps, whatever its type says: a step may have parts that are no steps of their own."""
    if not isinstance(value, dict) or not (inner := _inner(value)):
        return False
    if _is(value, "HowToSection") or _is(value, "ItemList"):
        return True
    parts = [one for one in inner if not (_is(one, "HowToDirection") or _is(one, "HowToTip"))]
    return bool(parts) and not (_is(value, "HowToStep") and all(isinstance(one, str) for one in parts))


def _inner(value: Node) -> list[Any]:
    items = _list(
        value.get("itemListElement")
        or value.get("steps")
        or value.get("step")
        or value.get("recipeInstructions")
    )
    return [_item(item) for item in items]


def _item(value: Any) -> Any:
    """What a ListItem holds."""
    return value["item"] if isinstance(value, dict) and "item" in value else value


def _given(value: Any) -> Given:
    """A step as a page gives it; directions below it are its text, tips its bullets."""
    if not isinstance(value, dict):
        return Given(_said(value), is_text=True)
    inner = _inner(value)
    tips = tuple(filter(None, (_text_of(one) for one in inner if _is(one, "HowToTip"))))
    directions = [_said(_first(one)) for one in inner if not _is(one, "HowToTip")]
    text = "\n".join(filter(None, (_said(value.get("text") or value.get("description")), *directions)))
    return Given(text, name=_said(value.get("name") or value.get("headline")), bullets=tips)


def _first(value: Any) -> Any:
    return value.get("text") or value.get("name") if isinstance(value, dict) else value


def _text_of(value: Any) -> str:
    return _words(_first(value))


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and kind in _list(value.get("@type"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in map(_text_of, _list(value)) if not is_blank(text))


def _said(value: Any) -> str:
    """A value as text, with whatever markup it has; several texts in lines of their own."""
    if isinstance(value, dict):
        return _said(value.get("@value") or value.get("text") or value.get("name"))
    if isinstance(value, list):
        return "\n".join(filter(None, map(_said, value)))
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return str(value) if isinstance(value, str | int | float) else ""


def _words(value: Any) -> str:
    """The words of a value in one line; of several, the first."""
    if isinstance(value, list):
        return next(filter(None, map(_words, value)), "")
    return words_of(_said(value))


def _reference(value: Any) -> str:
    """What a value names by its address, else its words."""
    if isinstance(value, list):
        return next(filter(None, map(_reference, value)), "")
    if isinstance(value, dict):
        return _reference(value.get("@id") or value.get("url") or value.get("@value") or value.get("name"))
    return _words(value)
