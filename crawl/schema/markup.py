"""HowTos and Recipes that a page marks up in its text: microdata, RDFa Lite, h-recipe and hRecipe -> nodes.

As the WHATWG's microdata, W3C's RDFa Lite 1.1 and microformats.org say, and as people mean it where they differ: the
name on a link is its words, and instructions are the items of their list, under the headings between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree, html

from crawl.article import Skip
from crawl.schema.nodes import LISTS, Node
from crawl.schema.recipe import KINDS
from crawl.steps.plain import text_of

Element = Any
"""An element of lxml, which has no types."""

_MARKED = re.compile(
    r"""(?:itemtype|typeof)\s*=\s*(?:"[^"]{0,500}|'[^']{0,500}|[^\s"'>]{0,500})(?:HowTo|Recipe)|\bh-?recipe\b""",
    re.IGNORECASE,
)
_SCHEMA = re.compile(
    r"^(?:https?:)?(?://)?(?:www\.)?(?:schema\.org|(?:rdf\.)?data-vocabulary\.org)[/#]+|^(?:schema|v):"
)
_CLASSES = {
    "p-name": "name", "fn": "name", "e-instructions": "recipeInstructions", "instructions": "recipeInstructions",
    "instruction": "recipeInstructions", "p-ingredient": "recipeIngredient", "ingredient": "recipeIngredient",
    "p-summary": "description", "summary": "description", "u-url": "url", "dt-published": "datePublished",
    "p-category": "recipeCategory",
}  # fmt: skip
"""Classes of h-recipe and of the older hRecipe -> schema.org's names."""
_OLD_NAMES = {
    "instructions": "recipeInstructions",
    "instruction": "recipeInstructions",
    "ingredients": "recipeIngredient",
    "ingredient": "recipeIngredient",
    "summary": "description",
}
_STEPS = frozenset(("step", "steps", "recipeInstructions", "itemListElement"))
_ADDRESSES = frozenset(("url", "mainEntityOfPage", "license", "image", "sameAs", "video", "thumbnailUrl"))
_HEADINGS = frozenset(("h2", "h3", "h4", "h5", "h6", "dt"))
_MAX_DEPTH = 20
"""Of items in items."""


def nodes_in_markup(text: str) -> Iterator[tuple[str, Iterable[Node | Skip]]]:
    """The HowTos and Recipes of a page by the kind of markup that they are in."""
    if _MARKED.search(text) is None:
        return
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        page = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, ValueError):
        return
    for kind in (_Microdata, _Rdfa, _Microformat):
        items = kind(page, 4 * len(text)).items()
        if items:
            yield kind.name, items


