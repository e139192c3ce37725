"""A page's text -> a small tree of the parts that are read. Junk and foreign parts never become nodes.

BeautifulSoup spends its time on making nodes, so leaving out pictures, scripts, advertisements and whole sections
while lxml still reads the page halves the cost of a page, and what follows need not look out for junk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bs4 import BeautifulSoup
from bs4.builder import LXMLTreeBuilder, ParserRejectedMarkup  # type: ignore[attr-defined]

from crawl.pages import selectors

MAX_DEPTH = 400
"""Tags nested deeper than this are left out and their text is kept; real pages reach about 40."""

MAX_TAGS = 50_000
"""The most tags that are kept of a page; real pages have 300 to 2,000. Bounds time and memory."""


class TooManyTags(ValueError):
    """A page above MAX_TAGS."""


def page_tree(text: str) -> BeautifulSoup:
    """The parts of a page that are read, without junk, as one tree; empty for text without markup.

    Raises:
        TooManyTags: more than MAX_TAGS tags would be kept.
    """
    try:
        return BeautifulSoup(text, builder=_WantedParts())
    except (
        UnicodeEncodeError,
        ParserRejectedMarkup,
    ):  # half surrogate pairs, characters that no page may hold
        text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
        return BeautifulSoup(text, builder=_WantedParts())


class _WantedParts(LXMLTreeBuilder):  # type: ignore[misc]
    """Passes on what is inside wanted parts and outside of junk, as lxml meets it."""

    def __init__(self) -> None:
        super().__init__()
        self._junk = 0  # open tags from the outermost junk on
        self._kept = 0  # open tags from the outermost wanted part on
        self._count = 0

    def start(self, tag: Any, attrib: Mapping[Any, Any], nsmap: Any = None) -> None:
        """An opening tag."""
        if self._junk or is_junk(tag, attrib):
            self._junk += 1
        elif self._kept or is_wanted(tag, attrib):
            self._kept += 1
            self._count += 1
            if self._count > MAX_TAGS:
                raise TooManyTags(f"too long: more than {MAX_TAGS:,} tags")
            if self._kept <= MAX_DEPTH:
                super().start(tag, dict(attrib))

    def end(self, tag: Any) -> None:
        """A closing tag, written or implied; lxml closes every tag that it has opened."""
        if self._junk:
            self._junk -= 1
        elif self._kept:
            self._kept -= 1
            if self._kept < MAX_DEPTH:
                super().end(tag)

    def data(self, data: Any) -> None:
        """A piece of text."""
        if self._kept and not self._junk:
            super().data(data)

    def comment(self, text: Any) -> None:
        """A comment: never text."""

    def pi(self, target: Any, data: Any) -> None:
        """A processing instruction: never text."""

    def doctype(self, name: Any, pubid: Any, system: Any) -> None:
        """The document type: never text."""


def is_junk(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element and all inside it is furniture: script, citation, picture, advertisement, vote."""
    if tag in selectors.JUNK_TAGS:
        return True
    classes = attributes.get("class")
    return classes is not None and any(
        name in selectors.JUNK_CLASSES
        or name.startswith(selectors.JUNK_CLASS_STARTS)
        or (tag, name) in selectors.JUNK_PAIRS
        for name in classes.split()
    )


def is_wanted(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element outside of all wanted parts begins one."""
    if tag in selectors.WANTED_TAGS:
        return True
    if not attributes:
        return False
    classes = (attributes.get("class") or "").split()
    if not selectors.UNWANTED_CLASSES.isdisjoint(classes):
        return False
    if not selectors.WANTED_CLASSES.isdisjoint(classes):
        return True
    name = attributes.get("id")
    return name in selectors.WANTED_IDS or (name is not None and selectors.role_of((name,)) is not None)
