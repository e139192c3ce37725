"""How-tos in all the ways that sites write them, changed by the thousand: each is read, whole and once.

What a page says is known before it is written, so no reader is needed to judge what was read. What templates, editors
and servers do to a page changes nothing of it; what damage does may cost the page, which then has a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from support.mutations import mutated
from support.reading import PAGES
from support.site_mutations import mutated_sites
from support.site_pages import WAYS, HowTo

from crawl.article import Article, Skip
from crawl.readers.items import Item, PageData
from crawl.readers.sources import outcomes_of
from crawl.steps.plain import letters

MANY = 20_000
FEW = 6 * len(WAYS)


def articles_of(item: Item) -> list[Article]:
    return [one for one in outcomes_of(item).outcomes if isinstance(one, Article)]


def is_right(article: Article, how: HowTo) -> bool:
    """Whether an article has the title, the headlines and the whole steps; blanks and marks may differ."""
    steps = [step for method in article.methods for step in method.steps]
    return (
        letters(article.title) == letters(how.title)
        and [letters(step.headline) for step in steps] == [letters(text) for text in how.headlines]
        and [letters(step.headline + step.body) for step in steps] == [letters(text) for text in how.steps]
    )


def wrong_among(count: int, seed: int) -> Iterator[str]:
    """What was done to each page that is not read, or not as it is meant."""
    for done, how, item in mutated_sites(count, seed):
        found = articles_of(item)
        if len(found) != 1 or not is_right(found[0], how):
            yield f"{len(found)} articles: {done}"


def test_what_changes_nothing_of_a_page_changes_nothing_of_its_article() -> None:
    assert list(wrong_among(FEW, seed=7)) == []


@pytest.mark.torture
def test_twenty_thousand_changed_pages() -> None:
    wrong = list(wrong_among(MANY, seed=1))
    assert wrong[:20] == []


def damaged(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Pages of wikiHow's layouts and of other sites, each damaged."""
    others = [
        item.data.page for _, _, item in mutated_sites(4 * len(WAYS)) if isinstance(item.data, PageData)
    ]
    own = [path.read_bytes() for path in sorted(PAGES.glob("*.html"))]
    return mutated([*own, *others], count, seed, large=False)


def lost_among(count: int, seed: int) -> Iterator[str]:
    """The kinds of damage after which a page was lost without a reason, or gave an article twice."""
    for kind, page in damaged(count, seed):
        outcomes = outcomes_of(Item("page", "page.html", PageData(page))).outcomes
        if not outcomes or not all(one.reason for one in outcomes if isinstance(one, Skip)):
            yield f"lost: {kind}"
        said = Counter(
            (
                letters(one.title),
                *(letters(step.headline + step.body) for method in one.methods for step in method.steps),
            )
            for one in outcomes
            if isinstance(one, Article)
        )
        if said and max(said.values()) > 1:
            yield f"twice: {kind}"


def test_a_damaged_page_gives_articles_or_a_reason() -> None:
    assert list(lost_among(200, seed=7)) == []


@pytest.mark.torture
def test_twenty_thousand_damaged_pages() -> None:
    assert list(lost_among(MANY, seed=1)) == []
