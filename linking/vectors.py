"""Vectors on disk, each text encoded once: the memory of the linker between builds.

A folder of parts. Each part is two or three files, written aside and renamed, the vectors last:
`part-00000.hash.npy` (uint64 [n], the first half of the text's digest), `part-00000.tokens.npz` (where the encoder has
a token head) and `part-00000.npy` (float32 [n, dimension]). Rows are numbered through all parts and never change, so
later files may refer to a row.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree import written_aside
from linking.encoder import Encoder, Vectors
from linking.tokens import Tokens

PART_SIZE = 8_192

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class VectorStore:
    """The vectors of one encoder for one kind of text, appended to and never changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._parts: list[Vectors] = []
        hashes: list[Hashes] = []
        while (path := self._path(len(self._parts))).exists():
            hashes.append(np.load(self._hash_path(len(self._parts))))
            self._parts.append(np.load(path, mmap_mode="r"))
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])
        self._set_hashes(np.concatenate(hashes) if hashes else np.empty(0, np.uint64))

    def __len__(self) -> int:
        return len(self.hashes)

    def rows(self, hashes: Hashes) -> Rows:
        """Row numbers of the texts with these hashes, -1 where a text is unknown. Shape [len(hashes)]."""
        if not len(self):
            return np.full(len(hashes), -1, np.int64)
        place = np.minimum(np.searchsorted(self._sorted, hashes), len(self) - 1)
        return np.where(self._sorted[place] == hashes, self._order[place], -1)

    def parts(self) -> list[Rows]:
        """The row numbers of each part, ascending."""
        return [np.arange(a, b) for a, b in itertools.pairwise(self._starts)]

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of these rows, shape [len(rows), dimension]."""
        dimension = self._parts[0].shape[1] if self._parts else 0
        result = np.empty((len(rows), dimension), np.float32)
        part_of = np.searchsorted(self._starts, rows, side="right") - 1
        for part in np.unique(part_of):
            here = part_of == part
            result[here] = self._parts[part][rows[here] - self._starts[part]]
        return result

    def add(self, texts: Sequence[str], encoder: Encoder, bar: Any = None) -> Rows:
        """Row numbers of `texts`; those not yet known are encoded first, a part at a time."""
        hashes = hash_texts(texts)
        _, first = np.unique(hashes, return_index=True)
        missing = np.sort(first[self.rows(hashes[first]) < 0])
        for start in range(0, len(missing), PART_SIZE):
            batch = missing[start : start + PART_SIZE]
            self._append(hashes[batch], *encoder.encode_tokens([texts[i] for i in batch]))
            if bar is not None:
                bar.update(len(batch))
        return self.rows(hashes)

    def tokens(self, rows: Rows) -> Tokens:
        """The tokens of these rows, in their order. Only where the encoder has a token head."""
        part_of = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(part_of, kind="stable")
        parts = [
            self._tokens(part).picked(rows[part_of == part] - self._starts[part])
            for part in np.unique(part_of)
        ]
        return Tokens.joined(parts).picked(np.argsort(order, kind="stable")) if parts else Tokens.none()

    def _tokens(self, number: int) -> Tokens:
        return Tokens.load(self._token_path(number))

    def _append(self, hashes: Hashes, vectors: Vectors, tokens: Tokens | None) -> None:
        number = len(self._parts)
        if tokens is not None:
            with written_aside(self._token_path(number)) as aside:
                tokens.save(aside)
        for path, array in ((self._hash_path(number), hashes), (self._path(number), vectors)):
            with written_aside(path) as aside, aside.open("wb") as file:
                np.save(file, array)
        self._parts.append(np.load(self._path(number), mmap_mode="r"))
        self._starts = np.append(self._starts, self._starts[-1] + len(vectors))
        self._set_hashes(np.concatenate([self.hashes, hashes]))

    def _set_hashes(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.npy"

    def _token_path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.tokens.npz"

    def _hash_path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.hash.npy"


def hash_texts(texts: Sequence[str]) -> Hashes:
    """64-bit hashes of texts, shape [len(texts)].

    Among two million texts, two share a hash with a probability below 1 in 9 million (n^2 / 2^65).
    """
    digests = b"".join(
        hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
