"""Raw items of files that hold many articles: JSON Lines, JSON lists, Parquet."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

from crawl.article import squeeze
from crawl.readers import files
from crawl.readers.items import Item, skip_item, unreadable_item
from crawl.readers.packed import open_maybe_packed

_HEAD_BYTES = 2**20
MAX_LINE_BYTES = 64 * 2**20
"""The longest line of JSON Lines that is held in memory; longer ones are skipped."""
TOO_LONG = f"a string or number of more than {MAX_LINE_BYTES // 2**20} MB"
MAX_NESTING = 1_000
"""Levels of lists and objects in a JSON list that is read as a stream."""


_ESCAPES = re.compile(
    r"""\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD])[89a-fA-F][0-9a-fA-F]{2}|\\.""",
    re.DOTALL,
)
"""Two halves of a character, a lone half (with a group), and any other escape of JSON."""
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)
"""A string of JSON, with its last quotation mark as a group; one without it goes to the end."""
_NUMBER = "0123456789+-.eE"
_PIECE = 2**20
"""Bytes that ijson reads at a time: the larger the pieces are, the less often a long string is read again."""
_LONGEST_ESCAPE = 12


class _Utf8:
    """A file's bytes as JSON in UTF-8: a wrong byte or half a character costs itself, not all that follows.

    In their place is U+FFFD.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.decoder, self.rest = file, codecs.getincrementaldecoder("utf-8")("replace"), ""
        self.bounds = _Bounds()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, of some number near `size`; none at the end.

        Raises:
            ValueError: they are nested too deeply, or a string or number is too long.
        """
        while True:
            data = self.file.read(size)
            text = self.rest + self.decoder.decode(data, final=not data)
            end = between_escapes(text, len(self.rest)) if data else len(text)
            self.rest = text[end:]
            if len(self.rest) > MAX_LINE_BYTES:
                raise ValueError(TOO_LONG)
            if end or not data:
                self.bounds.heed(text[:end])
                return whole_characters(text[:end]).encode("utf-8")


class _Bounds:
    """How deep a text of JSON is nested and how long its strings are, which comes in pieces that cut no escape in two.

    To ijson each level is one more part of a path, of which it keeps all: 100,000 brackets would take 25 GB. And what
    it has of a string or number it reads again with each piece: a gigabyte would take it an hour.
    """

    def __init__(self) -> None:
        self.depth, self.in_string, self.length = 0, False, 0

    def heed(self, text: str) -> None:
        """Count what a piece opens and closes, and what goes on at its end.

        Raises:
            ValueError: it is nested too deeply, or a string or number is too long.
        """
        bare = _STRING.sub(_unless_closed, '"' + text if self.in_string else text)
        bare, quote, string = bare.partition('"')  # a string that goes on in the next piece
        self.in_string = bool(quote)
        last = len(string) if quote else len(bare) - len(bare.rstrip(_NUMBER))
        self.length = last + (self.length if last == len(text) else 0)
        if self.length > MAX_LINE_BYTES:
            raise ValueError(TOO_LONG)
        opened = bare.count("[") + bare.count("{")
        if self.depth + opened > MAX_NESTING and self._deepest(bare) > MAX_NESTING:
            raise ValueError(f"nested deeper than {MAX_NESTING:,} levels")
        self.depth += opened - bare.count("]") - bare.count("}")

    def _deepest(self, bare: str) -> int:
        steps = ((sign in "[{") - (sign in "]}") for sign in bare)
        return max(accumulate(steps, initial=self.depth))


def _unless_closed(string: re.Match[str]) -> str:
    return "" if string[1] else string[0]


def between_escapes(text: str, held: int) -> int:
    """The last place in a text of JSON where no escape can be cut in two; in its first `held` characters is none."""
    end = len(text)
    while end > held and (escape := text.rfind("\\", max(0, end - _LONGEST_ESCAPE), end)) >= 0:
        end = escape
    return end if end > held else 0


def whole_characters(text: str) -> str:
    """JSON with U+FFFD for each escape that is half a character."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPES.sub(lambda found: "\\ufffd" if found[1] else found[0], text)


def line_items(path: Path) -> Iterator[Item]:
    """The items of a file of JSON Lines; of one that is a JSON document in spite of its name, those of `json_items`."""
    head = _head(path)
    yield from _document(path, head) if head.partition(b"\n")[0].strip() in _OPENINGS else _lines(path)


def json_items(path: Path) -> Iterator[Item]:
    """The items of a JSON document; of JSON Lines under its name, as many write them, those of `line_items`."""
    head = _head(path)
    yield from _lines(path) if _is_lines(head) else _document(path, head)


_OPENINGS = (b"[", b"{", b"[{", b"[[")
"""First lines of a document that is printed over several."""


