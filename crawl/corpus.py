"""The corpus: a folder of Parquet shards, one row an article, and what was skipped beside them.

Raw items are read `shard_size` at a time. A shard's skipped file is written first and its articles last, both aside
and renamed, so a shard whose articles stand is whole and is never read again. When all shards stand, a last pass over
the keys alone takes out articles that came twice. The manifest says whether that pass is done.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawl import files
from crawl.article import Article, Skip
from crawl.items import Item
from crawl.records import article_of
from crawl.sources import items_in, nothing_found, outcomes_of
from howtree import BadInput, __version__, digest_of, progress, read_json, write_json, written_aside

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
        ("introduction", pa.string()),
        ("categories", _TEXTS),
        ("ingredients", _TEXTS),
        ("things", _TEXTS),
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
"""One row an article: the fields of `Article`, its key, and a digest of all but where and when it was read."""
SKIPPED_SCHEMA = pa.schema([("where", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
_NOTES = b"notes"


@dataclass
class Tally:
    """What an import read, kept and skipped."""

    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    """What was mended in kept articles."""

    def lines(self) -> list[str]:
        """The tally for people, the most frequent reason first."""
        out = [f"read {self.read:,}, kept {self.kept:,}, skipped {self.skipped.total():,}"]
        out += [f"  {count:,} skipped: {reason}" for reason, count in _by_size(self.skipped)]
        return out + [f"  {count:,} {note}" for note, count in _by_size(self.notes)]

    def to_dict(self) -> dict[str, Any]:
        """The tally as plain values."""
        return {
            "read": self.read,
            "kept": self.kept,
            "skipped": dict(self.skipped),
            "notes": dict(self.notes),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Tally:
        """The inverse of `to_dict`."""
        return cls(value["read"], value["kept"], Counter(value["skipped"]), Counter(value["notes"]))


def _by_size(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def write_corpus(sources: Sequence[Path], folder: Path, *, shard_size: int = 2000) -> Tally:
    """Read the sources into a corpus folder; a killed run is gone on with where it stopped.

    Of several records with one key the newest revision is kept, else the first; the others are skipped as
    "duplicate". A record without a page id is the same article as one with a page id where language and slug agree.
    Memory holds one shard and the keys.

    Raises:
        BadInput: a source does not exist, no article was found, or `folder` holds something else.
    """
    files.check(sources)
    state = {
        "fingerprint": files.fingerprint(sources),
        "shard_size": shard_size,
        "version": __version__,
        "sources": [str(source) for source in sources],
    }
    manifest = _prepare(folder, state)
    if manifest.get("finished"):
        return Tally.from_dict(manifest["tally"])
    done = _whole_shards(folder)
    _write_shards(sources, folder, done, shard_size)
    _take_out_duplicates(folder)
    tally = _count(folder)
    if not tally.kept:
        shutil.rmtree(folder)
        raise nothing_found(sources, tally.skipped)
    write_json(folder / files.MANIFEST, {**state, "finished": True, "tally": tally.to_dict()})
    return tally


def read_corpus(folder: Path) -> Iterator[Article]:
    """Every article of a finished corpus, in its order.

    Raises:
        BadInput: the folder is no corpus, or an unfinished one.
    """
    if not files.is_corpus(folder):
        raise BadInput(f"{folder}: no corpus. Make one with: howtree import SOURCE -o {folder}")
    if not files.is_finished(folder):
        raise BadInput(f"{folder}: unfinished corpus. Run the same `howtree import` again to finish it.")
    return _rows(folder)


def _rows(folder: Path) -> Iterator[Article]:
    for path in _parts(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    yield article_of(row, row["source"], keep_source=True)


def content_hash(article: Article) -> str:
    """A digest of everything in an article but where and when it was read."""
    value = article.to_dict()
    del value["source"], value["fetched_at"]
    return digest_of(json.dumps(value, ensure_ascii=False, sort_keys=True))


def table_of(articles: Iterable[Article]) -> pa.Table:
    """Articles as an Arrow table in SCHEMA."""
    rows = [
        {"key": article.key, "content_hash": content_hash(article), **article.to_dict()}
        for article in articles
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _prepare(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a run to go on with; where the inputs have changed, the old shards go and it starts anew."""
    manifest = read_json(folder / files.MANIFEST)
    if isinstance(manifest, dict) and all(manifest.get(name) == value for name, value in state.items()):
        return manifest
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file. Give -o a folder for the corpus.")
    if manifest is None and folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"{folder}: holds files that are no corpus. Give -o a new or empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {**state, "finished": False}
    write_json(folder / files.MANIFEST, manifest)
    for path in (*folder.glob("part-*.parquet"), *folder.glob("skipped-*.parquet")):
        path.unlink()
    return manifest


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _skipped_beside(part: Path) -> Path:
    return part.with_name(part.name.replace("part-", "skipped-"))


