"""Articles that came twice: over all shards of a corpus, one record of each article is kept.

The newest revision wins, else the first. A record without a page id is the same article as one with a page id
where language and slug agree. Only keys, revisions and places are held in memory, never text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawl.corpus.shards import SKIPPED_SCHEMA, parts_of, skipped_beside, write_tables


@dataclass(frozen=True, slots=True)
class _Claim:
    """A record's claim to be the one that is kept of its key."""

    revision: int
    where: str
    shard: int
    row: int

    def beats(self, other: _Claim) -> bool:
        return self.revision > other.revision  # an earlier one was seen first


def take_out_duplicates(folder: Path) -> None:
    """Keep one record of each key. Doing it twice, or again after a kill, changes nothing more."""
    parts = parts_of(folder)
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
        return pages.get((row["language"], row["slug"]), str(row["key"]))
    return str(row["key"])


def _rank(row: dict[str, Any]) -> int:
    """The revision; a record with a page id and no revision still ranks above one with neither."""
    if row["revision"] is not None:
        return int(row["revision"])
    return -1 if row["page_id"] is None else 0


def _take_out(part: Path, losers: dict[int, _Claim]) -> None:
    """Move rows of a shard to its skipped file; a shard that is left between the two has no seal and is read again."""
    table, skipped = pq.read_table(part), pq.read_table(skipped_beside(part))
    places = table.column("source").to_pylist()
    new = [
        {"where": places[row], "reason": "duplicate", "detail": f"kept: {winner.where}"}
        for row, winner in losers.items()
    ]
    more = pa.Table.from_pylist(new, schema=SKIPPED_SCHEMA).replace_schema_metadata(skipped.schema.metadata)
    kept = table.filter(pa.array([row not in losers for row in range(table.num_rows)]))
    write_tables(part, kept, pa.concat_tables([skipped, more]))
