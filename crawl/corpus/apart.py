"""Different articles of other sites that came under one address: told apart by their titles and what they say.

A source may give one address for many articles. Of two under one key, the later is another article where its title is
another, or where less than half of its steps are the first one's and no date says that it is another state of it; its
slug then goes on with its title. Titles and steps are read for such keys alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crawl.article import Article, slug_of
from crawl.corpus.shards import (
    foreign_keys,
    notes_of,
    parts_of,
    read_rows,
    skipped_beside,
    table_of,
    with_notes,
    write_tables,
)
from crawl.steps.plain import letters
from howtree.files import digest_of

NOTE = "told apart from another article of the same address"


@dataclass
class _Known:
    """An article that has its key."""

    key: str
    title: str
    steps: frozenset[str]
    state: str
    """When it was fetched, or changed last."""

    @classmethod
    def of(cls, article: Article) -> _Known:
        steps = (step for method in article.methods for step in method.steps)
        said = frozenset(letters(step.headline + step.body) for step in steps)
        return cls(article.key, letters(article.title), said, article.fetched_at or article.modified)

    def is_same(self, other: _Known) -> bool:
        if self.title != other.title:
            return False
        return self.state != other.state or 2 * len(self.steps & other.steps) >= min(
            len(self.steps), len(other.steps)
        )


def tell_apart(folder: Path) -> None:
    """Give each article of other sites a key of its own. Doing it again, or after a kill, changes nothing more."""
    parts = parts_of(folder)
    counts = Counter(key for part in parts for key in foreign_keys(part))
    shared = {key for key, count in counts.items() if count > 1}
    if not shared:
        return
    known: dict[str, list[_Known]] = {}
    taken = set(counts)
    base = {key: key for key in shared} | dict(_moved_before(counts, shared))
    for part in parts:
        moved = dict(_moved(part, base, known, taken))
        if moved:
            _rewrite(part, moved)


def _moved_before(keys: Iterable[str], shared: Container[str]) -> Iterator[tuple[str, str]]:
    """The keys that a run which was killed made of a shared one, each with that."""
    for key in keys:
        for mark in re.finditer("#", key):
            if key[: mark.start()] in shared:
                yield key, key[: mark.start()]


def _moved(
    part: Path, base: dict[str, str], known: dict[str, list[_Known]], taken: set[str]
) -> Iterator[tuple[int, Article]]:
    """The rows of a shard that need a slug of their own, each with its article under that."""
    for row, article in read_rows(part, base):
        of_key = known.setdefault(base[article.key], [])
        own = _Known.of(article)
        same = next((other for other in of_key if own.is_same(other)), None)
        if same is None and of_key and article.key == base[article.key]:
            own.key = _apart(article, own, taken).key
            taken.add(own.key)
        if same is None:
            of_key.append(own)
        key = same.key if same else own.key
        if key != article.key:
            yield row, replace(article, slug=key.partition(":/")[2])


def _apart(article: Article, own: _Known, taken: set[str]) -> Article:
    """The article under a slug that nobody has: with its title, and if that is taken, with a digest of its steps."""
    named = replace(article, slug=f"{article.slug}#{slug_of(article.goal)}")
    digest = digest_of(*sorted(own.steps))[:8]
    return named if named.key not in taken else replace(named, slug=f"{named.slug}~{digest}")


def _rewrite(part: Path, moved: dict[int, Article]) -> None:
    table, skipped = pq.read_table(part), pq.read_table(skipped_beside(part))
    new = table_of(moved.values())
    places = pa.array(range(table.num_rows))
    stays = table.filter(pc.invert(pc.is_in(places, pa.array(list(moved)))))
    order = pa.array([*(row for row in range(table.num_rows) if row not in moved), *moved])
    whole = pa.concat_tables([stays, new]).take(pc.sort_indices(order))
    notes = notes_of(skipped)
    notes[NOTE] += len(moved)
    write_tables(part, whole, with_notes(skipped, notes))