def _whole_shards(folder: Path) -> int:
    return len(_parts(folder))


def _write_shards(sources: Sequence[Path], folder: Path, done: int, shard_size: int) -> None:
    items = progress(islice(items_in(sources), done * shard_size, None), "reading", unit="items")
    stream = iter(items)
    while chunk := list(islice(stream, shard_size)):
        _write_shard(chunk, folder / f"part-{done:05}.parquet")
        done += 1


def _write_shard(items: list[Item], part: Path) -> None:
    articles: list[Article] = []
    skips: list[Skip] = []
    notes: Counter[str] = Counter()
    for item in items:
        reading = outcomes_of(item)
        notes.update(reading.notes)
        for outcome in reading.outcomes:
            if isinstance(outcome, Skip):
                skips.append(outcome)
            else:
                articles.append(outcome)
    _write(_skip_table(skips, notes), _skipped_beside(part))
    _write(table_of(articles), part)


def _skip_table(skips: Sequence[Skip], notes: Counter[str]) -> pa.Table:
    rows = [{"where": skip.where, "reason": skip.reason, "detail": skip.detail} for skip in skips]
    table = pa.Table.from_pylist(rows, schema=SKIPPED_SCHEMA)
    return table.replace_schema_metadata({_NOTES: json.dumps(notes)})


def _write(table: pa.Table, path: Path) -> None:
    with written_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A record's claim to be the one that is kept of its key; the greater rank wins, then the earlier place."""

    revision: int
    where: str
    shard: int
    row: int

    def beats(self, other: _Claim) -> bool:
        return self.revision > other.revision  # an earlier one was seen first


def _take_out_duplicates(folder: Path) -> None:
    """Keep one record of each key. Doing it twice, or again after a kill, changes nothing more."""
    parts = _parts(folder)
    pages = {
        (row["language"], row["slug"]): row["key"]
        for part in reversed(parts)
        for row in reversed(_key_rows(part))
        if row["page_id"] is not None
    }
    winners: dict[str, _Claim] = {}
    for shard, part in enumerate(parts):
        for row, values in enumerate(_key_rows(part)):
            identity = _identity(values, pages)
            claim = _Claim(_rank(values), values["source"], shard, row)
            if identity not in winners or claim.beats(winners[identity]):
                winners[identity] = claim
    for shard, part in enumerate(parts):
        losers = {
            row: winner
            for row, values in enumerate(_key_rows(part))
            if (winner := winners[_identity(values, pages)]) and (winner.shard, winner.row) != (shard, row)
        }
        if losers:
            _take_out(part, losers)


def _key_rows(part: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        part, columns=["key", "language", "slug", "page_id", "revision", "source"]
    ).to_pylist()
    return rows


def _identity(row: dict[str, Any], pages: dict[tuple[str, str], str]) -> str:
    if row["page_id"] is None:
        return pages.get((row["language"], row["slug"]), row["key"])
    return str(row["key"])


def _rank(row: dict[str, Any]) -> int:
    """The revision; a record with a page id and no revision still stands above one with neither."""
    if row["revision"] is not None:
        return int(row["revision"])
    return -1 if row["page_id"] is None else 0


def _take_out(part: Path, losers: dict[int, _Claim]) -> None:
    """Move rows of a shard to its skipped file: there first, so that a kill between the two loses nothing."""
    table = pq.read_table(part)
    beside = _skipped_beside(part)
    skipped = pq.read_table(beside)
    known = {(row["where"], row["reason"]) for row in skipped.to_pylist()}
    places = table.column("source").to_pylist()
    new = [
        {"where": places[row], "reason": "duplicate", "detail": f"kept: {winner.where}"}
        for row, winner in losers.items()
        if (places[row], "duplicate") not in known
    ]
    if new:
        more = pa.Table.from_pylist(new, schema=SKIPPED_SCHEMA).replace_schema_metadata(
            skipped.schema.metadata
        )
        _write(pa.concat_tables([skipped, more]), beside)
    _write(table.filter(pa.array([row not in losers for row in range(table.num_rows)])), part)


def _count(folder: Path) -> Tally:
    tally = Tally()
    for part in _parts(folder):
        tally.kept += pq.read_metadata(part).num_rows
        skipped = pq.read_table(_skipped_beside(part))
        tally.skipped.update(skipped.column("reason").to_pylist())
        tally.notes.update(json.loads((skipped.schema.metadata or {}).get(_NOTES, b"{}")))
    tally.read = tally.kept + tally.skipped.total()
    return tally
