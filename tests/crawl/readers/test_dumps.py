"""Research dumps: the lists, files and tables in which wikiHow was given away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.reading import articles, lines, simple, skips


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


def with_title(path: Path, title: str) -> Path:
    """A list of an article and one whose title is this piece of JSON."""
    first = json.dumps(simple("Wash a Hat", "Soak it."))
    path.write_text(f'[{first}, {{"title": "{title}", "steps": ["Dry it."]}}]')
    return path


@pytest.mark.parametrize("piece", ["x", '\\"'])
def test_a_string_that_is_too_long_ends_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    monkeypatch.setattr("crawl.readers.dumps.MAX_LINE_BYTES", 2**21)
    path = with_title(tmp_path / "a.json", piece * 2**22)
    assert [article.goal for article in articles(path)] == ["Wash a Hat"]
    assert skips(path) == [(":2", "broken JSON")]


def test_a_string_of_escapes_takes_as_long_as_any_other(tmp_path: Path) -> None:
    path = with_title(tmp_path / "a.json", "Hat" + '\\"' * 2**22)
    assert [article.goal[:3] for article in articles(path)] == ["Was", "Hat"]


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


def test_wikilingua_sections_become_methods(tmp_path: Path) -> None:
    sections = {
        "Cutting": {"summary": "Cut it. Fold it.", "document": "Long."},
        "Gluing": {"summary": "Glue it."},
    }
    (tmp_path / "a.json").write_text(
        json.dumps({"https://es.wikihow.com/hacer-un-sobre": sections, "https://x.example": {}})
    )
    listed = {"section_name": ["Cutting"], "summary": ["Cut it. Fold it."], "document": ["Long."]}
    lines(tmp_path / "b.jsonl", {"url": "https://www.wikihow.com/Make-an-Envelope", "article": listed})
    spanish, english = articles(tmp_path)
    assert (spanish.key, spanish.goal) == ("es:/hacer-un-sobre", "hacer un sobre")
    assert [(method.name, [step.headline for step in method.steps]) for method in spanish.methods] == [
        ("Cutting", ["Cut it.", "Fold it."]),
        ("Gluing", ["Glue it."]),
    ]
    assert (english.goal, english.step_count) == ("Make an Envelope", 2)
    assert skips(tmp_path) == [("/a.json:2", "no title")]


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


@pytest.mark.parametrize("junk", [";", "\n;\n", "\n\n;\n", " ; ", ",", ".", "\u200b", "-", "\n;\n;\n"])
def test_what_a_crawler_left_in_a_table_is_no_text(tmp_path: Path, junk: str) -> None:
    path = write_csv(
        tmp_path / "sep.csv",
        ("overview", "headline", "text", "sectionLabel", "title"),
        ("o", "\nPeel it.", junk, "Steps", "How to Eat Fruit"),
        ("o", "\nCut it.", f"{junk}\nIn four.{junk}", "Steps", "How to Eat Fruit"),
        ("o", junk, junk, "Steps", "How to Eat Fruit"),
    )
    (found,) = articles(path)
    assert found.methods[0].steps[0].body == ""
    assert [step.headline for step in found.methods[0].steps] == ["Peel it.", "Cut it."]
    assert found.methods[0].steps[1].body.strip(" ;,.-\u200b") == "In four"
    path = write_csv(
        tmp_path / "all.csv",
        ("headline", "title", "text"),
        (f"\nPeel it.\n{junk}\nCut it.", "Eat Fruit1", junk),
    )
    (found,) = articles(path)
    assert [(step.headline, step.body) for step in found.methods[0].steps] == [
        ("Peel it.", ""),
        ("Cut it.", ""),
    ]


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["Learn C++1", "Learn C++2"], ["Learn C++"]),
        (["Install Windows 71", "Install Windows 72", "Install Windows 73"], ["Install Windows 7"]),
        (["Use a TV1", "Use a TV2"], ["Use a TV"]),
        (["Fold a Shirt1", "Fold a Shirt2"], ["Fold a Shirt"]),
        (["Fold a Shirt1", "Cut Hair1", "Fold a Shirt2"], ["Cut Hair", "Fold a Shirt"]),
        (["Use a PS41", "Use a PS42", "Use a PS51", "Use a PS52"], ["Use a PS4", "Use a PS5"]),
        (["Use Windows 7", "Use Windows 8"], ["Use Windows 7", "Use Windows 8"]),
        (
            ["Use Windows 10", "Use Windows 11", "Use Windows 12"],
            ["Use Windows 10", "Use Windows 11", "Use Windows 12"],
        ),
        (
            ["Pass Level 1", "Pass Level 11", "Pass Level 12"],
            ["Pass Level 1", "Pass Level 11", "Pass Level 12"],
        ),
        (["Use CS5", "Use CS6"], ["Use CS5", "Use CS6"]),
        (["Use a TV1", "Cut Hair1", "Use a TV2"], ["Cut Hair", "Use a TV1", "Use a TV2"]),
    ],
)
def test_a_counter_glued_to_a_title_counts_its_methods(
    tmp_path: Path, titles: list[str], expected: list[str]
) -> None:
    rows = [("\nDo it.\n", title, "So.") for title in titles]
    found = articles(write_csv(tmp_path / "all.csv", ("headline", "title", "text"), *rows))
    assert sorted(one.title for one in found) == expected
    assert sum(len(one.methods) for one in found) == len(titles)
