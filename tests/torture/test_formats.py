"""Files that lie, explode or carry code: each is read as data, or refused with a message; nothing runs, nothing grows.

What is read is read by `howtree import`, in copies of one process that may grow by 1 GB.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.damage import flipped, shortened, zeroed
from support.reading import PAGES, simple
from support.victims import Ended, Victims

MEMORY = 1_000_000_000
Write = Callable[[Path], Path]
"""Writes a file into a folder, and gives its path."""
GOOD = simple("Wash a Hat", "Soak it.", "Dry it.")
PAGE = (PAGES / "2020-en.html").read_bytes()


def put(name: str, data: bytes | str) -> Write:
    """A file with this content."""

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return folder / name

    return write


def table(name: str, **columns: Any) -> Write:
    """A Parquet file of these columns."""

    def write(folder: Path) -> Path:
        pq.write_table(pa.table(columns), folder / name)
        return folder / name

    return write


def record(headers: str, body: bytes) -> bytes:
    """A record of WARC with these headers, each on a line."""
    return b"WARC/1.1\r\n" + headers.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def response(body: bytes, before: int = 0, header: bytes = b"", **more: str) -> bytes:
    """A record of an answer with a page: after some answers before it, with more in its header; its own header may be
    given otherwise.
    """
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" * before
    answer += b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + header + b"\r\n" + body
    headers = {
        "WARC-Type": "response",
        "WARC-Target-URI": "https://www.wikihow.com/Hat",
        "WARC-Date": "2024-05-06T07:08:09Z",
        "WARC-Record-ID": "<urn:uuid:1>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(answer)),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return record("\n".join(f"{name}: {value}" for name, value in headers.items()), answer)


def zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros, packed."""
    return gzip.compress(bytes(megabytes << 20), 9)


def nested_gzip(times: int) -> bytes:
    data = zeros(64)
    for _ in range(times):
        data = gzip.compress(data)
    return data


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def lying_footer(data: bytes, size: int) -> bytes:
    """A Parquet file that says that its metadata have another size."""
    return data[:-8] + struct.pack("<i", size) + b"PAR1"


def parquet_bytes(rows: int = 3) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"title": ["Wash a Hat"] * rows, "steps": [["Soak it."]] * rows}), file)
    return file.getvalue()


