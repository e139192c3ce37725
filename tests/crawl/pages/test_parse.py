"""Pages -> articles: our fixtures in the skeleton of each era, the rules one by one, and the real pages."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import markup_oracle, parser_quality
from support.mutations import mutated

from crawl.article import Article, Skip, Step
from crawl.pages.decode import decode_page
from crawl.pages.parse import parse_page
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of
from howtree.files import digest_of_file, read_json

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"


def article(name: str) -> Article:
    found = parse_page((PAGES / name).read_bytes()).article
    assert found is not None
    return found


def step_of(inner: str, head: str = "") -> Step:
    """The one step of a page of today's skeleton with `inner` in its `div.step`."""
    page = (
        f'<html lang="en"><head><link rel="canonical" href="https://www.wikihow.com/Own-Page">{head}</head><body>'
        '<h1 id="section_0">How to Own Page</h1><div class="section steps"><div class="section_text">'
        f'<ol class="steps_list_2"><li><div class="step">{inner}</div></li></ol></div></div></body></html>'
    )
    found = parse_page(page).article
    assert found is not None
    return found.methods[0].steps[0]


def links_of(inner: str) -> list[tuple[str, str, str, str]]:
    return [
        (link.slug, link.title, link.place, link.language)
        for link in step_of("<b class=whb>Go.</b> " + inner).links
    ]


@pytest.mark.parametrize(
    ("name", "key", "goal", "methods"),
    [
        (
            "2009-en.html",
            "en:910001",
            "Mend a Garden Chair",
            [("method", "Tightening the Frame", 2), ("method", "Replacing a Slat", 3)],
        ),
        (
            "2016-en.html",
            "en:910002",
            "Keep Soup Warm",
            [("method", "Using a Flask", 2), ("method", "Using an Oven", 1)],
        ),
        ("2020-en.html", "en:910003", "Wash a Wool Hat", [("part", "Washing", 3), ("part", "Drying", 2)]),
        ("2022-ja.html", "ja:910004", "紙の鶴を飾る", [("method", "糸で吊るす", 1), ("part", "棚に置く", 1)]),
        ("2024-en.html", "en:910005", "Label Jars", [("question", "Which label holds?", 2)]),
        ("single-list-de.html", "de:910006", "Ein Fenster putzen", [("single", "", 2)]),
    ],
)
def test_every_era_gives_its_methods(
    name: str, key: str, goal: str, methods: list[tuple[str, str, int]]
) -> None:
    found = article(name)
    assert (found.key, found.goal) == (key, goal)
    assert [(method.kind, method.name, len(method.steps)) for method in found.methods] == methods
    assert [step.number for step in found.methods[0].steps] == list(range(1, methods[0][2] + 1))


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("restricted-ja.html", "restricted", "in quality review"),
        ("redirect-en.html", "redirect", "leads to Wash-a-Wool-Hat"),
        ("empty-en.html", "empty", "no list of steps"),
        ("quiz-en.html", "not_article", "no list of steps"),
    ],
)
def test_other_outcomes_are_typed(name: str, kind: str, reason: str) -> None:
    outcome = parse_page((PAGES / name).read_bytes())
    assert (outcome.kind, outcome.reason, outcome.article) == (kind, reason, None)


def test_all_fields_of_a_page_are_read() -> None:
    hat = article("2020-en.html")
    assert hat.title == "How to Wash a Wool Hat"
    assert (hat.slug, hat.url, hat.revision) == (
        "Wash-a-Wool-Hat",
        "https://www.wikihow.com/Wash-a-Wool-Hat",
        28400789,
    )
    assert hat.introduction == "Wool felts when it is hurried. Take your time."
    assert hat.categories == ("Clothing", "Hats")
    assert hat.aliases == ("Clean-a-Wool-Hat",)
    assert (hat.warnings, hat.things) == (("Hot water shrinks wool.",), ("Basin",))
    assert hat.related == ("Knit-a-Hat",)
    assert hat.references == ("A hatter's notebook", "A second notebook")
    assert "CC BY-NC-SA" in hat.licence
    soup = article("2016-en.html")
    assert (soup.published, soup.modified) == ("2014-03-02", "2016-11-20")
    assert soup.ingredients == ("2 onions", "Water")
    assert soup.tips == ("Thick soup stays hot longer.",)


@pytest.mark.parametrize("language", ["es", "fr", "pt"])
def test_sections_are_known_by_their_localised_words(language: str) -> None:
    found = article(f"parts-{language}.html")
    assert found.language == language
    assert [method.kind for method in found.methods] == ["part", "part"]
    assert (found.tips, found.warnings, found.things, found.ingredients) == (("t",), ("w",), ("n",), ("i",))