class _Markup:
    """One kind of markup: which elements begin an item, of which types, and what of it they say."""

    name = ""

    def __init__(self, page: Element, budget: int) -> None:
        self.page = page
        self.budget = budget
        """How many characters of markup may yet be read: those of nested properties are read again and again."""
        self._nodes: dict[Element, Node] = {}

    def types(self, element: Element) -> list[str]:
        """schema.org's names of the types of an item; none where the element begins no item."""
        raise NotImplementedError

    def begins(self, element: Element) -> bool:
        """Whether an element begins an item of any type."""
        return bool(self.types(element))

    def properties(self, element: Element) -> list[str]:
        """Which properties of the item around it an element says, by schema.org's names."""
        raise NotImplementedError

    def items(self) -> list[Node]:
        """The HowTos and Recipes of the page, without those inside one another."""
        found: list[Element] = []
        met: set[Element] = set()
        for element in self.page.iter(etree.Element):
            if not met.isdisjoint(element.iterancestors()):
                continue
            if not set(KINDS).isdisjoint(self.types(element)):
                met.add(element)
                found.append(element)
        return [self._named(self.node(element, 0), element) for element in found]

    def node(self, element: Element, depth: int) -> Node:
        """An item as a node; the same one however many properties it is."""
        if element not in self._nodes:
            self._nodes[element] = self._node(element, depth)
        return self._nodes[element]

    def _node(self, element: Element, depth: int) -> Node:
        values: dict[str, list[Any]] = {}
        said = list(self._said(element))
        inner = {each for each, names in said if not _STEPS.isdisjoint(names)}
        for each, names in said:
            for name in names:
                if (
                    name in _STEPS
                    and any(below in inner for below in each.iterdescendants())
                    and not self.begins(each)
                ):
                    continue  # around the steps that say the same of themselves
                values.setdefault(name, []).extend(self._values(each, name, depth))
        node: Node = {"@type": self.types(element)}
        for name, found in values.items():
            node[name] = found if name in LISTS or len(found) > 1 else found[0] if found else ""
        return node

    def _said(self, item: Element) -> Iterator[tuple[Element, list[str]]]:
        """The elements that say something of an item, in their order; items in it are looked at from outside alone."""
        open_elements = [item, *reversed(self._referred(item))]
        stack = list(reversed([child for each in open_elements for child in each]))
        while stack:
            element = stack.pop()
            if not isinstance(element.tag, str):
                continue
            names = self.properties(element)
            if names:
                yield element, names
            if not self.begins(element):
                stack.extend(reversed(element))

    def _referred(self, item: Element) -> list[Element]:
        return []

    def _values(self, element: Element, name: str, depth: int) -> list[Any]:
        if self.begins(element) and depth < _MAX_DEPTH:
            return [self.node(element, depth + 1)]
        if name in _STEPS or name == "recipeIngredient":
            return self._listed(element, name in _STEPS)
        for attribute in (
            "content",
            "datetime",
            *(("href", "src", "resource") if name in _ADDRESSES else ()),
        ):
            if element.get(attribute):
                return [element.get(attribute)]
        return [self._text(element)]

    def _listed(self, element: Element, are_steps: bool) -> list[Any]:
        """The items of the lists in an element, steps under the headings before them; without a list, its text."""
        if element.get("content"):
            return [element.get("content")]
        heading = ""
        sections: dict[str, list[Node]] = {}
        for each in element.iterdescendants():
            if each.tag in _HEADINGS:
                heading = " ".join(self._text(each).split())
            elif each.tag == "li" and not any(above.tag == "li" for above in _between(each, element)):
                sections.setdefault(heading, []).append({"@type": ["HowToStep"], "text": self._text(each)})
        if not sections:
            text = self._text(element)
            return [{"@type": ["HowToStep"], "text": text}] if are_steps and element.tag == "li" else [text]
        if list(sections) == [""] or not are_steps:
            return [step if are_steps else step["text"] for steps in sections.values() for step in steps]
        return [
            {"@type": ["HowToSection"], "name": name, "itemListElement": steps}
            for name, steps in sections.items()
        ]

    def _text(self, element: Element) -> str:
        markup = etree.tostring(element, encoding="unicode", with_tail=False, method="html")
        self.budget -= len(markup)
        return text_of(markup).strip() if self.budget > 0 else ""

    def _named(self, node: Node, element: Element) -> Node:
        """The node with the heading of its page where it has no name of its own."""
        heading = next((each for place in (element, self.page) for each in place.iter("h1")), None)
        return node if node.get("name") or heading is None else {**node, "name": self._text(heading)}


def _between(element: Element, around: Element) -> Iterator[Element]:
    """The elements that an element is inside of, up to another one."""
    for above in element.iterancestors():
        if above is around:
            return
        yield above


def _plain(names: str | None) -> list[str]:
    """The names of schema.org in an attribute, without what says whose they are; names of others are left out."""
    plain = [_SCHEMA.sub("", name, count=1) for name in (names or "").split()]
    return [_OLD_NAMES.get(name, name) for name in plain if ":" not in name and "/" not in name]


class _Microdata(_Markup):
    name = "microdata"

    def types(self, element: Element) -> list[str]:
        return _plain(element.get("itemtype"))

    def begins(self, element: Element) -> bool:
        return element.get("itemscope") is not None or element.get("itemtype") is not None

    def properties(self, element: Element) -> list[str]:
        return _plain(element.get("itemprop"))

    def _referred(self, item: Element) -> list[Element]:
        wrapped = []
        for name in (item.get("itemref") or "").split()[:50]:
            found = self.page.get_element_by_id(name, None)
            if found is not None and item not in found.iterancestors() and found is not item:
                wrapped.append([found])
        return wrapped


class _Rdfa(_Markup):
    name = "RDFa"

    def types(self, element: Element) -> list[str]:
        return _plain(element.get("typeof"))

    def begins(self, element: Element) -> bool:
        return element.get("typeof") is not None

    def properties(self, element: Element) -> list[str]:
        return _plain(element.get("property"))


class _Microformat(_Markup):
    name = "h-recipe"

    def types(self, element: Element) -> list[str]:
        return ["Recipe"] if {"h-recipe", "hrecipe"} & set(_classes(element)) else []

    def begins(self, element: Element) -> bool:
        return any(
            name.startswith("h-") or name in ("hrecipe", "hreview", "vcard") for name in _classes(element)
        )

    def properties(self, element: Element) -> list[str]:
        return list(dict.fromkeys(_CLASSES[name] for name in _classes(element) if name in _CLASSES))


def _classes(element: Element) -> list[str]:
    return (element.get("class") or "").lower().split()
