"""Fields that others' JSON Lines carry, and links that are left in their texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reading import articles, lines, simple

from crawl.article import StepLink
from crawl.steps.wiki_links import without_wiki_links

HOST = "www.ifixit.com"


def test_bodies_beside_steps_are_their_texts(tmp_path: Path) -> None:
    steps = ["Undo the screws.", "Lift the lid.", "Wait"]
    bodies = ["Undo the screws. There are four.", "Lift the lid.", "Then go on."]
    path = lines(
        tmp_path / "a.jsonl",
        simple("Open It", methods=[{"name": "", "steps": steps, "bodies": bodies}]),
        {"title": "Open It Again", "steps": steps, "bodies": bodies},
        {"title": "Open It Once", "steps": steps, "bodies": bodies[:2]},
    )
    expected = [("Undo the screws.", "There are four."), ("Lift the lid.", ""), ("Wait", "Then go on.")]
    first, second, uneven = [[(s.headline, s.body) for s in one.methods[0].steps] for one in articles(path)]
    assert first == second == expected
    assert uneven == [(step, "") for step in steps]


def test_what_a_record_of_another_site_carries_is_kept(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        simple(
            "Tom &amp; Jerry", "&lt;p&gt;Shake it.&lt;/p&gt;", site="bar.example", language="de-AT",
            url="drinks/1.md", tools=["shaker"], items=["egg", "rum"], category="Drinks", overview="A <b>warm</b> one",
        ),
    )  # fmt: skip
    (found,) = articles(path)
    assert (found.title, found.introduction, found.language) == ("Tom & Jerry", "A warm one", "de")
    assert (found.tools, found.things, found.categories) == (("shaker",), ("egg", "rum"), ("Drinks",))
    assert (found.site, found.key) == ("bar.example", "de:/bar.example/drinks/1.md")
    assert found.methods[0].steps[0].headline == "Shake it."


LINKS = {
    "See [[Clean an Oven]].": ("See Clean an Oven.", [("Clean-an-Oven", "Clean an Oven")]),
    "See [[Clean an Oven|cleaning]].": ("See cleaning.", [("Clean-an-Oven", "cleaning")]),
    "See [[Glossary#Part_Seam|the seam]].": ("See the seam.", [("Glossary", "the seam")]),
    "See [[:clean_an_oven| cleaning ]].": ("See  cleaning .", [("clean-an-oven", "cleaning")]),
    "See [[User:Ann|Ann]].": ("See Ann.", []),
    "[[Image:a.jpg|right|184px]]Go on.": ("Go on.", []),
    "[[Datei:a.jpg]]Go on.": ("Go on.", []),
    "See [[#Below|below]].": ("See below.", []),
    "Do [guide|5|the seam] now.": ("Do the seam now.", [(f"{HOST}/Guide/5", "the seam")]),
    "Do [guide|5|step 9|stepid=7] now.": ("Do step 9 now.", [(f"{HOST}/Guide/5", "step 9")]),
    "Do [link|https://www.ifixit.com/Guide/A+b/5|this].": ("Do this.", [(f"{HOST}/Guide/A+b/5", "this")]),
    "Do [https://shop.example/x this].": ("Do this.", []),
    "Do [https://www.wikihow.com/Clean-an-Oven this].": ("Do this.", [("Clean-an-Oven", "this")]),
    "Press [Enter] and [[x].": ("Press [Enter] and [[x].", []),
    "Type a[0][1] = [1, 2].": ("Type a[0][1] = [1, 2].", []),
    "[ -f a ] && [[ -n x ]]": ("[ -f a ] && [[ -n x ]]", []),
}


@pytest.mark.parametrize("text", LINKS)
def test_links_in_the_marks_of_wikis(text: str) -> None:
    plain, links = without_wiki_links(text, HOST)
    assert (plain, [(link.slug, link.anchor) for link in links]) == LINKS[text]


def test_links_are_placed_where_their_words_are(tmp_path: Path) -> None:
    step = "Sew [[Seam|the seam]]. Then [[Iron Cloth|iron]] it."
    path = lines(
        tmp_path / "a.jsonl",
        simple("Mend It", step, "Cut.", "Go."),
        simple("Mend That", f"1. {step} 2. Do [guide|7|this].", url="https://www.ifixit.com/Guide/Mend/6"),
    )
    first, second = articles(path)
    seam, iron = StepLink("Seam", "", "the seam", "headline"), StepLink("Iron-Cloth", "", "iron", "body")
    assert first.methods[0].steps[0].links == (seam, iron)
    assert [one.links for one in second.methods[0].steps] == [
        (seam, iron),
        (StepLink("www.ifixit.com/Guide/7", "", "this", "headline"),),
    ]
    assert second.aliases == ("www.ifixit.com/Guide/6",)