LINE = json.dumps(GOOD)
DEEP = "[" * 100_000
SOURCES: dict[str, Write] = {
    # WARC
    "warc: length too large": put("a.warc", response(PAGE, Content_Length="99999999999")),
    "warc: length below 0": put("a.warc", response(PAGE, Content_Length="-5")),
    "warc: length no number": put("a.warc", response(PAGE, Content_Length="many")),
    "warc: length of a thousand digits": put("a.warc", response(PAGE, Content_Length="9" * 1000)),
    "warc: no length": put("a.warc", record("WARC-Type: response", PAGE)),
    "warc: another type": put("a.warc", response(PAGE, WARC_Type="metadata")),
    "warc: an address of control characters": put("a.warc", response(PAGE, WARC_Target_URI="\x01\x1b[2J")),
    "warc: an address with a path of files": put(
        "a.warc", response(PAGE, WARC_Target_URI="file:///etc/passwd")
    ),
    "warc: a date of another world": put("a.warc", response(PAGE, WARC_Date="99999-99-99")),
    "warc: a million headers": put("a.warc", record("X: y\n" * 1_000_000 + "Content-Length: 0", b"")),
    "warc: a header of 50 MB": put("a.warc", record("X: " + "y" * 50_000_000 + "\nContent-Length: 0", b"")),
    "warc: beginnings of records alone": put("a.warc", b"WARC/1.1\r\n" * 20_000),
    "warc: five million beginnings of records": put("a.warc", b"WARC/1.1\r\n" * 5_000_000),
    "warc: answers before the answer": put("a.warc", response(PAGE, before=20_000)),
    "warc: a million answers before the answer": put("a.warc", response(PAGE, before=1_000_000)),
    "warc: an answer with a header of 30 MB": put("a.warc", response(PAGE, header=b"X: y\r\n" * 5_000_000)),
    "warc: chunks that lie": put(
        "a.warc",
        record(
            "WARC-Type: response\nWARC-Target-URI: https://www.wikihow.com/Hat\nContent-Length: 90",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\nffffffff\r\n<p>",
        ),
    ),
    "warc: packed page that explodes": put(
        "a.warc", response(zeros(1_000), Content_Type="application/http; msgtype=response")
    ),
    "warc: packed record that explodes": put("a.warc.gz", zeros(1_000)),
    "warc: packed in packed": put("a.warc.gz", gzip.compress(gzip.compress(response(PAGE)))),
    "warc: noise": put("a.warc.gz", b"\x1f\x8b" + random.Random(1).randbytes(5000)),
    "warc: empty": put("a.warc", b""),
    # ZIM
    "zim: noise": put("a.zim", random.Random(2).randbytes(5000)),
    "zim: its mark and noise": put("a.zim", b"ZIM\x04" + random.Random(3).randbytes(5000)),
    "zim: its mark and numbers that are too large": put("a.zim", b"ZIM\x04" + b"\xff" * 200),
    "zim: its mark and zeros": put("a.zim", b"ZIM\x04" + bytes(200)),
    "zim: empty": put("a.zim", b""),
    # Parquet
    "parquet: another schema": table("a.parquet", x=[1, 2], y=[{"z": 1}, {"z": 2}]),
    "parquet: titles are numbers": table("a.parquet", title=[1.5, float("nan")], steps=[["a"], ["b"]]),
    "parquet: titles are bytes": table("a.parquet", title=[b"\xff\xfe", b"x"], steps=[[b"\xff"], [b"b"]]),
    "parquet: titles are bytes that claim to be text": table(
        "a.parquet", title=pa.array([b"\xff\xfe"], pa.binary()).view(pa.string()), steps=[["a"]]
    ),
    "parquet: times beyond Python": table(
        "a.parquet", title=["x"], steps=[["a"]], published=pa.array([2**62], pa.timestamp("us"))
    ),
    "parquet: days beyond Python": table(
        "a.parquet", title=["x"], steps=[["a"]], published=pa.array([2**30], pa.date32())
    ),
    "parquet: a zone that there is not": table(
        "a.parquet", title=["x"], steps=[["a"]], published=pa.array([0], pa.timestamp("us", "Mars/Base"))
    ),
    "parquet: nanoseconds": table(
        "a.parquet", title=["x"], steps=[["a"]], published=pa.array([1], pa.timestamp("ns"))
    ),
    "parquet: durations": table(
        "a.parquet", title=["x"], steps=[["a"]], took=pa.array([2**62], pa.duration("s"))
    ),
    "parquet: maps": table(
        "a.parquet", title=["x"], steps=pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))
    ),
    "parquet: numbers of 40 digits": table(
        "a.parquet", title=["x"], steps=[["a"]], page_id=pa.array([10**39], pa.decimal256(40))
    ),
    "parquet: nothing but nulls": table("a.parquet", title=pa.nulls(3), steps=pa.nulls(3)),
    "parquet: no rows": table("a.parquet", title=pa.array([], pa.string())),
    "parquet: two columns of one name": lambda folder: _twice(folder / "a.parquet"),
    "parquet: a row of a hundred million steps": lambda folder: _long_row(folder / "a.parquet", 100_000_000),
    "parquet: a text that explodes": lambda folder: _long_text(folder / "a.parquet", 1_000),
    "parquet: a footer that is too long": put("a.parquet", lying_footer(parquet_bytes(), 2**31 - 1)),
    "parquet: a footer below 0": put("a.parquet", lying_footer(parquet_bytes(), -1)),
    "parquet: a footer that is too short": put("a.parquet", lying_footer(parquet_bytes(), 7)),
    "parquet: its marks alone": put("a.parquet", b"PAR1PAR1"),
    "parquet: empty": put("a.parquet", b""),
    # JSON and CSV, packed and not
    "json: deep": put("a.json", DEEP),
    "json: deep in a list": put("a.json", f"[{LINE}, {DEEP}"),
    "json: deep in an object": put("a.json", '{"title": ' * 100_000),
    "json: a number of a million digits": put(
        "a.json", '[{"title": "x", "page_id": ' + "9" * 1_000_000 + "}]"
    ),
    "json: a million keys": put("a.json", json.dumps([{f"k{n}": n for n in range(1_000_000)}])),
    "json: explodes": put("a.json.gz", gzip.compress(b"[" + b" " * (1 << 30), 9)),
    "json: one text that explodes": put("a.json.gz", gzip.compress(b'[{"title": "' + b"x" * (1 << 30), 9)),
    "lines: deep": put("a.jsonl", f"{DEEP}\n{LINE}\n"),
    "lines: explode": put("a.jsonl.gz", zeros(1_000)),
    "lines: explode in one line after a good one": put(
        "a.jsonl.gz", gzip.compress(LINE.encode() + b"\n" + b"x" * (1 << 30), 9)
    ),
    "lines: packed twice": put("a.jsonl.gz", gzip.compress(gzip.compress(LINE.encode()))),
    "lines: a number of a million digits": put(
        "a.jsonl", '{"title": "x", "steps": [' + "9" * 1_000_000 + "]}\n"
    ),
    "lines: NaN and Infinity": put("a.jsonl", '{"title": NaN, "steps": [Infinity, -Infinity]}\n'),
    "lines: half a character": put("a.jsonl", '{"title": "\\ud800", "steps": ["\\udfff"]}\n'),
    "lines: NUL": put("a.jsonl", '{"title": "a\\u0000b", "steps": ["c\\u0000"]}\n'),
    "lines: types upside down": put(
        "a.jsonl",
        '{"title": {"a": 1}, "steps": 5}\n{"title": ["x"], "steps": {"a": {"b": [1]}}}\n[]\n7\nnull\n',
    ),
    "csv: explodes": put("a.csv.gz", zeros(500)),
    "csv: one field that explodes": put(
        "a.csv.gz", gzip.compress(b'title,headline,text\nx,"' + b"y" * (300 << 20), 9)
    ),
    "csv: a column a byte": put("a.csv", "," * 1_000_000),
    "csv: quotes that never end": put("a.csv", 'title,headline,text\n"' * 1000),
    "csv: NUL": put("a.csv", "title,headline,text\nx,\0,y\n"),
    # pages
    "page: explodes": put("a.html", zeros(1_000)),
    "page: explodes ten times over": put("a.html", nested_gzip(10)),
    "page: a zip": put("a.html", zipped(("../../../tmp/evil.html", PAGE), ("x", bytes(1 << 24)))),
    "page: entities that explode": put(
        "a.html",
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else '&a;' * 10}'>" for n in range(12))
        + "]><html><h1>&a11;</h1></html>",
    ),
    "page: an entity of a file": put(
        "a.html", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><html><h1>&a;</h1></html>"
    ),
    "page: noise": put("a.html", random.Random(4).randbytes(100_000)),
}
SOME = [name for name in SOURCES if not any(word in name for word in ("explode", "million", "0 MB"))][::5]


