"""Crawls in every packing, coded in every way, and damaged anywhere: each whole record is read, and damage is named."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from support.reading import articles, skips

from crawl.article import Article, Skip
from crawl.readers.sources import read
from howtree.errors import BadInput

NAMES = ["Soak Beans", "Rinse Beans", "Cook Beans"]


def page(name: str, size: int = 0) -> bytes:
    node = {"@context": "https://schema.org", "@type": "HowTo", "name": name, "step": [f"{name} now."]}
    text = f'<html><script type="application/ld+json">{json.dumps(node)}</script><p>{"b" * size}</p></html>'
    return text.encode()


def answer(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/html", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def record(content: bytes, name: str = "x", length: int | None = None, end: bytes = b"\r\n\r\n") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://beans.example/{name.replace(' ', '-')}\r\n"
        f"WARC-Date: 2025-01-01T00:00:00Z\r\nContent-Length: {len(content) if length is None else length}\r\n\r\n"
    )
    return head.encode() + content + end


def records(**how: bytes) -> list[bytes]:
    return [record(answer(page(name)), name, **how) for name in NAMES]  # type: ignore[arg-type]


def titles(path: Path) -> list[str]:
    return [article.title for article in articles(path)]


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


HALVES = slice(None, 700), slice(700, None)
WHOLE: dict[str, tuple[str, bytes]] = {
    "plain": ("a.warc", b"".join(records())),
    "gzip by record": ("a.warc.gz", b"".join(map(gzip.compress, records()))),
    "gzip over all": ("a.warc.gz", gzip.compress(b"".join(records()))),
    "gzip over halves": ("a.warc.gz", b"".join(gzip.compress(b"".join(records())[part]) for part in HALVES)),
    "gzip without its suffix": ("a.warc", b"".join(map(gzip.compress, records()))),
    "gzip with padding": ("a.warc.gz", b"".join(gzip.compress(one) + bytes(512) for one in records())),
    "zstd by record": ("a.warc.zst", b"".join(map(zstd, records()))),
    "zstd over all": ("a.warc.zst", zstd(b"".join(records()))),
    "zstd after a frame without data": ("a.warc.zst", b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd(b"".join(records()))),
    "no blank lines between": ("a.warc", b"".join(records(end=b""))),
    "one line break between": ("a.warc", b"".join(records(end=b"\n"))),
    "many blank lines between": ("a.warc", b"\r\n".join(records(end=b"\r\n" * 9))),
    "bare line breaks": ("a.warc", b"".join(records()).replace(b"\r\n", b"\n")),
}  # fmt: skip
WHOLE["bare line breaks"] = (
    "a.warc",
    b"".join(
        record(answer(page(name)).replace(b"\r\n", b"\n"), name).replace(b"\r\n", b"\n") for name in NAMES
    ),
)


@pytest.mark.parametrize("packing", WHOLE)
def test_any_packing_gives_all_pages(tmp_path: Path, packing: str) -> None:
    name, data = WHOLE[packing]
    (tmp_path / name).write_bytes(data)
    assert titles(tmp_path / name) == NAMES
    assert skips(tmp_path / name) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_wacz_is_read_with_all_its_archives(tmp_path: Path, method: int) -> None:
    path = tmp_path / "crawl.wacz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("datapackage.json", "{}")
        archive.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0"}\n')
        archive.writestr("archive/b.warc", records()[2])
        archive.writestr("archive/a.warc.gz", b"".join(map(gzip.compress, records()[:2])))
    assert titles(path) == NAMES
    assert articles(path)[2].source == f"{path}/archive/b.warc:1"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInput, match="1 x unreadable"):
        articles(path)


def deflated(body: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(body) + deflate.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": deflated,
    "br": lambda body: pa.Codec("brotli").compress(body, asbytes=True),
    "BR": lambda body: pa.Codec("brotli").compress(body, asbytes=True),
    "zstd": zstd,
    "gzip, br": lambda body: pa.Codec("brotli").compress(gzip.compress(body), asbytes=True),
    "identity": lambda body: body,
    "utf-8": lambda body: body,
    "": lambda body: body,
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("coding", CODINGS)
def test_any_coding_is_undone(tmp_path: Path, coding: str, chunked: bool) -> None:
    body = CODINGS[coding](page("Cook Beans", 5000))
    headers = [f"Content-Encoding: {coding}"]
    if chunked:
        body = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])
        headers.append("Transfer-Encoding: chunked")
    path = tmp_path / "a.warc"
    path.write_bytes(record(answer(body, *headers)))
    assert titles(path) == ["Cook Beans"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_page_kept_uncoded_is_read_as_it_is(tmp_path: Path, coding: str) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(record(answer(page("Cook Beans"), f"Content-Encoding: {coding}")))
    assert titles(path) == ["Cook Beans"]


def test_an_unknown_coding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(
        records()[0]
        + record(answer(b"\1\2", "Content-Encoding: dcb"))
        + record(answer(b"\1\2", "Content-Encoding: br"))
    )
    found = [one for one in read([path]) if isinstance(one, Skip)]
    assert [one.reason for one in found] == ["content encoding"] * 2
    assert (
        "unknown content encoding 'dcb'" in found[0].detail and "cannot be unpacked as br" in found[1].detail
    )


def test_answers_before_the_answer_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    path.write_bytes(b"".join(record(before + answer(page(name)), name) for name in NAMES))
    assert titles(path) == NAMES


DAMAGED: dict[str, tuple[bytes, list[str]]] = {
    "a length too great": (record(answer(page(NAMES[0])), length=len(answer(page(NAMES[0]))) + 40), NAMES[:1]),
    "a length far too great": (record(answer(page(NAMES[0])), length=10**9), NAMES[:1]),
    "a length too small": (record(answer(page(NAMES[0])), length=30), NAMES[:1]),
    "a length that is none": (record(answer(page(NAMES[0]))).replace(b"Length: ", b"Length: x"), NAMES[:1]),
    "no length": (record(answer(page(NAMES[0]))).replace(b"Content-Length: ", b"X: "), NAMES[:1]),
    "noise": (b"\0\1\2 noise\r\n\r\n", []),
    "half a header": (b"WARC/1.0\r\nWARC-Type: resp\r\n", []),
    "half a record": (record(answer(page(NAMES[0])))[:-90], []),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_costs_itself_alone(tmp_path: Path, damage: str) -> None:
    broken, kept = DAMAGED[damage]
    path = tmp_path / "a.warc"
    path.write_bytes(broken + records()[1] + records()[2])
    assert titles(path)[-2:] == NAMES[1:]
    assert titles(path)[:-2] in (kept, [])
    assert titles(path)[:-2] == kept or skips(path)


@pytest.mark.parametrize("place", [1, 30, 150, -6, -1])
def test_a_damaged_member_of_gzip_costs_itself_alone(tmp_path: Path, place: int) -> None:
    members = [gzip.compress(record(answer(page(name, 3000)), name)) for name in NAMES]
    broken = bytearray(members[1])
    broken[place] ^= 0x55
    path = tmp_path / "a.warc.gz"
    path.write_bytes(members[0] + bytes(broken) + members[2])
    assert [name for name in titles(path) if name != NAMES[1]] == [NAMES[0], NAMES[2]]
    assert ("damaged archive") in {reason for _, reason in skips(path)}


def test_no_damage_ends_a_run(tmp_path: Path) -> None:
    """Any bytes in any place: the pages that are whole come out, and nothing is raised."""
    dice = random.Random(3)
    path = tmp_path / "a.warc"
    for _ in range(150):
        data = bytearray(b"".join(map(dice.choice([bytes, gzip.compress, zstd]), records())))
        for _ in range(dice.randrange(1, 5)):
            begin = dice.randrange(len(data))
            data[begin : begin + dice.randrange(1, 60)] = dice.randbytes(dice.randrange(0, 60))
        path.write_bytes(data)
        try:
            found = list(read([path]))
        except BadInput:
            continue
        assert all(isinstance(one, Article | Skip) for one in found)
        assert len(found) <= 12


def test_a_long_record_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawl.readers.warc.MAX_HELD_BYTES", 100_000)
    film = record(answer(b"f" * 300_000).replace(b"text/html", b"video/mp4"))
    path = tmp_path / "a.warc"
    path.write_bytes(records()[0] + film + records()[1] + film[:-1000])
    assert titles(path) == NAMES[:2]
    assert skips(path) == [(":4", "truncated record")]


def test_a_dictionary_of_zstandard_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.zst"
    path.write_bytes(b"\x5d\x2a\x4d\x18\x04\0\0\0abcd" + zstd(b"".join(records())))
    with pytest.raises(BadInput, match="1 x damaged archive"):
        articles(path)


def test_json_lines_may_be_packed_by_zstandard(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstd(b'{"title": "Cook Beans", "steps": ["Soak them."]}\n' * 3))
    assert titles(path) == ["Cook Beans"] * 3
    assert io.BytesIO(path.read_bytes()).read(4) == b"\x28\xb5\x2f\xfd"
