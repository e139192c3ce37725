"""Archives of pages, WARC and ZIM, whole and cut; and pages of any site with schema.org's HowTo."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.reading import PAGES, articles, skips
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawl.article import Article, Skip
from crawl.readers.sources import read
from howtree.errors import BadInput


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
    assert (shelf.things, shelf.tools) == (("Wall plugs",), ("Drill", "Level"))
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
