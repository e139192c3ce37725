"""The corpus: a folder of Parquet shards, one row per article, and what was skipped beside them.

Raw items are read `shard_size` at a time, and a whole shard is never read again. When all shards are there, a last pass
over the keys takes out articles that came twice. The manifest says whether that pass is done, so a run that was killed
at any moment goes on where it stopped. Shards are sealed: one that was damaged is read again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from crawl.article import Article
from crawl.corpus.apart import tell_apart
from crawl.corpus.duplicates import take_out_duplicates
from crawl.corpus.pool import readings_of
from crawl.corpus.shards import (
    SCHEMA,
    notes_of,
    parts_of,
    read_shard,
    seal_beside,
    shard_of,
    skipped_beside,
    write_shard,
)
from crawl.readers import files
from crawl.readers.sources import items_in, nothing_found
from howtree.errors import BadInput
from howtree.files import make_folder, read_json
from howtree.progress import progress
from howtree.seals import SUFFIX, files_of, read_sealed_json, whole_among, write_sealed_json
from howtree.version import __version__

_OURS = re.compile(rf"(part|skipped)-\d+\.(parquet|{SUFFIX[1:]})|{re.escape(files.MANIFEST)}|\..*\.part")


@dataclass
class CorpusTally:
    """What an import read, kept and skipped."""

    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    """What was mended in kept articles."""
    damaged: list[Path] = field(default_factory=list, compare=False)
    """What was damaged in a corpus that was there, and is made again; not kept."""

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
    def from_dict(cls, value: dict[str, Any]) -> CorpusTally:
        """The inverse of `to_dict`."""
        return cls(value["read"], value["kept"], Counter(value["skipped"]), Counter(value["notes"]))


def _by_size(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def write_corpus(
    sources: Sequence[Path], folder: Path, *, shard_size: int = 2000, workers: int = 1
) -> CorpusTally:
    """Read the sources into a corpus folder; a run that was killed goes on where it stopped.

    Where nothing has changed since a finished run, nothing is done again. Where the sources have changed (paths,
    sizes or times of change), the corpus is made again. Memory holds one shard and the keys of all articles.

    Args:
        sources: files or folders of any documented form.
        folder: a new or empty folder, or a corpus.
        shard_size: raw items per shard.
        workers: processes that parse pages; the order of the articles does not depend on it.

    Raises:
        BadInput: a source does not exist, no article was found, or `folder` holds something else.
    """
    files.check(sources)
    state = {
        "fingerprint": files.fingerprint(sources, without=folder),
        "shard_size": shard_size,
        "version": __version__,
        "columns": SCHEMA.names,
        "sources": [str(source) for source in sources],
    }
    manifest, damaged = _prepare(folder, state)
    whole, broken = _mended(folder, manifest.get("shards", 0))
    damaged += broken
    if manifest.get("finished") and not damaged:
        return CorpusTally.from_dict(manifest["tally"])
    write_sealed_json(folder / files.MANIFEST, {**state, "finished": False})
    _write_shards(sources, folder, shard_size, workers, whole)
    tell_apart(folder)
    take_out_duplicates(folder)
    tally = _count(folder)
    if not tally.kept:
        _clear(folder)
        raise nothing_found(sources, tally.skipped)
    digests = {str(source): files.content_digest(source, without=folder) for source in sources}
    made = {"digests": digests, "tally": tally.to_dict(), "shards": len(parts_of(folder))}
    write_sealed_json(folder / files.MANIFEST, {**state, "finished": True, **made})
    return replace(tally, damaged=damaged)


def digests_of(folder: Path) -> dict[str, str]:
    """The sources of a finished corpus, each with the SHA-256 of what it held when it was read."""
    digests: dict[str, str] = read_json(folder / files.MANIFEST)["digests"]
    return digests


def read_corpus(folder: Path) -> Iterator[Article]:
    """Every article of a finished corpus, in its order.

    Raises:
        BadInput: the folder is no corpus, or an unfinished one.
    """
    if not files.is_corpus(folder):
        raise BadInput(f"{folder}: no corpus. Make one with: howtree import SOURCE -o {folder}")
    if not files.is_finished(folder):
        raise BadInput(f"{folder}: unfinished corpus. Run the same `howtree import` again to finish it.")
    return (article for part in parts_of(folder) for article in read_shard(part))


def _prepare(folder: Path, state: dict[str, Any]) -> tuple[dict[str, Any], list[Path]]:
    """The manifest of a run to go on with, and itself where it was damaged; where the inputs have changed, the old
    shards go."""
    path = folder / files.MANIFEST
    manifest = read_sealed_json(path)
    if manifest and all(manifest.get(name) == value for name, value in state.items()):
        return manifest, []
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file. Give -o a folder for the corpus.")
    unreadable = read_json(path) is None
    if unreadable and folder.is_dir() and not all(_OURS.fullmatch(entry.name) for entry in folder.iterdir()):
        raise BadInput(f"{folder}: holds files that are no corpus. Give -o a new or empty folder.")
    make_folder(folder)
    damaged = (
        [path] if path.exists() and (unreadable or "sha256" in read_json(path)) and manifest is None else []
    )
    write_sealed_json(path, {"finished": False})  # from here on the old shards belong to no run
    _clear_shards(folder)
    return {"finished": False}, damaged


def _mended(folder: Path, shards: int) -> tuple[set[int], list[Path]]:
    """The numbers of the shards that are whole, and the damaged ones by their seals; all else is taken away.

    Of a finished corpus, with so many `shards`, those that are missing are damaged, too.
    """
    seals = sorted(folder.glob(f"part-*{SUFFIX}"))
    sound = whole_among(seals)
    kept = {path.name for seal in sound for path in (seal, *files_of(seal))}
    for path in _shard_files(folder):
        if path.name not in kept:
            path.unlink()
    lost = {seal_beside(shard_of(folder, number)) for number in range(shards)} - sound
    return {_number_of(seal) for seal in sound}, sorted({*seals, *lost} - sound)


def _write_shards(
    sources: Sequence[Path], folder: Path, shard_size: int, workers: int, whole: set[int]
) -> None:
    """Write all shards but those that are `whole`."""
    items = enumerate(progress(items_in(sources, without=folder), "reading"))
    wanted = (item for place, item in items if place // shard_size not in whole)
    readings = readings_of(wanted, workers)
    for number in count():
        if number not in whole and not write_shard(islice(readings, shard_size), shard_of(folder, number)):
            return


def _clear_shards(folder: Path) -> None:
    for path in _shard_files(folder):
        path.unlink()


def _shard_files(folder: Path) -> list[Path]:
    """Every file of shards, whole or not, and what was left of writing."""
    names = ("part-*.parquet", "skipped-*.parquet", f"part-*{SUFFIX}", ".*.part")
    return [path for name in names for path in folder.glob(name)]


def _number_of(seal: Path) -> int:
    return int(seal.stem.removeprefix("part-"))


def _clear(folder: Path) -> None:
    """Take away a corpus that came out empty, and its folder where that holds nothing else."""
    _clear_shards(folder)
    (folder / files.MANIFEST).unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _count(folder: Path) -> CorpusTally:
    tally = CorpusTally()
    for part in parts_of(folder):
        skipped = pq.read_table(skipped_beside(part))
        tally.kept += pq.read_metadata(part).num_rows
        tally.skipped.update(skipped.column("reason").to_pylist())
        tally.notes.update(notes_of(skipped))
    tally.read = tally.kept + tally.skipped.total()
    return tally
