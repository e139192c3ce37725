"""A record of a dump, as plain dictionaries and lists -> an article.

One reader serves our own full form (`Article.to_dict`), the simple form (steps are plain strings) and the
variants of research dumps: where a name is missing, its usual synonyms are tried.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from crawl.article import Article, Step, decode_slug, squeeze
from crawl.pages import selectors
from crawl.pages.links import host_of, slug_of_address
from crawl.readers.methods import Said, methods_in, own_unsaid
from crawl.schema.identity import slug_of_record
from crawl.schema.recipe import code_of
from crawl.steps.plain import is_blank, words_of
from crawl.steps.sentences import sentences
from crawl.steps.values import first, listed, number_in, text_in, texts_in


class Unusable(ValueError):
    """A record that holds no article."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


def article_of(record: Any, where: str, *, keep_source: bool = False) -> Article:
    """The article in one record.

    Args:
        record: what a line of JSON Lines, an element of a JSON list or a row of Parquet holds.
        where: the place it came from, for `Article.source`.
        keep_source: keep the record's own `source` where it has one, as a corpus does.

    Raises:
        Unusable: no mapping, no title, or no steps.
    """
    if not isinstance(record, dict):
        raise Unusable("not a record", f"expected an object, found {type(record).__name__}")
    if isinstance(record.get("article"), dict):
        record = _from_wikilingua(record)
    title = text_in(first(record, "title", "task", "goal", "name"))
    if not title:
        raise Unusable("no title", _names(record))
    url = text_in(first(record, "url", "link", "canonical_url"))
    site = _site(record, url)
    said = _how_said(record, site, keep_source)
    methods = methods_in(record, said, host_of(url))
    if not methods:
        raise Unusable("no steps", title[:200])
    language = _language(record, url)
    source = text_in(record.get("source")) if keep_source else ""
    introduction = text_in(first(record, "introduction", "overview", "intro", "summary"))
    return Article(
        language=language,
        title=words_of(title, said is Said.with_markup),
        methods=own_unsaid(methods, language),
        slug=_slug(record, url, site, title),
        goal=text_in(record.get("goal")),
        page_id=number_in(first(record, "page_id", "article_id", "wgArticleId")),
        revision=number_in(first(record, "revision", "revision_id")),
        url=url,
        site=site if site != host_of(url).removeprefix("www.") else "",
        introduction=words_of(introduction, said is Said.with_markup),
        categories=texts_in(first(record, "categories", "category", "category_hierarchy")),
        ingredients=texts_in(record.get("ingredients")),
        things=texts_in(first(record, "things", "things_youll_need", "items")),
        tools=texts_in(record.get("tools")),
        tips=texts_in(record.get("tips")),
        warnings=texts_in(record.get("warnings")),
        related=texts_in(first(record, "related", "related_articles")),
        aliases=texts_in(record.get("aliases")) or _guide_of(url),
        references=texts_in(record.get("references")),
        licence=text_in(first(record, "licence", "license")),
        published=text_in(record.get("published")),
        modified=text_in(record.get("modified")),
        fetched_at=text_in(record.get("fetched_at")),
        source=source or where,
    )


def without_blank_steps(article: Article) -> tuple[Article, int]:
    """The article without steps that hold no word, renumbered, and how many those were.

    Methods left without a step go too.

    Raises:
        Unusable: no step remains.
    """
    blank = sum(1 for method in article.methods for step in method.steps if _is_blank(step))
    if not blank and all(method.steps for method in article.methods):
        return article, 0
    methods = [
        dataclasses.replace(method, steps=_numbered(step for step in method.steps if not _is_blank(step)))
        for method in article.methods
    ]
    kept = [method for method in methods if method.steps]
    if not kept:
        raise Unusable("no steps", f"{blank} blank steps")
    numbered = tuple(dataclasses.replace(method, number=number) for number, method in enumerate(kept, 1))
    return dataclasses.replace(article, methods=numbered), blank


def _is_blank(step: Step) -> bool:
    return is_blank(step.headline) and is_blank(step.body) and all(map(is_blank, step.bullets))


def _numbered(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(dataclasses.replace(step, number=number) for number, step in enumerate(steps, 1))


def _names(record: Mapping[str, Any]) -> str:
    return "its names: " + ", ".join(map(str, list(record)[:8])) if record else "an empty record"


def _how_said(record: Mapping[str, Any], site: str, keep_source: bool) -> Said:
    if keep_source and "content_hash" in record:
        return Said.exactly
    is_full_form = "slug" in record and "goal" in record
    return Said.with_markup if site and not is_full_form else Said.plainly


def _site(record: Mapping[str, Any], url: str) -> str:
    """The site of a record where it is another than wikiHow, as the record names it or by its address; else ""."""
    said = text_in(record.get("site")).lower().removeprefix("www.")
    site = said or host_of(url).lower().removeprefix("www.")
    return "" if selectors.language_of_host(site) else site


def _slug(record: Mapping[str, Any], url: str, site: str, title: str) -> str:
    """The slug that a record gives, else by its address; wikiHow's is made of the title where it has none."""
    said = text_in(record.get("slug"))
    if said:
        return said if site or said.startswith("file:") else squeeze(decode_slug(said))
    if site:
        return slug_of_record(site, url, title)
    return squeeze(slug_of_address(url)) if _is_wikihow(url) else ""


def _guide_of(url: str) -> tuple[str, ...]:
    """The short name of a guide of iFixit, by which others link to it."""
    guide = re.match(r"https?://((?:\w+\.)?ifixit\.com)/Guide/[^/]+/(\d+)", url)
    return (f"{guide[1]}/Guide/{guide[2]}",) if guide else ()


def _is_wikihow(url: str) -> bool:
    return _language_of_url(url) is not None


def _language_of_url(url: str) -> str | None:
    try:
        return selectors.language_of_host(urlsplit(url).netloc)
    except ValueError:
        return None


def _language(record: Mapping[str, Any], url: str) -> str:
    said = text_in(first(record, "language", "lang", "language_code"))
    return code_of(said) or _language_of_url(url) or "en"


def _from_wikilingua(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of WikiLingua in our names: its sections are methods, the sentences of a summary the steps.

    The sections come as lists side by side or keyed by name. The document of a section is not divided into
    steps, so it is left out; the title is made from the address.
    """
    sections = record["article"]
    if "summary" in sections:
        pairs = list(zip(listed(sections.get("section_name")), listed(sections["summary"]), strict=False))
    else:
        pairs = [(name, one.get("summary")) for name, one in sections.items() if isinstance(one, dict)]
    url = text_in(record.get("url"))
    methods = [{"name": text_in(name), "steps": sentences(text_in(summary))} for name, summary in pairs]
    return {"title": slug_of_address(url).replace("-", " "), **record, "methods": methods}
