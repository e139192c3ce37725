"""Articles of other sites' pages as their templates write them: steps, titles and lists that say what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crawl.article import Article, Skip
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of

STEPS = ["Soak the beans overnight.", "Rinse them well.", "Simmer them for an hour."]


def outcomes(*documents: Any) -> list[Article | Skip]:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(one)}</script>' for one in documents)
    page = f'<html lang="en"><body>{scripts}<p>Beans.</p></body></html>'
    return outcomes_of(Item("page", "beans.html", PageData(page.encode()))).outcomes


def beans(instructions: Any = None, **more: Any) -> dict[str, Any]:
    given = [{"@type": "HowToStep", "text": text} for text in STEPS] if instructions is None else instructions
    return {"@context": "https://schema.org", "@type": "Recipe", "name": "Cook Beans",
            "url": "https://beans.example/cook", "recipeInstructions": given, **more}  # fmt: skip


def article(*documents: Any) -> Article:
    (found,) = outcomes(*documents)
    assert isinstance(found, Article), found
    return found


def step(text: str, **more: Any) -> dict[str, Any]:
    return {"@type": "HowToStep", "text": text, **more}


def headlines(found: Article) -> list[str]:
    return [step.headline for method in found.methods for step in method.steps]


LISTS: dict[str, Any] = {
    "a list in a list": [[step(text) for text in STEPS]],
    "lists of one each": [[step(text)] for text in STEPS],
    "lists of texts": [STEPS[:2], STEPS[2:]],
    "a list of texts and steps": [STEPS[:1], [step(STEPS[1])], step(STEPS[2])],
    "lists three deep": [[[step(text) for text in STEPS]]],
    "an ItemList in a list": [{"@type": "ItemList", "itemListElement": [step(text) for text in STEPS]}],
    "ListItems": [{"@type": "ListItem", "position": n, "item": step(text)} for n, text in enumerate(STEPS, 1)],
    "@list and @set": {"@list": [{"@set": [step(text)]} for text in STEPS]},
    "a section": [{"@type": "HowToSection", "name": "Pot", "itemListElement": [step(text) for text in STEPS]}],
    "sections in sections": [
        {"@type": "HowToSection", "name": "Day 1", "itemListElement": [
            {"@type": "HowToSection", "name": "Bowl", "itemListElement": [step(STEPS[0])]}, step(STEPS[1])]},
        {"@type": "HowToSection", "name": "Day 2", "itemListElement": [step(STEPS[2])]},
    ],
    "a section without a type": [{"name": "Pot", "itemListElement": [step(text) for text in STEPS]}],
    "a section of texts": [{"@type": "HowToSection", "name": "Pot", "itemListElement": STEPS}],
    "a section that is a text": [{"@type": "HowToSection", "name": "Pot", "itemListElement": "\n".join(STEPS)}],
    "a section of one step": [{"@type": "HowToSection", "name": "Pot", "itemListElement": step("<br>".join(STEPS))}],
    "a section with a text alone": [{"@type": "HowToSection", "text": text} for text in STEPS],
    "steps in a step": [{"@type": "HowToStep", "name": "Cook", "itemListElement": [step(text) for text in STEPS]}],
    "a how-to as instructions": {"@type": "HowTo", "step": [step(text) for text in STEPS]},
    "creative works": [{"@type": "CreativeWork", "text": text} for text in STEPS],
    "a text": "\n".join(STEPS),
    "markup": "".join(f"<li>{text}</li>" for text in STEPS),
    "labels for names": [step(text, name=f"Étape {n}") for n, text in enumerate(STEPS, 1)],
    "marks in texts": [step(f"{n}) {text}") for n, text in enumerate(STEPS, 1)],
    "cut names": [step(text, name=f"{text[:8]}...") for text in STEPS],
    "one name for all": [step(text, name="Cook Beans") for text in STEPS],
    "labels between": [step(part) for n, text in enumerate(STEPS, 1) for part in (f"Step {n}", text)],
    "blank ones between": [step(part) for text in STEPS for part in ("\u200b", text, "&nbsp;")],
    "empty names": [step(text, name="") for text in STEPS],
    "null names": [step(text, name=None) for text in STEPS],
    "escaped twice": [step(f"&lt;p&gt;{text}&lt;/p&gt;") for text in STEPS],
    "values": [{"@type": "HowToStep", "text": {"@value": text, "@language": "en"}} for text in STEPS],
}  # fmt: skip


@pytest.mark.parametrize("form", LISTS)
def test_any_list_gives_its_steps(form: str) -> None:
    assert headlines(article(beans(LISTS[form]))) == STEPS


def test_sections_in_sections_keep_both_names() -> None:
    found = article(beans(LISTS["sections in sections"]))
    assert [(one.kind, one.name) for one in found.methods] == [
        ("part", "Day 1: Bowl"),
        ("part", "Day 1"),
        ("part", "Day 2"),
    ]


def test_texts_in_one_step_are_one_step_with_all_of_them() -> None:
    found = article(beans([step(["Soak them.", "Overnight."]), step("Rinse."), step("Simmer.")]))
    assert next((one.headline, one.body) for one in found.methods[0].steps) == ("Soak them.", "Overnight.")
    assert found.step_count == 3


def test_no_name_of_a_node_is_text() -> None:
    given = [
        {"@id": "_:b1"},
        step(STEPS[0], image={"@id": "_:b2"}),
        {"@type": "HowToStep", "name": {"@id": "_:b3"}},
    ]
    found = article(beans(given, recipeIngredient=[{"@id": "_:b4"}, "beans"], description={"@id": "_:b5"}))
    assert "_:" not in json.dumps(found.to_dict())
    assert headlines(found) == STEPS[:1]
    assert found.ingredients == ("beans",)


def test_lists_of_ingredients_are_flat() -> None:
    assert article(beans(recipeIngredient=[["beans", "salt"], "&amp;amp; water"])).ingredients == (
        "beans",
        "salt",
        "& water",
    )


def test_titles_and_introductions_have_no_markup() -> None:
    found = article(
        beans(name="Beans &amp;amp; &lt;b&gt;Rice&lt;/b&gt;", description="<p>Caf&amp;eacute; food</p>")
    )
    assert (found.title, found.introduction) == ("Beans & Rice", "Café food")


TWICE: dict[str, Any] = {
    "in one list": [[beans(), beans()]],
    "in two scripts": [beans(), beans()],
    "in a graph": [{"@context": "https://schema.org", "@graph": [beans(), beans()]}],
    "as strings the second time": [beans(), beans(STEPS)],
    "as one text the second time": [beans(), beans("\n".join(STEPS))],
    "with labels the second time": [beans(), beans(LISTS["labels for names"])],
    "as a how-to the second time": [beans(), {**beans(), "@type": "HowTo", "step": STEPS}],
    "with another address": [beans(), beans(url="https://beans.example/cook?print=1")],
}


@pytest.mark.parametrize("form", TWICE)
def test_a_recipe_that_a_page_says_twice_is_one(form: str) -> None:
    assert headlines(article(*TWICE[form])) == STEPS


def test_two_recipes_of_one_name_are_two() -> None:
    first, second = outcomes(beans(), beans(STEPS[:2]))
    assert isinstance(first, Article) and isinstance(second, Article)
    assert first.key != second.key
