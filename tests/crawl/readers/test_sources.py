"""Every form in which users hold articles, through `read`: what is kept, what is skipped, where and why."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command import Run
from support.reading import PAGES, articles, lines, simple, skips

import crawl.article
from crawl.article import Article, Skip
from crawl.corpus.shards import table_of
from crawl.corpus.write import write_corpus
from crawl.readers.items import Item
from crawl.readers.sources import outcomes_of, read
from howtree.errors import BadInput

SCHEMA = Path(crawl.article.__file__).with_name("article.schema.json")


def test_folder_is_read_at_any_depth_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    shutil.copy(PAGES / "2020-en.html", tmp_path / "b" / "c" / "Wash-a-Wool-Hat")
    shutil.copy(PAGES / "2016-en.html", tmp_path / "b" / "Mr.-Soup's Page")
    (tmp_path / "a.htm").write_bytes((PAGES / "2024-en.html").read_bytes())
    (tmp_path / "z.html.gz").write_bytes(gzip.compress((PAGES / "2022-ja.html").read_bytes()))
    (tmp_path / "notes.txt").write_text("no source")
    (tmp_path / "hat_files").mkdir()
    (tmp_path / "hat_files" / "style.css").write_text("b {}")
    (tmp_path / ".hidden.html").write_text("<p>")
    found = articles(tmp_path)
    assert [article.page_id for article in found] == [910005, 910002, 910003, 910004]
    assert found[0].source == str(tmp_path / "a.htm")
    assert skips(tmp_path) == []


def test_pages_that_are_no_articles_are_named_and_counted() -> None:
    reasons = {
        Path(outcome.where).name: outcome.reason for outcome in read([PAGES]) if isinstance(outcome, Skip)
    }
    assert reasons == {
        "restricted-ja.html": "restricted",
        "redirect-en.html": "redirect",
        "empty-en.html": "no steps",
        "quiz-en.html": "not an article",
    }


def test_broken_pages_do_not_end_the_run(tmp_path: Path) -> None:
    shutil.copy(PAGES / "2020-en.html", tmp_path / "good.html")
    (tmp_path / "cut.html.gz").write_bytes(gzip.compress((PAGES / "2020-en.html").read_bytes())[:900])
    (tmp_path / "empty.html").write_bytes(b"")
    (tmp_path / "bytes.html").write_bytes(bytes(range(256)))
    (tmp_path / "dangling.html").symlink_to(tmp_path / "nowhere")
    assert len(articles(tmp_path)) == 1
    assert skips(tmp_path) == [
        ("/bytes.html", "not an article"),
        ("/cut.html.gz", "truncated gzip"),
        ("/dangling.html", "unreadable"),
        ("/empty.html", "not an article"),
    ]


def test_json_lines_in_both_forms(tmp_path: Path) -> None:
    full = articles(PAGES / "2016-en.html")[0]
    path = lines(
        tmp_path / "a.jsonl",
        full.to_dict(),
        simple(
            "Host a Party",
            "Invite guests. Do it early.",
            "Mr. Lee cooks.",
            category="Food",
            source="x",
            partial=False,
        ),
        simple("Two Ways", methods=[{"name": "A", "steps": ["x"]}, {"name": "B", "steps": ["y"]}]),
    )
    read_back, party, ways = articles(path)
    assert read_back.to_dict() == {**full.to_dict(), "source": f"{path}:1"}
    assert (party.source, party.language, party.slug, party.categories) == (
        f"{path}:2",
        "en",
        "Host-a-Party",
        ("Food",),
    )
    assert [(step.headline, step.body) for step in party.methods[0].steps] == [
        ("Invite guests.", "Do it early."),
        ("Mr. Lee cooks.", ""),
    ]
    assert party.methods[0].kind == "single"
    assert [(method.kind, method.name) for method in ways.methods] == [("method", "A"), ("method", "B")]


def test_own_form_follows_its_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for article in articles(PAGES):
        jsonschema.validate(json.loads(json.dumps(article.to_dict())), schema)
    jsonschema.validate(simple("Title", "step"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"title": "", "methods": []}, schema)


def test_bad_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        "\ufeff" + json.dumps(simple("One")) + "\n",
        "{broken\n",
        "\n",
        "[" * 100_000 + "\n",
        {"title": " ", "methods": [{"steps": ["a"]}]},
        {"title": "No Steps", "methods": []},
        simple("Blank", " ", "\t"),
        '"a string"\n',
        json.dumps(simple("Deep", methods="x"))[:-1] + ', "tips": ' + "[" * 800 + "]" * 800 + "}\n",
        '{"title": "Half a pair \\ud800", "methods": [{"name": "", "steps": ["Null \\u0000 byte."]}]}\n',
        json.dumps(simple("Last")),
    )
    found = articles(path)
    assert [article.goal for article in found] == ["One", "Half a pair \ufffd", "Last"]
    assert found[1].methods[0].steps[0].headline == "Null \ufffd byte."
    assert skips(path) == [
        (":2", "broken JSON"),
        (":4", "broken JSON"),
        (":5", "no title"),
        (":6", "no steps"),
        (":7", "no steps"),
        (":8", "not a record"),
        (":9", "not a record"),
    ]


_NAMES = st.sampled_from(
    [
        *(
            "title",
            "task",
            "methods",
            "parts",
            "steps",
            "caption",
            "headline",
            "body",
            "description",
            "bullets",
        ),
        *("links", "slug", "place", "name", "kind", "url", "category", "language", "page_id", "revision"),
        *("article", "summary", "section_name", "number", "tips"),
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(
    _VALUES | st.fixed_dictionaries({"title": st.just("T"), "methods": _VALUES, "url": st.text(max_size=9)})
)
def test_any_record_gives_outcomes_that_can_be_stored(record: Any) -> None:
    outcomes = outcomes_of(Item("record", "x", record)).outcomes
    assert outcomes
    for outcome in outcomes:
        if isinstance(outcome, Article):
            assert outcome.step_count
            assert table_of([outcome]).num_rows == 1
        else:
            assert outcome.reason in ("no title", "no steps", "not a record")


def test_odd_folders_are_walked_once(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", simple("One"))
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "kb.work").mkdir()
    lines(tmp_path / "kb.work" / "b.jsonl", simple("Two"))
    assert len(articles(tmp_path)) == 1
    for _ in range(2):  # the corpus inside its own source is not read again
        assert write_corpus([tmp_path], tmp_path / "corpus").kept == 1


def test_blank_steps_are_dropped_and_counted(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", simple("A", "one", " ", "two"), simple("Long", "word " * 200_000))
    notes: Counter[str] = Counter()
    short, long = articles(path, notes=notes)
    assert [(step.number, step.headline) for step in short.methods[0].steps] == [(1, "one"), (2, "two")]
    assert len(long.methods[0].steps[0].headline) == 999_999
    assert notes == {"blank steps dropped": 1}


def test_truncated_gzip_is_read_up_to_the_cut(tmp_path: Path) -> None:
    whole = "".join(json.dumps(simple(f"Title {number * 7919}")) + "\n" for number in range(3000))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(whole.encode())[:-2000])
    found = articles(path)
    assert 500 < len(found) < 3000
    assert skips(path) == [(f":{len(found) + 1}", "truncated gzip")]


def test_start_passes_over_raw_items_of_any_form(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", simple("One"), "{broken\n", simple("Three"))
    shutil.copy(PAGES / "2020-en.html", tmp_path / "b.html")
    everything = list(read([tmp_path]))
    for start in range(5):
        assert list(read([tmp_path], start)) == everything[start:]


def test_corpus_and_its_shards_are_sources_too(tmp_path: Path) -> None:
    write_corpus([PAGES], tmp_path / "corpus")
    direct = articles(PAGES)
    assert articles(tmp_path / "corpus") == direct
    assert articles(tmp_path / "corpus" / "part-00000.parquet") == direct
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    assert skips(tmp_path / "bad.parquet", PAGES)[0] == ("", "unreadable")


def test_missing_or_empty_input_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read([tmp_path / "nowhere"])
    with pytest.raises(BadInput, match="no file to read"):
        list(read([tmp_path]))
    lines(tmp_path / "a.jsonl", "{broken\n", "{broken\n")
    with pytest.raises(BadInput, match="2 x broken JSON"):
        list(read([tmp_path]))


def test_only_files_are_read_and_every_folder_once(run: Run, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    for name in ("a", "b"):
        (pages / name).mkdir(parents=True)
        shutil.copy(PAGES / "2020-en.html", pages / name / f"{name}.html")
    (pages / "a" / "other").symlink_to(pages / "b")
    (pages / "b" / "other").symlink_to(pages / "a")
    (pages / "b" / "out").symlink_to(tmp_path)
    os.mkfifo(pages / "pipe.html")
    os.mkfifo(pages / "a" / "pipe.jsonl")
    done = run("import", pages, "-o", tmp_path / "corpus")
    assert done.returncode == 0, done.stderr
    assert "kept 1" in done.stdout and "1 skipped: duplicate" in done.stdout
    assert "2 skipped: unreadable" in done.stdout


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_neither_file_nor_folder_is_no_source(run: Run, tmp_path: Path, kind: str) -> None:
    source = Path("/dev/zero")
    if kind == "pipe":
        source = tmp_path / "pipe.jsonl"
        os.mkfifo(source)
    done = run("import", source, "-o", tmp_path / "corpus")
    assert done.returncode == 1 and "neither a file nor a folder" in done.stderr
    done = run("import", source, "--show", 1)
    assert done.returncode == 1 and "neither a file nor a folder" in done.stderr


def test_a_path_that_is_too_long_is_a_skip(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    lines(folder / f"{'b' * 200}.jsonl", simple("Two"))
    lines(folder / "c.jsonl", simple("One"))
    ways = (4000 - len(str(tmp_path))) // len("a/../")
    source = tmp_path.joinpath(*["a", ".."] * ways, "a")
    done = run("import", source, "-o", tmp_path / "corpus")
    assert (done.returncode, done.stderr) == (0, "")
    assert "kept 1, skipped 1" in done.stdout and "1 skipped: unreadable" in done.stdout
    (skip,) = [one for one in read([source]) if isinstance(one, Skip)]
    assert skip.detail == "File name too long"
    done = run("import", source / ("b" * 300), "-o", tmp_path / "other")
    assert done.returncode == 1 and "Name it by a shorter path" in done.stderr
