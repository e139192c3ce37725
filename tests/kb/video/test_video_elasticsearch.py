"""Elasticsearch as the engine, against a loopback server that scores by the formula and keeps its limits."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.video_samples import ARTICLES, LINKS, NaiveBm25, make_kb, sample_videos, write_videos
from typer.testing import CliRunner

from howtree.errors import BadInput
from kb.commands.cli import app
from kb.video.corpus import Split
from kb.video.elasticsearch import ElasticsearchIndex
from kb.video.index import Bm25Index


class Engine(BaseHTTPRequestHandler):
    """The few requests of Elasticsearch that the evaluation makes; refuses queries of over 1,024 words."""

    indexes: dict[str, dict[str, Any]]
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        name, _, action = self.path.strip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        index = self.indexes.get(name)
        if self.command == "PUT":
            self.indexes[name] = {"settings": json.loads(body), "texts": {}}
            return self.reply(200, {"acknowledged": True})
        if index is None:
            return self.reply(404, {"error": "index_not_found_exception"})
        if self.command == "DELETE":
            del self.indexes[name]
            return self.reply(200, {"acknowledged": True})
        return getattr(self, action)(index, body)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def _count(self, index: dict[str, Any], body: str) -> None:
        self.reply(200, {"count": len(index["texts"])})

    def _refresh(self, index: dict[str, Any], body: str) -> None:
        self.reply(200, {})

    def _bulk(self, index: dict[str, Any], body: str) -> None:
        lines = [json.loads(line) for line in body.splitlines()]
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            assert action == {"index": {"_id": str(document["position"])}}
            index["texts"][document["position"]] = document["text"]
        self.reply(200, {"errors": False})

    def _search(self, index: dict[str, Any], body: str) -> None:
        query = json.loads(body)
        text = query["query"]["match"]["text"]["query"]
        if len(text.split()) > 1024 or query["size"] > index["settings"]["settings"]["max_result_window"]:
            return self.reply(400, {"error": "too_many_clauses"})
        naive = NaiveBm25([index["texts"][position] for position in sorted(index["texts"])])
        hits = [
            {"_score": score, "fields": {"position": [position]}}
            for position, score in enumerate(naive.scores(text))
            if score > 0
        ]
        hits.sort(key=lambda hit: -hit["_score"])
        return self.reply(200, {"hits": {"hits": hits[: query["size"]]}})

    def reply(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def engine() -> Iterator[tuple[str, dict[str, Any]]]:
    handler = type("OwnEngine", (Engine,), {"indexes": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.indexes
        server.shutdown()
        thread.join()


def split() -> Split:
    texts = ["fry the egg", "egg egg", "", "boil water now please"]
    return Split("train", ["a", "b", "c", "d"], texts, {"g": [0]})


def test_scores_of_the_engine_are_ours(engine: tuple[str, dict[str, Any]]) -> None:
    queries = ["egg", "the egg, the egg", "", "unheard", "egg water " * 2000]
    theirs = ElasticsearchIndex(engine[0], split()).scores(queries)
    assert theirs == pytest.approx(Bm25Index.of(split()).scores(queries), abs=1e-6)


def test_an_index_is_filled_once_and_filled_anew_where_it_is_not_whole(
    engine: tuple[str, dict[str, Any]],
) -> None:
    url, indexes = engine
    ElasticsearchIndex(url, split())
    (held,) = indexes.values()
    ElasticsearchIndex(url, split())
    assert next(iter(indexes.values())) is held
    del held["texts"][2]
    ElasticsearchIndex(url, split())
    assert sorted(next(iter(indexes.values()))["texts"]) == [0, 1, 2, 3]


def test_the_command_gives_the_same_figures_with_either_engine(
    engine: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    base = make_kb(tmp_path / "kb.duckdb", ARTICLES, LINKS)
    videos = write_videos(tmp_path / "videos.jsonl", sample_videos())
    common = ["evaluate", "video", "--kb", str(base), "--videos", str(videos), "--workers", "1", "--no-tune"]
    common += ["--format", "json"]
    ours = CliRunner().invoke(app, [*common, "-o", str(tmp_path / "ours")])
    theirs = CliRunner().invoke(
        app, [*common, "-o", str(tmp_path / "theirs"), "--engine", "elasticsearch", engine[0]]
    )
    assert json.loads(theirs.stdout)["rows"] == json.loads(ours.stdout)["rows"]
    manifest = json.loads((tmp_path / "theirs" / "manifest.json").read_text(encoding="utf-8"))
    assert re.match("elasticsearch http://127", manifest["parameters"]["engine"])


def test_an_engine_that_does_not_answer_or_refuses_is_explained(engine: tuple[str, dict[str, Any]]) -> None:
    with pytest.raises(BadInput, match="no Elasticsearch answers"):
        ElasticsearchIndex("http://127.0.0.1:9", split())
    index = ElasticsearchIndex(engine[0], split())
    engine[1][index.name]["settings"]["settings"]["max_result_window"] = 1
    with pytest.raises(BadInput, match="refused POST"):
        index.scores(["egg"])
    assert np.isfinite(Bm25Index.of(split()).scores(["egg"])).all()