def _head(path: Path) -> bytes:
    """The beginning of a file, without a byte order mark and blanks before it; empty where it cannot be read."""
    try:
        with open_maybe_packed(path) as file:
            return file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, EOFError, zlib.error):
        return b""


def _is_lines(head: bytes) -> bool:
    """Whether the first line is a value of its own, and another follows."""
    line, _, rest = head.partition(b"\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _lines(path: Path) -> Iterator[Item]:
    """One item per line, packed or not; blank lines do not count."""
    number = 0
    try:
        with open_maybe_packed(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                where = f"{path}:{number}"
                if len(line) > MAX_LINE_BYTES:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE_BYTES)
                    yield skip_item(where, "too long", f"a line of more than {MAX_LINE_BYTES // 2**20} MB")
                elif line.strip():
                    yield Item("line", where, line.removeprefix(b"\xef\xbb\xbf"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield skip_item(f"{path}:{number + 1}", "truncated gzip", str(error))
    except OSError as error:
        yield unreadable_item(path, error)


def _document(path: Path, head: bytes) -> Iterator[Item]:
    """One item per element of a JSON list or of an object keyed by addresses, else the single object; a stream.

    An object that is longer than a line may be is taken for one that holds articles: one item for each.
    Where the JSON breaks off or is damaged, the elements before the place are read. `head` is its beginning.
    """
    import ijson

    number = 0
    try:
        with open_maybe_packed(path) as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            if not (_is_list(head) or _is_keyed(head)):
                whole = file.read(MAX_LINE_BYTES + 1)
                if len(whole) <= MAX_LINE_BYTES:
                    yield Item("line", str(path), whole)
                    return
            for number, record in enumerate(_elements(path, file, head), 1):
                yield Item("record", f"{path}:{number}", record)
    except (ijson.JSONError, ValueError) as error:
        yield skip_item(f"{path}:{number + 1}", "broken JSON", squeeze(str(error))[:200])
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield skip_item(f"{path}:{number + 1}", "truncated gzip", str(error))
    except OSError as error:
        yield unreadable_item(path, error)


def _is_list(head: bytes) -> bool:
    return head.startswith(b"[")


def _is_keyed(head: bytes) -> bool:
    """Whether it begins as {address: article, ...}, the form of WikiLingua."""
    return re.match(rb'\{\s*"https?:', head) is not None


def _elements(path: Path, file: IO[bytes], head: bytes) -> Iterator[Any]:
    """The records in a document, an open file at its beginning unless it is one large object."""
    import ijson

    if _is_list(head):
        yield from ijson.items(_Utf8(file), "item", use_float=True, buf_size=_PIECE)
    elif _is_keyed(head):
        pairs = ijson.kvitems(_Utf8(file), "", use_float=True, buf_size=_PIECE)
        yield from ({"url": url, "article": article} for url, article in pairs)
    else:
        yield from _held(path)


def _held(path: Path) -> Iterator[Any]:
    """What the first list in an object holds, else the values of the object itself: a stream."""
    import ijson

    with open_maybe_packed(path) as file:
        for prefix, event, _ in ijson.parse(_Utf8(file), buf_size=_PIECE):
            if event == "start_array" or (event == "start_map" and prefix):
                break
    with open_maybe_packed(path) as file:
        if event == "start_array":
            yield from ijson.items(_Utf8(file), f"{prefix}.item", use_float=True, buf_size=_PIECE)
        else:
            yield from (value for _, value in ijson.kvitems(_Utf8(file), "", use_float=True, buf_size=_PIECE))


def corpus_items(folder: Path) -> Iterator[Item]:
    """One item per row of a corpus folder; an unfinished corpus is one skip."""
    if not files.is_finished(folder):
        yield skip_item(str(folder), "unfinished corpus", "run the same import again to finish it")
        return
    for shard in sorted(folder.glob("part-*.parquet")):
        yield from parquet_items(shard)


def parquet_items(path: Path) -> Iterator[Item]:
    """One item per row of a Parquet file of articles."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            row = 0
            for batch in file.iter_batches(batch_size=256):
                for record in _records(batch):
                    row += 1
                    where = f"{path}:{row}"
                    if isinstance(record, Exception):
                        yield skip_item(where, "broken row", str(record)[:200])
                    else:
                        yield Item("row", where, record)
    except (OSError, pa.ArrowException) as error:
        yield skip_item(str(path), "unreadable", str(error)[:200])


def _records(batch: Any) -> list[dict[str, Any] | Exception]:
    """The rows of a batch of Arrow, or why one has no form in Python: a date beyond its years, text that is none."""
    try:
        return list(batch.to_pylist())
    except (ValueError, OverflowError) as error:
        if batch.num_rows == 1:
            return [error]
        return [record for row in range(batch.num_rows) for record in _records(batch.slice(row, 1))]
