"""Raw items of ZIM files, the archives of offline readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crawl.pages.decode import MAX_PAGE_BYTES
from crawl.pages.links import host_of
from crawl.pages.selectors import language_of_host
from crawl.readers.items import Item, PageData, skip_item
from crawl.readers.warc import HTML_TYPES
from howtree.extras import install


def zim_items(path: Path) -> Iterator[Item]:
    """One item per page of a ZIM file, in the file's own order; redirects are items too, other entries none."""
    try:
        from libzim.reader import Archive
    except ImportError:
        yield skip_item(str(path), "needs libzim", f"install it with: {install('zim')}")
        return
    try:
        archive = Archive(path)
        site = _site_of(archive)
        count = archive.all_entry_count
    except (RuntimeError, OSError) as error:
        yield skip_item(str(path), "unreadable", str(error)[:200])
        return
    for number in range(count):
        where = f"{path}:{number + 1}"
        try:
            entry = archive._get_entry_by_id(number)  # the only way to meet every entry
            if entry.is_redirect:
                yield skip_item(where, "redirect", f"{entry.path} leads to {entry.get_redirect_entry().path}")
                continue
            content = entry.get_item()
            if content.mimetype.startswith(HTML_TYPES) and content.size <= MAX_PAGE_BYTES:
                yield Item("page", where, PageData(bytes(content.content), f"https://{site}/{entry.path}"))
            elif content.mimetype.startswith(HTML_TYPES):
                yield skip_item(where, "too long", f"{content.size} bytes")
        except (RuntimeError, KeyError) as error:
            yield skip_item(where, "unreadable", str(error)[:200])


def _site_of(archive: Any) -> str:
    """The wikiHow host that a ZIM was made of, by its metadata."""
    texts = {}
    for name in ("Source", "Name", "Language"):
        try:
            texts[name] = bytes(archive.get_metadata(name)).decode("utf-8", "replace").strip()
        except (RuntimeError, KeyError):
            texts[name] = ""
    source = texts["Source"]
    host = host_of(source) or source.strip("/")
    if language_of_host(host):
        return host
    found = re.search(r"wikihow_([a-z]{2})\b|wikihow_([a-z]{2})_", texts["Name"].lower())
    code = (found[1] or found[2]) if found else texts["Language"][:2].lower()
    return f"{code}.wikihow.com" if re.fullmatch(r"[a-z]{2}", code) and code != "en" else "www.wikihow.com"
