"""Raw answers on disk: WARC segments, a new one each run, only ever appended to.

A record is written in one piece and synced before the frontier counts it. What a kill leaves behind the
counted length is either a whole record, which the next run takes up, or a torn one, which it cuts off.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawl.site.fetch import Answer
from howtree.errors import BadInput

MAX_SEGMENT_BYTES = 2**30
"""A run begins another segment when one has grown to this."""
_NOT_KEPT = ("transfer-encoding", "content-length")  # the body is kept without its chunks
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a record is: segment number, first byte, and the byte after it."""

    segment: int
    start: int
    end: int


class Segment:
    """One WARC file that is being written."""

    def __init__(self, path: Path, number: int, about: dict[str, str]) -> None:
        """Begin the file `path`, which must not exist; `about` describes the crawl in its first record."""
        self.number = number
        self._about = about
        self._path = path
        self._file = os.open(path, _NEW, 0o644)
        self.size = 0

    def close(self) -> None:
        """End the file."""
        os.close(self._file)

    def add(self, answer: Answer, at: float) -> Span:
        """Append an answer that came at `at` (seconds since 1970) and sync it to disk."""
        out = BytesIO()
        writer = WARCWriter(out, gzip=True, warc_version="1.1")
        if not self.size:
            writer.write_record(writer.create_warcinfo_record(self._path.name, self._about))
        first = out.tell()
        date = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {"WARC-Date": date}
        unchanged = answer.status == 304
        if unchanged:
            headers |= {"WARC-Profile": _PROFILE, "WARC-Refers-To-Target-URI": answer.url}
        writer.write_record(
            writer.create_warc_record(
                answer.url,
                "revisit" if unchanged else "response",
                payload=BytesIO(answer.body),
                length=len(answer.body),
                http_headers=_http_headers(answer),
                warc_headers_dict=headers,
            )
        )
        start = self.size + first
        self._append(out.getvalue())
        return Span(self.number, start, self.size)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            view = view[written:]
            self.size += written
        os.fsync(self._file)


def read_answer(path: Path, start: int) -> Answer:
    """The answer at byte `start` of a segment.

    Raises:
        BadInput: the file is missing, or holds no record there.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return _answer(next(iter(ArchiveIterator(file))))
    except (OSError, StopIteration, ArchiveLoadFailed) as error:
        raise BadInput(f"{path}: no record at byte {start}") from error


def recovered(path: Path, counted: int) -> Iterator[tuple[Answer, int, int]]:
    """Whole answers behind the first `counted` bytes, each with its first byte and the one after it.

    A torn record at the end is cut off: nothing can read it.
    """
    whole = counted
    with path.open("r+b") as file:
        while (end := _end_of_member(file, whole)) is not None:
            file.seek(whole)
            with BytesIO(file.read(end - whole)) as member:
                for record in ArchiveIterator(member):
                    if record.rec_type in ("response", "revisit"):
                        yield _answer(record), whole, end
            whole = end
        file.truncate(whole)


def _end_of_member(file: BinaryIO, start: int) -> int | None:
    """The byte after the gzip member at `start`, or None where it is torn or there is none."""
    inflate = zlib.decompressobj(31)
    file.seek(start)
    position = start
    while data := file.read(2**16):
        try:
            inflate.decompress(data)
        except zlib.error:
            return None
        position += len(data)
        if inflate.eof:
            return position - len(inflate.unused_data)
    return None


def _answer(record: ArcWarcRecord) -> Answer:
    code = record.http_headers.get_statuscode()
    reason = record.http_headers.statusline.partition(" ")[2]
    headers = tuple((str(key), str(value)) for key, value in record.http_headers.headers)
    url = record.rec_headers.get_header("WARC-Target-URI")
    return Answer(url, int(code), reason, headers, record.raw_stream.read())


def _http_headers(answer: Answer) -> StatusAndHeaders:
    kept = [pair for pair in answer.headers if pair[0].lower() not in _NOT_KEPT]
    kept.append(("Content-Length", str(len(answer.body))))
    return StatusAndHeaders(f"{answer.status} {answer.reason}", kept, protocol="HTTP/1.1")
