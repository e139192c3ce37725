"""BM25 over the videos of one split, as score vectors: BM25 is a sum over query words, so the vector of a
query is the sum of the vectors of its parts, and no query is ever too long.

Sums are exact. Every word's share of a score is rounded to a multiple of 2^-32 (2.3e-10), which float64 adds
without error as long as a score stays below 2^21. So the order in which parts are added changes no bit, two
videos that tie do so exactly, and figures are the same on every machine and with any number of workers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from howtree.extras import required
from kb.video.corpus import Split

K1, B = 1.2, 0.75
TOKEN_PATTERN = r"(?u)\b\w+\b"
GRID = 2.0**32
DEPTH = 200
"""How many videos are ranked."""
MISS = DEPTH + 1
"""The rank of a relevant video that is not among them."""

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

_words = re.compile(TOKEN_PATTERN).findall


class Index(Protocol):
    """What scores the videos of a split: ours, or an engine to compare with."""

    ids: list[str]
    """The video ids, rising: position in a score vector -> video."""

    def scores(self, texts: Sequence[str]) -> Floats:
        """BM25 of every video for each text: shape (texts, videos)."""
        ...


def on_grid(values: Floats) -> Floats:
    """The values rounded to the multiples of 2^-32 on which sums are exact."""
    rounded: Floats = np.rint(values * GRID)
    rounded /= GRID
    return rounded


def ranked(scores: Floats) -> Positions:
    """Positions of the best 200 videos with a score above 0, best first; of a tie the lower position first.

    Positions follow the video ids, so ties go by video id. A video that shares no word with the query scores
    0 and is not ranked, as in a search engine.
    """
    found = np.flatnonzero(scores > 0)
    if len(found) > DEPTH:
        values = scores[found]
        found = found[values >= np.partition(values, -DEPTH)[-DEPTH]]
    order = np.argsort(-scores[found], kind="stable")
    return found[order][:DEPTH]


def ranks_of(relevant: Sequence[int], order: Positions) -> NDArray[np.int64]:
    """The rank of each relevant video, from 1; 201 where it is not in `order`. Shape (relevant,)."""
    rank_at = {int(position): rank for rank, position in enumerate(order, start=1)}
    return np.array([rank_at.get(position, MISS) for position in relevant], dtype=np.int64)


@dataclass(slots=True)
class Bm25Index:
    """The words x videos matrix of score shares, in rows of words (CSR), as bm25s computes them."""

    ids: list[str]
    words: dict[str, int]
    shares: Floats
    videos: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, split: Split) -> Bm25Index:
        """Index the videos of a split: lower case, words of letters and digits, no stop words, no stemming.

        k1 = 1.2, b = 0.75, idf = ln(1 + (N - df + 0.5) / (df + 0.5)), as in Lucene without its rounding of
        the lengths. A video without text counts in N and in the mean length.
        """
        bm25s: Any = required("bm25s", "eval", "the evaluation")
        tokens = bm25s.tokenize(
            split.texts, token_pattern=TOKEN_PATTERN, stopwords=None, stemmer=None, show_progress=False
        )
        if not tokens.vocab:
            empty = np.zeros(0)
            return cls(split.ids, {}, empty, empty.astype(np.int32), np.zeros(1, np.int64))
        engine = bm25s.BM25(method="lucene", k1=K1, b=B, dtype="float64")
        engine.index(tokens, create_empty_token=False, show_progress=False)
        matrix = engine.scores
        return cls(split.ids, tokens.vocab, on_grid(matrix["data"]), matrix["indices"], matrix["indptr"])

    def scores(self, texts: Sequence[str]) -> Floats:
        """BM25 of every video for each text: shape (texts, videos). A repeated word counts each time."""
        result = np.zeros((len(texts), len(self.ids)))
        for row, text in zip(result, texts, strict=True):
            for word, count in Counter(_words(text.lower())).items():
                if (number := self.words.get(word)) is not None:
                    span = slice(self.starts[number], self.starts[number + 1])
                    row[self.videos[span]] += count * self.shares[span]
        return result
