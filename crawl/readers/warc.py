"""Raw items of crawls: WARC files, packed or not, and WACZ, which holds some of them.

Records are found by their own lines as well as by the lengths they give, so one that is damaged costs itself alone.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from crawl.pages.decode import MAX_PAGE_BYTES
from crawl.readers.coded import CodedBody, body_of
from crawl.readers.items import Item, PageData, skip_item, unreadable_item
from crawl.readers.packed import CHUNK, chunks

HTML_TYPES = ("text/html", "application/xhtml+xml")
MAX_HELD_BYTES = 2 * MAX_PAGE_BYTES
"""Of a record; of a longer one the rest is passed over by its length."""
MAX_HEADER_BYTES = 64 * 1024
"""Of a record, and of the answer in it."""

_START = re.compile(rb"(?:^|(?<=\n))WARC/\d\.\d+[ \t]*\r?\n")
_BLANKS = re.compile(rb"\s*")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^Content-Length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$")
_INTERIM = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")
"""An answer before the answer, such as 100 Continue."""


def warc_items(path: Path) -> Iterator[Item]:
    """One item per response of HTML in a WARC file, packed or not; pictures and other files are no items.

    What is damaged costs itself alone: one skip for each place says where it is.
    """
    try:
        with path.open("rb") as file:
            yield from _items_in(file, str(path))
    except OSError as error:
        yield unreadable_item(path, error)


def wacz_items(path: Path) -> Iterator[Item]:
    """The items of the WARC files in a WACZ file (webrecorder's zip of a crawl)."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if re.search(r"\.warc(\.gz|\.zst)?$", name))
            if not names:
                yield skip_item(str(path), "unreadable", "there is no WARC file in it")
            for name in names:
                with archive.open(name) as file:
                    yield from _items_in(file, f"{path}/{name}")
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
        yield skip_item(str(path), "unreadable", str(error)[:200])


def _items_in(file: IO[bytes], where: str) -> Iterator[Item]:
    found = _Records(file)
    for number, record in enumerate(found, 1):
        item = _item_of(record, f"{where}:{number}")
        if item is not None:
            yield item
        for place, problem in found.take_damage():
            yield skip_item(f"{where}:{number + 1}", "damaged archive", f"at byte {place}: {problem}"[:200])
    for place, problem in found.take_damage():
        yield skip_item(where, "damaged archive", f"at byte {place}: {problem}"[:200])


@dataclass(frozen=True, slots=True)
class _Record:
    head: bytes
    content: bytes
    missing: int
    """Bytes that its length says and the archive has not."""


class _Records:
    """The records of an archive, and what is damaged in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._damage: list[tuple[int, str]] = []
        self._chunks = chunks(file, lambda place, problem: self._damage.append((place, problem)))
        self._held = bytearray()
        self._passed = 0  # bytes, unpacked, before those that are held

    def take_damage(self) -> list[tuple[int, str]]:
        """What was found damaged since this was asked last, with its bytes."""
        damage, self._damage = self._damage, []
        return damage

    def __iter__(self) -> Iterator[_Record]:
        while self._pass_blanks():
            if (start := _START.match(self._held)) is None:
                self._damage.append((self._passed, "no record begins here"))
                self._pass_to_next(1)
                continue
            end = self._find(_BLANK_LINE, MAX_HEADER_BYTES)
            inside = self._last_start(start.end(), end.end() if end else MAX_HEADER_BYTES)
            if end is None or inside:
                self._damage.append((self._passed, "a header breaks off"))
                self._pass_to_next(inside or 1)
                continue
            yield self._record(end.end())

    def _record(self, begin: int) -> _Record:
        """The record whose content begins at a place of what is held; passes over it."""
        head = bytes(self._held[:begin])
        said = _LENGTH.search(head)
        length = int(said[1]) if said else 0
        held = min(length, MAX_HELD_BYTES)
        whole = self._fill(begin + held)
        if said is None or not whole or not self._ends_at(begin + held, length > held):
            inside = self._find(_START, MAX_HELD_BYTES, begin)
            if inside is not None:
                content = bytes(self._held[begin : inside.start()])
                if said is None or len(content.rstrip()) != len(content[:length].rstrip()):
                    self._damage.append((self._passed, "the length that the record gives is wrong"))
                self._pass(inside.start())
                return _Record(head, content, 0)
        content = bytes(self._held[begin : begin + held])
        self._pass(begin + len(content))
        passed = self._pass_over(length - held) if whole else 0
        return _Record(head, content, length - len(content) - passed)

    def _ends_at(self, place: int, is_longer: bool) -> bool:
        """Whether a record ends at a place: only blank lines and another record, or nothing, come after it."""
        if is_longer:
            return True
        self._fill(place + 64)
        rest = bytes(self._held[place : place + 64]).lstrip()
        return (len(self._held) >= place and not rest) or rest.startswith(b"WARC/")

    def _find(self, pattern: re.Pattern[bytes], limit: int, begin: int = 0) -> re.Match[bytes] | None:
        """The first match in what is held or comes within some bytes."""
        end = begin + limit
        while True:
            found = pattern.search(self._held, begin)
            if found or len(self._held) > end or not self._more():
                return found
            begin = max(begin, len(self._held) - CHUNK - 64)

    def _last_start(self, begin: int, end: int) -> int:
        """Where the last line that begins a record is between two places, 0 where there is none."""
        return max((found.start() for found in _START.finditer(self._held, begin, end)), default=0)

    def _pass_to_next(self, begin: int) -> None:
        """Pass over all before the next line that begins a record."""
        while (found := _START.search(self._held, begin)) is None:
            self._pass(max(0, len(self._held) - 64))
            begin = 0
            if not self._more():
                self._pass(len(self._held))
                return
        self._pass(found.start())

    def _pass_blanks(self) -> bool:
        """Pass over blank lines; returns whether anything follows."""
        while True:
            self._pass(_BLANKS.match(self._held).end())  # type: ignore[union-attr]  # always matches
            if self._held:
                self._fill(16)
                return True
            if not self._more():
                return False

    def _pass_over(self, count: int) -> int:
        """Pass over bytes without holding them; returns how many there were."""
        left = count
        while left > 0 and (self._held or self._more()):
            step = min(left, len(self._held))
            self._pass(step)
            left -= step
        return count - left

    def _fill(self, count: int) -> bool:
        while len(self._held) < count and self._more():
            pass
        return len(self._held) >= count

    def _more(self) -> bool:
        data = next(self._chunks, None)
        if data is None:
            return False
        self._held += data
        return True

    def _pass(self, count: int) -> None:
        del self._held[:count]
        self._passed += count


def _item_of(record: _Record, where: str) -> Item | None:
    """The item of one record, or None for a record that is no answer with a page."""
    from warcio.exceptions import ArchiveLoadFailed
    from warcio.statusandheaders import StatusAndHeadersParserException

    try:
        parsed = _parsed(record)
        return _page_item(parsed, record.missing, where)
    except (
        ArchiveLoadFailed,
        StatusAndHeadersParserException,
        EOFError,
        ValueError,
        AttributeError,
        TypeError,
        OverflowError,
    ) as error:
        return skip_item(where, "damaged archive", str(error).strip()[:200] or "a record that cannot be read")


def _parsed(record: _Record) -> Any:
    """The record as warcio reads it, with the length that it has and without answers before its answer."""
    from warcio.recordloader import ArcWarcRecordLoader

    begin = 0
    while interim := _INTERIM.match(record.content, begin, begin + MAX_HEADER_BYTES):
        begin = interim.end()
    content = record.content[begin:]
    too_long = len(content) > MAX_HEADER_BYTES and not _BLANK_LINE.search(content, 0, MAX_HEADER_BYTES)
    if too_long and content.startswith(b"HTTP/"):
        raise ValueError(f"the header of the answer is longer than {MAX_HEADER_BYTES:,} bytes")
    lines = [line for line in record.head.splitlines() if line.strip() and not _LENGTH.match(line)]
    head = b"\r\n".join((*lines, b"Content-Length: %d" % len(content), b"\r\n"))
    return ArcWarcRecordLoader().parse_record_stream(io.BytesIO(head + content))


def _page_item(record: Any, missing: int, where: str) -> Item | None:
    if record.rec_type not in ("response", "resource"):
        return None
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    headers = record.http_headers
    status = (headers.get_statuscode() if headers else "") or "200"
    kind = ((headers or record.rec_headers).get_header("Content-Type") or "").lower()
    if missing:
        return skip_item(where, "truncated record", f"{url}: {missing} bytes are missing")
    if status.startswith("3"):
        return skip_item(where, "redirect", f"{url} leads to {headers.get_header('Location') or 'nowhere'}")
    if kind and not kind.startswith(HTML_TYPES):
        return None
    if status != "200":
        return skip_item(where, "HTTP error", f"{url} answered {status}")
    try:
        page = body_of(record)
    except CodedBody as error:
        return skip_item(where, "content encoding", f"{url}: {error}")
    charset = re.search(r"charset=[\"']?([\w.:-]+)", kind)
    date = record.rec_headers.get_header("WARC-Date") or ""
    return Item("page", where, PageData(page, url, date, charset[1] if charset else None))
