"""How-to articles of any site that marks them up with schema.org's HowTo (or its kind Recipe) in JSON-LD."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

from crawl.article import Article, Method, Skip, Step, slug_of, squeeze
from crawl.pages.lenient_json import BrokenJson, values_of
from crawl.pages.links import split
from crawl.pages.nodes import Node, nodes_of
from crawl.pages.scripts import MAX_CHARACTERS, scripts_of
from crawl.pages.sentences import split_headline

_KINDS = ("HowTo", "Recipe")


def how_tos(text: str, url: str = "", source: str = "", fetched_at: str = "") -> Iterator[Article | Skip]:
    """Every HowTo with a name and steps in a page's JSON-LD, and why another or a whole script gives none."""
    number = 0
    for node in _nodes(text, source):
        if isinstance(node, Skip):
            yield node
            continue
        number += 1
        article = _article(node, text, url, source, fetched_at)
        if isinstance(article, Article) and number > 1:
            slug, where = f"{article.slug}#{slug_of(article.goal)}", f"{source}#{number}"
            article = dataclasses.replace(article, slug=slug, source=where)
        yield article


def _nodes(text: str, where: str) -> Iterator[Node | Skip]:
    for number, script in enumerate(scripts_of(text), 1):
        if not re.search("HowTo|Recipe", script.text):
            continue
        place = f"JSON-LD script {number}, line {script.line} of the page"
        if len(script.text) > MAX_CHARACTERS:
            yield Skip(where, "too long", f"{place}: longer than {MAX_CHARACTERS} characters")
        elif not script.closed:
            yield Skip(where, "broken JSON", f"{place}: the page ends before </script>")
        else:
            try:
                yield from _nodes_in(script.text)
            except BrokenJson as error:
                line = script.line + error.line - 1
                yield Skip(where, "broken JSON", f"JSON-LD script {number}, line {line} of the page: {error}")


def _nodes_in(text: str) -> list[Node]:
    """The HowTos and Recipes in a script.

    Raises:
        BrokenJson: it can be read in no way.
    """
    try:
        return [node for value in values_of(text) for node in nodes_of(value, _KINDS)]
    except RecursionError:
        raise BrokenJson("it is nested too deeply", 1) from None


def _article(node: dict[str, Any], text: str, url: str, where: str, fetched_at: str) -> Article | Skip:
    title = _words(node.get("name") or node.get("headline"))
    methods = tuple(_methods(node))
    if not title:
        return Skip(where, "no title", f"a {_kind(node)} in its JSON-LD has no name")
    if not methods:
        return Skip(
            where, "no steps", f"the {_kind(node)} {title[:100]!r} in its JSON-LD has no step with a word"
        )
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
        things=_texts(node.get("supply")),
        tools=_texts(node.get("tool")),
        licence=_words(node.get("license")),
        published=_words(node.get("datePublished")),
        modified=_words(node.get("dateModified")),
        fetched_at=fetched_at,
        source=where,
    )


def _kind(node: Node) -> str:
    return next(kind for kind in _KINDS if kind in node["@type"])


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
