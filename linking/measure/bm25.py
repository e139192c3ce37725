"""BM25 over the titles of the pool: the lexical baseline of the evaluation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from howtree.extras import required
from linking.arrays import Vectors

K1, B = 1.2, 0.75
words = re.compile(r"\w+").findall


class Bm25:
    """BM25 as Lucene computes it: lower case, words of letters and digits, no stemming, no stop words."""

    name = "bm25"

    def __init__(self, titles: Sequence[str]) -> None:
        bm25s = required("bm25s", "eval", "BM25")
        self._size = len(titles)
        tokens = [words(title.lower()) for title in titles]
        self._known = {word for title in tokens for word in title}
        self._engine: Any = bm25s.BM25(method="lucene", k1=K1, b=B)
        if self._known:
            self._engine.index(tokens, show_progress=False)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """BM25 of every title for each text, shape [len(texts), titles]."""
        result = np.zeros((len(texts), self._size), np.float32)
        for row, text in zip(result, texts, strict=True):
            if asked := [word for word in words(text.lower()) if word in self._known]:
                row[:] = self._engine.get_scores(asked)
        return result
