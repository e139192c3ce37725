"""Instructions in RDF of the vocabulary PROHOW (http://w3id.org/prohow#) -> records, with the links of their steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from crawl.formats.said import Linked, Record, methods_record, step
from crawl.schema.identity import slug_in_file

VOCABULARIES = ("http://w3id.org/prohow#", "https://w3id.org/prohow#")
SYNTAXES = {
    ".ttl": "turtle",
    ".nt": "nt",
    ".n3": "n3",
    ".nq": "nquads",
    ".trig": "trig",
    ".rdf": "xml",
    ".owl": "xml",
}
"""The syntaxes of RDF, as rdflib names them, by the suffix of a file."""
_PREFIXES = {
    "prohow": VOCABULARIES[0],
    "w": "http://w3id.org/prohowlinks#",
    "oa": "http://www.w3.org/ns/oa#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "dbo": "http://dbpedia.org/ontology/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""Prefixes that the files of the vocabulary's own makers use without saying them."""


class NotRdf(ValueError):
    """A text that is not of its syntax."""


def records_of(data: bytes, syntax: str, where: str) -> list[Record]:
    """The records of all instructions in a file.

    Args:
        data: what the file holds.
        syntax: one of `SYNTAXES`.
        where: the file, by which nodes without an address are known.

    Raises:
        NotRdf: it is broken.
        ImportError: rdflib is not installed.
    """
    import rdflib

    graph = rdflib.Dataset(default_union=True) if syntax in ("nquads", "trig") else rdflib.Graph()
    text = data.decode("utf-8", "replace")
    if syntax in ("turtle", "trig", "n3"):
        unsaid = (
            name for name in _PREFIXES if f"{name}:" in text and not re.search(rf"(?i)prefix\s+{name}:", text)
        )
        text = "".join(f"@prefix {name}: <{_PREFIXES[name]}> .\n" for name in unsaid) + text
    try:
        graph.parse(data=text, format=syntax)
    except Exception as error:  # rdflib's parsers raise what they like
        raise NotRdf(" ".join(str(error).split())[:200]) from None
    return list(_Graph(graph, where).records())


class _Graph:
    """The instructions of a graph."""

    def __init__(self, graph: Any, where: str) -> None:
        self.graph, self.where = graph, where
        self.parts = {part for name in ("has_step", "has_method") for _, part in self._pairs(name)}

    def records(self) -> Iterator[Record]:
        """The record of each set of instructions: what is called so, else what has steps and is part of nothing."""
        said = {
            one
            for one, kind in self._pairs("type", _PREFIXES["rdf"])
            if str(kind).endswith("#instruction_set")
        }
        whole = {one for name in ("has_step", "has_method") for one, _ in self._pairs(name)}
        for main in sorted(said or whole - self.parts, key=str):
            if record := self._record(main):
                yield record

    def _record(self, main: Any) -> Record:
        steps = list(self._objects(main, "has_step"))
        ways = sorted(self._objects(main, "has_method"), key=_natural)
        lists = [("", self._steps(main, steps))]
        lists += [(self._label(way), self._steps(way, list(self._objects(way, "has_step")))) for way in ways]
        if not any(made for _, made in lists):
            return {}
        needed = [one for way in (main, *ways) for one in self._objects(way, "requires")]
        language = next((str(one).rpartition("_")[2] for one in self._objects(main, "language")), "")
        url = self._source(main)
        identity = (
            {"url": url, "aliases": [self._slug(main)]}
            if url
            else {"slug": self._slug(main), "site": self._site(main)}
        )
        return {
            **identity,
            "title": self._label(main),
            "language": language or getattr(self._label_node(main), "language", None),
            "methods": methods_record(lists),
            "things": list(dict.fromkeys(filter(None, map(self._label, needed)))),
        }

    def _steps(self, way: Any, steps: list[Any]) -> list[Record]:
        return [self._step(one) for one in self._in_order(steps)]

    def _in_order(self, steps: list[Any]) -> list[Any]:
        """Steps after those that they require, else by their names."""
        left = sorted(steps, key=_natural)
        after = {one: {other for other in self._objects(one, "requires") if other in steps} for one in left}
        ordered: list[Any] = []
        while left:
            ready = next((one for one in left if after[one] <= set(ordered)), left[0])  # a circle: by name
            ordered.append(ready)
            left.remove(ready)
        return ordered

    def _step(self, one: Any) -> Record:
        label = self._label(one)
        inner = [self._label(each) for each in self._in_order(list(self._objects(one, "has_step")))]
        return step([label], inner, self._links(one, label))

    def _links(self, one: Any, label: str) -> Iterator[Linked]:
        """What a step is done by: another set of instructions, as people or programs linked it."""
        same = self._objects(one, "sameAs", _PREFIXES["owl"])
        for goal in (*self._objects(one, "has_method"), *same):
            if self._label(goal) or not isinstance(goal, _blank_node()):
                yield self._slug(goal), label

    def _slug(self, node: Any) -> str:
        if isinstance(node, _blank_node()):
            return slug_in_file(self.where, self._label(node))
        return re.sub(r"^\w+://(www\.)?", "", str(node)).strip("/")

    def _site(self, node: Any) -> str:
        return "" if isinstance(node, _blank_node()) else re.split("[/#?]", self._slug(node))[0]

    def _source(self, main: Any) -> str:
        """The page that instructions were taken from, as an annotation (http://www.w3.org/ns/oa#) says."""
        for about in self._subjects("hasBody", _PREFIXES["oa"], main):
            for target in self._objects(about, "hasTarget", _PREFIXES["oa"]):
                if str(target).startswith(("http://", "https://")):
                    return str(target)
        return ""

    def _label_node(self, node: Any) -> Any:
        return next(iter(sorted(self._objects(node, "label", _PREFIXES["rdfs"]), key=str)), None)

    def _label(self, node: Any) -> str:
        label = self._label_node(node)
        return "" if label is None else str(label)

    def _objects(self, subject: Any, name: str, vocabulary: str = "") -> Iterable[Any]:
        for one in [vocabulary] if vocabulary else VOCABULARIES:
            yield from self.graph.objects(subject, _address(one + name))

    def _subjects(self, name: str, vocabulary: str, value: Any) -> Iterable[Any]:
        return self.graph.subjects(_address(vocabulary + name), value)  # type: ignore[no-any-return]

    def _pairs(self, name: str, vocabulary: str = "") -> Iterator[tuple[Any, Any]]:
        for one in [vocabulary] if vocabulary else VOCABULARIES:
            yield from self.graph.subject_objects(_address(one + name))


def _address(text: str) -> Any:
    from rdflib import URIRef

    return URIRef(text)


def _blank_node() -> Any:
    from rdflib import BNode

    return BNode


def _natural(node: Any) -> list[tuple[int, str]]:
    """An order in which step 10 comes after step 9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d{1,9})", str(node))]
