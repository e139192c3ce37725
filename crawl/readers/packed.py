"""Packed files, read as what is in them: gzip, bzip2 and Zstandard, by their first bytes and not by their names."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

GZIP = b"\x1f\x8b"
BZIP2 = b"BZh"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
SKIPPABLE = (b"\x2a\x4d\x18",)
"""Bytes 1 to 3 of a frame of Zstandard that holds no data; one of a WARC file may hold a dictionary."""
DICTIONARY = b"\x5d\x2a\x4d\x18"
CHUNK = 64 * 1024
_MEMBER = b"\x1f\x8b\x08"

Damaged = Callable[[int, str], None]
"""Is told of damage: the byte of the file where what is damaged begins, and what is wrong."""


def unpacked_name(name: str) -> str:
    """The name of a file without the suffix of its packing."""
    return name.removesuffix(".gz").removesuffix(".zst").removesuffix(".bz2")


def open_maybe_packed(path: Path) -> IO[bytes]:
    """The file for reading, unpacked on the fly where it is packed."""
    with path.open("rb") as file:
        first = file.read(4)
    if first.startswith(GZIP):
        return cast(IO[bytes], gzip.open(path, "rb"))
    if first.startswith(BZIP2):
        return cast(IO[bytes], bz2.open(path, "rb"))
    if is_zstandard(first):
        return cast(IO[bytes], io.BufferedReader(_Zstandard(path.open("rb"))))
    return path.open("rb")


def is_zstandard(first: bytes) -> bool:
    """Whether a file that begins with these four bytes is packed by Zstandard."""
    return first[:4] == ZSTANDARD or (
        first[1:4] in SKIPPABLE and first[:1] >= b"\x50" and first[:1] <= b"\x5f"
    )


class _Zstandard(io.RawIOBase):
    """A file packed by Zstandard as a stream of what is in it."""

    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow as pa

        self._stream: Any = pa.CompressedInputStream(file, "zstd")

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; returns how many bytes there were."""
        data: bytes = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def chunks(file: IO[bytes], damaged: Damaged) -> Iterator[bytes]:
    """What is in an open file, unpacked, in pieces; what is damaged is left out, with a blank line in its place."""
    first = file.read(4)
    file.seek(0)
    if first.startswith(GZIP):
        yield from _gunzipped(file, damaged)
    elif first == DICTIONARY:
        damaged(
            0, "it is packed with a dictionary of its own, which cannot be read: pack it again without one"
        )
    elif is_zstandard(first):
        stream = _Zstandard(file)
        try:
            yield from iter(lambda: stream.read(CHUNK) or b"", b"")
        except OSError as error:
            damaged(file.tell(), str(error))
    else:
        yield from iter(lambda: file.read(CHUNK), b"")


def _gunzipped(file: IO[bytes], damaged: Damaged) -> Iterator[bytes]:
    """The members of a gzip file one after the other; after a damaged one the next is looked for."""
    start = 0
    while True:
        file.seek(start)
        inflate = zlib.decompressobj(wbits=31)
        try:
            while not inflate.eof and (data := file.read(CHUNK)):
                yield inflate.decompress(data)
            if not inflate.eof:
                damaged(start, "the packing is cut")
                return
            following = _next_member(file, file.tell() - len(inflate.unused_data), damaged)
        except zlib.error as error:
            damaged(start, str(error))
            yield b"\r\n\r\n"
            following = _find_member(file, start + 1)
        if following is None:
            return
        start = following


def _next_member(file: IO[bytes], end: int, damaged: Damaged) -> int | None:
    """Where the member after the one that ends at `end` begins; zeros between them are padding."""
    file.seek(end)
    while data := file.read(CHUNK):
        if rest := data.lstrip(b"\0"):
            start = end + len(data) - len(rest)
            if rest.startswith(GZIP):
                return start
            damaged(start, "no packed data")
            return _find_member(file, start)
        end += len(data)
    return None


def _find_member(file: IO[bytes], start: int) -> int | None:
    """The first place from `start` on where a member begins that can be unpacked."""
    file.seek(start)
    data = file.read(CHUNK)
    while len(data) > len(_MEMBER):
        place = data.find(_MEMBER)
        while place >= 0:
            if _unpacks(file, start + place):
                return start + place
            place = data.find(_MEMBER, place + 1)
        kept = len(_MEMBER) - 1
        start += len(data) - kept
        file.seek(start)
        data = file.read(CHUNK)
    return None


def _unpacks(file: IO[bytes], place: int) -> bool:
    file.seek(place)
    try:
        return bool(zlib.decompressobj(wbits=31).decompress(file.read(CHUNK), 64))
    except zlib.error:
        return False
