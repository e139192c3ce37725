"""How-to articles of any site that marks them up with schema.org's HowTo (or its kind Recipe) in JSON-LD."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from crawl.article import Article, Method, Skip, slug_of, squeeze
from crawl.pages.links import split
from crawl.schema.lenient_json import BrokenJson, values_of
from crawl.schema.nodes import Node, nodes_of
from crawl.schema.scripts import MAX_CHARACTERS, scripts_of
from crawl.steps.division import Given, steps_of
from crawl.steps.plain import is_blank, letters, words_of

_KINDS = ("HowTo", "Recipe")


def how_tos(text: str, url: str = "", source: str = "", fetched_at: str = "") -> Iterator[Article | Skip]:
    """Every HowTo with a name and steps in a page's JSON-LD, once each; and why another or a script gives none."""
    met: set[tuple[str, str]] = set()
    for node in _nodes(text, source):
        outcome = node if isinstance(node, Skip) else _article(node, text, url, source, fetched_at)
        if isinstance(outcome, Article):
            words = _words_in(outcome)
            if words in met:
                continue
            met.add(words)
            if len(met) > 1:
                slug, where = f"{outcome.slug}#{slug_of(outcome.goal)}", f"{source}#{len(met)}"
                outcome = dataclasses.replace(outcome, slug=slug, source=where)
        yield outcome


def _words_in(article: Article) -> tuple[str, str]:
    """The letters of a title and of all steps: a page may say one recipe twice, each time in a form of its own."""
    steps = (step for method in article.methods for step in method.steps)
    return letters(article.title), letters(" ".join(f"{step.headline} {step.body}" for step in steps))


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
    address = _reference(node.get("url") or node.get("mainEntityOfPage")) or url or _canonical(text)
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
        licence=_reference(node.get("license")),
        published=_words(node.get("datePublished")),
        modified=_words(node.get("dateModified")),
        fetched_at=fetched_at,
        source=where,
    )


def _kind(node: Node) -> str:
    return next(kind for kind in _KINDS if kind in node["@type"])


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
