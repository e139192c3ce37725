"""Raw items of the CSV dumps of Koupaee and Wang: wikihowAll.csv, a row per method; wikihowSep.csv, a row per step.

Rows of one article need not follow one another, and wikihowAll numbers the methods of an article by a digit glued to
its title. So the titles are read once to learn how many rows each article has, then the rows are gathered, and
an article is handed on as soon as its last row has come.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from crawl.readers.items import Item, skip_item, unreadable_item
from crawl.readers.packed import open_maybe_packed
from crawl.steps.plain import is_blank

MAX_FIELD_CHARACTERS = 16 * 2**20
MAX_LINE_CHARACTERS = 4 * MAX_FIELD_CHARACTERS
"""Of a line that is held in memory; what is longer counts as several rows."""
_ALL = {"headline", "title", "text"}
_SEP = _ALL | {"overview", "sectionLabel"}

Row = tuple[str, dict[str, str]]


def csv_items(path: Path) -> Iterator[Item]:
    """One item per article of a CSV dump, as a record with methods; a damaged row is a skip of its own."""
    try:
        rows = _rows(path)
        columns = {str(name).strip() for name in next(rows, ("", {}))[1].values()}
        if not columns >= _ALL:
            yield skip_item(str(path), "unknown columns", ", ".join(sorted(columns))[:200])
            return
        to_record = _sep_record if columns >= _SEP else _all_record
        yield from _articles(path, to_record)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield skip_item(str(path), "truncated gzip", str(error))
    except OSError as error:
        yield unreadable_item(path, error)


def _articles(path: Path, to_record: Any) -> Iterator[Item]:
    titles = [row["title"].strip() for _, row in _dicts(path) if row is not None]
    base = base_titles(titles)
    expected = Counter(base[title] for title in titles)
    open_rows: dict[str, list[Row]] = {}
    for where, row in _dicts(path):
        if row is None:
            yield skip_item(where, "broken row", "not as many fields as columns")
            continue
        title = base[row["title"].strip()]
        rows = open_rows.setdefault(title, [])
        rows.append((where, row))
        if len(rows) == expected[title]:
            yield Item("record", rows[0][0], to_record(title, open_rows.pop(title)))


def base_titles(titles: Sequence[str]) -> dict[str, str]:
    """Of each title in a table, in its order, the title without the number of its method.

    "Fold a Shirt2" is "Fold a Shirt" where "Fold a Shirt1" exists. A number after a blank belongs to the title, and so
    does one after a digit, a capital or "+" ("Windows 7", "CS6"), unless such numbers count from 1 on in neighbouring
    rows ("Learn C++1", "Learn C++2") and no title ends with their 0 ("Windows 10").
    """
    known = set(titles)
    counted = _counted_side_by_side([title for title, _ in groupby(titles)], known)
    return {title: counted.get(title) or _base_title(title, known) for title in known}


def _base_title(title: str, known: Container[str]) -> str:
    match = re.fullmatch(r"(.*[^\W\d_A-Z]|.*[)\]\"'?!.])([1-9][0-9]?)", title, re.DOTALL)
    if match is None or (match[2] != "1" and match[1] + "1" not in known):
        return title
    return match[1]


def _counted_side_by_side(titles: Sequence[str], known: Container[str]) -> dict[str, str]:
    """Titles that end with 1, 2 and so on in a row, right after a digit, a capital or "+"; each without that."""
    stems: dict[str, str] = {}
    for place, title in enumerate(titles):
        stem = title[:-1]
        if (
            not (title.endswith("1") and re.search(r"[\dA-Z+]$", stem))
            or stem in known
            or f"{stem}0" in known
        ):
            continue
        run = [title]
        while titles[place + len(run) : place + len(run) + 1] == [f"{stem}{len(run) + 1}"]:
            run.append(titles[place + len(run)])
        if len(run) > 1:
            stems.update(dict.fromkeys(run, stem))
    return stems


def _rows(path: Path) -> Iterator[Row]:
    """Every row with its place, the names of the columns first."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    with open_maybe_packed(path) as file, io.TextIOWrapper(file, "utf-8-sig", "replace", newline="") as text:
        reader = csv.reader(iter(lambda: text.readline(MAX_LINE_CHARACTERS), ""))
        line = 1
        while True:
            try:
                values = next(reader, None)
            except csv.Error:
                values = []
            if values is None:
                return
            if values or reader.line_num > line:
                yield f"{path}:{line}", {str(number): value for number, value in enumerate(values)}
            line = reader.line_num + 1


def _dicts(path: Path) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Every row below the names as a mapping, or None for a row that has not as many fields."""
    rows = _rows(path)
    names = [name.strip() for name in next(rows)[1].values()]
    for where, values in rows:
        fields = list(values.values())
        yield where, dict(zip(names, fields, strict=True)) if len(fields) == len(names) else None


def _all_record(title: str, rows: list[Row]) -> dict[str, Any]:
    ordered = sorted(rows, key=lambda row: (len(row[1]["title"].strip()), row[1]["title"].strip()))
    return {"title": title, "methods": [{"name": "", "steps": _aligned(row)} for _, row in ordered]}


def _aligned(row: dict[str, str]) -> list[dict[str, str]]:
    """The steps of a method: bold lines, each with its paragraph where there are as many of them."""
    headlines = [line for line in map(_bold_line, _said(row["headline"]).splitlines()) if line]
    for separator in (r"\n", r"\n\s*\n"):
        paragraphs = [text for one in re.split(separator, row["text"]) if (text := _said(one))]
        if len(paragraphs) == len(headlines):
            break
    else:
        paragraphs = [""] * len(headlines)
    return [
        {"headline": headline, "body": body} for headline, body in zip(headlines, paragraphs, strict=True)
    ]


def _said(text: str) -> str:
    """A text without the lines that hold no word, such as the ";" that a crawler left."""
    return "\n".join(line for line in text.strip().splitlines() if not is_blank(line)).strip()


def _bold_line(line: str) -> str:
    """A bold line without the comma that the dump sets after its full stop."""
    line = line.strip()
    return line[:-1].rstrip() if line.endswith(",") else line


def _sep_record(title: str, rows: list[Row]) -> dict[str, Any]:
    methods: dict[str, list[dict[str, str]]] = {}
    for _, row in rows:
        step = {"headline": _bold_line(_said(row["headline"])), "body": _said(row["text"])}
        methods.setdefault(row["sectionLabel"].strip(), []).append(step)
    return {
        "title": title,
        "overview": rows[0][1]["overview"],
        "methods": [
            {"name": "" if name == "Steps" else name, "steps": steps} for name, steps in methods.items()
        ],
    }
