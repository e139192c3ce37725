"""The words of an element, without junk: split into headline, body, bullets and links.

The walk is by hand and never recursive, so a page nested ten thousand deep costs no stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bs4 import NavigableString, Tag
from bs4.element import PreformattedString

from crawl import selectors
from crawl.article import Place, Step, StepLink, squeeze
from crawl.links import Target

TargetOf = Callable[[Tag], Target | None]


def is_junk(tag: Tag) -> bool:
    """Whether an element and all inside it is furniture: script, citation, picture, advertisement, vote."""
    name = tag.name
    if name in selectors.JUNK_TAGS:
        return True
    classes = tag.get("class")
    if not classes:
        return False
    return any(
        one in selectors.JUNK_CLASSES
        or one.startswith(selectors.JUNK_CLASS_STARTS)
        or (name, one) in selectors.JUNK_PAIRS
        for one in ([classes] if isinstance(classes, str) else classes)
    )


def text_of(tag: Tag | None) -> str:
    """All words of an element but its junk, blanks collapsed."""
    if tag is None:
        return ""
    parts: list[str] = []
    for node, opens in walk(tag):
        if isinstance(node, Tag):
            parts.append(" " if node.name in selectors.BLOCK_TAGS else "")
        elif opens:
            parts.append(str(node))
    return squeeze("".join(parts))


def walk(root: Tag) -> Iterator[tuple[Tag | NavigableString, bool]]:
    """Every node below `root` in document order, without junk: (tag, True) on entering, (tag, False) on leaving.

    A piece of text comes once, as (text, True). Comments and declarations are left out.
    """
    stack: list[tuple[Tag, Iterator[object]]] = [(root, iter(root.contents))]
    while stack:
        tag, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if stack:
                yield tag, False
        elif isinstance(child, Tag):
            if not is_junk(child):
                yield child, True
                stack.append((child, iter(child.contents)))
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield child, True


@dataclass
class Prose:
    """The text of one step, tip or list, sorted into its parts while its element is walked."""

    headline: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    bullets: list[list[str]] = field(default_factory=list)
    links: list[StepLink] = field(default_factory=list)


@dataclass
class _OpenLink:
    tag: Tag
    target: Target
    words: list[str] = field(default_factory=list)
    place: Place | None = None


def read_prose(root: Tag, target_of: TargetOf | None = None) -> Prose:
    """Sort the words below `root`.

    Headline: all leading `b.whb`, that is, before any other text, joined. Bullets: every `li`, a nested one
    after the one around it. Body: the rest. A link's place is where its first word stands.
    """
    prose = Prose()
    leading = True
    bold = 0
    open_bullets: list[int] = []
    link: _OpenLink | None = None
    buffer = prose.headline
    for node, opens in walk(root):
        if isinstance(node, Tag):
            name = node.name
            if name == "li":
                if opens:
                    open_bullets.append(len(prose.bullets))
                    prose.bullets.append([])
                elif open_bullets:
                    open_bullets.pop()
            elif name == "b" and selectors.HEADLINE in (node.get("class") or ()):
                bold += 1 if opens else -1
            elif name == "a" and target_of is not None:
                if opens and link is None and (target := target_of(node)) is not None:
                    link = _OpenLink(node, target)
                elif link is not None and link.tag is node:
                    prose.links.append(_closed(link, bool(open_bullets)))
                    link = None
            if name in selectors.BLOCK_TAGS:
                buffer.append(" ")
            continue
        words = str(node)
        blank = not words.strip()
        if open_bullets:
            leading = leading and blank
            place: Place = "bullet"
            buffer = prose.bullets[open_bullets[-1]]
        elif leading and (bold or blank):
            place = "headline"
            buffer = prose.headline
        else:
            leading = False
            place = "body"
            buffer = prose.body
        buffer.append(words)
        if link is not None:
            link.words.append(words)
            if link.place is None and not blank:
                link.place = place
    return prose


def _closed(link: _OpenLink, in_bullet: bool) -> StepLink:
    place = link.place or ("bullet" if in_bullet else "body")
    target = link.target
    return StepLink(target.slug, target.title, squeeze("".join(link.words)), place, target.language)


def step_of(root: Tag, number: int, target_of: TargetOf) -> Step:
    """The step in `root`, a `div.step` or, in layouts before 2013, the `li` itself."""
    prose = read_prose(root, target_of)
    bullets = (squeeze("".join(bullet)) for bullet in prose.bullets)
    return Step(
        number=number,
        headline=squeeze("".join(prose.headline)),
        body=squeeze("".join(prose.body)),
        bullets=tuple(bullet for bullet in bullets if bullet),
        links=tuple(prose.links),
    )


def items_of(root: Tag) -> tuple[str, ...]:
    """The entries of a list such as tips or ingredients; a section without a list is one entry."""
    prose = read_prose(root)
    entries = [squeeze("".join(bullet)) for bullet in prose.bullets]
    if not entries:
        entries = [squeeze("".join(prose.headline + [" "] + prose.body))]
    return tuple(entry for entry in entries if entry)
