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
"""Writes a file into a folder, and gives its path: what it holds is made only then, for it may be a gigabyte."""
GOOD = simple("Wash a Hat", "Soak it.", "Dry it.")
PAGE = (PAGES / "2020-en.html").read_bytes()


def put(folder: Path, name: str, data: bytes | str) -> Path:
    """Write a file with this content."""
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder / name


def table(folder: Path, name: str, **columns: Any) -> Path:
    """Write a Parquet file of these columns."""
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


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
    "warc: length too large": lambda folder: put(
        folder, "a.warc", response(PAGE, Content_Length="99999999999")
    ),
    "warc: length below 0": lambda folder: put(folder, "a.warc", response(PAGE, Content_Length="-5")),
    "warc: length no number": lambda folder: put(folder, "a.warc", response(PAGE, Content_Length="many")),
    "warc: length of a thousand digits": lambda folder: put(
        folder, "a.warc", response(PAGE, Content_Length="9" * 1000)
    ),
    "warc: no length": lambda folder: put(folder, "a.warc", record("WARC-Type: response", PAGE)),
    "warc: another type": lambda folder: put(folder, "a.warc", response(PAGE, WARC_Type="metadata")),
    "warc: an address of control characters": lambda folder: put(
        folder, "a.warc", response(PAGE, WARC_Target_URI="\x01\x1b[2J")
    ),
    "warc: an address with a path of files": lambda folder: put(
        folder, "a.warc", response(PAGE, WARC_Target_URI="file:///etc/passwd")
    ),
    "warc: a date of another world": lambda folder: put(
        folder, "a.warc", response(PAGE, WARC_Date="99999-99-99")
    ),
    "warc: a million headers": lambda folder: put(
        folder, "a.warc", record("X: y\n" * 1_000_000 + "Content-Length: 0", b"")
    ),
    "warc: a header of 50 MB": lambda folder: put(
        folder, "a.warc", record("X: " + "y" * 50_000_000 + "\nContent-Length: 0", b"")
    ),
    "warc: beginnings of records alone": lambda folder: put(folder, "a.warc", b"WARC/1.1\r\n" * 20_000),
    "warc: five million beginnings of records": lambda folder: put(
        folder, "a.warc", b"WARC/1.1\r\n" * 5_000_000
    ),
    "warc: answers before the answer": lambda folder: put(folder, "a.warc", response(PAGE, before=20_000)),
    "warc: a million answers before the answer": lambda folder: put(
        folder, "a.warc", response(PAGE, before=1_000_000)
    ),
    "warc: an answer with a header of 30 MB": lambda folder: put(
        folder, "a.warc", response(PAGE, header=b"X: y\r\n" * 5_000_000)
    ),
    "warc: chunks that lie": lambda folder: put(
        folder,
        "a.warc",
        record(
            "WARC-Type: response\nWARC-Target-URI: https://www.wikihow.com/Hat\nContent-Length: 90",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\nffffffff\r\n<p>",
        ),
    ),
    "warc: packed page that explodes": lambda folder: put(
        folder, "a.warc", response(zeros(1_000), Content_Type="application/http; msgtype=response")
    ),
    "warc: packed record that explodes": lambda folder: put(folder, "a.warc.gz", zeros(1_000)),
    "warc: packed in packed": lambda folder: put(
        folder, "a.warc.gz", gzip.compress(gzip.compress(response(PAGE)))
    ),
    "warc: noise": lambda folder: put(folder, "a.warc.gz", b"\x1f\x8b" + random.Random(1).randbytes(5000)),
    "warc: empty": lambda folder: put(folder, "a.warc", b""),
    # ZIM
    "zim: noise": lambda folder: put(folder, "a.zim", random.Random(2).randbytes(5000)),
    "zim: its mark and noise": lambda folder: put(
        folder, "a.zim", b"ZIM\x04" + random.Random(3).randbytes(5000)
    ),
    "zim: its mark and numbers that are too large": lambda folder: put(
        folder, "a.zim", b"ZIM\x04" + b"\xff" * 200
    ),
    "zim: its mark and zeros": lambda folder: put(folder, "a.zim", b"ZIM\x04" + bytes(200)),
    "zim: empty": lambda folder: put(folder, "a.zim", b""),
    # Parquet
    "parquet: another schema": lambda folder: table(folder, "a.parquet", x=[1, 2], y=[{"z": 1}, {"z": 2}]),
    "parquet: titles are numbers": lambda folder: table(
        folder, "a.parquet", title=[1.5, float("nan")], steps=[["a"], ["b"]]
    ),
    "parquet: titles are bytes": lambda folder: table(
        folder, "a.parquet", title=[b"\xff\xfe", b"x"], steps=[[b"\xff"], [b"b"]]
    ),
    "parquet: titles are bytes that claim to be text": lambda folder: table(
        folder, "a.parquet", title=pa.array([b"\xff\xfe"], pa.binary()).view(pa.string()), steps=[["a"]]
    ),
    "parquet: times beyond Python": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=[["a"]], published=pa.array([2**62], pa.timestamp("us"))
    ),
    "parquet: days beyond Python": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=[["a"]], published=pa.array([2**30], pa.date32())
    ),
    "parquet: a zone that there is not": lambda folder: table(
        folder,
        "a.parquet",
        title=["x"],
        steps=[["a"]],
        published=pa.array([0], pa.timestamp("us", "Mars/Base")),
    ),
    "parquet: nanoseconds": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=[["a"]], published=pa.array([1], pa.timestamp("ns"))
    ),
    "parquet: durations": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=[["a"]], took=pa.array([2**62], pa.duration("s"))
    ),
    "parquet: maps": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))
    ),
    "parquet: numbers of 40 digits": lambda folder: table(
        folder, "a.parquet", title=["x"], steps=[["a"]], page_id=pa.array([10**39], pa.decimal256(40))
    ),
    "parquet: nothing but nulls": lambda folder: table(
        folder, "a.parquet", title=pa.nulls(3), steps=pa.nulls(3)
    ),
    "parquet: no rows": lambda folder: table(folder, "a.parquet", title=pa.array([], pa.string())),
    "parquet: two columns of one name": lambda folder: _twice(folder / "a.parquet"),
    "parquet: a row of a hundred million steps": lambda folder: _long_row(folder / "a.parquet", 100_000_000),
    "parquet: a text that explodes": lambda folder: _long_text(folder / "a.parquet", 1_000),
    "parquet: a footer that is too long": lambda folder: put(
        folder, "a.parquet", lying_footer(parquet_bytes(), 2**31 - 1)
    ),
    "parquet: a footer below 0": lambda folder: put(folder, "a.parquet", lying_footer(parquet_bytes(), -1)),
    "parquet: a footer that is too short": lambda folder: put(
        folder, "a.parquet", lying_footer(parquet_bytes(), 7)
    ),
    "parquet: its marks alone": lambda folder: put(folder, "a.parquet", b"PAR1PAR1"),
    "parquet: empty": lambda folder: put(folder, "a.parquet", b""),
    # JSON and CSV, packed and not
    "json: deep": lambda folder: put(folder, "a.json", DEEP),
    "json: deep in a list": lambda folder: put(folder, "a.json", f"[{LINE}, {DEEP}"),
    "json: deep in an object": lambda folder: put(folder, "a.json", '{"title": ' * 100_000),
    "json: a number of a million digits": lambda folder: put(
        folder, "a.json", '[{"title": "x", "page_id": ' + "9" * 1_000_000 + "}]"
    ),
    "json: a million keys": lambda folder: put(
        folder, "a.json", json.dumps([{f"k{n}": n for n in range(1_000_000)}])
    ),
    "json: explodes": lambda folder: put(folder, "a.json.gz", gzip.compress(b"[" + b" " * (1 << 30), 9)),
    "json: one text that explodes": lambda folder: put(
        folder, "a.json.gz", gzip.compress(b'[{"title": "' + b"x" * (1 << 30), 9)
    ),
    "lines: deep": lambda folder: put(folder, "a.jsonl", f"{DEEP}\n{LINE}\n"),
    "lines: explode": lambda folder: put(folder, "a.jsonl.gz", zeros(1_000)),
    "lines: explode in one line after a good one": lambda folder: put(
        folder, "a.jsonl.gz", gzip.compress(LINE.encode() + b"\n" + b"x" * (1 << 30), 9)
    ),
    "lines: packed twice": lambda folder: put(
        folder, "a.jsonl.gz", gzip.compress(gzip.compress(LINE.encode()))
    ),
    "lines: a number of a million digits": lambda folder: put(
        folder, "a.jsonl", '{"title": "x", "steps": [' + "9" * 1_000_000 + "]}\n"
    ),
    "lines: NaN and Infinity": lambda folder: put(
        folder, "a.jsonl", '{"title": NaN, "steps": [Infinity, -Infinity]}\n'
    ),
    "lines: half a character": lambda folder: put(
        folder, "a.jsonl", '{"title": "\\ud800", "steps": ["\\udfff"]}\n'
    ),
    "lines: NUL": lambda folder: put(folder, "a.jsonl", '{"title": "a\\u0000b", "steps": ["c\\u0000"]}\n'),
    "lines: types upside down": lambda folder: put(
        folder,
        "a.jsonl",
        '{"title": {"a": 1}, "steps": 5}\n{"title": ["x"], "steps": {"a": {"b": [1]}}}\n[]\n7\nnull\n',
    ),
    "csv: explodes": lambda folder: put(folder, "a.csv.gz", zeros(500)),
    "csv: one field that explodes": lambda folder: put(
        folder, "a.csv.gz", gzip.compress(b'title,headline,text\nx,"' + b"y" * (300 << 20), 9)
    ),
    "csv: a column a byte": lambda folder: put(folder, "a.csv", "," * 1_000_000),
    "csv: quotes that never end": lambda folder: put(folder, "a.csv", 'title,headline,text\n"' * 1000),
    "csv: NUL": lambda folder: put(folder, "a.csv", "title,headline,text\nx,\0,y\n"),
    # pages
    "page: explodes": lambda folder: put(folder, "a.html", zeros(1_000)),
    "page: explodes ten times over": lambda folder: put(folder, "a.html", nested_gzip(10)),
    "page: a zip": lambda folder: put(
        folder, "a.html", zipped(("../../../tmp/evil.html", PAGE), ("x", bytes(1 << 24)))
    ),
    "page: entities that explode": lambda folder: put(
        folder,
        "a.html",
        "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else '&a;' * 10}'>" for n in range(12))
        + "]><html><h1>&a11;</h1></html>",
    ),
    "page: an entity of a file": lambda folder: put(
        folder, "a.html", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><html><h1>&a;</h1></html>"
    ),
    "page: noise": lambda folder: put(folder, "a.html", random.Random(4).randbytes(100_000)),
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
        put(folder / "in", "z.jsonl", LINE + "\n")
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
        path = put(folder / "in", name, whole[name])
        how = dice.choice((flipped, zeroed, shortened))(path, [path], dice)
        put(folder / "in", "z.jsonl", LINE + "\n")
        done = imported(victims, folder)
        if done.code or "Traceback" in done.said:
            wrong.append(f"{name}, {how}: {done.code} {done.said[-600:]}")
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
