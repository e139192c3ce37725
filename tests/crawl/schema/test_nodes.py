"""Nodes of JSON-LD against PyLD, which frames a document by the letter of the standard."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pyld import jsonld as pyld

from crawl.article import Article
from crawl.schema import how_tos
from crawl.schema.nodes import LISTS, nodes_of

BASE = "http://here.example/"
SCHEMA = {"@vocab": "http://schema.org/", "schema": "http://schema.org/"}
TERMS = {name: {"@id": f"http://schema.org/{name}", "@container": "@list"} for name in LISTS}


def framed(document: Any) -> Iterator[dict[str, Any]]:
    """The HowTos and Recipes of a document as PyLD has them, every remote context taken for schema.org's."""

    def load(url: str, options: Any = None) -> dict[str, Any]:
        context = {"@context": {**SCHEMA, **TERMS}}
        return {"contentType": None, "contextUrl": None, "documentUrl": url, "document": context}

    text = json.dumps(document).replace("https://schema.org", "http://schema.org")
    given = [
        with_lists(one) for one in (json.loads(text) if isinstance(document, list) else [json.loads(text)])
    ]
    for kind in ("HowTo", "Recipe"):
        frame = {"@context": {**SCHEMA, **TERMS}, "@type": [kind], "@embed": "@once"}
        found = pyld.frame(given, frame, {"documentLoader": load, "base": BASE})
        found = json.loads(json.dumps(found).replace(BASE, ""))
        yield from map(unprefixed, found.get("@graph", [found] if len(found) > 1 else []))


def unprefixed(value: Any) -> Any:
    """The value with "schema:step", as PyLD writes a set that is a list elsewhere, as "step"."""
    if isinstance(value, list):
        return [unprefixed(one) for one in value]
    if isinstance(value, dict):
        return {name.removeprefix("schema:"): unprefixed(one) for name, one in value.items()}
    return value


def with_lists(document: dict[str, Any]) -> dict[str, Any]:
    """The document with our lists declared as such, over its own context."""
    own = document.get("@context", {**SCHEMA, **TERMS})
    parts = own if isinstance(own, list) else [own]
    defined = {name for part in parts if isinstance(part, dict) for name in part}
    return {**document, "@context": [*parts, {name: TERMS[name] for name in LISTS - defined}]}


def articles(document: Any, monkeypatch: pytest.MonkeyPatch, oracle: bool) -> list[Article]:
    """What the page with this document gives, without the marks of their order."""
    page = f'<html lang="en"><script type="application/ld+json">{json.dumps(document)}</script></html>'
    with monkeypatch.context() as patch:
        if oracle:
            patch.setattr(how_tos, "nodes_of", lambda given, kinds: framed(given))
        given = [one for one in how_tos.how_tos(page) if isinstance(one, Article)]
        found = [dataclasses.replace(one, source="") for one in given]
    slugs = [dataclasses.replace(one, slug=re.sub(r"#.*", "", one.slug)) for one in found]
    return sorted(slugs, key=lambda one: one.title)


def step(text: str, **more: Any) -> dict[str, Any]:
    return {"@type": "HowToStep", "name": text, "text": f"{text} with care.", **more}