def _twice(path: Path) -> Path:
    arrays = [pa.array(["x"]), pa.array(["y"]), pa.array([["a"]])]
    pq.write_table(pa.Table.from_arrays(arrays, ["title", "title", "steps"]), path)
    return path


def _long_row(path: Path, steps: int) -> Path:
    column = pa.ListArray.from_arrays(pa.array([0, steps], pa.int32()), pa.array(np.zeros(steps, np.int8)))
    pq.write_table(pa.table({"title": ["x"], "steps": column}), path, compression="zstd")
    return path


def _long_text(path: Path, megabytes: int) -> Path:
    pq.write_table(pa.table({"title": ["x" * (megabytes << 20)], "steps": [["a"]]}), path, compression="zstd")
    return path


def imported(victims: Victims, folder: Path) -> Ended:
    """How an import of `in` in a folder ends, in little memory."""
    words = ("import", folder / "in", "-o", folder / "out", "--workers", "1")
    return victims.run("command", *words, folder=folder, memory=MEMORY)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SOME, id="some"),
        pytest.param([name for name in SOURCES if name not in SOME], id="others", marks=pytest.mark.torture),
    ],
)
def test_a_source_that_lies_or_explodes_costs_itself_alone(
    victims: Victims, tmp_path: Path, names: list[str]
) -> None:
    """Beside it a good article is read; nothing of this machine is in what comes out."""
    wrong = []
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        (folder / "in").mkdir(parents=True)
        SOURCES[name](folder / "in")
        put("z.jsonl", LINE + "\n")(folder / "in")
        done = imported(victims, folder)
        texts = b"".join(path.read_bytes() for path in folder.glob("out/*.parquet"))
        if done.code or "Traceback" in done.said or "root:" in done.said or b"root:x" in texts:
            wrong.append(f"{name}: {done.code} {done.said[-600:]}")
        assert not Path("/tmp/evil.html").exists()
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("tries", [6, pytest.param(200, marks=pytest.mark.torture)])
def test_damaged_archives_and_tables(victims: Victims, tmp_path: Path, tries: int) -> None:
    """Bits flipped, stretches zeroed, ends cut off: of WARC, Parquet, packed lines and pages."""
    dice, wrong = random.Random(8), []
    whole = {
        "a.warc": response(PAGE) * 3,
        "a.warc.gz": gzip.compress(response(PAGE)) * 3,
        "a.parquet": parquet_bytes(500),
        "a.jsonl.gz": gzip.compress((LINE + "\n").encode() * 500),
        "a.html": gzip.compress(PAGE),
        "a.json": json.dumps([GOOD] * 50).encode(),
    }
    for number in range(tries):
        folder = tmp_path / str(number)
        (folder / "in").mkdir(parents=True)
        name = dice.choice(sorted(whole))
        path = put(name, whole[name])(folder / "in")
        how = dice.choice((flipped, zeroed, shortened))(path, [path], dice)
        put("z.jsonl", LINE + "\n")(folder / "in")
        done = imported(victims, folder)
        if done.code or "Traceback" in done.said:
            wrong.append(f"{name}, {how}: {done.code} {done.said[-600:]}")
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
