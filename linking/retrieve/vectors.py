"""Vectors on disk, each text encoded once: the memory of the linker between builds.

A folder of parts, each laid out first and encoded later, by whoever has the time:

    part-00000.texts.parquet   the texts (string, n rows)
    part-00000.hash.npy        uint64 [n], the first half of each text's digest
    part-00000.texts.sha256    the seal of both; with it the part is laid out
    part-00000.tokens.npz      the texts' tokens, where the encoder has a token head
    part-00000.npy             float32 [n, dimension], the texts' vectors
    part-00000.vectors.sha256  the seal of these; with it the part is encoded

Files are written aside and renamed. Rows are numbered through all parts and never change, so later files may refer
to a row. `linking.retrieve.mend` takes away what is damaged, before a store is opened.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from howtree.files import make_folder
from howtree.seals import SUFFIX, sealed
from linking.arrays import Hashes, Rows, Vectors
from linking.encode.encoder import Encoder
from linking.encode.tokens import Tokens
from linking.run.executors import Executor, InProcess

PART_SIZE = 8_192
"""Texts in a part, unless another number is given: what is encoded at a time, and done again after a loss."""
LAID_OUT, ENCODED = f"texts{SUFFIX}", f"vectors{SUFFIX}"
"""Kinds of the seals of a part."""


class VectorStore:
    """The vectors of one encoder for one kind of text, appended to and never changed.

    `part_size` counts for what is laid out from now on; the parts that are there stay as they are.
    """

    def __init__(self, folder: Path, part_size: int = PART_SIZE) -> None:
        self.folder, self.part_size = folder, part_size
        make_folder(folder)
        hashes: list[Hashes] = []
        while self._is_laid_out(len(hashes)):
            hashes.append(np.load(self._path(len(hashes), "hash.npy")))
        self._starts = np.cumsum([0, *(len(part) for part in hashes)])
        self._set_hashes(np.concatenate(hashes) if hashes else np.empty(0, np.uint64))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its folder: the process that unpickles it opens the files itself."""
        return VectorStore, (self.folder.absolute(), self.part_size)

    def __len__(self) -> int:
        return len(self.hashes)

    def rows(self, hashes: Hashes) -> Rows:
        """Row numbers of the texts with these hashes, -1 where a text is unknown. Shape [len(hashes)]."""
        if not len(self):
            return np.full(len(hashes), -1, np.int64)
        nearest = np.minimum(np.searchsorted(self._sorted, hashes), len(self) - 1)
        return np.where(self._sorted[nearest] == hashes, self._order[nearest], -1)

    def parts(self) -> list[Rows]:
        """The row numbers of each part, ascending."""
        return [np.arange(a, b) for a, b in itertools.pairwise(self._starts)]

    def hashes_of(self, part: int) -> Hashes:
        """The hashes of the texts of a part; none where there is no such part."""
        bounds = self._starts[part : part + 2]
        return self.hashes[slice(*bounds) if len(bounds) == 2 else slice(0)]

    def texts(self, part: int) -> list[str]:
        """The texts of a part, in the order of its rows."""
        return list(pq.read_table(self._path(part, "texts.parquet")).column("text").to_pylist())

    def texts_at(self, rows: Rows) -> list[str]:
        """The texts of these rows."""
        part_of = self._part_of(rows)
        texts = {part: self.texts(part) for part in np.unique(part_of).tolist()}
        return [
            texts[part][row - self._starts[part]]
            for part, row in zip(part_of.tolist(), rows.tolist(), strict=True)
        ]

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of these rows, shape [len(rows), dimension]; their parts are encoded."""
        dimension = self._part(0).shape[1] if len(self) else 0
        result = np.empty((len(rows), dimension), np.float32)
        part_of = self._part_of(rows)
        for part in np.unique(part_of):
            here = part_of == part
            result[here] = self._part(part)[rows[here] - self._starts[part]]
        return result

    def tokens(self, rows: Rows) -> Tokens:
        """The tokens of these rows, in their order. Only where the encoder has a token head."""
        part_of = self._part_of(rows)
        order = np.argsort(part_of, kind="stable")
        parts = [
            Tokens.load(self._path(part, "tokens.npz")).picked(rows[part_of == part] - self._starts[part])
            for part in np.unique(part_of)
        ]
        return Tokens.joined(parts).picked(np.argsort(order, kind="stable")) if parts else Tokens.none()

    def add(self, texts: Sequence[str], encoder: Encoder, bar: Any = None) -> Rows:
        """Row numbers of `texts`; those not yet known are laid out and encoded first."""
        self.lay_out([texts])
        self.encode(encoder, bar)
        return self.rows(hash_texts(texts))

    def lay_out(self, batches: Iterable[Sequence[str]]) -> None:
        """Give each text not yet known a row, a part at a time. Memory holds one batch, one part, and all hashes."""
        fresh: dict[int, str] = {}
        for texts in batches:
            hashes = hash_texts(texts)
            for position in np.flatnonzero(self.rows(hashes) < 0).tolist():
                fresh.setdefault(int(hashes[position]), texts[position])
            whole = len(fresh) // self.part_size * self.part_size
            self._append(list(itertools.islice(fresh.items(), whole)))
            fresh = dict(itertools.islice(fresh.items(), whole, None))
        self._append(list(fresh.items()))

    def encode(self, encoder: Encoder, bar: Any = None, executor: Executor | None = None) -> int:
        """Encode every part that is laid out and not yet encoded; returns the number of texts."""
        total = 0
        work = partial(self.encode_part, encoder=encoder)
        gpu = encoder.device != "cpu"
        for _, done in (executor or InProcess()).run(work, self.not_encoded(), gpu):
            total += done
            if bar is not None:
                bar.update(done)
        return total

    def not_encoded(self) -> list[int]:
        """The parts that are laid out and not yet encoded."""
        return [part for part in range(len(self._starts) - 1) if not self._path(part, ENCODED).exists()]

    def encode_part(self, part: int, encoder: Encoder) -> int:
        """Encode one part; returns the number of its texts."""
        vectors, tokens = encoder.encode_tokens(self.texts(part))
        with sealed(self._path(part, ENCODED)) as write:
            if tokens is not None:
                with write(self._path(part, "tokens.npz")) as aside:
                    tokens.save(aside)
            with write(self._path(part, "npy")) as aside, aside.open("wb") as file:
                np.save(file, vectors)
        return len(vectors)

    def _append(self, fresh: Sequence[tuple[int, str]]) -> None:
        """Lay out new texts, given with their hashes, as parts."""
        hashes = np.array([each for each, _ in fresh], np.uint64)
        for start in range(0, len(fresh), self.part_size):
            part = len(self._starts) - 1
            texts = [text for _, text in fresh[start : start + self.part_size]]
            table = pa.table({"text": pa.array(texts, pa.string())})
            with sealed(self._path(part, LAID_OUT)) as write:
                with write(self._path(part, "texts.parquet")) as aside:
                    pq.write_table(table, aside, compression="zstd")
                with write(self._path(part, "hash.npy")) as aside, aside.open("wb") as file:
                    np.save(file, hashes[start : start + self.part_size])
            self._starts = np.append(self._starts, self._starts[-1] + len(texts))
        if len(fresh):
            self._set_hashes(np.concatenate([self.hashes, hashes]))

    def _set_hashes(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]

    def _part_of(self, rows: Rows) -> NDArray[np.int64]:
        """The number of the part that each row is in."""
        return np.asarray(np.searchsorted(self._starts, rows, side="right") - 1)

    def _part(self, part: int) -> Vectors:
        """Mapped for as long as the caller holds it: a part that stayed open would count as memory in use."""
        return np.asarray(np.load(self._path(part, "npy"), mmap_mode="r"))

    def _is_laid_out(self, part: int) -> bool:
        return self._path(part, LAID_OUT).exists()

    def _path(self, part: int, kind: str) -> Path:
        return self.folder / f"part-{part:05d}.{kind}"


def hash_texts(texts: Sequence[str]) -> Hashes:
    """64-bit hashes of texts, shape [len(texts)].

    Among two million texts, two share a hash with a probability below 1 in 9 million (n^2 / 2^65).
    """
    digests = b"".join(
        hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