def test_headline_is_all_leading_bold_text_and_no_other() -> None:
    washing = article("2020-en.html").methods[0].steps
    assert washing[0].headline == "Make a rough schedule for the day."
    assert washing[0].body == "Wool dries slowly. The rim dries last."
    assert washing[1].headline == "Fill a basin, then test the water with your elbow."
    assert washing[2] == Step(3, "", "Rinse without any bold word. This bold comes too late.")
    flask = article("2016-en.html").methods[0].steps
    assert flask[0].headline == "Rinse the flask with boiling water."  # not the caption of the picture
    assert flask[1].headline == "Fill it to 1 1⁄2 inches below the rim."
    assert flask[1].body == "Close ittight, at 102 turns."
    assert step_of("<p><b class=whb>In a paragraph.</b></p>After.").headline == "In a paragraph."
    assert step_of("<kbd><b class=whb>Press</b></kbd> <b class=whb>it.</b>").headline == "Press it."
    assert step_of("<b>Plain bold.</b> Rest.").headline == ""


def test_bullets_are_taken_at_any_depth() -> None:
    bullets = article("2016-en.html").methods[0].steps[1].bullets
    assert bullets == (
        "Not too full: Otherwise it drips.",
        "the lid must not touch the soup,",
        "nor the ladle.",
    )


def test_formulas_are_read_once_and_junk_never() -> None:
    step = article("2016-en.html").methods[1].steps[0]
    assert step.body == "Not above t=80 degrees."
    junk = (
        '<sup class="reference"><a href="#_note-1">[1]</a><span class="ts_popup">X Research source</span></sup>'
        '<script>WH.x()</script><style>b{}</style><noscript>no</noscript><div class="image_details">{"a":1}</div>'
        '<div class="wh_ad_inner"><div class="al_method">Advertisement</div></div><span class="ad_label">Ad</span>'
        '<div class="green_box expert">Expert</div><div class="green_tips_box">Box</div><video>v</video>'
        '<div class="m-video-controls">play</div><div class="wh_vote_container">Thanks!</div><a class="image">x</a>'
    )
    assert step_of(f"<b class=whb>Stir.</b> Well{junk}, and long.") == Step(1, "Stir.", "Well, and long.")
    assert step_of("<b class=whb>A.</b> <div class=green_tips_box_inline>Kept.</div>").body == "Kept."


def test_gold_links_follow_the_rules() -> None:
    assert links_of('<a href="/Clean-a-Fish" title="Clean a Fish">x</a>') == [
        ("Clean-a-Fish", "Clean a Fish", "body", "")
    ]
    assert links_of('<a href="/Old" title="Old" class="mw-redirect">x</a>') == [("Old", "Old", "body", "")]
    assert links_of('<ul><li><a href="/%E9%A1%94#a" title="顔">x</a></li></ul>') == [
        ("顔", "顔", "bullet", "")
    ]
    assert links_of('<a href="/Say-%22No%22:-Now/Later" title="t">x</a>')[0][0] == 'Say-"No":-Now/Later'
    assert links_of('<a href="Http://www.wikihow.com/A-B">x</a>') == [("A-B", "", "body", "")]
    assert links_of('<a href="https://es.wikihow.com/asar" title="asar">x</a>') == [
        ("asar", "asar", "body", "es")
    ]
    assert links_of('<a href="https://www.wikihow.pet/Feed-a-Cat" title="t">x</a>') == [
        ("Feed-a-Cat", "t", "body", "")
    ]
    assert (
        step_of('<a href="/T" title="T"><b class="whb">Tie</b></a><b class="whb"> it.</b>').links[0].place
        == "headline"
    )


@pytest.mark.parametrize(
    "link",
    [
        '<a href="#_note-3" title="t">x</a>',
        '<a href="#" title="t">x</a>',
        '<a href="/A" title="A" class="ts_source">x</a>',
        '<a href="/A" title="A" class="external text">x</a>',
        '<a href="/A">no title</a>',
        '<a class="mw-selflink">x</a>',
        '<a href="/Own-Page" title="Own Page">x</a>',
        '<a href="/own-Page#Part" title="Own Page">x</a>',
        '<a href="https://example.org/A-B" title="t">x</a>',
        '<a href="https://notwikihow.com/A-B" title="t">x</a>',
        '<a href="mailto:a@wikihow.com" title="t">x</a>',
        '<a href="javascript:void(0)" title="t">x</a>',
        '<a href="/User_talk:Anna" title="t">x</a>',
        '<a href="/%E3%82%AB%E3%83%86%E3%82%B4%E3%83%AA:x" title="t">x</a>',
        '<a href="/Experts" title="t">x</a>',
        '<a href="/Quizzes/Hat" title="t">x</a>',
        '<a href="/Which-Hat-Quiz" title="t">x</a>',
        '<a href="/wikiHowTo?search=hat" title="t">x</a>',
        '<a href="/index.php?title=A" title="t">x</a>',
        '<a href="http://[bad" title="t">x</a>',
    ],
)
def test_other_links_are_not_gold(link: str) -> None:
    assert links_of(link) == []


