"""Bytes of a saved page -> its text, whatever the character set and however the page was saved."""

from __future__ import annotations

import codecs
import zlib

from bs4.dammit import EncodingDetector

MAX_PAGE_BYTES = 16 * 2**20
"""The longest page that is read, unpacked; real pages have 0.1 to 0.5 MB. Longer ones are refused."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What pages say and what their writers mean (the WHATWG encoding standard).
_MEANT = {
    "iso-8859-1": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}


class PageTooLong(ValueError):
    """A page above MAX_PAGE_BYTES, packed or not."""


class BrokenPacking(ValueError):
    """A packed page whose packing is damaged or cut."""


def unpack(data: bytes, limit: int = MAX_PAGE_BYTES) -> bytes:
    """The page inside gzip, or `data` itself where it is not packed.

    Raises:
        PageTooLong: unpacked it is longer than `limit` bytes; no more than that is ever held.
        BrokenPacking: the packing is cut or damaged.
    """
    if data[:2] == b"\x1f\x8b":
        inflate = zlib.decompressobj(wbits=31)
        try:
            page = inflate.decompress(data, limit + 1)
        except zlib.error as error:
            raise BrokenPacking(str(error)) from error
        if len(page) <= limit and not inflate.eof:
            raise BrokenPacking(f"cut after {len(page)} bytes")
        data = page
    if len(data) > limit:
        raise PageTooLong(f"longer than {limit // 2**20} MB")
    return data


def decode_page(data: bytes, charset: str | None = None) -> str:
    """The text of a page. Bytes that fit no character set become U+FFFD; never raises.

    `charset` is what the server said. A byte order mark wins; then bytes that are whole UTF-8; then what the
    server and the page say; then UTF-8 with its damage marked, or Windows-1252.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    if (wide := _wide_codec(data)) is not None:
        return data.decode(wide, "replace")
    said = [_codec(charset), _codec(EncodingDetector.find_declared_encoding(data, is_html=True))]
    seven_bit = [codec for codec in said if codec and codec.startswith(("iso2022", "hz"))]
    for candidate in (*seven_bit, "utf-8", *said):
        if candidate is not None:
            try:
                return data.decode(candidate)
            except UnicodeDecodeError:
                continue
    return data.decode(next(filter(None, said), None) or _damaged(data), "replace")


def _codec(name: str | None) -> str | None:
    if not name:
        return None
    try:
        info = codecs.lookup(name.strip().strip("\"'"))
        b"\xff<".decode(info.name, "replace")  # codecs such as base64 and idna are no character sets
    except (LookupError, ValueError):
        return None
    if info.name.startswith(("utf-16", "utf-32", "punycode", "raw-unicode", "unicode")):
        return "utf-8"  # a page that could say so in single bytes is not written in wide ones
    return _MEANT.get(info.name, info.name)


def _wide_codec(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: every second byte of the beginning is zero."""
    head = data[:400]
    pairs = len(head) // 2
    if pairs < 8:
        return None
    if head[1::2].count(0) > 0.7 * pairs:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > 0.7 * pairs else None


def _damaged(data: bytes) -> str:
    """UTF-8 where most bytes above 127 are in whole sequences, else Windows-1252."""
    high = sum(1 for byte in data if byte > 127)
    broken = data.decode("utf-8", "replace").count("\ufffd")
    return "utf-8" if broken * 4 < high else "cp1252"
