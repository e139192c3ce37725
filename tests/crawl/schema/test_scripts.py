"""JSON-LD of other sites as their templates write it: every careless form gives the article, or says what is wrong."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from crawl.article import Article, Skip
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of
from crawl.schema.lenient_json import BrokenJson, values_of

STEPS = ["Soak the beans overnight.", "Simmer them for an hour."]
BEANS: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Recipe",
    "name": "Cook Beans",
    "url": "https://beans.example/cook",
    "recipeInstructions": [{"@type": "HowToStep", "text": text} for text in STEPS],
}
JSON = json.dumps(BEANS)
LINES = json.dumps(BEANS, indent=1)


def page(script: str, tag: str = '<script type="application/ld+json">') -> str:
    return f'<html lang="en"><body>\n{tag}{script}</script><p>Beans.</p></body></html>'


def outcomes(text: str) -> list[Article | Skip]:
    return outcomes_of(Item("page", "beans.html", PageData(text.encode()))).outcomes


def headlines(text: str) -> list[str]:
    (found,) = outcomes(text)
    assert isinstance(found, Article), found
    return [step.headline for method in found.methods for step in method.steps]


CARELESS = {
    "CDATA": f"<![CDATA[{JSON}]]>",
    "CDATA around a list": f"<![CDATA[[{JSON}]]]>",
    "CDATA in comments": f"/*<![CDATA[*/ {JSON} /*]]>*/",
    "CDATA in line comments": f"//<![CDATA[\n{JSON}\n//]]>",
    "CDATA in comments of one line": f"//<![CDATA[ {JSON} //]]>",
    "CDATA as Drupal hides it": f"<!--//--><![CDATA[//><!--\n{JSON}\n//--><!]]>",
    "hidden as a comment": f"<!-- {JSON} -->",
    "a comment of HTML": f"<!-- made by a plugin -->{JSON}",
    "a line comment": f"// the recipe\n{JSON}",
    "a comment": f'/* the recipe, "cooked" */{LINES.replace("Cook Beans", "Cook Beans", 1)}',
    "a comment after a value": LINES.replace('"Cook Beans",', '"Cook Beans", // its name'),
    "a comma after the last name": JSON[:-1] + ",}",
    "a comma after the last step": JSON.replace("}]}", "},]}"),
    "two commas": JSON.replace('"Cook Beans",', '"Cook Beans",,'),
    "a comma before the first name": JSON.replace("{", "{,", 1),
    "no comma between lines": LINES.replace('"Cook Beans",', '"Cook Beans"'),
    "no comma between steps": JSON.replace("}, {", "} {"),
    "an apostrophe escaped": JSON.replace("Cook Beans", "Cook Mum\\'s Beans"),
    "an unknown escape": JSON.replace("Cook Beans", "Cook\\d Beans"),
    "an escape of JavaScript": JSON.replace("Cook Beans", "Cook Caf\\xe9 Beans"),
    "half an escape": JSON.replace("Cook Beans", "Cook \\u12 Beans"),
    "a line that goes on": JSON.replace("Cook Beans", "Cook \\\n Beans"),
    "a raw line break": JSON.replace("Cook Beans", "Cook\n Beans"),
    "a quote without escape": JSON.replace("Cook Beans", 'Cook Beans in a 9" Pan'),
    "a word in quotes without escape": JSON.replace("Cook Beans", 'Cook "Good" Beans'),
    "a byte order mark": f"\ufeff{JSON}",
    "a no-break space": f"\u00a0{JSON}\u200b",
    "entities for quotes": html.escape(JSON),
    "entities by number": JSON.replace('"', "&#34;"),
    "entities by hexadecimal number": JSON.replace('"', "&#x22;"),
    "two values": f'{{"@type": "WebSite"}}\n{JSON}',
    "two values and a comma": f'{{"@type": "WebSite"}},{JSON}',
    "a bracket too many": f"{JSON}}}",
    "a semicolon": f"{JSON};",
    "an assignment": f"var recipe = {JSON};",
    "names without quotes": JSON.replace('"name"', "name"),
    "undefined": JSON.replace("{", '{"video": undefined, ', 1),
    "an editor's tags": LINES.replace("\n", "<br />\n"),
}


@pytest.mark.parametrize("form", CARELESS)
def test_careless_json_gives_its_article(form: str) -> None:
    assert headlines(page(CARELESS[form])) == STEPS


@pytest.mark.parametrize(
    "tag",
    [
        '<SCRIPT TYPE="APPLICATION/LD+JSON">',
        "<script type=application/ld+json>",
        '<script type="application/ld&#x2B;json">',
        f'<script data-x="{"y" * 5000}" type="application/ld+json">',
        "<script data-x='a > b' type='application/ld+json' class=\"c > d\">",
        '<script\n  async\n  type="application/ld+json; charset=utf-8"\n>',
    ],
)
def test_any_start_tag_is_found(tag: str) -> None:
    assert headlines(page(JSON, tag)) == STEPS


def test_a_script_may_be_long_or_far_down() -> None:
    long = json.dumps({**BEANS, "reviewBody": "b" * 500_000})
    others = '<script type="application/ld+json">{"@type": "WebSite"}</script>' * 200
    assert headlines(page(long)) == headlines(others + page(JSON)) == STEPS


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (JSON[:-40], "broken JSON", "JSON-LD script 1, line 2 of the page: Unterminated string"),
        (LINES[:-3], "broken JSON", "line 16 of the page"),
        ('{"@type": "Recipe" = 5}', "broken JSON", "line 2 of the page: Expecting ',' delimiter (column 20)"),
        ("[" * 50_000 + '"HowTo"', "broken JSON", "nested too deeply"),
        ('["HowTo", "' + "b" * 2**20 + '"]', "too long", "longer than 1048576 characters"),
        ('{"@type": "HowTo", "name": "Cook Beans"}', "no steps", "the HowTo 'Cook Beans' in its JSON-LD"),
        ('{"@type": "Recipe", "recipeInstructions": ["Soak."]}', "no title", "a Recipe in its JSON-LD"),
    ],
)
def test_a_page_left_out_says_what_to_mend(script: str, reason: str, detail: str) -> None:
    (found,) = outcomes(page(script))
    assert isinstance(found, Skip)
    assert found.reason == reason
    assert detail in found.detail


def test_a_cut_page_says_so() -> None:
    (found,) = outcomes(page(JSON).partition("</script")[0])
    assert isinstance(found, Skip)
    assert found.detail.endswith("the page ends before </script>")


def test_what_is_read_does_not_depend_on_what_is_beside_it() -> None:
    broken = page('{"@type": "Recipe", ')
    assert headlines(broken + page(JSON)) == headlines(page(JSON) + broken) == STEPS


@pytest.mark.parametrize("text", ["", "Recipe", '"', "{", '["a "b", c"]', '{"a" "b"}', "[1 2]", "<!--"])
def test_what_has_no_one_reading_is_an_error(text: str) -> None:
    with pytest.raises(BrokenJson):
        values_of(text)


@pytest.mark.parametrize("piece", ['"', "/*", "<!--", "{", '"a"b', "\\", "//", "[,", "<br", " ", "<![CDATA["])
def test_hostile_text_is_left_out_whatever_it_repeats(piece: str) -> None:
    """At these lengths a search that goes back over what it has read would take longer than a test may."""
    (found,) = outcomes(page("HowTo {" + piece * (300_000 // len(piece))))
    assert isinstance(found, Skip)
    (found,) = outcomes(("<script " + piece + "ld+json") * 7_000)
    assert isinstance(found, Skip)
