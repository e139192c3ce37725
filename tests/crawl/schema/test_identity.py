"""Which article a page of another site is: its address in every place that a page may say it, else its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.reading import articles, lines, simple

from crawl.article import Article
from crawl.pages.links import slug_of_page
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of

BEANS: dict[str, Any] = {"@type": "Recipe", "name": "Cook Beans", "recipeInstructions": ["Soak.", "Simmer."]}
HERE = "https://beans.example/cook"


def page(head: str = "", **more: Any) -> str:
    script = json.dumps({"@context": "https://schema.org", **BEANS, **more})
    return f'<html><head>{head}</head><script type="application/ld+json">{script}</script></html>'


def read(text: str, url: str = "") -> Article:
    (found,) = outcomes_of(Item("page", "pages/beans.html", PageData(text.encode(), url))).outcomes
    assert isinstance(found, Article), found
    return found


SAID = {
    "url": page(url=HERE),
    "url as a reference": page(url={"@id": HERE}),
    "mainEntityOfPage": page(mainEntityOfPage={"@type": "WebPage", "@id": HERE}),
    "mainEntityOfPage by its url": page(mainEntityOfPage={"@type": "WebPage", "url": HERE}),
    "@id": page(**{"@id": f"{HERE}#recipe"}),
    "canonical": page(f'<link rel="canonical" href="{HERE}">'),
    "canonical the other way round": page(f"<LINK href='{HERE}' REL='canonical' />"),
    "canonical without quotes": page(f"<link rel=canonical href={HERE}>"),
    "og:url": page(f'<meta property="og:url" content="{HERE}">'),
    "og:url the other way round": page(f'<meta content="{HERE}" name="og:url"/>'),
    "saved from": f"<!-- saved from url=(0027){HERE} -->{page()}",
    "SingleFile": f"<!--\n Page saved with SingleFile \n url: {HERE} \n saved date: x-->{page()}",
    "relative to canonical": page(f'<link rel="canonical" href="{HERE}">', url="/cook"),
    "relative to base": page('<base href="https://beans.example/x/">', url="../cook"),
    "canonical relative to base": page('<base href="https://beans.example/"><link rel=canonical href="/cook">'),
    "without a scheme": page(url="//beans.example/cook"),
    "true for an address": page(f'<link rel="canonical" href="{HERE}">', mainEntityOfPage="true"),
    "True for an address": page(f'<link rel="canonical" href="{HERE}">', mainEntityOfPage=True),
    "words for an address": page(f'<link rel="canonical" href="{HERE}">', url="Cook Beans"),
    "an address of the front": page(f'<link rel="canonical" href="{HERE}">', url="https://beans.example/"),
    "a broken address": page(f'<link rel="canonical" href="{HERE}">', url="http://[beans"),
    "a mail address": page(f'<link rel="canonical" href="{HERE}">', url="mailto:a@beans.example"),
    "null": page(f'<meta property="og:url" content="{HERE}">', url=None, mainEntityOfPage=None),
}  # fmt: skip


@pytest.mark.parametrize("place", SAID)
def test_an_address_is_found_wherever_a_page_says_it(place: str) -> None:
    found = read(SAID[place])
    assert (found.url, found.key) == (HERE, "en:/beans.example/cook")


def test_a_page_without_an_address_has_that_of_its_crawl_or_its_file() -> None:
    assert read(page(), HERE).key == "en:/beans.example/cook"
    assert read(page(url="/cook"), "https://beans.example/x/y").key == "en:/beans.example/cook"
    assert read(page()).key == "en:/file:beans.html#Cook-Beans"


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("https://beans.example/r.php?id=1", "beans.example/r.php?id=1"),
        ("http://BEANS.example/Cook/", "beans.example/Cook"),
        ("https://beans.example/cook?utm_source=x&fbclid=y#recipe", "beans.example/cook"),
        ("https://beans.example/cook?b=2&utm_medium=z&a=", "beans.example/cook?b=2&a="),
        ("https://beans.example/caf%C3%A9%20noir", "beans.example/café noir"),
        ("https://beans.example:8080/a", "beans.example:8080/a"),
        ("cook", ""),
    ],
)
def test_host_path_and_query_are_the_identity(address: str, slug: str) -> None:
    assert slug_of_page(address) == slug


def test_records_of_other_sites_never_meet_by_title(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        simple("Cook Beans"),
        simple("Cook Beans", url=HERE),
        simple("Cook Beans", site="www.Beans.example", url="cook/them.md"),
        simple("Cook Beans", site="Mum's Book"),
        simple("Cook Beans", site="Dad's Book", url="p. 5"),
        simple("Cook Beans", site="www.wikihow.com"),
        simple("Cook Beans", url="https://www.wikihow.com/Cook-Beans"),
    )
    found = articles(path)
    assert [one.slug for one in found] == [
        "Cook-Beans",
        "beans.example/cook",
        "beans.example/cook/them.md",
        "mum's book#Cook-Beans",
        "dad's book/p. 5",
        "Cook-Beans",
        "Cook-Beans",
    ]
    assert [one.site for one in found] == ["", "", "beans.example", "mum's book", "dad's book", "", ""]
    assert articles(lines(tmp_path / "b.jsonl", *(one.to_dict() for one in found)))[2].key == found[2].key
