"""Recipes and how-tos that pages mark up in their text: microdata, RDFa, h-recipe, as people write them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crawl.article import Article, Skip
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of

STEPS = ["Soak the beans overnight.", "Rinse them well.", "Simmer them for an hour."]
ITEMS = "".join(f"<li>{text}</li>" for text in STEPS)
PARAGRAPHS = "".join(f"<p>{text}</p>" for text in STEPS)


def outcomes(body: str, **how: Any) -> list[Article | Skip]:
    page = f'<!doctype html><html lang="en"><head><title>t</title></head><body><h1>Beans!</h1>{body}</body></html>'
    return outcomes_of(Item("page", "beans.html", PageData(page.encode(), **how))).outcomes


def article(body: str, **how: Any) -> Article:
    (found,) = outcomes(body, **how)
    assert isinstance(found, Article), found
    return found


def headlines(found: Article) -> list[str]:
    return [step.headline for method in found.methods for step in method.steps]


def microdata(inner: str, kind: str = "http://schema.org/Recipe") -> str:
    return f'<div itemscope itemtype="{kind}"><h2 itemprop="name">Cook Beans</h2>{inner}</div>'


def rdfa(inner: str, start: str = 'vocab="http://schema.org/" typeof="Recipe"') -> str:
    return f'<div {start}><h2 property="name">Cook Beans</h2>{inner}</div>'


def h_recipe(inner: str) -> str:
    return f'<article class="post h-recipe"><h2 class="p-name">Cook Beans</h2>{inner}</article>'


def each(tag: str, attributes: str) -> str:
    return "".join(f"<{tag} {attributes}>{text}</{tag}>" for text in STEPS)


LIST = f'<ol itemprop="recipeInstructions">{ITEMS}</ol>'
STEP = 'itemscope itemtype="http://schema.org/HowToStep"'
SCHEMA = "http://schema.org"


def steps(prop: str, name: str = "") -> str:
    start = f'<div itemprop="{prop}" {STEP}>{name}<p itemprop="text">'
    return "".join(f"{start}{text}</p></div>" for text in STEPS)


FORMS = {
    "a list": microdata(LIST),
    "https": microdata(LIST, "https://schema.org/Recipe"),
    "www": microdata(LIST, "http://www.schema.org/Recipe"),
    "two types": microdata(LIST, f"{SCHEMA}/Thing {SCHEMA}/Recipe"),
    "a list in a box": microdata(f'<div itemprop="recipeInstructions"><div><ul>{ITEMS}</ul></div></div>'),
    "paragraphs": microdata(f'<div itemprop="recipeInstructions">{PARAGRAPHS}</div>'),
    "lines": microdata(f'<div itemprop="recipeInstructions">{"<br>".join(STEPS)}</div>'),
    "numbers": microdata(f'<p itemprop="recipeInstructions">1. {STEPS[0]} 2. {STEPS[1]} 3. {STEPS[2]}</p>'),
    "each item": microdata(f"<ol>{each('li', 'itemprop=recipeInstructions')}</ol>"),
    "each paragraph": microdata(each("p", 'itemprop="recipeInstructions"')),
    "a list and each item": microdata(LIST.replace("<li>", "<li itemprop=recipeInstructions>")),
    "items of steps": microdata(steps("recipeInstructions")),
    "an item list": microdata(
        f'<div itemprop="recipeInstructions" itemscope itemtype="{SCHEMA}/ItemList">{steps("itemListElement")}</div>'
    ),
    "a how-to": microdata(steps("step", '<b itemprop="name">Step 1</b>'), "https://schema.org/HowTo"),
    "a meta": microdata(f'<meta itemprop="recipeInstructions" content="{chr(10).join(STEPS)}">'),
    "a reference": f'<div id="how">{LIST}</div>' + microdata("").replace("scope", 'scope itemref="how"'),
    "data-vocabulary": microdata(LIST.replace("recipeI", "i"), "http://data-vocabulary.org/Recipe"),
    "inside another item": f'<div itemscope itemtype="{SCHEMA}/WebPage">{microdata(LIST)}</div>',
    "wrapped lines": microdata(LIST.replace(" ", "\n  ")),
    "upper case": microdata(f"<OL ITEMPROP='recipeInstructions'>{ITEMS}</OL>"),
    "numbers of their own": microdata(
        "<ol itemprop=recipeInstructions>"
        + "".join(f"<li><span>{n}</span> {text}</li>" for n, text in enumerate(STEPS, 1))
        + "</ol>"
    ),
    "RDFa": rdfa(f'<ol property="recipeInstructions">{ITEMS}</ol>'),
    "RDFa with a prefix": rdfa(
        f'<ol property="schema:recipeInstructions">{ITEMS}</ol>',
        f'prefix="schema: {SCHEMA}/" typeof="schema:Recipe"',
    ).replace('"name"', '"schema:name"'),
    "RDFa by addresses": rdfa(
        f'<ol property="{SCHEMA}/recipeInstructions">{ITEMS}</ol>', f'typeof="{SCHEMA}/Recipe"'
    ).replace('"name"', f'"{SCHEMA}/name"'),
    "RDFa of Google": rdfa(
        f'<div property="v:instructions">{PARAGRAPHS}</div>',
        'xmlns:v="http://rdf.data-vocabulary.org/#" typeof="v:Recipe"',
    ).replace('"name"', '"v:name"'),
    "RDFa steps": rdfa(
        "".join(
            f'<p property="recipeInstructions" typeof="HowToStep"><i property="text">{text}</i></p>'
            for text in STEPS
        )
    ),
    "h-recipe": h_recipe(f'<ol class="e-instructions">{ITEMS}</ol>'),
    "h-recipe with paragraphs": h_recipe(f'<div class="e-instructions">{PARAGRAPHS}</div>'),
    "h-recipe with an author": h_recipe(
        f'<p class="p-author h-card"><b class="p-name">Ann</b></p><ol class="e-instructions">{ITEMS}</ol>'
    ),
    "hRecipe": f'<div class="hrecipe"><h2 class="fn">Cook Beans</h2><ol class="instructions">{ITEMS}</ol></div>',
    "hRecipe by instruction": '<div class="hrecipe"><h2 class="fn">Cook Beans</h2>'
    f'<ol class="instructions">{each("li", "class=instruction")}</ol></div>',
}


@pytest.mark.parametrize("form", FORMS)
def test_any_markup_gives_its_article(form: str) -> None:
    found = article(FORMS[form])
    assert (found.title, headlines(found)) == ("Cook Beans", STEPS)


def test_all_that_is_said_is_read() -> None:
    found = article(
        microdata(
            '<a itemprop="url" href="/cook?id=5">here</a> <p itemprop="description">Good &amp; cheap.</p>'
            '<time itemprop="datePublished" datetime="2024-05-06">May</time>'
            '<link itemprop="license" href="https://license.example/by">'
            '<ul><li itemprop="recipeIngredient">1 cup <b>beans</b></li><li itemprop="ingredients">salt</li></ul>'
            '<span itemprop="author" itemscope itemtype="http://schema.org/Person"><i itemprop="name">Ann</i></span>'
            '<div itemprop="review" itemscope itemtype="http://schema.org/Review"><p itemprop="name">No</p></div>'
            f'<a itemprop="recipeCategory" href="/dinner">Dinner</a><ol itemprop="recipeInstructions">{ITEMS}</ol>'
        ),
        url="https://beans.example/x/y",
    )
    assert (found.url, found.key) == ("https://beans.example/cook?id=5", "en:/beans.example/cook?id=5")
    assert (found.introduction, found.published) == ("Good & cheap.", "2024-05-06")
    assert (found.ingredients, found.categories) == (("1 cup beans", "salt"), ("Dinner",))
    assert (found.licence, found.title) == ("https://license.example/by", "Cook Beans")


def test_headings_between_lists_are_parts() -> None:
    inner = f"<h3>Before</h3><ol><li>{STEPS[0]}</li></ol><h3>After</h3><ol><li>{STEPS[1]}</li><li>{STEPS[2]}</li></ol>"
    found = article(microdata(f'<div itemprop="recipeInstructions">{inner}</div>'))
    assert [(one.kind, one.name, len(one.steps)) for one in found.methods] == [
        ("part", "Before", 1),
        ("part", "After", 2),
    ]


def test_a_step_of_paragraphs_and_a_list_in_it_is_one() -> None:
    items = (
        "<li><p>Soak them.</p><p>Overnight.</p></li><li>Rinse: <ul><li>twice</li></ul></li><li>Simmer.</li>"
    )
    found = article(microdata(f'<ol itemprop="recipeInstructions">{items}</ol>'))
    assert [f"{one.headline} {one.body}".strip() for one in found.methods[0].steps] == [
        "Soak them. Overnight.",
        "Rinse: twice",
        "Simmer.",
    ]


def test_a_page_without_a_name_in_its_markup_is_named_by_its_heading() -> None:
    body = f'<div class="h-recipe"><ol class="e-instructions">{ITEMS}</ol></div>'
    assert article(body).title == "Beans!"


def test_several_items_are_several_articles() -> None:
    second = microdata(f'<ol itemprop="recipeInstructions">{ITEMS}</ol>').replace("Cook Beans", "Cook Peas")
    found = outcomes(FORMS["a list"] + second + FORMS["RDFa"])
    assert [one.title for one in found if isinstance(one, Article)] == ["Cook Beans", "Cook Peas"]


def test_json_ld_goes_first_and_markup_helps_where_it_fails() -> None:
    broken = '<script type="application/ld+json">{"@type": "Recipe", "name": </script>'
    assert headlines(article(broken + FORMS["a list"])) == STEPS
    good = '<script type="application/ld+json">{"@type": "Recipe", "name": "B", "recipeInstructions": "Go."}</script>'
    assert headlines(article(good + FORMS["a list"])) == ["Go."]


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (microdata(""), "no steps", "the Recipe 'Cook Beans' in its microdata has no step with a word"),
        (rdfa('<ol property="recipeInstructions"><li> </li></ol>'), "no steps", "blank steps"),
        (h_recipe(""), "no steps", "in its h-recipe"),
        (
            '<div itemscope itemtype="http://schema.org/Person"><b itemprop="name">A</b></div>',
            "not an article",
            "",
        ),
        ('<p class="h-recipes">x</p>', "not an article", "no list of steps"),
    ],
)
def test_what_is_left_out_says_why(body: str, reason: str, detail: str) -> None:
    (found,) = outcomes(body)
    assert isinstance(found, Skip)
    assert found.reason == reason
    assert detail in found.detail


@pytest.mark.parametrize(
    "body",
    [
        '<div itemscope itemtype="http://schema.org/Recipe" itemprop="name step">' * 3000,
        '<div itemscope itemtype="http://schema.org/Recipe" id="a" itemref="a a a"><p itemprop="name">x</p></div>'
        * 300,
        '<div itemscope itemtype="http://schema.org/Recipe">'
        + '<div itemprop="name recipeInstructions">x' * 3000,
        '<i class="h-recipe">' + "<b class='e-instructions'>" * 20_000,
        'itemtype="' * 100_000 + "Recipe",
    ],
)
def test_hostile_markup_takes_no_long_time(body: str) -> None:
    start = time.process_time()
    assert outcomes(body)
    assert time.process_time() - start < 30
