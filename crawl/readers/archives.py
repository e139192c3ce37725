"""Raw items of archives of pages: WARC as crawlers write it, ZIM as offline readers use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crawl.pages.decode import MAX_PAGE_BYTES
from crawl.pages.links import host_of
from crawl.pages.selectors import language_of_host
from crawl.readers.items import Item, PageData, skip_item
from howtree.extras import install

_HTML_TYPES = ("text/html", "application/xhtml+xml")


def warc_items(path: Path) -> Iterator[Item]:
    """One item per response of HTML in a WARC file, packed or not; pictures and other files are no items.

    A cut or damaged archive is read up to the damage; one skip says where that is.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    number = 0
    end = 0
    try:
        with path.open("rb") as file:
            records = ArchiveIterator(file, ensure_http_headers=False)
            try:
                for record in records:
                    if record.rec_headers.get_header("Content-Length") is None:
                        raise EOFError("a header breaks off")
                    number += 1
                    item = _record_item(record, f"{path}:{number}")
                    if item is not None:
                        yield item
                    records.read_to_end(record)
                    end = records.get_record_offset() + records.get_record_length()
            except (ArchiveLoadFailed, EOFError, ValueError, AttributeError, TypeError) as error:
                yield skip_item(f"{path}:{number + 1}", "damaged archive", f"after byte {end}: {error}"[:200])
                return
            file.seek(end)
            if file.read(100).strip():  # blank lines end a record
                yield skip_item(
                    f"{path}:{number + 1}", "damaged archive", f"no whole record after byte {end}"
                )
    except OSError as error:
        yield skip_item(str(path), "unreadable", error.strerror or str(error))


def _record_item(record: Any, where: str) -> Item | None:
    """The item of one record, or None for a record that is no answer with a page."""
    if record.rec_type not in ("response", "resource"):
        return None
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    headers = record.http_headers
    status = (headers.get_statuscode() if headers else "") or "200"
    kind = ((headers or record.rec_headers).get_header("Content-Type") or "").lower()
    page = _read_limited(record.content_stream())
    if record.raw_stream.limit and len(page) <= MAX_PAGE_BYTES:
        return skip_item(where, "truncated record", f"{url}: {record.raw_stream.limit} bytes are missing")
    if status.startswith("3"):
        return skip_item(where, "redirect", f"{url} leads to {headers.get_header('Location') or 'nowhere'}")
    if kind and not kind.startswith(_HTML_TYPES):
        return None
    if status != "200":
        return skip_item(where, "HTTP error", f"{url} answered {status}")
    charset = re.search(r"charset=[\"']?([\w.:-]+)", kind)
    date = record.rec_headers.get_header("WARC-Date") or ""
    return Item("page", where, PageData(page, url, date, charset[1] if charset else None))


def _read_limited(stream: Any) -> bytes:
    """What a stream holds, but never more than one byte above the longest page."""
    parts: list[bytes] = []
    left = MAX_PAGE_BYTES + 1
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


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
            if content.mimetype.startswith(_HTML_TYPES) and content.size <= MAX_PAGE_BYTES:
                yield Item("page", where, PageData(bytes(content.content), f"https://{site}/{entry.path}"))
            elif content.mimetype.startswith(_HTML_TYPES):
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
