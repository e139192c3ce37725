"""A page of help in Mallard (http://projectmallard.org/1.0/), as GNOME writes it -> its record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from lxml import etree

from crawl.article import squeeze
from crawl.formats.said import Linked, Record, methods_record, step
from crawl.formats.xml import local_name

_UNREAD = frozenset(("info", "media", "cite", "comment", "title", "subtitle", "desc"))
_JOINED = {"guiseq": " ▸ ", "keyseq": "+"}
"""What people read between the parts of a menu path and of keys pressed together."""
_NOTES = {"tips": (None, "tip", "advanced"), "warnings": ("warning", "important", "danger")}
"""Styles of notes by the field that they fill."""
_LISTS = frozenset(("list", "steps", "terms"))
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_@-]\w+)*|C")


class NotMallard(ValueError):
    """XML that is broken, or another language than Mallard."""


def record_of(data: bytes, where: str) -> Record | None:
    """The record of a page; None where it has no steps.

    Raises:
        NotMallard: it is none.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotMallard(str(error)) from None
    if root is None or local_name(root) not in ("page", "section") or "projectmallard" not in str(root.tag):
        raise NotMallard("no page of Mallard")
    folder, code = _document(where)
    lists = [
        (_heading(one), [_step(item, folder) for item in _named(one, "item")])
        for one in _outside(root, "steps")
    ]
    if not lists:
        return None
    notes = {
        kind: [_words(note) for note in _outside(root, "note") if note.get("style") in styles]
        for kind, styles in _NOTES.items()
    }
    identity = root.get("id") or PurePath(where).stem
    return {
        "title": next((_words(one) for one in _named(root, "title")), ""),
        "site": folder,
        "slug": f"{folder}/{identity}",
        "language": root.get("{http://www.w3.org/XML/1998/namespace}lang") or code,
        "introduction": "\n".join(_words(one) for one in _named(root, "p")),
        "methods": methods_record(lists),
        **notes,
    }


def _document(where: str) -> tuple[str, str]:
    """(the name of the document that a file belongs to, the language of its folder): help/de/gnome-help/x.page."""
    parts = PurePath(where).parts[-4:-1]
    folder = parts[-1] if parts else "help"
    code = parts[-2] if len(parts) > 1 and _LANGUAGE.fullmatch(parts[-2]) else ""
    if _LANGUAGE.fullmatch(folder) and len(parts) > 1:  # in the sources of a program: gnome-help/C/x.page
        folder, code = parts[-2], folder
    return folder, "en" if code == "C" else re.split("[_@-]", code)[0]


def _named(node: Any, name: str) -> Iterator[Any]:
    return (child for child in node if local_name(child) == name)


def _outside(root: Any, name: str) -> Iterator[Any]:
    """The nodes of a name that are in no list, in their order."""
    for child in root:
        if local_name(child) == name:
            yield child
        elif local_name(child) not in _LISTS:
            yield from _outside(child, name)


def _heading(steps: Any) -> str:
    """The title of a list of steps, else of the section around it."""
    for node in (steps, *steps.iterancestors()):
        title = next(_named(node, "title"), None)
        if title is not None:
            return _words(title) if local_name(node) != "page" else ""
    return ""


def _step(item: Any, folder: str) -> Record:
    own = [_words(child) for child in item if local_name(child) not in _LISTS]
    inner = [
        each
        for child in item
        if local_name(child) in _LISTS
        for each in child.iter()
        if local_name(each) == "item"
    ]
    bullets = (" ".join(_words(child) for child in each if local_name(child) not in _LISTS) for each in inner)
    return step([_own_text(item), *own], bullets, _links(item, folder))


def _own_text(item: Any) -> str:
    return squeeze(item.text or "")


def _links(item: Any, folder: str) -> Iterator[Linked]:
    """The links to other pages: of the same document by their names, of others as help:document/page."""
    for node in item.iter():
        target = node.get("xref") or ""
        if not target and (found := re.match(r"(?:g?help):([\w-]+)/([\w-]+)", node.get("href") or "")):
            yield f"{found[1]}/{found[2]}", _words(node)
        elif local_name(node) == "link" and (page := target.partition("#")[0]):
            yield f"{folder}/{page}", _words(node)


def _words(node: Any) -> str:
    """The words of a node as people read them; a link without any has the name of its page."""
    return squeeze(_said(node))


def _said(node: Any) -> str:
    name = local_name(node)
    read = {child: _said(child) for child in node if local_name(child) and local_name(child) not in _UNREAD}
    if name in _JOINED:
        return _JOINED[name].join(squeeze(text) for text in read.values() if text.strip())
    texts = [node.text or ""]
    for child in node:
        texts += [read.get(child, ""), child.tail or ""]
    said = "".join(texts)
    blanks = " " if name in ("p", "item", "code", "screen", "title") else ""
    if name == "link" and not said.strip():
        said = (node.get("xref") or "").rpartition("#")[2].replace("-", " ")
    return f"{blanks}{said}{blanks}"
