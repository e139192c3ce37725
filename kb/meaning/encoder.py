"""Texts -> unit vectors by the sum of word vectors: the smallest encoder, which every install has.

A vector's length is the weight of its word: function words are short, rare ones long (as in Arora et al. 2017, ICLR).
`linking/train/words.py` made the vectors from those of the packaged encoder; they are kept as whole numbers of eight
bits with a scale a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "howtree-words"
"""What the encoder is called in knowledge bases."""
FILE = Path(__file__).parent / "words.npz"
REMEMBERED = 100_000
"""Words of which it is remembered whether they have a vector."""
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s\b")

Vectors = NDArray[np.float32]
"""Vectors of length 1, or 0 where no word of the text is known, [n, dimension]."""


def words_of(text: str) -> list[str]:
    """The words of a text: lower case, without accents, letters and digits only; a genitive's "s" falls away."""
    plain = _POSSESSIVE.sub("", text.lower())
    if plain.isascii():
        return _WORD.findall(plain)
    plain = unicodedata.normalize("NFKD", plain)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


@dataclass(frozen=True)
class WordEncoder:
    """A vector a word."""

    rows: dict[str, int]
    """The row of each known word."""
    vectors: NDArray[np.float32]
    """[len(rows), dimension]; their lengths are the words' weights."""

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """The weights of the words, [len(rows)]."""
        return np.asarray(np.sqrt((self.vectors * self.vectors).sum(axis=1)), np.float32)

    @cached_property
    def directions(self) -> Vectors:
        """The words' vectors at length 1."""
        return unit(self.vectors)

    @property
    def dimension(self) -> int:
        """Of the vectors."""
        return int(self.vectors.shape[1])

    def known(self, words: Iterable[str]) -> list[int]:
        """The rows of the words that have one; an inflected word without one may have that of its base form."""
        found = map(self._row, words)
        return [row for row in found if row is not None]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, [len(texts), dimension]."""
        return self.vectors_of([self.known(words_of(text)) for text in texts])

    def vectors_of(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of texts of which the rows of their words are known, [len(rows), dimension]."""
        sums = np.zeros((len(rows), self.dimension), np.float32)
        filled = np.array([i for i, row in enumerate(rows) if row], np.int64)
        if len(filled):
            flat = np.array([each for row in rows for each in row], np.int64)
            starts = np.cumsum([0, *(len(rows[i]) for i in filled[:-1])])
            sums[filled] = np.add.reduceat(self.vectors[flat], starts, axis=0)
        return unit(sums)

    @cached_property
    def _row(self) -> Callable[[str], int | None]:
        """The row of a word, remembered: the same words come again with every question."""
        return lru_cache(REMEMBERED)(self._found)

    def _found(self, word: str) -> int | None:
        row = self.rows.get(word)
        if row is None:
            row = next((self.rows[base] for base in base_forms(word) if base in self.rows), None)
        return row


def base_forms(word: str) -> Iterable[str]:
    """What an English word may be an inflection of, the likeliest first."""
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"),
                            ("er", ""), ("ly", "")):  # fmt: skip
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word[: -len(ending)] + instead


def stems(words: Iterable[str]) -> frozenset[str]:
    """Words without their English inflection, for comparing them: each as the shortest of its base forms."""
    return frozenset(
        min((word, *base_forms(word)), key=lambda form: (len(form), form)).rstrip("e") for word in words
    )


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Vectors scaled to length 1; those of length 0 stay as they are."""
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


@cache
def word_encoder() -> WordEncoder:
    """The encoder that ships."""
    return read_words(FILE)


def read_words(path: Path) -> WordEncoder:
    """The encoder that `howtree train words` has written."""
    with np.load(path) as file:
        words = file["words"].tobytes().decode().split("\n")
        vectors = file["steps"].astype(np.float32) * file["scale"].astype(np.float32)[:, None]
    return WordEncoder({word: row for row, word in enumerate(words)}, vectors)
