"""What sites put beside steps, into them and around them, in a document of JSON-LD or a line of JSON."""

from __future__ import annotations

import copy
import html
import random
from collections.abc import Callable
from typing import Any

BAD = (
    None,
    "",
    0,
    -1.5,
    True,
    [],
    {},
    "x",
    "true",
    [None],
    [[]],
    {"@id": None},
    {"@value": None},
    {"a": {"b": None}},
    "//x",
    ["a", None, {}],
    "\u200b",
    {"@type": None},
    [{"@type": ["Thing", None]}],
    "<p>",
    "&amp;nbsp;",
)
"""Values that templates write where they have none."""
_BESIDE: dict[str, Any] = {
    "@id": "#recipe",
    "image": ["a.jpg", {"@type": "ImageObject", "url": "b.jpg"}],
    "author": {"@type": "Person", "name": "Ann"},
    "aggregateRating": {"@type": "AggregateRating", "ratingValue": 4.5},
    "video": {"@type": "VideoObject", "name": "v"},
    "recipeIngredient": ["beans", "1 cup salt"],
    "description": "Good & cheap.",
    "keywords": "a, b",
    "totalTime": "PT1H",
    "mainEntityOfPage": True,
    "review": [{"@type": "Review", "reviewBody": "Step 1 was easy."}],
    "inLanguage": "en",
    "publisher": {"@type": "Organization", "@id": None},
    "tool": [{"@type": "HowToTool", "name": "pan"}],
    "recipeYield": 4,
    "nutrition": {"@type": "NutritionInformation", "calories": "9"},
    "isPartOf": [{"@id": "#page"}],
    "recipeCategory": "Dinner",
}
"""What else stands in a recipe."""
_NEEDED = ("@type", "name", "step", "recipeInstructions", "url")

Change = Callable[[Any, random.Random], Any]


# Of the document


def _fields_added(document: Any, chance: random.Random) -> Any:
    names = chance.sample(list(_BESIDE), chance.randint(1, len(_BESIDE)))
    return {**document, **{name: copy.deepcopy(_BESIDE[name]) for name in names}}


def _bad_field(document: Any, chance: random.Random) -> Any:
    document = _fields_added(document, chance)
    name = chance.choice([name for name in document if name not in _NEEDED])
    return {**document, name: chance.choice(BAD)}


def _shuffled(document: Any, chance: random.Random) -> Any:
    return dict(chance.sample(list(document.items()), len(document)))


def _types(document: Any, chance: random.Random) -> Any:
    kind = document["@type"]
    forms = [
        kind,
        [kind],
        [kind, "NewsArticle"],
        ["Thing", None, kind],
        f"http://schema.org/{kind}",
        f"https://schema.org/{kind}",
        f"http://www.schema.org/{kind}",
        f"schema:{kind}",
        f"//schema.org/{kind}",
        f"schema.org/{kind}",
        f"HTTP://Schema.org/{kind}",
        f"https://schema.org//{kind}",
    ]
    return {**document, "@type": chance.choice(forms)}


def _contexts(document: Any, chance: random.Random) -> Any:
    forms = [
        "http://schema.org",
        "https://schema.org/",
        "//schema.org",
        "http://www.schema.org",
        "",
        None,
        ["https://schema.org", {"x": "y"}],
        {"@vocab": "https://schema.org/"},
        "schema.org",
        {"schema": "https://schema.org/", "@vocab": "http://schema.org/"},
    ]
    return {**document, "@context": chance.choice(forms)}


def wrapped(document: Any, chance: random.Random) -> Any:
    site = {
        "@type": "WebSite",
        "@id": "#site",
        "name": "Beans",
        "potentialAction": [{"@type": "SearchAction"}],
    }
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [{"@type": "ListItem", "item": {"@id": None, "name": "Home"}}],
    }
    return chance.choice(
        (
            [document],
            [site, document],
            [[document]],
            {"@context": "https://schema.org", "@graph": [site, crumbs, document]},
            {"@graph": [document, chance.choice(BAD)]},
            {"@type": "WebPage", "mainEntity": document},
            {"@type": "WebPage", "@id": "#page", "mainEntity": [document], "breadcrumb": crumbs},
            {"@context": "https://schema.org", "@graph": {"@type": "ItemPage", "about": document}},
            [chance.choice(BAD), document],
            [document, copy.deepcopy(document)],
            {"@type": "Article", "hasPart": document, "name": "Else"},
        )
    )


def _fields_of_record(record: Any, chance: random.Random) -> Any:
    names = (
        "id",
        "category",
        "tags",
        "image",
        "ingredients",
        "tips",
        "rating",
        "author",
        "date",
        "introduction",
        "related",
        "site",
    )
    return {
        **record,
        **{name: chance.choice(("x", ["a", "b"], *BAD)) for name in chance.sample(names[:-1], 4)},
    }


def _typed(record: Any, chance: random.Random) -> Any:
    return {
        **record,
        chance.choice(("@type", "@context")): chance.choice(
            ("Thing", None, "https://schema.org", ["Article"])
        ),
    }


def contained(record: Any, chance: random.Random) -> Any:
    return chance.choice(
        ([record], {"articles": [record]}, {"row": record}, {"data": {"all": [record]}}, {"1": record})
    )


DOCUMENT: tuple[Change, ...] = (_fields_added, _bad_field, _shuffled, _types, _contexts)
RECORD: tuple[Change, ...] = (_fields_of_record, _shuffled, _typed)


# Of the steps' texts, in JSON or in markup


def _paragraph(text: str, chance: random.Random) -> str:
    forms = (
        "<p>{}</p>",
        "{}<br>",
        " {}\n",
        "<p><b>{}</b></p>",
        "<div class='x'>{}</div>",
        "\u200b{}\u00ad",
        "{}\u00a0",
    )
    return chance.choice((*forms, "<span>{}</span>")).format(html.escape(text, quote=False))


def _escaped(text: str, chance: random.Random) -> str:
    once = html.escape(f"<p>{html.escape(text, quote=False)}</p>")
    return chance.choice((html.escape(text), once, html.escape(html.escape(text))))


def _as_it_is(text: str, chance: random.Random) -> str:
    return text


TEXTS: tuple[Change, ...] = (_as_it_is, _paragraph, _escaped)


def each_text(value: Any, change: Callable[[str], str], key: str = "") -> Any:
    """A document with the texts of its steps changed."""
    if isinstance(value, dict):
        return {name: each_text(one, change, name) for name, one in value.items()}
    if isinstance(value, list):
        return [each_text(one, change, key) for one in value]
    return (
        change(value) if isinstance(value, str) and key in ("text", "recipeInstructions", "step") else value
    )
