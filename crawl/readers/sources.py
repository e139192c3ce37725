"""Every form in which users hold how-to articles -> a stream of articles, one outcome per raw item.

A raw item is a page, a line, an element of a list, a row or an archive's record. Finding the items is cheap and
done in order by `items_in`; reading one is `outcomes_of`, a pure function, so it may run in other processes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from crawl.article import Article, Skip
from crawl.formats import ifixit
from crawl.pages.decode import MAX_PAGE_BYTES, BrokenPacking, PageTooLong, decode_page, unpack
from crawl.pages.parse import parse_page
from crawl.readers import documents, dumps, files, tables, warc, zim
from crawl.readers.containers import node_in, unwrapped
from crawl.readers.items import Item, PageData, Reading
from crawl.readers.records import Unusable, article_of, without_blank_steps
from crawl.schema.how_tos import how_tos, how_tos_in
from crawl.schema.lenient_json import values_of
from howtree.errors import BadInput

REASONS = {
    "restricted": "restricted",
    "redirect": "redirect",
    "not_article": "not an article",
    "empty": "no steps",
}
"""Kind of a page -> the reason that tallies count by."""


def read(
    sources: Sequence[Path], start: int = 0, *, notes: Counter[str] | None = None
) -> Iterator[Article | Skip]:
    """Every raw item of the sources in a fixed order, as an article or as what was skipped and why.

    An article that comes twice is yielded twice: only `crawl.corpus.write` sees them all and knows which to keep.

    Args:
        sources: files or folders of any documented form.
        start: how many raw items are passed over without being parsed, to go on after a kill.
        notes: counts what was mended in kept articles ("blank steps dropped").

    Raises:
        BadInput: a source does not exist; or, with `start` 0, no article was found in any.
    """
    files.check(sources)
    return _read(sources, start, Counter() if notes is None else notes)


def _read(sources: Sequence[Path], start: int, notes: Counter[str]) -> Iterator[Article | Skip]:
    kept = False
    reasons: Counter[str] = Counter()
    for item in islice(items_in(sources), start, None):
        reading = outcomes_of(item)
        notes.update(reading.notes)
        for outcome in reading.outcomes:
            if isinstance(outcome, Skip):
                reasons[outcome.reason] += 1
            else:
                kept = True
            yield outcome
    if not kept and not start:
        raise nothing_found(sources, reasons)


def nothing_found(sources: Sequence[Path], reasons: Counter[str]) -> BadInput:
    """The error for input without any article, naming what was found instead."""
    names = ", ".join(map(str, sources)) or "nothing"
    found = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3)) or "no file to read"
    return BadInput(
        f"{names}: no article found ({found}). docs/formats.md lists what can be read: saved pages, WARC, "
        "ZIM, JSON Lines, dumps, Markdown and Parquet."
    )


def items_in(sources: Sequence[Path], without: Path | None = None) -> Iterator[Item]:
    """Every raw item of the sources, unparsed, in a fixed order; the folder `without` is passed over."""
    for found in files.find(sources, without):
        yield from _ITEMS_OF[found.form](found.path)


def outcomes_of(item: Item) -> Reading:
    """Read one raw item; never raises."""
    notes: Counter[str] = Counter()
    outcomes: list[Article | Skip] = []
    for outcome in _OUTCOMES_OF[item.form](item):
        if isinstance(outcome, Article):
            try:
                outcome, blank = without_blank_steps(outcome)
            except Unusable as error:
                outcome, blank = Skip(item.where, error.reason, error.detail), 0
            if blank:
                notes["blank steps dropped"] += blank
        outcomes.append(outcome)
    return Reading(outcomes, notes)


def _page_items(path: Path) -> Iterator[Item]:
    yield Item("page file", str(path), path)


def _unreadable_items(path: Path) -> Iterator[Item]:
    try:
        path.stat()
        detail = "the folder cannot be listed"
    except OSError as error:
        detail = error.strerror or str(error)
    yield Item("skip", str(path), Skip(str(path), "unreadable", detail))


def _no_file_items(path: Path) -> Iterator[Item]:
    yield Item("skip", str(path), Skip(str(path), "unreadable", "neither a file nor a folder"))


_ITEMS_OF = {
    "page": _page_items,
    "warc": warc.warc_items,
    "wacz": warc.wacz_items,
    "zim": zim.zim_items,
    "csv": tables.csv_items,
    "lines": dumps.line_items,
    "json": dumps.json_items,
    "parquet": dumps.parquet_items,
    "corpus": dumps.corpus_items,
    "markdown": documents.document_items("markdown"),
    "mallard": documents.document_items("mallard"),
    "wiki file": documents.document_items("wiki file"),
    "wiki dump": documents.wiki_items,
    "rdf": documents.document_items("rdf"),
    "unreadable": _unreadable_items,
    "no file": _no_file_items,
}


def _page_file_outcomes(item: Item) -> Iterable[Article | Skip]:
    path: Path = item.data
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PAGE_BYTES + 1)
    except OSError as error:
        return [Skip(item.where, "unreadable", error.strerror or str(error))]
    return _page_outcomes(Item("page", item.where, PageData(data)))


def _page_outcomes(item: Item) -> Iterable[Article | Skip]:
    """wikiHow's own markup first; a page without it may hold articles as schema.org's HowTo."""
    data: PageData = item.data
    try:
        text = decode_page(unpack(data.page), data.charset)
    except PageTooLong as error:
        return [Skip(item.where, "too long", str(error))]
    except BrokenPacking as error:
        return [Skip(item.where, "truncated gzip", str(error))]
    parsed = parse_page(text, url=data.url, source=item.where, fetched_at=data.fetched_at)
    if parsed.article is not None:
        return [parsed.article]
    found = how_tos(text, data.url, item.where, data.fetched_at) if parsed.kind == "not_article" else []
    return found or [Skip(item.where, REASONS[parsed.kind], parsed.reason)]


def _line_outcomes(item: Item) -> Iterable[Article | Skip]:
    try:
        record = json.loads(item.data)
    except (ValueError, RecursionError) as error:
        record = _carelessly_written(item.data)
        if record is None:
            return [Skip(item.where, "broken JSON", str(error)[:200])]
    return _record_outcomes(Item("record", item.where, record))


def _carelessly_written(data: bytes) -> list[Any] | None:
    try:
        return values_of(data.decode("utf-8-sig"))
    except ValueError:
        return None


def _record_outcomes(item: Item) -> Iterable[Article | Skip]:
    return (outcome for one in unwrapped(item) for outcome in _outcomes_of_record(one))


def _outcomes_of_record(item: Item) -> Iterable[Article | Skip]:
    if ifixit.is_guide(item.data):
        return _article_or_skip(Item("record", item.where, ifixit.record_of(item.data)), keep_source=False)
    node = node_in(item.data)
    found = [*how_tos_in(node, item.where)] if node is not None else []
    if any(isinstance(one, Article) for one in found):
        return found
    said = _article_or_skip(item, keep_source=False)  # also of a record that says a type of its own
    return said if node is None or isinstance(said[0], Article) else found


def _row_outcomes(item: Item) -> Iterable[Article | Skip]:
    return _article_or_skip(item, keep_source=True)


def _article_or_skip(item: Item, keep_source: bool) -> list[Article | Skip]:
    try:
        return [article_of(item.data, item.where, keep_source=keep_source)]
    except Unusable as error:
        return [Skip(item.where, error.reason, error.detail)]
    except RecursionError:
        return [Skip(item.where, "not a record", "nested too deeply")]


def _document_outcomes(item: Item) -> Iterable[Article | Skip]:
    found = documents.records_in(item)
    if isinstance(found, Skip):
        return [found]
    places = [
        item.where if len(found) == 1 else f"{item.where}#{number}" for number in range(1, len(found) + 1)
    ]
    items = (Item("record", where, record) for where, record in zip(places, found, strict=True))
    return [outcome for one in items for outcome in _article_or_skip(one, keep_source=False)]


def _skip_outcomes(item: Item) -> Iterable[Article | Skip]:
    skip: Skip = item.data
    return [skip]


_OUTCOMES_OF = {
    "page file": _page_file_outcomes,
    "page": _page_outcomes,
    "line": _line_outcomes,
    "record": _record_outcomes,
    "row": _row_outcomes,
    "skip": _skip_outcomes,
    **dict.fromkeys(documents.DOCUMENTS, _document_outcomes),
}
