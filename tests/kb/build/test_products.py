"""Links between sites: what a step must name to lead to help for one program or device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.command import within
from support.contents import content, rows
from support.reading import lines, simple

from linking.verify.across import names_asked, names_of_site, names_of_title

HELP = "https://help.quillpad.example"
"""The help of a program: its titles do not name it."""
SHOP = "https://parts.example"
"""Guides to devices, by their names."""
HOME = "https://home.example"

QUILLPAD = [
    simple(
        "Send Files", "Click the menu.", "Choose Send in the dialog.", "Click the button.", url=f"{HELP}/send"
    ),
    simple(
        "Work Together", "Send the files.", "Click the button to close the folder.", url=f"{HELP}/together"
    ),
]
PARTS = [
    simple(
        "Replace the Battery of a Zenphone", "Open your Zenphone.", "Lift the battery out.", url=f"{SHOP}/zen"
    ),
    simple("Replace the Battery of a GX200", "Unscrew the lid.", "Lift the battery out.", url=f"{SHOP}/gx"),
    simple(
        "Clean the Zenphone", "Put the Zenphone face down.", "Wipe the Zenphone dry.", url=f"{SHOP}/clean"
    ),
]
EVERYDAY = [
    simple("Share Holiday Photos", "Send the files.", "Boil water for tea.", url=f"{HOME}/share"),
    simple("Use Quillpad at School", "Send the files.", "Give your talk.", url=f"{HOME}/quillpad"),
    simple("Fix a Flashlight", "Replace the battery.", "Screw the lid on.", url=f"{HOME}/flashlight"),
    simple("Fix Zenphones", "Replace the battery.", "Switch the phone on.", url=f"{HOME}/zen"),
    simple("Boil Water", "Fill a kettle.", "Heat the water.", url=f"{HOME}/water"),
]
TEA = [simple("Make Tea", "Boil water.", "Pour it over the leaves.", url="https://tea.example/tea")]
ALL = [*QUILLPAD, *PARTS, *EVERYDAY, *TEA]


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("sites"), ALL)


def built(folder: Path, articles: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    done = within("build", lines(folder / "articles.jsonl", *articles), "-o", folder / "kb.duckdb")
    assert done.returncode == 0, done.stderr
    return folder / "kb.duckdb"


def probability(kb: Path, article: str, step: str, goal: str) -> float:
    """Of a candidate."""
    ((found,),) = rows(
        kb,
        f"""
        SELECT max(c.probability) FROM candidates c JOIN steps s USING (step_id)
        JOIN articles a ON a.article_id = s.article_id JOIN articles g ON g.article_id = c.article_id
        WHERE a.goal = '{article}' AND s.headline = '{step}' AND g.goal = '{goal}'
        """,
    )
    assert found is not None, "no candidate"
    return float(found)


@pytest.mark.parametrize(
    ("article", "step", "goal", "may"),
    [
        ("Share Holiday Photos", "Send the files.", "Send Files", False),
        ("Use Quillpad at School", "Send the files.", "Send Files", True),  # its article names the program
        ("Work Together", "Send the files.", "Send Files", True),  # of the same site
        ("Fix a Flashlight", "Replace the battery.", "Replace the Battery of a Zenphone", False),
        ("Fix Zenphones", "Replace the battery.", "Replace the Battery of a Zenphone", True),
        ("Fix Zenphones", "Replace the battery.", "Replace the Battery of a GX200", False),
        ("Make Tea", "Boil water.", "Boil Water", True),  # nothing to name
    ],
)
def test_a_step_leads_to_another_site_only_where_it_names_what_that_is_about(
    kb: Path, article: str, step: str, goal: str, may: bool
) -> None:
    assert (probability(kb, article, step, goal) > 0) is may


def test_whoever_has_one_site_alone_has_the_links_of_before(kb: Path, tmp_path: Path) -> None:
    """The same articles without their addresses are of one site: nothing is refused, and the rest is as it was."""
    one = built(tmp_path / "one", [{**each, "url": None} for each in ALL])
    assert probability(one, "Share Holiday Photos", "Send the files.", "Send Files") > 0
    for pair in (
        ("Work Together", "Send the files.", "Send Files"),
        ("Make Tea", "Boil water.", "Boil Water"),
    ):
        assert probability(one, *pair) == probability(kb, *pair)


def test_what_is_added_later_gives_the_same_links(kb: Path, tmp_path: Path) -> None:
    built(tmp_path, [*QUILLPAD, *EVERYDAY])
    later = content(built(tmp_path, ALL))
    whole = content(kb)
    for table in ("candidates", "edges"):
        assert later[table] == whole[table]


def test_an_editors_word_on_another_site_counts(tmp_path: Path) -> None:
    """Who sets a link to the help of a program has looked at it, be it the step or only something in it."""
    link = {"slug": "help.quillpad.example/send", "anchor": "here", "place": "body"}
    texts = ("Send the files.", "Print the pictures.")
    steps = [
        {"number": i, "headline": text, "body": "See here.", "links": [link]}
        for i, text in enumerate(texts, 1)
    ]
    method = {"kind": "single", "number": 1, "name": "", "steps": steps}
    share = {"language": "en", "title": "Share Holiday Photos", "url": f"{HOME}/share", "methods": [method]}
    output = built(tmp_path, [*QUILLPAD, *EVERYDAY[1:], share])
    edges = "SELECT source FROM edges JOIN steps USING (step_id) WHERE headline = 'Send the files.' AND parent_id = {}"
    ((parent,),) = rows(output, "SELECT article_id FROM articles WHERE goal = 'Share Holiday Photos'")
    assert rows(output, edges.format(parent)) == [("editor",)]
    assert probability(output, "Share Holiday Photos", "Print the pictures.", "Send Files") > 0


def test_an_article_without_a_site_is_of_that_of_its_file(tmp_path: Path) -> None:
    """One line of a dump may have an address where the others have none."""
    some = [{**each, "url": None} for each in [*QUILLPAD, *EVERYDAY[1:]]]
    output = built(tmp_path, [*some, EVERYDAY[0]])
    assert probability(output, "Share Holiday Photos", "Send the files.", "Send Files") > 0


@pytest.mark.parametrize(
    ("title", "site", "interface", "silent", "asked"),
    [
        ("Send files", "help.quillpad.example", True, True, [{"quillpad"}]),
        ("Send files", "help.quillpad.example", False, True, None),
        ("Send files", "", True, True, []),
        ("Send Files in Zenphone", "programs.example", True, False, [{"zenphon"}]),
        ("Connect a Zenphone", "help.quillpad.example", True, True, [{"zenphon", "quillpad"}]),
        ("Connect a Zenphone", "", True, True, []),
        ("Open a GX200, 2nd edition, of 500 g", "parts.example", False, False, [{"gx200"}]),
    ],
)
def test_what_is_asked(
    title: str, site: str, interface: bool, silent: bool, asked: list[set[str]] | None
) -> None:
    found = names_asked(names_of_title(title, {"zenphone"}), names_of_site(site), interface, silent)
    assert found is None if asked is None else [*map(set, found or ())] == asked
