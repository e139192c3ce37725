"""How-to articles of any site that marks them up with schema.org's HowTo (or its kind Recipe) in JSON-LD."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

from crawl.article import Article, Method, Step, slug_of, squeeze
from crawl.pages.links import split
from crawl.pages.nodes import Node, nodes_of
from crawl.pages.sentences import split_headline

_SCRIPT = re.compile(r"<script\b[^<>]{0,400}\bld\+json\b[^<>]{0,400}>", re.IGNORECASE)
_SCRIPT_END = re.compile("</script", re.IGNORECASE)
_MAX_BLOCK_CHARACTERS = 2**18
_MAX_BLOCKS = 50
_KINDS = ("HowTo", "Recipe")


def how_tos(text: str, url: str = "", source: str = "", fetched_at: str = "") -> Iterator[Article]:
    """Every HowTo with a name and steps in a page's JSON-LD; damaged or foreign blocks are passed over."""
    for number, node in enumerate(_nodes(text), 1):
        article = _article(node, text, url, source, fetched_at)
        if article is not None and number > 1:
            slug, where = f"{article.slug}#{slug_of(article.goal)}", f"{source}#{number}"
            article = dataclasses.replace(article, slug=slug, source=where)
        if article is not None:
            yield article


def _nodes(text: str) -> Iterator[Node]:
    for block in islice(_blocks(text), _MAX_BLOCKS):
        if len(block) > _MAX_BLOCK_CHARACTERS or not re.search("HowTo|Recipe", block):
            continue
        try:
            yield from list(nodes_of(json.loads(block, strict=False), _KINDS))
        except (ValueError, RecursionError):
            continue


def _blocks(text: str) -> Iterator[str]:
    """What is in the page's JSON-LD scripts, without the comment signs that some sites set around it."""
    end = 0
    for start in _SCRIPT.finditer(text):
        if start.start() >= end:
            close = _SCRIPT_END.search(text, start.end())
            if close is None:
                return
            end = close.start()
            yield text[start.end() : end].strip().removeprefix("<!--").removesuffix("-->").strip().rstrip(";")


def _article(node: dict[str, Any], text: str, url: str, where: str, fetched_at: str) -> Article | None:
    title = _words(node.get("name") or node.get("headline"))
    methods = tuple(_methods(node))
    if not title or not methods:
        return None
    address = _words(node.get("url") or node.get("mainEntityOfPage")) or url or _canonical(text)
    return Article(
        language=_language(node, text),
        title=title,
        methods=methods,
        slug=_slug(address) or slug_of(title),
        url=address,
        introduction=_words(node.get("description")),
        categories=tuple(filter(None, map(_words, _list(node.get("recipeCategory"))))),
        ingredients=_texts(node.get("recipeIngredient")),
        things=(*_texts(node.get("supply")), *_texts(node.get("tool"))),
        licence=_words(node.get("license")),
        published=_words(node.get("datePublished")),
        modified=_words(node.get("dateModified")),
        fetched_at=fetched_at,
        source=where,
    )


def _methods(node: dict[str, Any]) -> Iterator[Method]:
    """Sections are parts: schema.org's HowToSection groups steps that are all to be done."""
    values = _list(node.get("step") or node.get("steps") or node.get("recipeInstructions"))
    values = [inner for value in values for inner in (_inner(value) if _is(value, "ItemList") else [value])]
    sections = [value for value in values if _is(value, "HowToSection")]
    if not sections:
        steps = tuple(_steps(values))
        if steps:
            yield Method("single", 1, "", steps)
        return
    loose = tuple(_steps(value for value in values if not _is(value, "HowToSection")))
    groups = [("", loose)] if loose else []
    groups += [(_words(section.get("name")), tuple(_steps(_inner(section)))) for section in sections]
    for number, (name, steps) in enumerate((group for group in groups if group[1]), 1):
        yield Method("part", number, name, steps)


def _inner(value: dict[str, Any]) -> list[Any]:
    items = _list(value.get("itemListElement") or value.get("steps") or value.get("step"))
    return [item["item"] if isinstance(item, dict) and "item" in item else item for item in items]


def _steps(values: Any) -> Iterator[Step]:
    number = 0
    for value in values:
        for headline, body, bullets in _step_texts(value):
            if headline or body or bullets:
                number += 1
                yield Step(number, headline, body, bullets)


def _step_texts(value: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(headline, body, bullets): the name is the headline; else the first sentence of the text is.

    Directions below a step are its text, tips its bullets. A plain string of several lines is a step a line.
    """
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    if not isinstance(value, dict):
        for line in str(value).splitlines() if isinstance(value, str) else [_words(value)]:
            headline, body = split_headline(_words(line))
            yield headline, body, ()
        return
    inner = _inner(value)
    tips = tuple(text for one in inner if _is(one, "HowToTip") if (text := _text_of(one)))
    directions = " ".join(filter(None, (_text_of(one) for one in inner if not _is(one, "HowToTip"))))
    name = _words(value.get("name"))
    text = squeeze(f"{_words(value.get('text') or value.get('description'))} {directions}")
    if not name:
        name, text = split_headline(text)
    elif text.startswith(name):
        text = text[len(name) :].strip()
    yield name, text, tips


def _text_of(value: Any) -> str:
    return _words(value.get("text") or value.get("name")) if isinstance(value, dict) else _words(value)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and kind in _list(value.get("@type"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, (_text_of(one) for one in _list(value))))


def _words(value: Any) -> str:
    """The words of a value, without markup and without its language tag."""
    if isinstance(value, dict):
        return _words(value.get("@value") or value.get("@id") or value.get("name") or "")
    if isinstance(value, list):
        return _words(value[0]) if value else ""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if "<" in text or "&" in text:
        text = BeautifulSoup(text, "lxml").get_text(" ")
    return squeeze(text)


def _slug(address: str) -> str:
    """Host and path: another site's article never takes the place of wikiHow's of the same name."""
    parts = split(address)
    return squeeze(unquote(parts.netloc + parts.path).strip("/")) if parts and parts.netloc else ""


def _canonical(text: str) -> str:
    match = re.search(r"<link\b[^>]*\brel=[\"']?canonical\b[^>]*>", text, re.IGNORECASE)
    href = re.search(r"\bhref=[\"']?([^\"'\s>]+)", match[0]) if match else None
    return href[1] if href else ""


def _language(node: dict[str, Any], text: str) -> str:
    said = node.get("inLanguage")
    said = said.get("alternateName") if isinstance(said, dict) and "alternateName" in said else said
    match = re.search(r"<html\b[^>]{0,500}?\blang=[\"']?([A-Za-z-]{2,12})", text[:20_000], re.IGNORECASE)
    for name in (_words(said), match[1] if match else ""):
        code = re.split("[-_]", name.lower())[0]
        if re.fullmatch("[a-z]{2,3}", code):
            return code
    return "en"
