"""JSON-LD as pages carry it -> nodes under schema.org's plain names, each with what it refers to filled in.

As JSON-LD 1.1 says (W3C 2020), of which it covers what pages use: graphs that are nested or split, references by @id,
single values and lists, prefixes, terms and keywords that a context names in its own way. Nothing is fetched: a context
that is named by its address is taken for schema.org's.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

VOCABULARY = "http://schema.org/"
LISTS = frozenset(
    ("step", "steps", "itemListElement", "recipeInstructions", "recipeIngredient", "supply", "tool")
)
"""JSON-LD's arrays are sets, so a step said twice would be lost: these are lists."""

Node = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What the names in a document mean."""

    vocabulary: str | None = None
    """Goes before names that no term explains."""
    terms: dict[str, str | None] = field(default_factory=dict)
    """Term or prefix -> address or keyword; None for a term that says nothing."""
    references: frozenset[str] = frozenset()
    """Terms whose strings are the @id of nodes."""

    def of(self, given: Any) -> Context:
        """This context with another laid over it, as "@context" has it; null, which clears it, is a template's slip."""
        if isinstance(given, str):
            return replace(self, vocabulary=VOCABULARY, terms={**self.terms, "schema": VOCABULARY})
        if isinstance(given, list):
            context = self
            for one in given:
                context = context.of(one)
            return context
        if not isinstance(given, dict):
            return self
        context = replace(self, terms=dict(self.terms))
        if "@vocab" in given:
            vocabulary = given["@vocab"]
            context = replace(context, vocabulary=vocabulary if isinstance(vocabulary, str) else None)
        defined = {name: what for name, what in given.items() if not name.startswith("@")}
        for name, what in defined.items():
            address = what.get("@id", name) if isinstance(what, dict) else what
            context.terms[name] = address if isinstance(address, str) else None
        references = {
            name for name, what in defined.items() if isinstance(what, dict) and what.get("@type") == "@id"
        }
        return replace(context, references=(self.references - defined.keys()) | references)

    @property
    def says_where_from(self) -> bool:
        """Whether it names any vocabulary; of a number, a list of nulls or words alone nobody can tell."""
        return self.vocabulary is not None or any(":" in (address or "") for address in self.terms.values())

    def meaning(self, name: str, depth: int = 5) -> str | None:
        """The keyword, schema.org's plain name or the address that a name stands for; None for nothing."""
        if name.startswith("@"):
            return name
        if depth and name in self.terms:
            found = self.terms[name]
            if found is None or found == name:
                return plain(self.vocabulary + name) if found and self.vocabulary else found
            return self.meaning(found, depth - 1)
        prefix, colon, rest = name.partition(":")
        if _OF_SCHEMA_ORG.match(name):
            return plain(name)
        if colon:
            known = None if rest.startswith("//") else self.terms.get(prefix)
            return plain(f"{known}{rest}" if known else name)
        return plain(self.vocabulary + name) if self.vocabulary is not None else None


SCHEMA_ORG = Context().of(VOCABULARY)


_OF_SCHEMA_ORG = re.compile(r"(?:(?:https?:)?//)?(?:www\.)?schema\.org[/#]+", re.IGNORECASE)
"""How an address of schema.org begins, also where a template left its scheme out."""


def plain(address: str) -> str:
    """schema.org's own name of an address, else the address."""
    found = _OF_SCHEMA_ORG.match(address)
    return address[found.end() :] if found else address.removeprefix("schema:")


def nodes_of(document: Any, kinds: Container[str]) -> Iterator[Node]:
    """The nodes of some kinds, a node before those inside it.

    A node has "@type" (a list), "@id" where the page gives one, and under each name a value, or a list of them: of
    LISTS always, else if there are several. A node that is met again inside the same one is its {"@id": ...} alone.
    """
    graph = Graph()
    for one in _documents(document):
        given = Context().of(one.get("@context")) if isinstance(one, dict) else SCHEMA_ORG
        graph.add(one, Context() if given.says_where_from else SCHEMA_ORG)
    for name, node in graph.nodes.items():
        if any(kind in kinds for kind in node["@type"]):
            yield graph.filled(name, set())


def _documents(value: Any) -> Iterator[Any]:
    """What is in a list, or in lists of lists, each with a context of its own."""
    if isinstance(value, list):
        for one in value:
            yield from _documents(one)
    else:
        yield value


class Graph:
    """The nodes of a document by @id, those without under one of our own."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._numbers = count()

    def add(self, value: Any, context: Context) -> list[Any]:
        """Take in a value; gives its parts: plain values, and {"@id": name} for nodes, which join the graph."""
        if isinstance(value, list):
            return [part for one in value for part in self.add(one, context)]
        if not isinstance(value, dict):
            return [] if value is None else [value]
        if "@context" in value:
            context = context.of(value["@context"])
        given: dict[str, list[tuple[str, Any]]] = {}
        for name, inner in value.items():
            if name != "@context" and (meaning := context.meaning(name)) is not None:
                given.setdefault(meaning, []).append((name, inner))
        for keyword in ("@value", "@list", "@set"):
            if keyword in given:
                return self.add(given[keyword][0][1], context)
        return [{"@id": self.add_node(given, context)}]

    def add_node(self, given: dict[str, list[tuple[str, Any]]], context: Context) -> str:
        """Lay what a document says of a node over what the graph has of it; gives its name there."""
        said = given.pop("@id", [("", None)])[0][1]
        name = said if isinstance(said, str) else f"_:{next(self._numbers)} of howtree"
        node = self.nodes.setdefault(name, {"@type": []})
        if isinstance(said, str):
            node["@id"] = said
        for meaning, values in given.items():
            for term, value in values:
                self.add_values(node, meaning, term, value, context)
        return name

    def add_values(self, node: Node, meaning: str, term: str, value: Any, context: Context) -> None:
        """Add what a document says of one property; sets hold a value once, lists are said once."""
        if meaning in ("@graph", "@included"):
            self.add(value, context)
        elif meaning == "@type":
            kinds = [context.meaning(kind) for kind in listed(value) if isinstance(kind, str)]
            node["@type"] += [kind for kind in kinds if kind and kind not in node["@type"]]
        elif not meaning.startswith("@"):
            if term in context.references:
                value = [{"@id": one} if isinstance(one, str) else one for one in listed(value)]
            known, parts = node.setdefault(meaning, {}), self.add(value, context)
            if meaning not in LISTS:
                known.update((repr(part), part) for part in parts)
            elif not known:
                known.update(enumerate(parts))

    def filled(self, name: str, met: set[str]) -> Node:
        """A node with those that it refers to in their places."""
        met.add(name)
        node = self.nodes[name]
        return {key: self._value(key, value, met) for key, value in node.items() if value}

    def _value(self, key: str, value: Any, met: set[str]) -> Any:
        if key.startswith("@"):
            return value
        found = [self._part(part, met) for part in value.values()]
        return found if key in LISTS or len(found) > 1 else found[0]

    def _part(self, part: Any, met: set[str]) -> Any:
        if not isinstance(part, dict):
            return part
        name = part["@id"]
        return self.filled(name, met) if name in self.nodes and name not in met else part


def listed(value: Any) -> list[Any]:
    """The value as a list."""
    return value if isinstance(value, list) else [value]
