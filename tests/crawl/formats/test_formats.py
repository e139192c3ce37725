"""How-tos in documented formats of others: what is read of each, and what is said where nothing is."""

from __future__ import annotations

import bz2
import json
import random
from pathlib import Path

import pytest
from support.reading import articles

from crawl.article import Article, Skip
from crawl.readers.sources import items_in, outcomes_of

MARKDOWN = """---
title: Descale a Kettle
lang: en
categories: [Kitchen, Cleaning]
---

# Another name

Chalk gathers in every kettle.

## You will need

- a lemon
- a soft *sponge*

## Boil it out

1. **Squeeze the lemon.** Half of it
   is enough. See [how to juice a lemon](juice.md#steps).
2. Fill the kettle.
   - Not above the line.
   - Cold water will do.

   ```
   kettle --fill
   ```

## Rinse

1. Pour the water away.

## Tips

* Do it monthly.
"""
GUIDE = {
    "guideid": 12, "title": "Lamp Switch Replacement", "locale": "en",
    "url": "https://www.ifixit.com/Guide/Lamp+Switch/12",
    "category": "Lamp", "introduction_raw": "A switch wears out.", "modified_date": 1700000000,
    "tools": [{"text": "Phillips screwdriver", "quantity": 1}], "parts": [{"text": "Switch"}],
    "prerequisites": [{"guideid": 7, "title": "Lamp Shade Removal"}],
    "steps": [
        {"title": "", "lines": [{"text_raw": "Pull the plug. '''Wait''' a minute.", "bullet": "black", "level": 0},
                                {"text_raw": "See [guide|8|the plug guide].", "bullet": "icon_note", "level": 1}]},
        {"title": "Cover", "lines": [{"text_raw": "Lift the cover off.", "bullet": "black", "level": 0}]},
    ],
}  # fmt: skip
MALLARD = """<page xmlns="http://projectmallard.org/1.0/" type="topic" style="task" id="lamp-dim">
<info><desc>Not read.</desc></info>
<title>Dim the lamp</title>
<p>You can dim it.</p>
<steps>
  <item><p>Open <guiseq><gui>Settings</gui><gui>Light</gui></guiseq>.</p><p>It takes a while.</p></item>
  <item><p>Follow <link xref="lamp-on#now">how to switch it on</link>.</p>
    <list><item><p>Press <keyseq><key>Ctrl</key><key>L</key></keyseq>.</p></item></list></item>
</steps>
<note style="tip"><p>Less is more.</p></note>
<note style="warning"><p>It gets hot.</p></note>
</page>"""
WIKI = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" xml:lang="en">
<siteinfo><base>https://cook.example/wiki/Main_Page</base></siteinfo>
<page><title>Cookbook:Soft Egg</title><ns>102</ns><id>5</id><revision><id>77</id>
<timestamp>2020-01-02T03:04:05Z</timestamp>
<text>{{summary|time=5}}An ''egg'' with a soft heart.&lt;ref&gt;A book&lt;/ref&gt;
== Ingredients ==
* 1 egg
== Procedure ==
# '''Boil the water.''' See [[Cookbook:Boiling Water|boiling]].
#* A lid helps.
# Put the egg in &lt;!-- gently --&gt;for 5&amp;nbsp;minutes.
[[Category:Eggs]]</text></revision></page>
<page><title>Cookbook:Egg, soft</title><ns>102</ns><id>6</id><redirect title="Cookbook:Soft Egg"/></page>
<page><title>Talk:Egg</title><ns>1</ns><id>7</id><revision><id>1</id><text># a list</text></revision></page>
<page><title>Spoon</title><ns>0</ns><id>8</id><revision><id>2</id><text>A thing.</text></revision></page>
</mediawiki>"""
PROHOW = """
<http://tea.example/brew> a prohow:instruction_set ; rdfs:label "How to Brew Tea"@en ;
    prohow:language prohow:language_code_en ;
    prohow:has_step <http://tea.example/brew#10>, <http://tea.example/brew#2> ;
    prohow:requires <http://tea.example/leaf> .
<http://tea.example/leaf> rdfs:label "tea leaves" .
<http://tea.example/brew#2> rdfs:label "Pour it over the leaves." ; prohow:requires <http://tea.example/brew#10> .
<http://tea.example/brew#10> rdfs:label "Boil water." ; prohow:has_method <http://tea.example/boil> .
<http://tea.example/boil> a prohow:instruction_set ; rdfs:label "Boil Water" ;
    prohow:has_step [ rdfs:label "Fill the kettle." ] .
