"""The shards of a corpus: Parquet files of articles, each with a file beside it of what was skipped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawl.article import Article, Skip
from crawl.pages.links import host_of
from crawl.pages.selectors import language_of_host
from crawl.readers.items import Reading
from crawl.readers.records import article_of
from howtree.files import digest_of
from howtree.seals import SUFFIX, sealed

_TEXTS = pa.list_(pa.string())
_LINK = pa.struct([(name, pa.string()) for name in ("slug", "title", "anchor", "place", "language")])
_STEP = pa.struct(
    [
        ("number", pa.int32()),
        ("headline", pa.string()),
        ("body", pa.string()),
        ("bullets", _TEXTS),
        ("links", pa.list_(_LINK)),
    ]
)
_METHOD = pa.struct(
    [("kind", pa.string()), ("number", pa.int32()), ("name", pa.string()), ("steps", pa.list_(_STEP))]
)
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("content_hash", pa.string()),
        ("language", pa.string()),
        ("title", pa.string()),
        ("methods", pa.list_(_METHOD)),
        ("slug", pa.string()),
        ("goal", pa.string()),
        ("page_id", pa.int64()),
        ("revision", pa.int64()),
        ("url", pa.string()),
        ("site", pa.string()),
        ("introduction", pa.string()),
        ("categories", _TEXTS),
        ("ingredients", _TEXTS),
        ("things", _TEXTS),
        ("tools", _TEXTS),
        ("tips", _TEXTS),
        ("warnings", _TEXTS),
        ("related", _TEXTS),
        ("aliases", _TEXTS),
        ("references", _TEXTS),
        ("licence", pa.string()),
        ("published", pa.string()),
        ("modified", pa.string()),
        ("fetched_at", pa.string()),
        ("source", pa.string()),
    ]
)
"""One row per article: the fields of `Article`, its key, and a digest of all but where and when it was read."""
SKIPPED_SCHEMA = pa.schema([("where", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
_NOTES = b"notes"


def parts_of(folder: Path) -> list[Path]:
    """The shards of a corpus in their order."""
    return sorted(folder.glob("part-*.parquet"))


def skipped_beside(part: Path) -> Path:
    """The file of what was skipped while a shard was read."""
    return part.with_name(part.name.replace("part-", "skipped-"))


def seal_beside(part: Path) -> Path:
    """The seal of a shard (`howtree.seals`)."""
    return part.with_suffix(SUFFIX)


def shard_of(folder: Path, number: int) -> Path:
    """Where the articles of the shard with this number are."""
    return folder / f"part-{number:05}.parquet"


def write_shard(readings: Iterable[Reading], part: Path) -> bool:
    """Write what came out of some raw items; returns False, and writes nothing, where there was no item."""
    articles: list[Article] = []
    skips: list[Skip] = []
    notes: Counter[str] = Counter()
    for reading in readings:
        notes.update(reading.notes)
        for outcome in reading.outcomes:
            if isinstance(outcome, Skip):
                skips.append(outcome)
            else:
                articles.append(outcome)
    if not articles and not skips:
        return False
    rows = [{"where": skip.where, "reason": skip.reason, "detail": skip.detail} for skip in skips]
    skipped = pa.Table.from_pylist(rows, schema=SKIPPED_SCHEMA)
    write_tables(part, table_of(articles), with_notes(skipped, notes))
    return True


def read_shard(part: Path) -> Iterator[Article]:
    """The articles of a shard, in their order."""
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                yield article_of(row, row["source"], keep_source=True)


def foreign_keys(part: Path) -> list[str]:
    """The keys of a shard's articles of other sites than wikiHow."""
    rows = pq.read_table(part, columns=["key", "slug", "url", "site", "page_id"]).to_pylist()
    return [row["key"] for row in rows if row["page_id"] is None and is_foreign(row)]


def is_foreign(row: dict[str, Any]) -> bool:
    """Whether a row's article is another site's than wikiHow's: its slug says which, or in which file it was."""
    host = host_of(row["url"] or "")
    return bool(row["site"] or (host and language_of_host(host) is None)) or row["slug"].startswith("file:")


def read_rows(part: Path, keys: Container[str]) -> Iterator[tuple[int, Article]]:
    """The articles of a shard that have one of some keys, each with its row."""
    rows = [
        row
        for row, key in enumerate(pq.read_table(part, columns=["key"]).column("key").to_pylist())
        if key in keys
    ]
    if rows:
        for row, values in zip(rows, pq.read_table(part).take(rows).to_pylist(), strict=True):
            yield row, article_of(values, values["source"], keep_source=True)


def with_notes(skipped: pa.Table, notes: Counter[str]) -> pa.Table:
    """A table of what was skipped, with what was mended in what was kept."""
    return skipped.replace_schema_metadata({_NOTES: json.dumps(notes)})


def notes_of(skipped: pa.Table) -> Counter[str]:
    """What was mended while a shard was read, as its skipped file says."""
    return Counter(json.loads((skipped.schema.metadata or {}).get(_NOTES, b"{}")))


def write_tables(part: Path, articles: pa.Table, skipped: pa.Table) -> None:
    """Write the two files of a shard and seal them: with its seal a shard is whole."""
    with sealed(seal_beside(part)) as write:
        for table, path in ((skipped, skipped_beside(part)), (articles, part)):
            with write(path) as aside:
                pq.write_table(table, aside, compression="zstd")


def content_hash(values: dict[str, Any]) -> str:
    """A digest of everything in an article, as `Article.to_dict` gives it, but where and when it was read."""
    content = {name: value for name, value in values.items() if name not in ("source", "fetched_at")}
    return digest_of(json.dumps(content, ensure_ascii=False, sort_keys=True))


def table_of(articles: Iterable[Article]) -> pa.Table:
    """Articles as an Arrow table in SCHEMA."""
    keyed = ((article.key, article.to_dict()) for article in articles)
    rows = [{"key": key, "content_hash": content_hash(values), **values} for key, values in keyed]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
