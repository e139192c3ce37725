"""Files and dumps in documented formats (Markdown, Mallard, MediaWiki, PROHOW) -> raw items, and what they hold."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from crawl.article import Skip
from crawl.formats import mallard, markdown, prohow, wikitext
from crawl.formats.said import Record
from crawl.formats.wikitext import Page
from crawl.formats.xml import local_name
from crawl.pages.decode import decode_page
from crawl.readers.items import Item, skip_item, unreadable_item
from crawl.readers.packed import open_maybe_packed, unpacked_name
from howtree.extras import install

MAX_BYTES = 64 * 2**20
"""Of one document; of a dump there is no limit, as it is read page by page."""
_NAMESPACES = {"0": "", "102": "Cookbook"}
"""Namespaces of a wiki that hold articles: the main one, and the cookbook of Wikibooks."""


def document_items(form: str) -> Callable[[Path], Iterator[Item]]:
    """The reader of files that are one document each."""

    def items(path: Path) -> Iterator[Item]:
        try:
            with open_maybe_packed(path) as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            yield unreadable_item(path, error)
            return
        if len(data) > MAX_BYTES:
            yield skip_item(str(path), "too long", f"a document of more than {MAX_BYTES // 2**20} MB")
        else:
            yield Item(form, str(path), data)

    return items


def wiki_items(path: Path) -> Iterator[Item]:
    """One item per article of a dump of MediaWiki, read as a stream; redirects are skips, other namespaces nothing."""
    from lxml import etree

    try:
        with open_maybe_packed(path) as file:
            prefix = language = ""
            events = etree.iterparse(
                file, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=True
            )
            number = 0
            for event, node in events:
                name = local_name(node)
                if event == "start" and name == "mediawiki":
                    language = node.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
                elif event == "end" and name == "base":
                    prefix = re.sub("[^/]*$", "", node.text or "")
                elif event == "end" and name == "page":
                    number += 1
                    yield from _page_items(f"{path}:{number}", _fields(node), prefix, language)
                    node.clear()
                    while node.getprevious() is not None:
                        del node.getparent()[0]
    except etree.XMLSyntaxError as error:
        yield skip_item(str(path), "unreadable", f"broken XML: {error}"[:200])
    except (OSError, EOFError, zlib.error) as error:
        yield unreadable_item(path, error)


def _fields(page: Any) -> dict[str, str]:
    """The fields of a page and of its last revision by their names; a revision's own number is `revision`."""
    found: dict[str, str] = {}
    for node in page.iter("{*}title", "{*}ns", "{*}redirect", "{*}id", "{*}timestamp", "{*}text"):
        name = local_name(node)
        if name == "id":
            name = {"page": "page", "revision": "revision"}.get(local_name(node.getparent()), "")
        found[name] = node.get("title") or node.text or ""
    return found


def _page_items(where: str, page: dict[str, str], prefix: str, language: str) -> Iterator[Item]:
    if page.get("ns", "0") not in _NAMESPACES:
        return
    if "redirect" in page:
        yield skip_item(where, "redirect", f"{page.get('title')} leads to {page['redirect']}")
        return
    namespace = _NAMESPACES[page.get("ns", "0")]
    wiki = (prefix, namespace, language, page.get("revision", ""), page.get("timestamp", ""))
    yield Item("wiki page", where, Page(page.get("title", ""), page.get("text", ""), *wiki))


def records_in(item: Item) -> list[Record] | Skip:
    """The records in a document, or why it has none."""
    try:
        records = _RECORDS_OF[item.form](item)
    except ImportError as error:
        return Skip(item.where, "needs an extra", f"{error.name} is not installed: {install('formats')}")
    except (mallard.NotMallard, prohow.NotRdf) as error:
        return Skip(item.where, "unreadable", str(error)[:200])
    except RecursionError:
        return Skip(item.where, "unreadable", "nested too deeply")
    return records or Skip(item.where, "not an article", _WITHOUT[item.form])


def _markdown(item: Item) -> list[Record]:
    record = markdown.record_of(decode_page(item.data, None), unpacked_name(item.where))
    return [record] if record else []


def _mallard(item: Item) -> list[Record]:
    record = mallard.record_of(item.data, unpacked_name(item.where))
    return [record] if record else []


def _wiki_file(item: Item) -> list[Record]:
    title = PurePath(unpacked_name(item.where)).stem.replace("_", " ")
    return _wiki_page(Item("wiki page", item.where, Page(title, decode_page(item.data, None))))


def _wiki_page(item: Item) -> list[Record]:
    record = wikitext.record_of(item.data)
    return [record] if record else []


def _rdf(item: Item) -> list[Record]:
    return prohow.records_of(
        item.data, prohow.SYNTAXES[PurePath(unpacked_name(item.where)).suffix.lower()], item.where
    )


_RECORDS_OF = {
    "markdown": _markdown,
    "mallard": _mallard,
    "wiki file": _wiki_file,
    "wiki page": _wiki_page,
    "rdf": _rdf,
}
_WITHOUT = {
    "markdown": "no numbered list",
    "mallard": "no steps",
    "wiki file": "no numbered list",
    "wiki page": "no numbered list",
    "rdf": "no instructions of PROHOW",
}
DOCUMENTS = frozenset(_RECORDS_OF)
"""The forms of items that `records_in` reads."""
