"""A page of any site that marks up schema.org's HowTo (or its kind Recipe) -> its articles."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from crawl.article import Article, Skip, slug_of
from crawl.pages.head import saved_from
from crawl.schema.identity import absolute
from crawl.schema.lenient_json import BrokenJson, values_of
from crawl.schema.markup import nodes_in_markup
from crawl.schema.nodes import Node, nodes_of
from crawl.schema.recipe import KINDS, Around, article_of_node, code_of
from crawl.schema.scripts import MAX_CHARACTERS, scripts_of
from crawl.steps.plain import letters


def how_tos(text: str, url: str = "", source: str = "", fetched_at: str = "") -> list[Article | Skip]:
    """Every HowTo with a name and steps that a page marks up, once each; else why what seems to be one is none.

    JSON-LD is read first, as it says most; microdata, RDFa and h-recipe where that gives no article.
    """
    around = _around(text, url, source, fetched_at)
    left_out: list[Article | Skip] = []
    for markup, nodes in chain([("JSON-LD", _nodes(text, source))], nodes_in_markup(text)):
        found = list(articles_of(nodes, replace(around, markup=markup)))
        articles = [one for one in found if isinstance(one, Article)]
        if articles:
            return [*articles]
        left_out += found
    return left_out[:1]


def how_tos_in(document: Any, source: str) -> Iterator[Article | Skip]:
    """Every HowTo in schema.org's JSON without a page around it; a skip where there is none."""
    try:
        nodes = list(nodes_of(document, KINDS))
    except RecursionError:
        yield Skip(source, "not a record", "nested too deeply")
        return
    if not nodes:
        yield Skip(source, "not an article", "JSON-LD without a HowTo or Recipe")
    yield from articles_of(nodes, Around(source, "JSON"))


def articles_of(nodes: Iterable[Node | Skip], around: Around) -> Iterator[Article | Skip]:
    """The articles of nodes that were found together, each once, and each with a slug of its own."""
    met: set[tuple[str, str]] = set()
    slugs: set[str] = set()
    for node in nodes:
        outcome = node if isinstance(node, Skip) else article_of_node(node, around)
        if isinstance(outcome, Article):
            words = _words_in(outcome)
            if words in met:
                continue
            met.add(words)
            if outcome.slug in slugs:
                outcome = replace(outcome, slug=f"{outcome.slug}#{slug_of(outcome.goal)}")
            slugs.add(outcome.slug)
            if len(met) > 1:
                outcome = replace(outcome, source=f"{around.source}#{len(met)}")
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
        return [node for value in values_of(text) for node in nodes_of(value, KINDS)]
    except RecursionError:
        raise BrokenJson("it is nested too deeply", 1) from None


def _around(text: str, url: str, source: str, fetched_at: str) -> Around:
    """What a page says of itself; what it says of its address comes before where it was fetched from."""
    said = (_canonical(text), _property(text, "og:url"), saved_from(text), url)
    own = next((address for one in said if (address := absolute(one, url))), "")
    base = absolute(_attribute(text, r"<base\b[^>]*>", "href"), own) or own
    language = _attribute(text[:20_000], r"<html\b[^>]{0,500}", "lang")
    return Around(source, "", base, tuple(filter(None, said)), code_of(language), fetched_at)


def _canonical(text: str) -> str:
    return _attribute(text, r"<link\b[^>]*\brel\s*=\s*[\"']?canonical\b[^>]*>", "href")


def _property(text: str, name: str) -> str:
    return _attribute(text, rf"<meta\b[^>]*\b(?:property|name)\s*=\s*[\"']?{name}\b[^>]*>", "content")


def _attribute(text: str, tag: str, name: str) -> str:
    """The value of an attribute of the first tag of a kind, or ""."""
    found = re.search(tag, text, re.IGNORECASE)
    form = rf"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
    value = re.search(form, found[0], re.IGNORECASE) if found else None
    return html.unescape(next(filter(None, value.groups()), "")).strip() if value else ""
