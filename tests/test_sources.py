"""Every form in which users hold articles, through `read`: what is kept, what is skipped, where and why."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawl import shards
from crawl.article import Article, Skip
from crawl.corpus import write_corpus
from crawl.sources import read
from howtree import BadInput

PAGES = Path(__file__).parent / "fixtures" / "pages"
SCHEMA = Path(shards.__file__).with_name("article.schema.json")


def articles(*sources: Path, **options: Any) -> list[Article]:
    return [outcome for outcome in read(sources, **options) if isinstance(outcome, Article)]


def skips(*sources: Path, **options: Any) -> list[tuple[str, str]]:
    """(place within the source, reason) of everything skipped."""
    return [
        (outcome.where.removeprefix(str(sources[0])), outcome.reason)
        for outcome in read(sources, **options)
        if isinstance(outcome, Skip)
    ]


def lines(path: Path, *records: Any) -> Path:
    path.write_text(
        "".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records)
    )
    return path


def simple(title: str, *steps: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "methods": [{"name": "", "steps": list(steps) or ["Go."]}], **more}


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
    ]


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


def test_the_papers_list_is_read_as_a_stream(tmp_path: Path) -> None:
    records = [
        {"task": "Tie a Knot", "caption": ["Take the rope.", "Pull."], "category": ["Hobbies", "Knots"]},
        {"task": "", "caption": ["a"], "category": []},
        {"task": "Untie It", "caption": ["Push."], "category": []},
    ]
    path = tmp_path / "wikihow.json"
    path.write_text(json.dumps(records))
    knot, untie = articles(path)
    assert (knot.goal, knot.categories, knot.source) == ("Tie a Knot", ("Hobbies", "Knots"), f"{path}:1")
    assert [step.headline for step in knot.methods[0].steps] == ["Take the rope.", "Pull."]
    assert untie.goal == "Untie It"
    assert skips(path) == [(":2", "no title")]
    path.write_text(json.dumps(records)[:-20])
    assert [article.goal for article in articles(path)] == ["Tie a Knot"]
    assert skips(path) == [(":2", "no title"), (":3", "broken JSON")]


def test_one_file_an_article_with_the_natural_variants(tmp_path: Path) -> None:
    step = {"headline": "Mix.", "description": "Mix. Slowly.", "img": None}
    variants = {
        "a.json": {
            "title": "How to Mix",
            "url": "https://www.wikihow.com/Mix",
            "category": "Food",
            "steps": [step],
        },
        "b.json": {
            "title": "Mix B",
            "parts": [{"name": "First", "steps": [step]}, {"name": "Then", "steps": [step]}],
        },
        "c.json": {
            "title": "Mix C",
            "methods": [{"title": "Way", "steps": [step]}],
            "parts": [],
            "category_hierarchy": ["X", "Y"],
        },
        "d.json": {"title": "Mix D", "methods": {"Way": ["Mix it."], "Other": ["Stir it."]}},
    }
    for name, value in variants.items():
        (tmp_path / name).write_text(json.dumps(value))
    a, b, c, d = articles(tmp_path)
    assert (a.slug, a.categories, a.methods[0].kind) == ("Mix", ("Food",), "single")
    assert (a.methods[0].steps[0].headline, a.methods[0].steps[0].body) == ("Mix.", "Slowly.")
    assert [(method.kind, method.name) for method in b.methods] == [("part", "First"), ("part", "Then")]
    assert (c.methods[0].name, c.categories) == ("Way", ("X", "Y"))
    assert [(method.name, method.steps[0].headline) for method in d.methods] == [
        ("Way", "Mix it."),
        ("Other", "Stir it."),
    ]


def write_csv(path: Path, columns: Sequence[str], *rows: Sequence[str]) -> Path:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    path.write_text(out.getvalue())
    return path


def test_wikihow_all_joins_the_methods_of_an_article(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "wikihowAll.csv",
        ("headline", "title", "text"),
        ("\nFold the left.,\nFold the right.", "How to Fold a Shirt1", "Left side.\nRight side."),
        ("\nOpen it.\nUse it.", "How to Use CS6", "Three\nlines\nfor two steps."),
        ("too", "few"),
        ("\nRoll it.", "How to Fold a Shirt2", "Tightly."),
        ("", "How to Do Nothing", ""),
    )
    program, shirt = articles(path)
    assert (program.goal, program.methods[0].steps[0].body) == ("Use CS6", "")
    assert shirt.goal == "Fold a Shirt"
    assert [[(step.headline, step.body) for step in method.steps] for method in shirt.methods] == [
        [("Fold the left.", "Left side."), ("Fold the right.", "Right side.")],
        [("Roll it.", "Tightly.")],
    ]
    assert skips(path) == [(":11", "broken row"), (":14", "no steps")]


def test_wikihow_sep_joins_the_steps_of_an_article(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "wikihowSep.csv",
        ("overview", "headline", "text", "sectionLabel", "title"),
        ("Why.", "\nFold.", "Body one.", "Folding", "How to Fold a Map"),
        ("Why.", "\nPress.", "Body two.", "Folding", "How to Fold a Map"),
        ("Other.", "\nGo.", "", "Steps", "How to Leave"),
        ("Why.", "\nStore it.", "Body three.", "Storing", "How to Fold a Map"),
    )
    leave, fold = articles(path)
    assert (leave.methods[0].kind, leave.methods[0].name) == ("single", "")
    assert fold.introduction == "Why."
    assert [(method.name, [step.headline for step in method.steps]) for method in fold.methods] == [
        ("Folding", ["Fold.", "Press."]),
        ("Storing", ["Store it."]),
    ]


def test_unknown_table_is_one_skip(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", simple("One"))
    write_csv(tmp_path / "b.csv", ("id", "name"), ("1", "x"))
    assert skips(tmp_path) == [("/b.csv", "unknown columns")]


def warc(path: Path, packed: bool = True) -> Path:
    page = (PAGES / "2020-en.html").read_bytes()
    answers = [
        ("Wash-a-Wool-Hat", "200 OK", "text/html; charset=utf-8", page),
        ("hat.jpg", "200 OK", "image/jpeg", b"\xff\xd8"),
        ("Gone", "404 Not Found", "text/html", b"<p>"),
        ("Old", "301 Moved", "text/html", b""),
        ("Keep-Soup-Warm", "200 OK", "text/html; charset=utf-8", (PAGES / "2016-en.html").read_bytes()),
    ]
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=packed)
        for slug, status, kind, body in answers:
            headers = StatusAndHeaders(
                status, [("Content-Type", kind), ("Location", "/New")], protocol="HTTP/1.1"
            )
            url = f"https://www.wikihow.com/{slug}"
            date = {"WARC-Date": "2024-05-06T07:08:09Z"}
            record = writer.create_warc_record(
                url, "response", payload=io.BytesIO(body), http_headers=headers, warc_headers_dict=date
            )
            writer.write_record(record)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_warc_gives_pages_with_their_date(tmp_path: Path, packed: bool) -> None:
    path = warc(tmp_path / ("a.warc.gz" if packed else "a.warc"), packed)
    hat, soup = articles(path)
    assert (hat.page_id, hat.fetched_at, hat.source) == (910003, "2024-05-06T07:08:09Z", f"{path}:1")
    assert soup.page_id == 910002
    assert skips(path) == [(":3", "HTTP error"), (":4", "redirect")]


@pytest.mark.parametrize("packed", [True, False])
def test_truncated_warc_is_read_up_to_the_cut(tmp_path: Path, packed: bool) -> None:
    whole = warc(tmp_path / "whole", packed).read_bytes()
    path = tmp_path / "cut.warc.gz"
    for cut in range(len(whole) - 200, 2600, -277):
        if not packed and whole[:cut].endswith((b"\r", b"\n")):
            continue  # cut between two records: nobody could tell
        path.write_bytes(whole[:cut])
        outcomes = [outcome for outcome in read([path, PAGES]) if str(path) in str(outcome)]
        assert isinstance(outcomes[-1], Skip)
        assert outcomes[-1].reason in ("truncated record", "damaged archive")
        kept = [outcome.page_id for outcome in outcomes if isinstance(outcome, Article)]
        assert kept in ([910003], [])
        assert kept or not packed  # packed, the first page is whole in every cut


def test_zim_is_iterated_whole(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writer = pytest.importorskip("libzim.writer", reason="needs libzim: pip install 'howtree[zim]'")

    class Page(writer.Item):  # type: ignore[misc, name-defined]
        def __init__(self, path: str, name: str) -> None:
            super().__init__()
            self.path, self.name = path, name

        def get_path(self) -> str:
            return self.path

        def get_title(self) -> str:
            return self.path

        def get_mimetype(self) -> str:
            return "text/html"

        def get_contentprovider(self) -> Any:
            text = (PAGES / self.name).read_text().replace('rel="canonical"', 'rel="icon"')
            return writer.StringProvider(text)

        def get_hints(self) -> dict[Any, int]:
            return {writer.Hint.FRONT_ARTICLE: True}

    path = tmp_path / "a.zim"
    with writer.Creator(path) as creator:
        creator.add_metadata("Name", "wikihow_en_maxi")
        creator.add_item(Page("Wash-a-Wool-Hat", "2020-en.html"))
        creator.add_item(Page("Which-Hat", "quiz-en.html"))
        creator.add_redirection("Old-Hat", "Old", "Wash-a-Wool-Hat", {})
    capfd.readouterr()  # libzim prints what it does
    (hat,) = articles(path)
    assert (hat.url, hat.language, hat.page_id) == ("https://www.wikihow.com/Wash-a-Wool-Hat", "en", 910003)
    assert sorted(reason for _, reason in skips(path)) == ["not an article", "redirect"]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadInput, match="1 x unreadable"):
        articles(path)


def test_any_site_with_schema_org_howto_is_read() -> None:
    shelf, paste = articles(PAGES / "howto-jsonld.html")
    assert (shelf.goal, shelf.language) == ("Hang a Shelf", "en")
    assert shelf.key == "en:/workshop.example/guides/hang-a-shelf"
    assert shelf.introduction == "Level & firm."
    assert shelf.things == ("Wall plugs", "Drill", "Level")
    first, drilling = shelf.methods
    assert (first.steps[0].headline, first.steps[0].body) == ("Find the studs.", "Knock and listen.")
    assert [step.headline for step in drilling.steps] == ["Mark both holes with a pencil.", "Drill the holes"]
    assert drilling.steps[1].body == "Use a masonry bit."
    assert drilling.steps[1].bullets == ("Catch the dust in an envelope.",)
    assert (paste.ingredients, len(paste.methods[0].steps)) == (("Flour", "Water"), 2)
    assert paste.key != shelf.key


HOW_TO_VARIANTS = [
    {"@context": "https://schema.org", "step": ["One.", "Two.", "One."]},
    {
        "@context": {"@vocab": "http://schema.org/"},
        "step": [{"@type": "HowToStep", "text": t} for t in ("One.", "Two.", "One.")],
    },
    {"@context": ["https://schema.org", {"@language": "en"}], "steps": "One.\nTwo.\nOne."},
    {
        "step": {
            "@type": "ItemList",
            "itemListElement": [
                {"@type": "ListItem", "item": {"@type": "HowToStep", "name": t}}
                for t in ("One.", "Two.", "One.")
            ],
        }
    },
]


@pytest.mark.parametrize("variant", HOW_TO_VARIANTS)
def test_variants_of_howto_keep_all_steps_in_order(tmp_path: Path, variant: dict[str, Any]) -> None:
    page = tmp_path / "page"
    block = json.dumps({"@type": "HowTo", "name": "Count", **variant})
    page.write_text(f'<html><script type="application/ld+json">{block}</script></html>')
    (found,) = articles(page)
    assert [step.headline for step in found.methods[0].steps] == ["One.", "Two.", "One."]


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
