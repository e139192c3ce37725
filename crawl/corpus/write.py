"""The corpus: a folder of Parquet shards, one row per article, and what was skipped beside them.

Raw items are read `shard_size` at a time, and a shard that is there is never read again. When all shards are there, a
last pass over the keys takes out articles that came twice. The manifest says whether that pass is done, so a
run that was killed at any moment goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from crawl.article import Article
from crawl.corpus.duplicates import take_out_duplicates
from crawl.corpus.pool import readings_of
from crawl.corpus.shards import notes_of, parts_of, read_shard, skipped_beside, write_shard
from crawl.readers import files
from crawl.readers.sources import items_in, nothing_found
from howtree.errors import BadInput
from howtree.files import read_json, write_json
from howtree.progress import progress
from howtree.version import __version__


@dataclass
class CorpusTally:
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
        "sources": [str(source) for source in sources],
    }
    manifest = _prepare(folder, state)
    if manifest.get("finished") and "digests" in manifest:
        return CorpusTally.from_dict(manifest["tally"])
    _write_shards(sources, folder, shard_size, workers)
    take_out_duplicates(folder)
    tally = _count(folder)
    if not tally.kept:
        _clear(folder)
        raise nothing_found(sources, tally.skipped)
    digests = {str(source): files.content_digest(source, without=folder) for source in sources}
    finished = {**state, "finished": True, "digests": digests, "tally": tally.to_dict()}
    write_json(folder / files.MANIFEST, finished)
    return tally


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


def _prepare(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a run to go on with; where the inputs have changed, the old shards go."""
    path = folder / files.MANIFEST
    manifest = read_json(path)
    if isinstance(manifest, dict) and all(manifest.get(name) == value for name, value in state.items()):
        return manifest
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file. Give -o a folder for the corpus.")
    if manifest is None and folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"{folder}: holds files that are no corpus. Give -o a new or empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, {"finished": False})  # from here on the old shards belong to no run
    _clear_shards(folder)
    write_json(path, {**state, "finished": False})
    return {"finished": False}


def _write_shards(sources: Sequence[Path], folder: Path, shard_size: int, workers: int) -> None:
    for left_over in folder.glob(".*.part"):
        left_over.unlink()
    done = len(parts_of(folder))
    items = progress(islice(items_in(sources, without=folder), done * shard_size, None), "reading")
    readings = readings_of(items, workers)
    for number in count(done):
        if not write_shard(islice(readings, shard_size), folder / f"part-{number:05}.parquet"):
            return


def _clear_shards(folder: Path) -> None:
    for path in (*folder.glob("part-*.parquet"), *folder.glob("skipped-*.parquet")):
        path.unlink()


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
