"""A how-to in Markdown, a heading and a numbered list, with front matter or without -> its record."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from crawl.article import squeeze
from crawl.formats.said import Linked, Record, field_of, methods_record, step
from crawl.pages.links import host_of, slug_of_page
from crawl.schema.identity import slug_in_file

_FRONT_MATTER = re.compile(
    r"\A(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<matter>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
MAX_FRONT_MATTER = 65_536
"""Characters of front matter that are read."""
_KEPT = (
    "url",
    "site",
    "language",
    "lang",
    "categories",
    "category",
    "tools",
    "things",
    "ingredients",
    "licence",
    "license",
)
"""Names of front matter that a record has, too."""


def record_of(text: str, where: str) -> Record | None:
    """The record of a document; None where it has no numbered list.

    Args:
        text: the document.
        where: its file, by which links of other documents name it.
    """
    matter, text = _front_matter(text)
    sections = _Sections(where, matter.get("url"))
    for node in SyntaxTreeNode(MarkdownIt("commonmark").parse(text)).children:
        sections.take(node)
    if not sections.lists:
        return None
    title = matter.get("title") or sections.title
    record: Record = {
        "introduction": "\n".join(sections.introduction),
        **sections.fields,
        **{name: matter[name] for name in _KEPT if matter.get(name)},
        "title": title,
        "methods": methods_record(list(sections.lists.items())),
    }
    if not host_of(str(record.get("url", ""))) and not record.get("site"):
        record |= {"slug": slug_in_file(where, squeeze(str(title))), "aliases": [_place(where)]}
    return record


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(what a document says of itself in YAML or TOML above its text, the text)."""
    found = _FRONT_MATTER.match(text.lstrip("\ufeff")[:MAX_FRONT_MATTER])
    if found is None:
        return {}, text
    rest = text.lstrip("\ufeff")[found.end() :]
    try:
        value = tomllib.loads(found["matter"]) if found["fence"] == "+++" else _yaml(found["matter"])
    except (ValueError, yaml.YAMLError, RecursionError):
        return {}, rest
    return (value, rest) if isinstance(value, dict) else ({}, rest)


def _yaml(text: str) -> Any:
    """A value in YAML; nothing where it repeats itself by name, since a few lines may so be millions of values."""
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
        return None
    return yaml.safe_load(text)


def _place(where: str) -> str:
    """The name of a file with that of its folder, by which links find it."""
    return "file:" + "/".join(PurePath(posixpath.normpath(where)).parts[-2:])


class _Sections:
    """What a document holds, taken from the top down."""

    def __init__(self, where: str, url: Any) -> None:
        self.where, self.host = where, host_of(str(url or ""))
        self.title = self.heading = ""
        self.introduction: list[str] = []
        self.fields: dict[str, list[str]] = {}
        self.lists: dict[str, list[Record]] = {}
        """The steps below each heading."""

    def take(self, node: SyntaxTreeNode) -> None:
        """Take one block of the document."""
        if node.type == "heading":
            words = _words(node)
            if self.title:
                self.heading = words
            self.title = self.title or words
        elif node.type == "ordered_list" and not field_of(self.heading):
            self.lists.setdefault(self.heading, []).extend(map(self._step, node.children))
        elif node.type in ("bullet_list", "ordered_list") and (field := field_of(self.heading)):
            self.fields.setdefault(field, []).extend(" ".join(_paragraphs(item)) for item in node.children)
        elif node.type == "paragraph" and not self.lists and not self.heading:
            self.introduction.append(_words(node))

    def _step(self, item: SyntaxTreeNode) -> Record:
        own = [text for child in item.children if not _is_list(child) for text in _paragraphs(child)]
        inner = [
            each
            for child in item.children
            if _is_list(child)
            for each in child.walk()
            if each.type == "list_item"
        ]
        bullets = (
            " ".join(text for c in each.children if not _is_list(c) for text in _paragraphs(c))
            for each in inner
        )
        return step(own, bullets, self._links(item))

    def _links(self, item: SyntaxTreeNode) -> Iterator[Linked]:
        for node in item.walk():
            if node.type == "link":
                yield self._slug_at(str(node.attrs.get("href", ""))), _words(node)

    def _slug_at(self, address: str) -> str:
        """The slug of the document that an address leads to: beside this one, or on the same site."""
        if host := host_of(address):
            return slug_of_page(address) if host == self.host else ""
        path = address.partition("#")[0].partition("?")[0]
        if not path or ":" in path:
            return ""
        return _place(posixpath.join(posixpath.dirname(self.where), path))


def _is_list(node: SyntaxTreeNode) -> bool:
    return node.type in ("bullet_list", "ordered_list")


def _paragraphs(node: SyntaxTreeNode) -> Iterator[str]:
    """The texts of the blocks in a node, those of code line by line joined."""
    if node.type in ("fence", "code_block"):
        yield node.content
    elif node.type in ("paragraph", "heading", "inline"):
        yield _words(node)
    elif node.type != "html_block":
        for child in node.children:
            yield from _paragraphs(child)


def _words(node: SyntaxTreeNode) -> str:
    """The words of a node without its marks."""
    if node.type in ("text", "code_inline"):
        return node.content
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if node.type in ("image", "html_inline"):
        return ""
    return (
        squeeze("".join(map(_words, node.children)))
        if node.type in ("paragraph", "heading")
        else "".join(map(_words, node.children))
    )
