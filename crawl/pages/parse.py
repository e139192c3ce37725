"""A saved page of wikiHow, any layout since 2008 and any language -> its article, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from bs4.element import Tag

from crawl.article import Article, Method, MethodKind, Step
from crawl.pages import selectors, words
from crawl.pages.decode import decode_page
from crawl.pages.head import Config, Head, is_true, page_config
from crawl.pages.links import Target, article_address, host_of, slug_of_address, target_of
from crawl.pages.outline import Outline, StepList
from crawl.pages.prose import TargetOf, classes_of, step_of, text_of
from crawl.pages.trees import TooManyTags, page_tree

PageKind = Literal["article", "restricted", "redirect", "not_article", "empty"]


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """What a page turned out to be. Only the kind "article" holds an article; the others say why not."""

    kind: PageKind
    article: Article | None = None
    reason: str = ""
    target: str = ""
    """Slug that a redirect leads to, where the page says so."""


def parse_page(
    page: bytes | str, *, url: str = "", source: str = "", fetched_at: str = "", charset: str | None = None
) -> ParsedPage:
    """Read one page; never raises, whatever the bytes.

    A page is an article when it holds a list of steps with at least one word and a title. Steps without a word
    (a picture alone) are kept, so steps and numbers are those of the page.

    Args:
        page: the page, as bytes or as text.
        url: where it was fetched from, if known; the page's own canonical address comes first.
        source: where it lies, for `Article.source`.
        fetched_at: when it was fetched, ISO 8601.
        charset: what the server said of the bytes.
    """
    text = page if isinstance(page, str) else decode_page(page, charset)
    if "<" not in text:
        return ParsedPage("not_article", reason="no HTML")
    config = page_config(text)
    try:
        outline = Outline.of(page_tree(text))
    except TooManyTags as error:
        return ParsedPage("not_article", reason=str(error))
    refused = _refused(outline, config)
    if refused is not None:
        return refused
    head = Head.of(outline, config, text, url)
    methods = tuple(_methods(outline.lists, head))
    if not any(step.headline or step.body or step.bullets for method in methods for step in method.steps):
        return ParsedPage("empty", reason="its lists of steps hold no word")
    if not head.title:
        return ParsedPage("not_article", reason="no title")
    return ParsedPage("article", _article(outline, head, methods, source, fetched_at))


def _refused(outline: Outline, config: Config) -> ParsedPage | None:
    """The outcome of a page that is no article to be read, or None."""
    if is_true(config.get("wgIsRestricted")) or (outline.in_review and not outline.lists):
        return ParsedPage("restricted", reason="in quality review")
    if is_true(config.get("wgIsRedirect")) or (outline.redirect and not outline.lists):
        target = slug_of_address(str(outline.redirect.get("href") or "")) if outline.redirect else ""
        return ParsedPage(
            "redirect", reason=f"leads to {target}" if target else "leads elsewhere", target=target
        )
    if str(config.get("wgNamespaceNumber", 0)) != "0":
        return ParsedPage("not_article", reason=f"namespace {config['wgNamespaceNumber']}")
    if outline.lists:
        return None
    if outline.titles and config.get("wgArticleId"):
        return ParsedPage("empty", reason="no list of steps")
    return ParsedPage("not_article", reason="no list of steps")


def _methods(lists: list[StepList], head: Head) -> Iterator[Method]:
    """One method per heading: several lists below one heading are one method, counted through."""

    def gold(link: Tag) -> Target | None:
        return target_of(link, head.language, head.slug)

    has_boxes = any(_step_boxes(item) for steps in lists for item in _items(steps.ol))
    groups = [
        list(group) for _, group in groupby(lists, lambda steps: (id(steps.section), id(steps.heading)))
    ]
    number = 0
    for group in groups:
        roots = [root for steps in group for item in _items(steps.ol) for root in _roots(item, has_boxes)]
        if roots:
            number += 1
            kind, name = _kind_and_name(group[0].heading, alone=len(groups) == 1)
            yield Method(kind, number, name, tuple(_steps(roots, gold)))


def _steps(roots: list[Tag], gold: TargetOf) -> Iterator[Step]:
    return (step_of(root, number, gold) for number, root in enumerate(roots, 1))


def _items(ol: Tag) -> list[Tag]:
    return [child for child in ol.children if isinstance(child, Tag) and child.name == "li"]


def _roots(item: Tag, has_boxes: bool) -> list[Tag]:
    """What holds the step of an item: its `div.step` or, in layouts that have none, the item itself."""
    return _step_boxes(item) if has_boxes else [item]


def _step_boxes(item: Tag) -> list[Tag]:
    tags = (child for child in item.children if isinstance(child, Tag))
    return [tag for tag in tags if tag.name == "div" and selectors.STEP in classes_of(tag)]


def _kind_and_name(heading: Tag | None, alone: bool) -> tuple[MethodKind, str]:
    """Kind and name of a method; a list without a heading of its own is a single one."""
    if heading is None:
        return ("single" if alone else "method"), ""
    label = heading.find(class_=selectors.HEADING_LABELS)
    name = heading.find(class_=selectors.HEADING_NAME)
    return (
        _kind_of("".join(label.strings) if label else ""),
        text_of(name, without=selectors.HEADING_LABELS) or text_of(heading, without=selectors.HEADING_LABELS),
    )


def _kind_of(label: str) -> MethodKind:
    """Method, part or question, by the word before the number in "Method 1 of 3:" (after it in some languages)."""
    parts = (words.plain_word(re.sub(r"[.．、。]", "", part)) for part in re.split(r"\d+", label))
    word = next(filter(None, parts), "")
    if word in words.METHOD_KIND_WORDS["part"]:
        return "part"
    return "question" if word in words.METHOD_KIND_WORDS["question"] else "method"


def _article(
    outline: Outline, head: Head, methods: tuple[Method, ...], source: str, fetched_at: str
) -> Article:
    return Article(
        language=head.language,
        title=head.title,
        methods=methods,
        slug=head.slug,
        goal=head.goal,
        page_id=head.page_id,
        revision=head.revision,
        url=head.url,
        introduction=outline.introduction(),
        categories=tuple(filter(None, map(text_of, outline.breadcrumb[1:]))),
        ingredients=outline.entries("ingredients"),
        things=outline.entries("things"),
        tips=outline.entries("tips"),
        warnings=outline.entries("warnings"),
        related=_related(outline.sections.get("related", [])),
        aliases=head.aliases,
        references=_references(outline.sections.get("references", [])),
        licence=selectors.LICENCE if selectors.language_of_host(host_of(head.url)) else "",
        published=head.published,
        modified=head.modified,
        fetched_at=fetched_at,
        source=source,
    )


def _related(sections: list[Tag]) -> tuple[str, ...]:
    """Slugs of the related articles; layouts before 2013 have plain links in a list."""
    links = [link for section in sections for link in section.find_all("a", href=True)]
    marked = [link for link in links if selectors.RELATED_LINK in classes_of(link)]
    addresses = (article_address(str(link["href"])) for link in marked or links)
    return tuple(dict.fromkeys(address[0] for address in addresses if address))


def _references(sections: list[Tag]) -> tuple[str, ...]:
    """The texts of the references; layouts before 2013 have a plain list."""
    lists = [
        found for section in sections for found in section.find_all("ol", class_=selectors.REFERENCE_LIST)
    ]
    items = [item for found in lists or sections for item in found.find_all("li")]
    texts = (text_of(item.find(class_=selectors.REFERENCE_TEXT) or item).lstrip("↑ ") for item in items)
    return tuple(filter(None, texts))
