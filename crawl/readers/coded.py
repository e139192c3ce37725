"""Bodies of HTTP answers as a crawl kept them -> what the server meant: unchunked and unpacked."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any

from crawl.pages.decode import MAX_PAGE_BYTES

NO_CODINGS = frozenset(("", "identity", "none", "utf-8", "binary", "text", "text/html"))
"""What servers write where nothing is coded."""


class CodedBody(ValueError):
    """A body in a coding that is not known, or that is not what its header says."""


def body_of(record: Any) -> bytes:
    """The body of a record of warcio, but never more than one byte above the longest page.

    Raises:
        CodedBody: its coding is unknown, or cannot be undone.
    """
    from warcio.bufferedreaders import ChunkedDataReader

    headers = record.http_headers
    said = (headers.get_header("Content-Encoding") if headers else "") or ""
    chunked = "chunked" in ((headers.get_header("Transfer-Encoding") if headers else "") or "").lower()
    body: bytes = (ChunkedDataReader(record.raw_stream) if chunked else record.raw_stream).read()
    for coding in reversed([one.strip().lower() for one in said.split(",")]):
        body = _without(coding, body)
    return body[: MAX_PAGE_BYTES + 1]


def _without(coding: str, body: bytes) -> bytes:
    if coding in NO_CODINGS or not body:
        return body
    if coding not in _DECODERS:
        raise CodedBody(f"unknown content encoding {coding!r}")
    try:
        return _DECODERS[coding](body)
    except (OSError, ValueError, zlib.error) as error:
        if b"<" in body[:200]:  # kept as it is, though its header says else
            return body
        raise CodedBody(f"cannot be unpacked as {coding}: {error}"[:200]) from error


def _gzip(body: bytes) -> bytes:
    return zlib.decompressobj(wbits=47).decompress(body, MAX_PAGE_BYTES + 1)


def _deflate(body: bytes) -> bytes:
    """With the header of zlib, as the standard says, or without, as some servers do."""
    try:
        return zlib.decompressobj().decompress(body, MAX_PAGE_BYTES + 1)
    except zlib.error:
        return zlib.decompressobj(wbits=-15).decompress(body, MAX_PAGE_BYTES + 1)


def _by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def decode(body: bytes) -> bytes:
        import pyarrow as pa

        data: bytes = pa.CompressedInputStream(io.BytesIO(body), codec).read(MAX_PAGE_BYTES + 1)
        return data

    return decode


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _by_arrow("brotli"),
    "zstd": _by_arrow("zstd"),
}
