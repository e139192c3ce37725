"""The words of an element, sorted into headline, body, bullets and links.

The trees that come here hold no junk. The walk is by hand and never recursive, so depth costs no stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bs4.element import NavigableString, Tag

from crawl.article import LinkPlace, Step, StepLink, squeeze
from crawl.pages import selectors
from crawl.pages.links import Target

TargetOf = Callable[[Tag], Target | None]


def walk(root: Tag) -> Iterator[tuple[Tag | NavigableString, bool]]:
    """Every node below `root` in document order: (tag, True) on entering it, (tag, False) on leaving it.

    A piece of text comes once, as (text, True).
    """
    stack = [(root, iter(root.contents))]
    while stack:
        tag, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if stack:
                yield tag, False
        elif isinstance(child, Tag):
            yield child, True
            stack.append((child, iter(child.contents)))
        elif isinstance(child, NavigableString):
            yield child, True


def classes_of(tag: Tag) -> list[str]:
    """The classes of a tag."""
    classes = tag.get("class")
    return classes if isinstance(classes, list) else []


def text_of(tag: Tag | None, without: frozenset[str] = frozenset()) -> str:
    """All words of an element, blanks collapsed, but those inside elements of the classes `without`."""
    if tag is None:
        return ""
    parts: list[str] = []
    left_out: Tag | None = None
    for node, opens in walk(tag):
        if left_out is not None:
            left_out = None if node is left_out and not opens else left_out
        elif not isinstance(node, Tag):
            parts.append(node)
        elif opens and not without.isdisjoint(classes_of(node)):
            left_out = node
        elif node.name in selectors.BLOCK_TAGS:
            parts.append(" ")
    return squeeze("".join(parts))


@dataclass
class _Link:
    tag: Tag
    target: Target
    words: list[str] = field(default_factory=list)
    place: LinkPlace | None = None

    def closed(self, place: LinkPlace) -> StepLink:
        """The finished record; `place` is where a link without a word is."""
        return StepLink(
            self.target.slug,
            self.target.title,
            squeeze("".join(self.words)),
            self.place or place,
            self.target.language,
        )


@dataclass
class Prose:
    """The text of one step, tip or list, sorted while its element is walked.

    Headline: all leading `b.whb`, that is, before any other text, joined. Bullets: every `li`, a nested one
    after the one around it. Body: the rest. A link's place is where its first word is.
    """

    headline: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    bullets: list[list[str]] = field(default_factory=list)
    links: list[StepLink] = field(default_factory=list)
    _leading: bool = True
    _bold: int = 0
    _open_bullets: list[int] = field(default_factory=list)
    _link: _Link | None = None

    @classmethod
    def of(cls, root: Tag, target_of: TargetOf | None = None) -> Prose:
        """Sort the words below `root`; links are kept where `target_of` says that they lead to an article."""
        prose = cls()
        for node, opens in walk(root):
            if not isinstance(node, Tag):
                prose._add(node)
            elif opens:
                prose._enter(node, target_of)
            else:
                prose._leave(node)
        return prose

    def _enter(self, tag: Tag, target_of: TargetOf | None) -> None:
        if tag.name in selectors.BLOCK_TAGS:
            self._add(" ")
        if tag.name == "li":
            self._open_bullets.append(len(self.bullets))
            self.bullets.append([])
        elif tag.name == "b":
            self._bold += selectors.HEADLINE in classes_of(tag)
        elif tag.name == "a" and target_of and self._link is None and (target := target_of(tag)):
            self._link = _Link(tag, target)
        elif tag.name == "sup" and self._after_digit() and "frac" in classes_of(tag.parent or tag):
            self._add(" ")  # a mixed number: 1 1/2, not 11/2

    def _leave(self, tag: Tag) -> None:
        if tag.name == "li":
            self._open_bullets.pop()
        elif tag.name == "b":
            self._bold -= selectors.HEADLINE in classes_of(tag)
        elif self._link is not None and self._link.tag is tag:
            self.links.append(self._link.closed(self._place()))
            self._link = None
        if tag.name in selectors.BLOCK_TAGS:
            self._add(" ")

    def _add(self, text: str) -> None:
        blank = not text.strip()
        if not blank:
            self._leading = self._leading and bool(self._bold) and not self._open_bullets
        place = self._place()
        self._parts(place).append(text)
        if self._link is not None:
            self._link.words.append(text)
            if self._link.place is None and not blank:
                self._link.place = place

    def _place(self) -> LinkPlace:
        if self._open_bullets:
            return "bullet"
        return "headline" if self._leading else "body"

    def _parts(self, place: LinkPlace) -> list[str]:
        if place == "bullet":
            return self.bullets[self._open_bullets[-1]]
        return self.headline if place == "headline" else self.body

    def _after_digit(self) -> bool:
        parts = self._parts(self._place())
        return bool(parts) and parts[-1][-1:].isdigit()


def step_of(root: Tag, number: int, target_of: TargetOf) -> Step:
    """The step in `root`, a `div.step` or, in layouts before 2013, the `li` itself."""
    prose = Prose.of(root, target_of)
    bullets = (squeeze("".join(bullet)) for bullet in prose.bullets)
    return Step(
        number=number,
        headline=squeeze("".join(prose.headline)),
        body=squeeze("".join(prose.body)),
        bullets=tuple(bullet for bullet in bullets if bullet),
        links=tuple(prose.links),
    )


def items_of(root: Tag) -> tuple[str, ...]:
    """The entries of a list such as tips or ingredients; text without a list is one entry."""
    prose = Prose.of(root)
    texts = prose.bullets or [[*prose.headline, *prose.body]]
    entries = (squeeze("".join(text)) for text in texts)
    return tuple(entry for entry in entries if entry)