def test_pages_saved_by_a_browser_keep_their_links_and_address() -> None:
    saved = "<!-- saved from url=(0042)https://www.wikihow.com/Own-Page --><html lang=en>"
    saved += "<h1 class=title_md>How to Own Page</h1>"
    saved += '<div class="section steps"><ol class=steps_list_2><li><div class=step><b class=whb>Go.</b>'
    saved += '<a href="https://www.wikihow.com/Clean-a-Fish" title="Clean a Fish">x</a></div></li></ol></div></html>'
    found = parse_page(saved).article
    assert found is not None
    assert (found.slug, found.url) == ("Own-Page", "https://www.wikihow.com/Own-Page")
    assert found.methods[0].steps[0].links[0].slug == "Clean-a-Fish"
    assert found.methods[0].steps[0].links[0].language == ""


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "shift_jis", "euc_jp", "iso2022_jp", "utf-16"])
def test_every_character_set_gives_the_same_words(charset: str) -> None:
    text = (
        (PAGES / "2022-ja.html")
        .read_text(encoding="utf-8")
        .replace('charset="utf-8"', f'charset="{charset}"')
    )
    found = parse_page(text.encode(charset, "xmlcharrefreplace")).article
    assert found is not None
    assert found.methods == article("2022-ja.html").methods


def test_character_set_of_the_server_is_used() -> None:
    assert decode_page("größer".encode("cp1252"), "iso-8859-1") == "größer"
    assert decode_page("größer".encode("koi8-r", "replace"), "nonsense") is not None
    assert decode_page("größer".encode(), "iso-8859-1") == "größer"


@pytest.mark.parametrize("name", sorted(path.name for path in PAGES.glob("*.html")))
def test_steps_links_and_words_agree_with_the_oracle(name: str) -> None:
    agrees(PAGES / name)


@pytest.mark.real
def test_real_pages_agree_with_the_oracle(real_data: Path) -> None:
    pages = sorted((real_data / "html").rglob("*.html"))
    assert pages
    for path in pages:
        agrees(path)


def agrees(path: Path) -> None:
    data = path.read_bytes()
    found = parse_page(data).article
    root = markup_oracle.page(data)
    boxes = markup_oracle.steps(root)
    if found is None:
        assert not boxes
        return
    steps = [step for method in found.methods for step in method.steps]
    assert len(steps) == len(boxes)
    for step, box in zip(steps, boxes, strict=True):
        assert parser_quality.characters(step) == markup_oracle.characters(box)
    links = [(link.slug, link.title) for step in steps for link in step.links]
    assert links == markup_oracle.gold_links(root, found.slug)


@pytest.mark.parametrize("name", ["fixtures", "real"])
def test_quality_stays_above_its_floors(name: str, request: pytest.FixtureRequest) -> None:
    if name == "real":
        request.getfixturevalue("real_data")
    paths = parser_quality.sets()[name]
    pinned = read_json(parser_quality.FLOORS)[name]
    assert pinned["inputs"] == {path.name: digest_of_file(path) for path in paths}, (
        "the pages are not those measured"
    )
    figures = parser_quality.measure(paths)
    assert {figure: value for figure, value in figures.items() if value < pinned["floors"][figure]} == {}


def test_damaged_pages_give_an_outcome() -> None:
    pages = [path.read_bytes() for path in sorted(PAGES.glob("*.html"))]
    seen = set()
    for _, page in mutated(pages, 600, seed=7, large=False):
        outcome = outcomes_of(Item("page", "x", PageData(page))).outcomes[0]
        seen.add("article" if isinstance(outcome, Article) else outcome.reason)
    assert {"article", "not an article", "no steps", "truncated gzip"} <= seen


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=400))
def test_any_bytes_inside_a_step_give_an_outcome(data: bytes, text: str) -> None:
    head, tail = (PAGES / "2020-en.html").read_bytes().split(b"rough schedule")
    for inner in (data, text.encode("utf-8", "surrogatepass")):
        outcome = outcomes_of(Item("page", "x", PageData(head + inner + tail))).outcomes[0]
        assert isinstance(outcome, Article | Skip)
        str(outcome).encode("utf-8")  # no half surrogate pairs, which no file could hold


def test_packed_pages_have_a_limit() -> None:
    bomb = gzip.compress(b"<p>" + b"a" * 40_000_000)
    assert len(bomb) < 100_000
    outcome = outcomes_of(Item("page", "x", PageData(bomb))).outcomes[0]
    assert isinstance(outcome, Skip)
    assert (outcome.reason, outcome.detail) == ("too long", "longer than 16 MB")
    many = (PAGES / "2020-en.html").read_bytes().replace(b"<table>", b"<table>" + b"<p>a" * 60_000)
    outcome = outcomes_of(Item("page", "x", PageData(many))).outcomes[0]
    assert isinstance(outcome, Skip)
    assert outcome.detail == "too long: more than 50,000 tags"