"""


def read(path: Path, text: str | bytes) -> list[Article]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return articles(path)


def skips(path: Path) -> list[tuple[str, str]]:
    """(place within the path, reason) of everything skipped, also where nothing is kept."""
    found = (outcome for item in items_in([path]) for outcome in outcomes_of(item).outcomes)
    return [(one.where.removeprefix(str(path)), one.reason) for one in found if isinstance(one, Skip)]


def said(article: Article) -> list[tuple[str, list[tuple[str, str, tuple[str, ...]]]]]:
    return [(m.name, [(s.headline, s.body, s.bullets) for s in m.steps]) for m in article.methods]


def links(article: Article) -> list[tuple[str, str, str]]:
    return [
        (link.slug, link.anchor, link.place) for m in article.methods for s in m.steps for link in s.links
    ]


def test_markdown(tmp_path: Path) -> None:
    (one,) = read(tmp_path / "home" / "kettle.md", MARKDOWN)
    assert (one.title, one.language, one.introduction) == (
        "Descale a Kettle",
        "en",
        "Chalk gathers in every kettle.",
    )
    assert said(one) == [
        ("Boil it out", [
            ("Squeeze the lemon.", "Half of it is enough. See how to juice a lemon.", ()),
            ("Fill the kettle.", "kettle --fill", ("Not above the line.", "Cold water will do.")),
        ]),
        ("Rinse", [("Pour the water away.", "", ())]),
    ]  # fmt: skip
    assert {method.kind for method in one.methods} == {"part"}
    assert (one.things, one.tips, one.categories) == (
        ("a lemon", "a soft sponge"),
        ("Do it monthly.",),
        ("Kitchen", "Cleaning"),
    )
    (juice,) = read(tmp_path / "home" / "juice.md", "# Juice a Lemon\n\n1. Press.\n")
    assert links(one) == [(juice.aliases[0], "how to juice a lemon", "body")]
    assert one.key == "en:/file:kettle.md#Descale-a-Kettle"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("+++\ntitle = 'A'\n+++\n1. Go.\n", "A"),
        ("---\ntitle: [\n---\n# B\n1. Go.\n", "B"),
        ("---\na: &a [x]\nb: [*a, *a]\ntitle: no\n---\n# C\n1. Go.\n", "C"),
        ("\ufeff---\ntitle: D\n---\n\n1) Go.\n", "D"),
        ("E\n=\n\n1. Go.\n", "E"),
    ],
)
def test_front_matter_of_any_kind(tmp_path: Path, text: str, title: str) -> None:
    (one,) = read(tmp_path / "a.md", text)
    assert one.title == title and said(one) == [("", [("Go.", "", ())])]


def test_notes_in_a_folder_are_left_out_and_other_documents_say_why(tmp_path: Path) -> None:
    for name in ("README.md", "CHANGELOG.md", "data.xml", "plain.md", "untitled.markdown"):
        (tmp_path / name).write_text("1. Go.\n" if name != "plain.md" else "# Plain\n\n- a bullet\n")
    assert skips(tmp_path) == [("/plain.md", "not an article"), ("/untitled.markdown", "no title")]
    assert skips(tmp_path / "README.md") == [("", "no title")]


def test_ifixit(tmp_path: Path) -> None:
    (one,) = read(tmp_path / "guide.json", json.dumps(GUIDE))
    assert said(one) == [
        ("Before you begin", [("Lamp Shade Removal", "", ())]),
        (
            "",
            [
                ("Pull the plug.", "Wait a minute.", ("See the plug guide.",)),
                ("Cover", "Lift the cover off.", ()),
            ],
        ),
    ]
    assert links(one) == [
        ("www.ifixit.com/Guide/7", "Lamp Shade Removal", "headline"),
        ("www.ifixit.com/Guide/8", "the plug guide", "bullet"),
    ]
    assert (one.tools, one.things, one.modified) == (("Phillips screwdriver",), ("Switch",), "2023-11-14")
    assert one.aliases == ("www.ifixit.com/Guide/12",)
    (alone,) = read(
        tmp_path / "lines.jsonl", json.dumps({**GUIDE, "prerequisites": None, "url": None}) + "\n"
    )
    assert [m.kind for m in alone.methods] == ["single"] and alone.aliases == one.aliases


def test_mallard(tmp_path: Path) -> None:
    (one,) = read(tmp_path / "help" / "C" / "lamp-help" / "lamp-dim.page", MALLARD)
    assert said(one) == [
        ("", [
            ("Open Settings ▸ Light.", "It takes a while.", ()),
            ("Follow how to switch it on.", "", ("Press Ctrl+L.",)),
        ])
    ]  # fmt: skip
    assert links(one) == [("lamp-help/lamp-on", "how to switch it on", "headline")]
    assert (one.key, one.site, one.introduction) == ("en:/lamp-help/lamp-dim", "lamp-help", "You can dim it.")
    assert (one.tips, one.warnings) == (("Less is more.",), ("It gets hot.",))
    (german,) = read(tmp_path / "lamp-help" / "de" / "lamp-dim.page", MALLARD)
    assert german.key == "de:/lamp-help/lamp-dim"
    for text, reason in (
        ("<page", "unreadable"),
        ("<html/>", "unreadable"),
        (MALLARD.replace("steps", "list"), "not an article"),
    ):
        (tmp_path / "x.page").write_text(text)
        assert skips(tmp_path / "x.page") == [("", reason)]


def test_deep_markup_in_mallard_costs_what_it_is_long(tmp_path: Path) -> None:
    """Where each node was read twice, forty within each other took for ever."""
    deep = "<em>" * 100 + "Dim" + "</em>" * 100
    page = MALLARD.replace("<item>", f"<item><p>{deep} the lamp.</p>", 1)
    assert page != MALLARD
    (one,) = read(tmp_path / "help" / "C" / "lamp-help" / "lamp-dim.page", page)
    assert "Dim the lamp." in str(said(one))


def test_a_tag_without_a_name_does_not_end_the_reading_of_mallard(tmp_path: Path) -> None:
    page = MALLARD.replace("<p>", "<p><http:/>", 1)
    assert page != MALLARD
    assert len(read(tmp_path / "help" / "C" / "lamp-help" / "lamp-dim.page", page)) == 1


def test_a_tag_without_a_name_does_not_end_the_reading_of_a_dump(tmp_path: Path) -> None:
    dump = WIKI.replace("<page>", "<page><http:/>", 1)
    assert dump != WIKI
    assert len(read(tmp_path / "cook-pages-articles.xml", dump)) == 1


@pytest.mark.parametrize("name", ["cook-pages-articles.xml", "cook-pages-articles.xml.bz2"])
def test_a_dump_of_mediawiki(tmp_path: Path, name: str) -> None:
    (one,) = read(tmp_path / name, bz2.compress(WIKI.encode()) if name.endswith("bz2") else WIKI)
    assert (one.title, one.introduction) == ("Soft Egg", "An egg with a soft heart.")
    assert said(one) == [
        ("", [
            ("Boil the water.", "See boiling.", ("A lid helps.",)),
            ("Put the egg in for 5 minutes.", "", ()),
        ])
    ]  # fmt: skip
    assert links(one) == [("cook.example/wiki/Cookbook:Boiling_Water", "boiling", "body")]
    assert one.key == "en:/cook.example/wiki/Cookbook:Soft_Egg" and one.revision == 77
    assert (one.ingredients, one.categories, one.modified) == (("1 egg",), ("Eggs",), "2020-01-02T03:04:05Z")
    assert skips(tmp_path) == [(f"/{name}:2", "redirect"), (f"/{name}:4", "not an article")]


def test_wikitext_of_wikihow_is_its_article(tmp_path: Path) -> None:
    dump = WIKI.replace("https://cook.example/wiki/", "https://www.wikihow.com/").replace("Cookbook:", "")
    (one,) = read(tmp_path / "w.xml", dump.replace("<ns>102</ns>", "<ns>0</ns>"))
    assert one.key == "en:/Soft-Egg" and links(one) == [("Boiling-Water", "boiling", "body")]


def test_prohow(tmp_path: Path) -> None:
    boil, brew = read(tmp_path / "tea.ttl", PROHOW)
    assert said(brew) == [("", [("Boil water.", "", ()), ("Pour it over the leaves.", "", ())])]
    assert links(brew) == [(boil.slug, "Boil water.", "headline")]
    assert (brew.goal, brew.language, brew.things) == ("Brew Tea", "en", ("tea leaves",))
    assert brew.key == "en:/tea.example/brew"
    (tmp_path / "broken.ttl").write_text("<a> <b")
    (tmp_path / "other.ttl").write_text("<http://a.example> <http://b.example> 1 .")
    assert [skips(tmp_path / f"{name}.ttl") for name in ("broken", "other")] == [
        [("", "unreadable")],
        [("", "not an article")],
    ]


FIXTURES = {
    "a.md": MARKDOWN, "a.json": json.dumps(GUIDE), "a.page": MALLARD, "a.xml": WIKI, "a.ttl": PROHOW,
    "a.wikitext": "== Steps ==\n# '''Go.''' [[There|far]].\n#* Now.\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("times", [30, pytest.param(1000, marks=pytest.mark.torture)])
def test_no_mutation_ends_a_reading(tmp_path: Path, name: str, times: int) -> None:
    whole, draw, kept = FIXTURES[name].encode(), random.Random(name), 0
    for _ in range(times):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            piece = whole[(begin := draw.randrange(len(whole))) : begin + draw.randint(0, 60)]
            data[at : at + draw.randint(0, 30)] = draw.choice([b"", piece, draw.randbytes(2), piece * 40])
            data = data or bytearray(b"x")
        (tmp_path / name).write_bytes(data)
        outcomes = [one for item in items_in([tmp_path / name]) for one in outcomes_of(item).outcomes]
        assert outcomes or name in ("a.xml", "a.json")
        kept += any(isinstance(one, Article) for one in outcomes)
    assert kept
