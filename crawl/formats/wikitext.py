"""A page in the wikitext of MediaWiki -> its record: numbered lists are steps, `[[links]]` lead to other pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from crawl.article import decode_slug, squeeze
from crawl.formats.said import Linked, Record, field_of, methods_record, step, whole_step
from crawl.pages.links import host_of, is_article_slug, slug_of_page
from crawl.pages.selectors import language_of_host
from crawl.steps.marks import only_announces

_UNREAD = frozenset(("ref", "references", "gallery", "score", "timeline", "style", "script"))
_MARKS = frozenset("#*:;")
_BOLD = "'''"


class Page(NamedTuple):
    """A page of a wiki."""

    title: str
    text: str
    prefix: str = ""
    """What comes before a title in the wiki's addresses: "https://en.wikibooks.org/wiki/"."""
    namespace: str = ""
    """The namespace that is no part of what a page is called: "Cookbook"."""
    language: str = ""
    revision: str = ""
    modified: str = ""


@dataclass(slots=True)
class _Line:
    """A line of a page as people read it."""

    marks: str = ""
    text: str = ""
    bold: str = ""
    """The words in bold that it begins with."""
    links: list[Linked] = field(default_factory=list)


def record_of(page: Page) -> Record | None:
    """The record of a page; None where it has no numbered list.

    Raises:
        ImportError: mwparserfromhell is not installed.
    """
    import mwparserfromhell

    code = mwparserfromhell.parse(page.text, skip_style_tags=False)
    lists: dict[str, list[Record]] = {}
    fields: dict[str, list[str]] = {}
    introduction: list[str] = []
    for number, section in enumerate(code.get_sections(flat=True, include_lead=True)):
        heading = next(
            (squeeze(one.title.strip_code()) for one in section.filter_headings(recursive=False)), ""
        )
        lines = list(_lines(section.nodes, page))
        if field_of(heading):
            fields.setdefault(field_of(heading), []).extend(
                squeeze(line.text) for line in lines if line.marks
            )
        elif steps := list(_steps(lines)):
            name = "" if only_announces(heading) or heading.lower() == "steps" else heading
            lists.setdefault(name, []).extend(steps)
        elif not number:
            introduction += [line.text for line in lines if not line.marks]
    if not lists:
        return None
    return {
        "title": page.title.removeprefix(f"{page.namespace}:") if page.namespace else page.title,
        "url": address_of(page, page.title),
        "language": page.language,
        "introduction": "\n".join(introduction),
        "methods": methods_record(list(lists.items())),
        "categories": [
            str(link.title).partition(":")[2].strip()
            for link in code.filter_wikilinks()
            if _is_of(link, "category")
        ],
        "revision": page.revision,
        "modified": page.modified,
        **fields,
    }


def address_of(page: Page, title: str) -> str:
    """The address of a page of the same wiki; empty where the wiki's is not known."""
    blank = "-" if language_of_host(host_of(page.prefix)) else "_"
    name = quote(title.strip().replace(" ", blank), safe="/:@!$&'()*+,;=-._~")
    return page.prefix + name[:1].upper() + name[1:] if page.prefix else ""


def _steps(lines: Iterable[_Line]) -> Iterator[Record]:
    """The steps of numbered lists; lines below a step are its bullets."""
    own: _Line | None = None
    below: list[_Line] = []
    for line in lines:
        if line.marks == "#":
            if own is not None:
                yield _step(own, below)
            own, below = line, []
        elif line.marks.startswith("#") and own is not None:
            below.append(line)
    if own is not None:
        yield _step(own, below)


def _step(own: _Line, below: list[_Line]) -> Record:
    links = [link for line in (own, *below) for link in line.links]
    bullets = [line.text for line in below]
    text, bold = squeeze(own.text), squeeze(own.bold)
    if bold and text.startswith(bold):
        return whole_step(bold, text[len(bold) :].strip(), bullets, links)
    return step([text], bullets, links)


def _lines(nodes: Iterable[Any], page: Page) -> Iterator[_Line]:
    """The lines of a page, without what is no prose: templates, comments, tables, pictures and references."""
    line = _Line()
    for node in nodes:
        mark = str(getattr(node, "wiki_markup", None) or "")
        if mark and set(mark) <= _MARKS:
            line.marks += "" if line.text.strip() else mark
            continue
        words, link = _words(node, page)
        if link:
            line.links.append(link)
        if mark == _BOLD and not line.text.strip():
            line.bold = words
        first, *others = words.split("\n")
        line.text += first
        for other in others:
            yield line
            line = _Line(text=other)
    yield line


def _words(node: Any, page: Page) -> tuple[str, Linked | None]:
    """(the words of a node, the link that it is)."""
    kind = type(node).__name__
    if kind == "Text":
        return str(node), None
    if kind == "HTMLEntity":
        return str(node.normalize()), None
    if kind == "Wikilink":
        if any(_is_of(node, name) for name in ("category", "file", "image")):
            return "", None
        target = str(node.title).strip().lstrip(":")
        words = _inner(node.text if node.text is not None else target, page)
        return words, (_slug_of(target.partition("#")[0], page), squeeze(words))
    if kind == "ExternalLink":
        return _inner(node.title, page), None
    if kind == "Tag":
        name = str(node.tag).strip().lower()
        if name == "br":
            return " ", None
        return ("" if name in _UNREAD or name == "table" else _inner(node.contents, page)), None
    return "", None


def _inner(code: Any, page: Page) -> str:
    if code is None or isinstance(code, str):
        return str(code or "")
    return "".join(_words(node, page)[0] for node in code.nodes)


def _is_of(link: Any, namespace: str) -> bool:
    return str(link.title).strip().partition(":")[0].strip().lower() == namespace


def _slug_of(target: str, page: Page) -> str:
    """The slug of the page that a link names, on wikiHow by its title, elsewhere by its address."""
    slug = decode_slug(target.strip())
    if not slug or not page.prefix or language_of_host(host_of(page.prefix)):
        return slug if slug and is_article_slug(slug) else ""
    return slug_of_page(address_of(page, target))