ORG = "https://schema.org"
SECTION = {"@type": "HowToSection", "name": "Before", "itemListElement": [step("Sweep"), step("Sweep")]}
DOCUMENTS: dict[str, Any] = {
    "plain": {"@context": ORG, "@type": "HowTo", "name": "Mop a Floor", "step": [step("Sweep"), step("Mop")]},
    "one step": {"@context": ORG, "@type": "HowTo", "name": "Mop", "step": step("Sweep")},
    "no context": {"@type": ["Thing", "HowTo"], "name": "Mop", "step": "Sweep first. Then mop."},
    "a list": [{"@context": ORG, "@type": "Person", "name": "A"}, {"@type": "HowTo", "name": "M", "step": "S"}],
    "graph": {
        "@context": ORG,
        "@graph": [
            {"@type": "WebPage", "@id": "#page", "mainEntity": {"@id": "#how"}},
            {"@type": "HowTo", "@id": "#how", "name": "Mop", "step": [{"@id": "#b"}, {"@id": "#a"}]},
            {"@id": "#a", **step("Sweep")},
            {"@id": "#b", **step("Mop", image={"@type": "ImageObject", "url": "x"})},
            {"@id": "#how", "tool": ["mop", "mop"], "description": "How to mop."},
        ],
    },
    "graphs in graphs": {"@context": ORG, "@graph": [{"@graph": [{"@type": "HowTo", "name": "M", "step": ["S"]}]}]},
    "prefix": {
        "@context": {"s": "http://schema.org/", "dc": "http://purl.org/dc/terms/"},
        "@type": "s:HowTo", "s:name": "Mop", "dc:title": "Other", "s:step": [{"s:text": "Sweep it. Well."}],
        "name": "Not this",
    },
    "terms and keywords under other names": {
        "@context": [ORG, {"type": "@type", "id": "@id", "title": "name", "todo": {"@id": "schema:step"}}],
        "type": "HowTo", "title": "Mop", "todo": [{"type": "HowToStep", "id": "#1", "title": "Sweep"}],
    },
    "references by strings": {
        "@context": [ORG, {"step": {"@id": "schema:step", "@type": "@id", "@container": "@list"}}],
        "@graph": [{"@type": "HowTo", "name": "Mop", "step": ["#a"]}, {"@id": "#a", **step("Sweep")}],
    },
    "sections": {"@context": ORG, "@type": "HowTo", "name": "Mop", "step": [SECTION, step("Mop")]},
    "a step that is a how-to": {
        "@context": ORG, "@type": "HowTo", "name": "Clean",
        "step": [{"@type": "HowTo", "name": "Mop", "step": ["Sweep", "Mop"]}, step("Dry")],
    },
    "a circle": {
        "@context": ORG,
        "@graph": [{"@type": "HowTo", "@id": "#h", "name": "Mop", "step": [{"@id": "#s"}]},
                   {"@id": "#s", **step("Sweep", isPartOf={"@id": "#h"})}],
    },
    "lists, sets and values": {
        "@context": ORG, "@type": "HowTo", "name": {"@value": "Mop", "@language": "en"},
        "step": {"@list": [step("Sweep"), {"@value": "Mop it."}]}, "license": {"@id": "http://x.org/l"},
        "inLanguage": {"@set": ["de"]}, "datePublished": {"@type": "Date", "@value": "2020-01-01"},
    },
    "recipe": {
        "@context": "http://www.schema.org/", "@type": "Recipe", "name": "Soup", "recipeCategory": ["Soup", "Dinner"],
        "recipeIngredient": ["salt", "salt"], "recipeInstructions": "Chop.\nBoil.",
    },
    "foreign": {"@context": {"@vocab": "http://example.org/"}, "@type": "HowTo", "name": "Mop", "step": ["S"]},
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_articles_are_those_that_pyld_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = articles(DOCUMENTS[name], monkeypatch, oracle=False)
    assert found == articles(DOCUMENTS[name], monkeypatch, oracle=True)
    assert bool(found) == (name != "foreign")


def test_a_graph_in_any_order_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes shuffled, and each split in two that share its @id."""
    dice = random.Random(5)
    graph = DOCUMENTS["graph"]["@graph"]
    expected = articles(DOCUMENTS["graph"], monkeypatch, oracle=False)
    for _ in range(20):
        parts = [
            {"@id": node["@id"], key: value} for node in graph for key, value in node.items() if key != "@id"
        ]
        dice.shuffle(parts)
        assert articles({"@context": ORG, "@graph": parts}, monkeypatch, oracle=False) == expected


def test_nothing_grows_beyond_what_a_page_holds() -> None:
    """Each node refers twice to the next, so that all ways through them are more than fit anywhere."""
    chain = [{"@id": f"#{n}", "@type": "HowTo", "a": {"@id": f"#{n + 1}"}, "b": {"@id": f"#{n + 1}"}}
             for n in range(100)]  # fmt: skip
    first, *_ = nodes_of({"@context": ORG, "@graph": chain}, ("HowTo",))
    assert len(json.dumps(first)) < 20_000


BAD_VALUES: dict[str, Any] = {
    "context null": {"@context": None},
    "context empty": {"@context": ""},
    "context without a scheme": {"@context": "//schema.org"},
    "context an empty object": {"@context": {}},
    "context a number": {"@context": 5},
    "context a number beside it": {"@context": [ORG, 5]},
    "context true": {"@context": True},
    "context a list of null": {"@context": [None]},
    "context of null": {"@context": {"@id": None, "a": {"b": None}}},
    "context with null in it": {"@context": [ORG, None]},
    "id null": {"@id": None},
    "id a number": {"@id": 7},
    "id an object": {"@id": {"name": "x"}},
    "type with null in it": {"@type": ["HowTo", None]},
    "type with www": {"@type": "https://www.schema.org/HowTo"},
    "a node beside it with bad values": {
        "author": {"@id": None, "@type": None, "@context": None, "name": [None]}
    },
    "a graph beside it that is null": {"@graph": None},
}


@pytest.mark.parametrize("bad", BAD_VALUES)
def test_a_bad_value_costs_itself_alone(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strict processor refuses most of these documents."""
    expected = articles(DOCUMENTS["plain"], monkeypatch, oracle=False)
    assert articles({**DOCUMENTS["plain"], **BAD_VALUES[bad]}, monkeypatch, oracle=False) == expected
