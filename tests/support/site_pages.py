"""How-tos of our own in all the ways that sites write them: what a page says is known before it is read."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        (
            "Soak",
            "Rinse",
            "Drain",
            "Sand",
            "Peel",
            "Fold",
            "Unscrew",
            "Mix",
            "Step on",
            "First oil",
            "Second-guess",
        ),
        (
            "the beans",
            "two pears",
            "a sheet of paper",
            "Ann's bike",
            "the fish & chips",
            "9 eggs",
            "the No. 2 pin",
        ),
        (
            *("Use cold water.", "Wait for 30 minutes.", "Don't hurry, e.g. with a timer.", "Is it dry?"),
            *('Take a 9" pan.', "Heat it to 180°C (350°F).", "Stop at 1/2 of it; 3 more may follow."),
            *("It takes approx. 5 oz. of salt!", "Write 1 < 2 on it."),
        ),
    ),
    "de": (
        ("Weiche", "Spüle", "Schäle", "Falte"),
        ("die Bohnen", "zwei Äpfel", "das Blech"),
        ("Nimm kaltes Wasser.", "Warte ca. 30 Minuten.", "Größe ist egal."),
    ),
    "fr": (
        ("Rincez", "Pelez", "Étalez"),
        ("les fèves", "l'œuf", "la pâte"),
        ("À l'eau froide.", "Attendez 30 minutes !", "C'est prêt ?"),
    ),
    "ru": (
        ("Замочите", "Промойте", "Сложите"),
        ("фасоль", "два яблока", "лист"),
        ("Возьмите холодную воду.", "Подождите 30 минут."),
    ),
    "ja": (("豆を", "皿を", "紙を"), ("水につける", "よく洗う", "折る"), ("冷たい水を使う。", "30分待つ。")),
}
"""Of each language the beginnings, ends and further sentences of steps."""


@dataclass(frozen=True, slots=True)
class HowTo:
    """What a page says."""

    title: str
    language: str
    headlines: tuple[str, ...]
    """The first sentence of each step."""
    steps: tuple[str, ...]
    """The whole text of each."""
    address: str


def how_to(chance: random.Random) -> HowTo:
    """A how-to of three to nine different steps."""
    language = chance.choice(("en", "en", "en", *_WORDS))
    starts, ends, more = _WORDS[language]
    blank, stop = ("", "。") if language == "ja" else (" ", ".")
    count = min(chance.randint(3, 9), len(starts) * len(ends))
    pairs = chance.sample([(start, end) for start in starts for end in ends], count)
    steps = [start + blank + end + stop for start, end in pairs]
    texts = [blank.join([step, *chance.sample(more, chance.choice((0, 0, 1, 2)))]) for step in steps]
    number = chance.randrange(10**6)
    address = chance.choice(
        ("https://beans.example/how/{}", "https://www.pears.example/r.php?id={}", "http://b.example/{}/")
    )
    return HowTo(
        f"{steps[0].rstrip(stop)} {number}", language, tuple(steps), tuple(texts), address.format(number)
    )


def document_of(how: HowTo, steps: Any) -> dict[str, Any]:
    """The JSON-LD of a how-to whose steps are written already."""
    named = {"@context": "https://schema.org", "@type": "Recipe", "name": how.title, "url": how.address}
    return {**named, "recipeInstructions": steps}


def a_step(text: Any, **more: Any) -> dict[str, Any]:
    """A step in JSON-LD."""
    return {"@type": "HowToStep", "text": text, **more}


def script(text: str) -> str:
    """The script of a page that holds JSON-LD."""
    return f'<script type="application/ld+json">{text}</script>'


def _listed(open_tag: str, how: HowTo, item: str = "<li>{}</li>") -> str:
    return (
        open_tag
        + "".join(item.format(html.escape(step, quote=False)) for step in how.steps)
        + f"</{open_tag[1:].split()[0].rstrip('>')}>"
    )


def _titled(tag: str, how: HowTo) -> str:
    return f"{tag}{html.escape(how.title, quote=False)}</{tag[1:].split()[0].rstrip('>')}>"


def _microdata(inner: str, how: HowTo, kind: str = "http://schema.org/Recipe") -> str:
    head = _titled("<h2 itemprop=name>", how) + f'<a itemprop="url" href="{how.address}">x</a>'
    return f'<div itemscope itemtype="{kind}">{head}{inner}</div>'


def _rdfa(inner: str, how: HowTo) -> str:
    return (
        f'<div vocab="http://schema.org/" typeof="Recipe">{_titled("<h2 property=name>", how)}{inner}</div>'
    )


def _h_recipe(inner: str, how: HowTo) -> str:
    return f'<article class="h-recipe">{_titled("<h2 class=p-name>", how)}{inner}</article>'


_STEP_ITEM = (
    '<div itemprop="step" itemscope itemtype="https://schema.org/HowToStep"><p itemprop="text">{}</p></div>'
)


def _named_step(headline: str, text: str) -> str:
    name, words = html.escape(headline, quote=False), html.escape(text, quote=False)
    below = '<div itemprop="itemListElement" itemscope itemtype="https://schema.org/HowToDirection">'
    return (
        '<div itemprop="step" itemscope itemtype="https://schema.org/HowToStep">'
        f'<h4 itemprop="name">{name}</h4>{below}<p itemprop="text">{words}</p></div></div>'
    )


MARKUP: dict[str, Callable[[HowTo], str]] = {
    "microdata list": lambda how: _microdata(_listed('<ol itemprop="recipeInstructions">', how), how),
    "microdata box": lambda how: _microdata(
        f'<div itemprop="recipeInstructions">{_listed("<ul>", how)}</div>', how
    ),
    "microdata paragraphs": lambda how: _microdata(
        _listed('<div itemprop="recipeInstructions">', how, "<p>{}</p>"), how
    ),
    "microdata numbered": lambda how: _microdata(
        "<ol itemprop=recipeInstructions>"
        + "".join(
            f"<li><span>{n}</span> <div><p>{html.escape(text, quote=False)}</p></div></li>"
            for n, text in enumerate(how.steps, 1)
        )
        + "</ol>",
        how,
    ),
    "microdata headed": lambda how: _microdata(
        "<div itemprop=recipeInstructions>"
        + "".join(
            f"<h3>Step {n}</h3><p>{html.escape(text, quote=False)}</p>" for n, text in enumerate(how.steps, 1)
        )
        + "</div>",
        how,
    ),
    "microdata named steps": lambda how: _microdata(
        "".join(map(_named_step, how.headlines, how.steps)), how, "https://schema.org/HowTo"
    ),
    "microdata meta": lambda how: _microdata(
        f'<meta itemprop="recipeInstructions" content="{html.escape(chr(10).join(how.steps))}">', how
    ),
    "microdata loose paragraphs": lambda how: _microdata(
        _listed("<section>", how, "<p itemprop='recipeInstructions'>{}</p>"), how
    ),
    "microdata in a page": lambda how: (
        '<main itemscope itemtype="http://schema.org/WebPage">'
        + _microdata(_listed("<ol itemprop=recipeInstructions>", how, "<li><p>{}</p></li>"), how)
        + "</main>"
    ),
    "h-recipe items": lambda how: _h_recipe(
        _listed("<ol class='e-instructions'>", how, "<li class='step'><span>{}</span></li>"), how
    ),
    "microdata lines": lambda how: _microdata(
        _listed('<div itemprop="recipeInstructions">', how, "{}<br>"), how
    ),
    "microdata items": lambda how: _microdata(
        _listed("<ol>", how, '<li itemprop="recipeInstructions">{}</li>'), how
    ),
    "microdata steps": lambda how: _microdata(
        _listed("<div>", how, _STEP_ITEM), how, "https://schema.org/HowTo"
    ),
    "RDFa list": lambda how: _rdfa(_listed('<ol property="recipeInstructions">', how), how),
    "RDFa steps": lambda how: _rdfa(
        _listed(
            "<div>", how, '<p property="recipeInstructions" typeof="HowToStep"><i property="text">{}</i></p>'
        ),
        how,
    ),
    "h-recipe list": lambda how: _h_recipe(_listed('<ol class="e-instructions">', how), how),
    "h-recipe paragraphs": lambda how: _h_recipe(
        _listed('<div class="e-instructions">', how, "<p>{}</p>"), how
    ),
    "hRecipe": lambda how: (
        f'<div class="hrecipe">{_titled("<h2 class=fn>", how)}{_listed("<ol class=instructions>", how)}</div>'
    ),
}
"""Ways to mark steps up in the text of a page."""

STEPS: dict[str, Callable[[HowTo], Any]] = {
    "steps": lambda how: [a_step(text) for text in how.steps],
    "headlines and texts": lambda how: [
        a_step(text, name=name, url=f"#step{n}", image="s.jpg")
        for n, (name, text) in enumerate(zip(how.headlines, how.steps, strict=True), 1)
    ],
    "headlines and bodies": lambda how: [
        a_step(text[len(name) :].strip(), name=name)
        for name, text in zip(how.headlines, how.steps, strict=True)
    ],
    "descriptions": lambda how: [{"@type": "HowToStep", "description": text} for text in how.steps],
    "labels in bold": lambda how: "".join(
        f"<p><strong>Step {n}:</strong> {html.escape(text, quote=False)}</p>"
        for n, text in enumerate(how.steps, 1)
    ),
    "labelled texts": lambda how: [a_step(f"Step {n}: {text}") for n, text in enumerate(how.steps, 1)],
    "headed lines": lambda how: (
        "Directions:\n" + "\n".join(f"{n}) {text}" for n, text in enumerate(how.steps, 1))
    ),
    "a running text": lambda how: " ".join(f"{n}. {text}" for n, text in enumerate(how.steps, 1)),
    "one step that runs on": lambda how: [
        a_step(" ".join(f"{n}. {text}" for n, text in enumerate(how.steps, 1)))
    ],
    "a single section": lambda how: {
        "@type": "HowToSection",
        "itemListElement": [a_step(text) for text in how.steps],
    },
    "sections without types": lambda how: [
        {"name": "Pot", "itemListElement": [a_step(text) for text in how.steps]}
    ],
    "directions and tips": lambda how: [
        {
            "@type": "HowToStep",
            "itemListElement": [
                {"@type": "HowToDirection", "text": text},
                {"@type": "HowToTip", "text": "Easy."},
            ],
        }
        for text in how.steps
    ],
    "texts": lambda how: list(how.steps),
    "names": lambda how: [{"@type": "HowToStep", "name": text} for text in how.steps],
    "texts as names": lambda how: [a_step(text, name=text) for text in how.steps],
    "numbered names": lambda how: [a_step(text, name=f"Step {n}") for n, text in enumerate(how.steps, 1)],
    "numbered texts": lambda how: [a_step(f"{n}. {text}") for n, text in enumerate(how.steps, 1)],
    "cut names": lambda how: [a_step(text, name=f"{text[:-3]}...") for text in how.steps],
    "directions": lambda how: [
        {"@type": "HowToStep", "itemListElement": [a_step(text) | {"@type": "HowToDirection"}]}
        for text in how.steps
    ],
    "list items": lambda how: [
        {"@type": "ListItem", "position": n, "item": a_step(text)} for n, text in enumerate(how.steps, 1)
    ],
    "lines": lambda how: "\n".join(how.steps),
    "lines without capitals": lambda how: "\n".join(text.lower().rstrip(".!?") for text in how.steps),
    "numbered lines": lambda how: "\n".join(f"{n}. {text}" for n, text in enumerate(how.steps, 1)),
    "lines of another system": lambda how: "\r\n\r\n".join(how.steps),
    "paragraphs": lambda how: _listed("<div>", how, "<p>{}</p>"),
    "a list of HTML": lambda how: _listed("<ol>", how),
    "broken lines": lambda how: _listed("<div>", how, "{}<br />"),
    "a section": lambda how: [
        {"@type": "HowToSection", "name": "Pot", "itemListElement": [a_step(t) for t in how.steps]}
    ],
    "two sections": lambda how: [
        {"@type": "HowToSection", "name": name, "itemListElement": [a_step(text) for text in some]}
        for name, some in (("Pot", how.steps[:2]), ("Pan", how.steps[2:]))
    ],
    "an ItemList": lambda how: {"@type": "ItemList", "itemListElement": [a_step(text) for text in how.steps]},
    "a list in a list": lambda how: [[a_step(text) for text in how.steps]],
    "@list": lambda how: {"@list": [a_step(text) for text in how.steps]},
}
"""Ways to write steps in JSON-LD."""

RECORDS: dict[str, Callable[[HowTo], dict[str, Any]]] = {
    "texts": lambda how: {"title": how.title, "steps": list(how.steps)},
    "instructions": lambda how: {"name": how.title, "instructions": list(how.steps)},
    "directions in lines": lambda how: {"title": how.title, "directions": "\n".join(how.steps)},
    "methods": lambda how: {"title": how.title, "methods": [{"name": "", "steps": list(how.steps)}]},
    "parts": lambda how: {
        "task": how.title,
        "parts": [{"name": "Pot", "steps": how.steps[:2]}, {"title": "Pan", "steps": how.steps[2:]}],
    },
    "sections by name": lambda how: {"title": how.title, "sections": {"Pot": list(how.steps)}},
    "headlines and bodies": lambda how: {
        "title": how.title,
        "steps": [
            {"headline": name, "body": text[len(name) :].strip()}
            for name, text in zip(how.headlines, how.steps, strict=True)
        ],
    },
    "titles and descriptions": lambda how: {
        "title": how.title,
        "steps": [{"title": f"Step {n}", "description": text} for n, text in enumerate(how.steps, 1)],
    },
    "bodies beside": lambda how: {
        "title": how.title,
        "steps": list(how.headlines),
        "bodies": list(how.steps),
    },
    "numbered": lambda how: {
        "goal": how.title,
        "steps": [f"{n}. {text}" for n, text in enumerate(how.steps, 1)],
    },
}
"""Ways to write a how-to as a line of JSON."""

WAYS = (*(f"JSON-LD {name}" for name in STEPS), *MARKUP, *(f"record {name}" for name in RECORDS))


def written(how: HowTo, way: str) -> dict[str, Any] | str:
    """A how-to in one of WAYS: its JSON-LD, or the markup in the body of its page."""
    if way in MARKUP:
        return MARKUP[way](how)
    if way.startswith("record "):
        return {"language": how.language, "url": how.address, **RECORDS[way.removeprefix("record ")](how)}
    return document_of(how, STEPS[way.removeprefix("JSON-LD ")](how))


def page_of(body: str, head: str = "", language: str = "en") -> str:
    """A page around what is in its head and body."""
    start = f'<!doctype html><html lang="{language}"><head><title>t</title>{head}</head>'
    return f"{start}<body><h1>Hello</h1>{body}<p>The end</p></body></html>"


def json_of(document: Any) -> str:
    """JSON as it stands in a script, which `</script` would end."""
    return json.dumps(document, ensure_ascii=False).replace("</", "<\\/")
