"""A thousand recipes, made by writing three steps in every form and every container: each page gives the three steps.

And a thousand more with a bad value in some place outside of the steps, which costs that value alone.
"""

from __future__ import annotations

import copy
import html
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crawl.article import Article
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of

STEPS = ["Soak the beans. Use cold water.", "Rinse them well.", "Simmer for 30 minutes."]
HEADLINES = ["Soak the beans.", "Rinse them well.", "Simmer for 30 minutes."]
Form = Callable[[int, str], Any]


def step(text: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "HowToStep", "text": text, **more}


def named(label: str) -> Form:
    return lambda number, text: step(text, name=label.format(number))


def marked(label: str) -> Form:
    return lambda number, text: step(label.format(number) + text)


NAMES = ["Step {}", "Schritt {}", "{}", "{}.", "Paso {}:", "#{}", "Étape n°{}", "Шаг {}", "第{}步", "ステップ {}",
         "{}단계", "चरण {}", "الخطوة {}", "ধাপ {}", "Langkah {}", "Adım {}", "{}. Adım", "Bước {}", "STEP {:02d}",
         "Step {} of 3", "Krok {}", "step-{}"]  # fmt: skip
MARKS = ["{}. ", "{}) ", "({}) ", "Step {}: ", "Step {} - ", "STEP {}. ", "Schritt {}: ", "{} - ", "{}: ", "{}.",
         "第{}步：", "{}\ufe0f\u20e3 "]  # fmt: skip
DIRECTION = {"@type": "HowToDirection"}
FORMS: dict[str, Form] = {
    **{f"named {label}": named(label) for label in NAMES},
    **{f"marked {label}": marked(label) for label in MARKS},
    "a step": lambda number, text: step(text),
    "a text": lambda number, text: text,
    "a cut name": lambda number, text: step(text, name=f"{text[:9]}..."),
    "the text as name": lambda number, text: step(text, name=text),
    "a name alone": lambda number, text: {"@type": "HowToStep", "name": text},
    "a paragraph": lambda number, text: step(f"<p>{text}</p>"),
    "an escaped paragraph": lambda number, text: step(html.escape(f"<p>{text}</p>")),
    "unseen characters": lambda number, text: step(f"\u200b{text}\u00ad"),
    "a direction": lambda number, text: {"@type": "HowToStep", "itemListElement": [step(text) | DIRECTION]},
    "a list item": lambda number, text: {"@type": "ListItem", "position": number, "item": step(text)},
    "a description": lambda number, text: {"@type": "HowToStep", "description": text},
    "a value": lambda number, text: step({"@value": text}),
    "a list of one text": lambda number, text: step([text]),
    "another type": lambda number, text: {"@type": "Thing", "text": text},
    "no type": lambda number, text: {"text": text},
}  # fmt: skip


def section(steps: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "HowToSection", "name": "Pot", "itemListElement": steps, **more}


CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "a list": lambda steps: steps,
    "a list in a list": lambda steps: [steps],
    "lists of one": lambda steps: [[one] for one in steps],
    "an ItemList": lambda steps: {"@type": "ItemList", "itemListElement": steps},
    "a section": lambda steps: [section(steps)],
    "a section without a type": lambda steps: [{"name": "Pot", "itemListElement": steps}],
    "a section in a section": lambda steps: [section([section(steps)])],
    "a section of steps": lambda steps: [{"@type": "HowToSection", "name": "Pot", "steps": steps}],
    "two sections": lambda steps: [section(steps[:1]), section(steps[1:], name="Pan")],
    "@list": lambda steps: {"@list": steps},
    "@set": lambda steps: {"@set": steps},
}


def headlines(document: Any) -> list[str]:
    page = f'<html><script type="application/ld+json">{json.dumps(document)}</script></html>'
    (found,) = outcomes_of(Item("page", "beans.html", PageData(page.encode()))).outcomes
    return (
        [one.headline for method in found.methods for one in method.steps]
        if isinstance(found, Article)
        else []
    )


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(("kind", "name"), [("Recipe", "recipeInstructions"), ("HowTo", "step")])
def test_every_form_in_every_container(kind: str, name: str, container: str) -> None:
    wrong = []
    for form, made in FORMS.items():
        steps = CONTAINERS[container]([made(number, text) for number, text in enumerate(STEPS, 1)])
        document = {"@context": "https://schema.org", "@type": kind, "name": "Cook Beans", name: steps}
        if headlines(document) != HEADLINES:
            wrong.append(form)
    assert wrong == []


DOCUMENT: dict[str, Any] = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebSite", "@id": "https://b.example/#site", "potentialAction": [{"@type": "SearchAction"}]},
        {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "item": {"@id": "/", "name": "Home"}}]},
        {
            "@type": "Recipe", "@id": "https://b.example/x#recipe", "name": "Cook Beans",
            "author": {"@id": "https://b.example/#ann"}, "image": ["a.jpg", {"@type": "ImageObject", "url": "b.jpg"}],
            "video": {"@type": "VideoObject", "name": "v"}, "recipeIngredient": ["beans", "salt"],
            "recipeInstructions": [step(text, image="s.jpg") for text in STEPS],
        },
        {"@type": "Person", "@id": "https://b.example/#ann", "name": "Ann"},
    ],
}  # fmt: skip
BAD = [None, "", 0, -1.5, True, [], {}, "x", "true", [None], [[]], {"@id": None}, {"@value": None}, {"a": {"b": None}},
       "//x", float("nan"), ["a", None, {}]]  # fmt: skip
RECIPE = ("@graph", 2)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*place, key)
        yield from places(one, (*place, key))


def is_needed(place: tuple[Any, ...]) -> bool:
    """Whether the steps themselves are at a place, or what leads to them."""
    if place in (("@graph",), RECIPE) or place[:2] != RECIPE:
        return place in (("@graph",), RECIPE)
    return place[2] in ("@type", "name", "recipeInstructions") and place[4:] not in (("image",),)


@pytest.mark.parametrize("place", [one for one in places(DOCUMENT) if not is_needed(one)], ids=str)
def test_a_bad_value_anywhere_costs_itself_alone(place: tuple[Any, ...]) -> None:
    wrong = []
    for bad in BAD:
        document = copy.deepcopy(DOCUMENT)
        around: Any = document
        for key in place[:-1]:
            around = around[key]
        around[place[-1]] = bad
        if headlines(document) != HEADLINES:
            wrong.append(bad)
    assert wrong == []
