"""Articles in whatever holds them, and files whose names do not say what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.reading import articles, skips

from crawl.readers import dumps
from howtree.errors import BadInput

SOAK = {"title": "Soak Beans", "steps": ["Cover them."]}
COOK = {"title": "Cook Beans", "steps": ["Simmer them."]}
BOTH = ["Soak Beans", "Cook Beans"]
NODES = [
    {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": one["title"],
        "recipeInstructions": one["steps"],
    }
    for one in (SOAK, COOK)
]


def text_lines(*records: Any, end: str = "\n") -> str:
    return end.join(json.dumps(one) for one in records) + end


HELD: dict[str, tuple[str, str]] = {
    "lines named json": ("a.json", text_lines(SOAK, COOK)),
    "lines named json with blank ones": ("a.json", "\n" + text_lines(SOAK, COOK, end="\n\n")),
    "lines named json after a mark": ("a.json", "\ufeff" + text_lines(SOAK, COOK)),
    "lines of Windows named json": ("a.json", text_lines(SOAK, COOK, end="\r\n")),
    "printed documents in a row": ("a.json", json.dumps(SOAK, indent=1) + "\n" + json.dumps(COOK, indent=1)),
    "a list": ("a.json", json.dumps([SOAK, COOK])),
    "records with types": ("a.jsonl", text_lines({"@type": "Article", **SOAK}, {"@context": None, **COOK})),
    "a list named jsonl": ("a.jsonl", json.dumps([SOAK, COOK])),
    "a printed list named jsonl": ("a.jsonl", json.dumps([SOAK, COOK], indent=2)),
    "a printed object named jsonl": ("a.jsonl", json.dumps({"data": [SOAK, COOK]}, indent=2)),
    "lists as lines": ("a.jsonl", text_lines([SOAK], [COOK])),
    "articles": ("a.json", json.dumps({"articles": [SOAK, COOK]})),
    "articles behind facts": ("a.json", json.dumps({"version": 2, "tags": ["x"], "data": [SOAK, COOK]})),
    "articles under a title": ("a.json", json.dumps({"title": "Mum's", "recipes": [SOAK, COOK]})),
    "articles by id": ("a.json", json.dumps({"17": SOAK, "18": COOK})),
    "articles by address": ("a.json", json.dumps({"a": 1, "https://b.example/1": SOAK, "https://b.example/2": COOK})),
    "articles by name": ("a.json", json.dumps({"soak": SOAK, "cook": COOK})),
    "containers in containers": ("a.json", json.dumps({"result": {"data": {"items": [SOAK, COOK]}}})),
    "splits": ("a.json", json.dumps({"train": [SOAK], "test": [COOK]})),
    "rows of a viewer": ("a.json", json.dumps({"features": [{"name": "x"}], "rows": [{"row": SOAK}, {"row": COOK}]})),
    "columns": ("a.json", json.dumps({"title": BOTH, "steps": [SOAK["steps"], COOK["steps"]]})),
    "columns of pandas": (
        "a.json",
        json.dumps({"title": {"0": BOTH[0], "1": BOTH[1]}, "steps": {"0": SOAK["steps"], "1": COOK["steps"]}}),
    ),
    "sloppy": ("a.json", "// all\n" + json.dumps([SOAK, COOK])[:-1] + ",]"),
    "nodes as a list": ("a.json", json.dumps(NODES)),
    "nodes as lines": ("a.jsonl", text_lines(*NODES)),
    "nodes as JSON-LD": ("a.jsonld", json.dumps(NODES)),
    "nodes in a graph": ("a.jsonld", json.dumps({"@context": "https://schema.org", "@graph": NODES})),
    "nodes in a container": ("a.json", json.dumps({"recipes": NODES})),
    "nodes without a type": (
        "a.jsonl",
        text_lines(*({"name": one["title"], "recipeInstructions": one["steps"]} for one in (SOAK, COOK))),
    ),
    "instructions": (
        "a.json",
        json.dumps([{"title": one["title"], "instructions": one["steps"]} for one in (SOAK, COOK)]),
    ),
    "instructions as a text": (
        "a.json",
        json.dumps([{"title": one["title"], "directions": "\n".join(one["steps"])} for one in (SOAK, COOK)]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("container", HELD)
def test_articles_are_found_in_their_container(tmp_path: Path, container: str) -> None:
    name, text = HELD[container]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = articles(path)
    assert [one.title for one in found] == BOTH
    assert len({one.source for one in found}) == 2
    assert [one.methods[0].steps[0].headline for one in found] == ["Cover them.", "Simmer them."]


def test_addresses_by_which_articles_are_kept_are_theirs(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(HELD["articles by address"][1])
    assert [one.url for one in articles(path)] == ["https://b.example/1", "https://b.example/2"]


def test_what_is_no_article_in_a_container_has_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"articles": [SOAK, {"title": "Nothing"}, 5, {"steps": ["x"]}]}))
    assert skips(path) == [(":2", "no steps"), (":3", "not a record"), (":4", "no title")]
    path.write_text(json.dumps({"1": SOAK, "2": {"title": "Nothing"}}))
    assert skips(path) == [(":2", "no steps")]
    path.write_text(json.dumps([*NODES, {"@context": "https://schema.org", "@type": "Person", "name": "A"}]))
    assert skips(path) == [(":3", "not an article")]


@pytest.mark.parametrize(
    "container", ["articles", "articles behind facts", "articles by id", "articles by name"]
)
def test_a_long_container_is_read_as_a_stream(
    tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "MAX_LINE_BYTES", 40)
    path = tmp_path / "a.json"
    text = HELD[container][1].replace('"tags": ["x"], ', "")
    path.write_text(text)
    assert [one.title for one in articles(path)] == BOTH
    path.write_text(text[:-20])
    assert [one.title for one in articles(path)] == BOTH[:1]
    assert skips(path) == [(":2", "broken JSON")]


@pytest.mark.parametrize(
    "text", ["{", "[", '{"a": [[[[[[[[[[{"steps": 1}]]]]]]]]]]}', '{"a": 1}', "5", '"steps"', "[" * 9999]
)
def test_what_holds_nothing_has_a_reason(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"1 x|no file"):
        articles(path)
