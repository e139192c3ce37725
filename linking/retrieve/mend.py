"""What is damaged in a folder of stores and lists goes, so that it is made again like what was never there.

To be run before the stores are opened, by the process that starts the work and no other. Of our files only those stay
that a whole seal names. What an earlier version left has no seals: vectors that can be right are sealed as they are,
and so are lists, by whoever opens them (`ListFiles.adopt`), where no list has a seal yet.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count, takewhile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from howtree.seals import SUFFIX, files_of, seal_as_they_are, whole_among
from linking.encode.tokens import Tokens
from linking.retrieve.vectors import ENCODED, LAID_OUT, hash_texts

_OURS = re.compile(r"\.?(part-\d{5,}|goals-[0-9a-f]+)\.")
_OF_STORE = re.compile(rf"part-(\d{{5,}})\.({re.escape(LAID_OUT)}|{re.escape(ENCODED)})")


def mend(folder: Path) -> list[Path]:
    """Take away what is damaged, cut short or left over; returns the parts that were damaged, by their seals.

    Of a store all parts behind one that is gone go with it, for rows are numbered through all parts.
    """
    wrong = _adopt_stores(folder)
    seals = sorted(folder.rglob(f"*{SUFFIX}"))
    whole = whole_among(seals)
    damaged = [seal for seal in seals if seal not in whole]
    cut = _out_of_reach(whole)
    kept = {file for seal in whole.difference(cut) for file in (seal, *files_of(seal))}
    from_before = not wrong and not cut and all(map(_OF_STORE.fullmatch, (seal.name for seal in seals)))
    for path in [path for path in folder.rglob("*") if _OURS.match(path.name) and not path.is_dir()]:
        if path not in kept and not (from_before and _is_list(path)):
            path.unlink()
    return sorted({*wrong, *damaged, *cut})


def _out_of_reach(whole: set[Path]) -> set[Path]:
    """Seals of parts that their store does not know: it knows those up to the first that is not laid out."""
    laid_out: dict[Path, set[int]] = defaultdict(set)
    of_stores = [(seal, found) for seal in whole if (found := _OF_STORE.fullmatch(seal.name))]
    for seal, found in of_stores:
        if found[2] == LAID_OUT:
            laid_out[seal.parent].add(int(found[1]))
    known = {store: len(list(takewhile(parts.__contains__, count()))) for store, parts in laid_out.items()}
    return {seal for seal, found in of_stores if int(found[1]) >= known.get(seal.parent, 0)}


def _is_list(path: Path) -> bool:
    return path.suffix == ".arrow" or (path.suffix == ".npy" and path.name.startswith("goals-"))


def _adopt_stores(folder: Path) -> list[Path]:
    """Seal parts of stores that have no seals and can be right; returns the seals that the others would have had."""
    wrong: list[Path] = []
    for hashes in sorted(folder.rglob("part-*.hash.npy")):
        for seal, files in _groups(hashes):
            if not seal.exists():
                if _can_be_right(hashes, files):
                    seal_as_they_are(seal, files)
                else:
                    wrong.append(seal)
    return wrong


def _groups(hashes: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The seals of a part of a store, each with its files."""

    def those(*kinds: str) -> list[Path]:
        return [hashes.with_name(hashes.name.replace("hash.npy", kind)) for kind in kinds]

    yield those(LAID_OUT)[0], those("texts.parquet", "hash.npy")
    tokens, vectors = those("tokens.npz", "npy")
    if tokens.exists() or vectors.exists():
        yield those(ENCODED)[0], [vectors] if _without_tokens(hashes.parent) else [tokens, vectors]


def _without_tokens(store: Path) -> bool:
    """Whether the vectors of a store came from a model that gives no tokens, as far as can be seen for sure.

    Those of pairs did. Of goals and steps it is sure where both stores are there and neither has tokens: in a folder
    that was copied in part they may be what is missing.
    """
    if store.name.startswith("pairs-"):
        return True
    both = [store.with_name(name) for name in ("goals", "steps")]
    there = all(any(place.glob("part-*.npy")) for place in both)
    return there and not any(any(place.glob("*.tokens.npz")) for place in both)


def _can_be_right(hashes: Path, files: Iterable[Path]) -> bool:
    """Whether texts, or tokens and vectors, agree with the hashes of the same part."""
    try:
        known = np.load(hashes)
        return all(_agrees(file, known) for file in files if file != hashes)
    except Exception:  # whatever a damaged file makes its reader raise
        return False


def _agrees(file: Path, hashes: np.ndarray) -> bool:
    if file.suffix == ".parquet":
        return np.array_equal(hash_texts(pq.read_table(file).column("text").to_pylist()), hashes)
    if file.suffix == ".npz":
        tokens = Tokens.load(file)
        whole = tokens.starts[-1] == len(tokens.vectors) == len(tokens.weights)
        return bool(len(tokens) == len(hashes) and (tokens.lengths >= 0).all() and whole)
    vectors = np.load(file)
    fits = vectors.ndim == 2 and len(vectors) == len(hashes) and vectors.dtype == np.float32
    return bool(fits and np.isfinite(vectors).all())
