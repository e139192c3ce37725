"""What templates, editors and servers do to a page that marks up steps, and what it says stays the same."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from crawl.readers.items import Item, PageData
from support.document_mutations import DOCUMENT, RECORD, TEXTS, Change, contained, each_text, wrapped
from support.site_pages import WAYS, HowTo, how_to, json_of, page_of, script, written

# Of the JSON


def _json(pattern: str, put: str | Callable[[re.Match[str]], str], share: float = 1) -> Change:
    def change(text: str, chance: random.Random) -> str:
        return re.sub(
            pattern,
            lambda match: (
                match.expand(put)
                if isinstance(put, str) and chance.random() < share
                else put(match)
                if callable(put)
                else match[0]
            ),
            text,
        )

    return change


def _around(before: str, after: str) -> Change:
    return lambda text, chance: before + text + after


JSON: tuple[Change, ...] = (
    _json(r'9\\" pan', '9" pan'),
    _json(r"\}, \{", "} {"),
    _json("Don't", r"Don\\'t"),
    _around("", "\n\n<br />"),
    _around("<!-- made by a plugin -->", ""),
    _json(": true", ": NaN"),
    _json(r"\b(?=Is it dry)", "\t"),
    _around("", "]"),
    _json(r"\}$", ', "x": undefined}'),
    _around("<![CDATA[", "]]>"),
    _around("/*<![CDATA[*/", "/*]]>*/"),
    _around("//<![CDATA[\n", "\n//]]>"),
    _around("<!--\n", "\n-->"),
    _around("\ufeff", ""),
    _around("// the recipe\n", ""),
    _around("/* made by a template */ ", ";"),
    _around("var recipe = ", ";"),
    _around("\n\t  ", "\r\n\n"),
    _around("", " {}"),
    _around('{"@type": "WebSite"}\n', ""),
    _json(r"([}\]])$", r",\1"),
    _json(r'(?<=[\w.!?"])"(?=\])', '",'),
    _json(", ", ",\n    "),
    _json("'", r"\\'"),
    lambda text, chance: html.escape(text),
    lambda text, chance: text.replace('"', "&quot;"),
    lambda text, chance: text.replace("é", r"\u00e9").replace("ä", r"\u00e4").replace("o", r"\u006f"),
    lambda text, chance: text.replace('": ', '" : ').replace("://", r":\/\/"),
)


# Of the page


def _tag(attributes: str) -> Change:
    return lambda page, chance: page.replace('<script type="application/ld+json"', f"<script {attributes}", 1)


def _before(markup: str) -> Change:
    return lambda page, chance: page.replace("<h1>", f"{markup}<h1>", 1)


def _is_markup(page: str) -> bool:
    return '"@' not in page and "&quot;@" not in page


def _upper_tags(page: str, chance: random.Random) -> str:
    return re.sub(r"</?(?:ol|ul|li|p|div|h2|article)\b", lambda match: match[0].upper(), page)


def _unclosed_items(page: str, chance: random.Random) -> str:
    return page.replace("</li>", "").replace("</p><p", "<p")


def _wrapped_lines(page: str, chance: random.Random) -> str:
    return (
        re.sub(r">([^<>]+)<", lambda match: f">{match[1].replace(' ', chr(10) + '   ')}<", page)
        if _is_markup(page)
        else page
    )


def _quotes(page: str, chance: random.Random) -> str:
    return re.sub(r'=(?:"([^"\'<>]*)")', r"='\1'", page) if _is_markup(page) else page


def _furniture(page: str, chance: random.Random) -> str:
    extra = chance.choice(
        (
            "<script>var step = 1;</script>",
            "<!-- ad -->",
            "<style>li{}</style>",
            '<img src="a.jpg" alt="A step">',
        )
    )
    return re.sub(r"(?=</li>|</p>)", extra, page) if _is_markup(page) else page


PAGE: tuple[Change, ...] = (
    _tag("type='application/ld+json'"),
    _tag("type=application/ld+json"),
    _tag('TYPE="APPLICATION/LD+JSON"'),
    _tag('type="application/ld+json; charset=utf-8"'),
    _tag('data-x="a>b" class="y" type="application/ld+json" id=z'),
    _tag('type="application/ld&#43;json"'),
    _tag(f'data-y="{"y" * 2000}" type="application/ld+json"'),
    _before(script('{"@type": "BreadcrumbList", "itemListElement": [')),
    _before(script('{"@type": "Organization"}') * 60),
    _before("<script>var x = '<ol class=\"steps\">';</script>"),
    _before("<!-- <script type='application/ld+json'> -->"),
    _before("<nav><ol><li>Home</li><li>Beans</li></ol></nav>"),
    _before('<div itemscope itemtype="http://schema.org/Person"><b itemprop="name">Ann</b></div>'),
    _upper_tags,
    _unclosed_items,
    _wrapped_lines,
    _quotes,
    _furniture,
    lambda page, chance: page.replace(
        "</head>", '<link rel="canonical" href="/x?y=1"><meta property="og:url" content="null"></head>'
    ),
    lambda page, chance: page.replace(
        "</body>",
        '<div class="h-recipe"></div><div itemscope itemtype="http://schema.org/Recipe"></div></body>',
    ),
    lambda page, chance: page.replace("</body>", script('{"@type": "Recipe", "name": "Else"}') + "</body>"),
    lambda page, chance: re.sub(
        r"</?(?:li|p|ol|div)\b(?=[ >])",
        lambda match: f"{match[0]} " if match[0][1] != "/" else match[0],
        page,
    ),
    lambda page, chance: page.replace("</body></html>", ""),
    lambda page, chance: page.replace("<!doctype html>", ""),
    lambda page, chance: page.replace("\n", "\r\n"),
    lambda page, chance: page.replace("<body>", "<body>" + "<div>" * 30),
)


def mutated_sites(count: int, seed: int = 1) -> Iterator[tuple[str, HowTo, Item]]:
    """(how it was written and what was done to it, what it says, the page or line), the same for the same seed."""
    for number in range(count):
        chance = random.Random(f"sites {seed}/{number}")
        how, way = how_to(chance), WAYS[number % len(WAYS)]
        is_record = way.startswith("record ")
        done: list[str] = [way]
        value = written(how, way)
        if isinstance(value, str):
            text = page_of(value, language=how.language)
        else:
            value = _changed(value, RECORD if is_record else DOCUMENT, 3, chance, done)
            if not is_record and not isinstance(value.get("recipeInstructions"), str):
                change = chance.choice(TEXTS)
                value = each_text(value, partial(change, chance=chance))
            value = (contained if is_record else wrapped)(value, chance) if chance.random() < 0.5 else value
            text = _changed(json_of(value), JSON, 1, chance, done)
        if is_record:
            yield ", ".join(done), how, Item("line", "lines.jsonl:1", text.encode())
            continue
        page = text if isinstance(value, str) else page_of("", script(text), how.language)
        page = _changed(page, PAGE, 2, chance, done)
        data = page.encode(chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")))
        yield ", ".join(done), how, Item("page", "page.html", PageData(data))


def _changed(value: Any, changes: Sequence[Change], most: int, chance: random.Random, done: list[str]) -> Any:
    """The value after some of the changes; what they were is added to `done`."""
    for place in chance.sample(range(len(changes)), chance.randint(0, min(most, len(changes)))):
        done.append(f"{_GROUPS[id(changes)]} {place}")
        value = changes[place](value, chance)
    return value


_GROUPS = {id(DOCUMENT): "document", id(RECORD): "record", id(JSON): "JSON", id(PAGE): "page"}
