"""Elasticsearch as the index, to compare our BM25 with the engine that the paper used.

Each part of a query is sent alone and in pieces below the engine's limit of clauses, and the scores are added
here, so no query is too long. Elasticsearch stores document lengths in one byte, which makes its scores
differ by a few per cent from those computed with the exact lengths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of
from howtree.progress import progress
from kb.video.corpus import Split
from kb.video.index import K1, TOKEN_PATTERN, B, Floats, on_grid

WORDS_A_QUERY = 512
"""Below the engine's limit of 1,024 clauses."""
DOCUMENTS_A_REQUEST = 500
SETTINGS: dict[str, Any] = {
    "settings": {
        "number_of_shards": 1,
        "number_of_replicas": 0,
        "similarity": {"paper": {"type": "BM25", "k1": K1, "b": B}},
        "analysis": {
            "tokenizer": {"words": {"type": "pattern", "pattern": r"[^\p{L}\p{N}_]+"}},
            "analyzer": {"words": {"type": "custom", "tokenizer": "words", "filter": ["lowercase"]}},
        },
    },
    "mappings": {
        "_source": {"enabled": False},
        "properties": {
            "text": {"type": "text", "analyzer": "words", "similarity": "paper"},
            "position": {"type": "integer"},
        },
    },
}
_words = re.compile(TOKEN_PATTERN).findall


class ElasticsearchIndex:
    """The videos of one split in an index of their own, named by their digest, made where it is missing."""

    def __init__(self, url: str, split: Split) -> None:
        self.url, self.ids = url.rstrip("/"), split.ids
        self.name = f"howtree-{split.name}-{digest_of(split.digest, json.dumps(SETTINGS))[:16]}"
        if self._count() != len(split.ids):
            self._fill(split)

    def scores(self, texts: Sequence[str]) -> Floats:
        """BM25 of every video for each text, as the engine has it: shape (texts, videos)."""
        result = np.zeros((len(texts), len(self.ids)))
        for row, text in zip(result, texts, strict=True):
            words = _words(text.lower())
            for start in range(0, len(words), WORDS_A_QUERY):
                for position, score in self._search(" ".join(words[start : start + WORDS_A_QUERY])):
                    row[position] += score
        return on_grid(result)

    def _search(self, text: str) -> Iterator[tuple[int, float]]:
        query = {
            "size": max(1, len(self.ids)),
            "query": {"match": {"text": {"query": text, "operator": "or"}}},
            "docvalue_fields": ["position"],
            "track_total_hits": False,
        }
        for hit in self._call("POST", f"/{self.name}/_search", query)["hits"]["hits"]:
            yield int(hit["fields"]["position"][0]), float(hit["_score"])

    def _count(self) -> int:
        """How many videos the engine holds; -1 where it has no such index."""
        try:
            return int(self._call("GET", f"/{self.name}/_count")["count"])
        except _NoSuchIndex:
            return -1

    def _fill(self, split: Split) -> None:
        if self._count() >= 0:  # a part, from a run that was stopped
            self._call("DELETE", f"/{self.name}")
        settings = json.loads(json.dumps(SETTINGS))
        settings["settings"]["max_result_window"] = max(10_000, len(split.ids))
        self._call("PUT", f"/{self.name}", settings)
        starts = range(0, len(split.ids), DOCUMENTS_A_REQUEST)
        for start in progress(starts, f"index {split.name}", unit="batches"):
            lines = []
            for position in range(start, min(start + DOCUMENTS_A_REQUEST, len(split.ids))):
                lines += [
                    {"index": {"_id": str(position)}},
                    {"text": split.texts[position], "position": position},
                ]
            body = "".join(json.dumps(line) + "\n" for line in lines)
            if self._call("POST", f"/{self.name}/_bulk", body)["errors"]:
                raise BadInput(f"{self.url}: refused some of the videos. Look into the log of Elasticsearch.")
        self._call("POST", f"/{self.name}/_refresh")

    def _call(self, method: str, path: str, body: dict[str, Any] | str | None = None) -> Any:
        """One request. Raises BadInput where the engine cannot be reached or refuses."""
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        request = Request(self.url + quote(path), data, {"Content-Type": kind}, method=method)
        try:
            with urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except HTTPError as error:
            if error.code == 404:
                raise _NoSuchIndex from None
            reason = error.read(500).decode("utf-8", "replace")
            raise BadInput(
                f"{self.url}: Elasticsearch refused {method} {path}: {error.code} {reason}"
            ) from None
        except (URLError, ValueError, OSError) as error:
            raise BadInput(f"{self.url}: no Elasticsearch answers ({error}). Give its address.") from None


class _NoSuchIndex(Exception):
    """The engine has no index of that name."""
