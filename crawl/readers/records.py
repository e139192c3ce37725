"""A record of a dump, as plain dictionaries and lists -> an article.

One reader serves our own full form (`Article.to_dict`), the simple form (steps are plain strings) and the
variants of research dumps: where a name is missing, its usual synonyms are tried.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from crawl.article import Article, LinkPlace, Method, MethodKind, Step, StepLink, decode_slug, squeeze
from crawl.pages import selectors
from crawl.pages.links import host_of, slug_of_address
from crawl.schema.identity import slug_of_record
from crawl.steps.division import Given, steps_of
from crawl.steps.plain import is_blank
from crawl.steps.sentences import sentences

METHOD_KINDS: tuple[MethodKind, ...] = get_args(MethodKind)
_LISTS_OF_STEPS: tuple[tuple[str, MethodKind], ...] = (
    ("methods", "method"),
    ("parts", "part"),
    ("sections", "method"),
    ("questions", "question"),
    ("steps", "single"),
    ("caption", "single"),
    ("instructions_list", "single"),
    ("instructions", "single"),
    ("directions", "single"),
)
NAMES_OF_STEPS = frozenset(name for name, _ in _LISTS_OF_STEPS)


class Said(Enum):
    """How a record says its steps."""

    exactly = "as they are read"
    """A row of a corpus of ours."""
    plainly = "in plain text"
    """In a dump of wikiHow, where "<br>" is a word of an article on HTML."""
    with_markup = "with whatever markup"
    """In another site's."""


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
    if not isinstance(record, Mapping):
        raise Unusable("not a record", f"expected an object, found {type(record).__name__}")
    if isinstance(record.get("article"), Mapping):
        record = _from_wikilingua(record)
    title = _text(_first(record, "title", "task", "goal", "name"))
    if not title:
        raise Unusable("no title", _names(record))
    url = _text(_first(record, "url", "link", "canonical_url"))
    methods = _methods(record, _how_said(record, url, keep_source))
    if not methods:
        raise Unusable("no steps", title[:200])
    language = _language(record, url)
    site = _site(record, url)
    source = _text(record.get("source")) if keep_source else ""
    return Article(
        language=language,
        title=title,
        methods=_own_unsaid(methods, language),
        slug=_slug(record, url, site, title),
        goal=_text(record.get("goal")),
        page_id=_number(_first(record, "page_id", "article_id", "wgArticleId")),
        revision=_number(_first(record, "revision", "revision_id")),
        url=url,
        site=site if site != host_of(url).removeprefix("www.") else "",
        introduction=_text(_first(record, "introduction", "overview", "intro", "summary")),
        categories=_texts(_first(record, "categories", "category", "category_hierarchy")),
        ingredients=_texts(record.get("ingredients")),
        things=_texts(_first(record, "things", "things_youll_need")),
        tools=_texts(record.get("tools")),
        tips=_texts(record.get("tips")),
        warnings=_texts(record.get("warnings")),
        related=_texts(_first(record, "related", "related_articles")),
        aliases=_texts(record.get("aliases")),
        references=_texts(record.get("references")),
        licence=_text(_first(record, "licence", "license")),
        published=_text(record.get("published")),
        modified=_text(record.get("modified")),
        fetched_at=_text(record.get("fetched_at")),
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


def _first(record: Mapping[str, Any], *names: str) -> Any:
    return next((record[name] for name in names if record.get(name) not in (None, "", [], {})), None)


def _names(record: Mapping[str, Any]) -> str:
    return "its names: " + ", ".join(map(str, list(record)[:8])) if record else "an empty record"


def _text(value: Any) -> str:
    """One line of words out of a string, a number or a list of such."""
    if isinstance(value, str):
        return squeeze(value)
    if isinstance(value, list | tuple):
        return squeeze(" ".join(map(_text, value)))
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return str(value) if is_number else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str | int | float):
        value = [value]
    if not isinstance(value, list | tuple):
        return ()
    texts = (
        _text(_first(one, "title", "name", "text", "headline") if isinstance(one, Mapping) else one)
        for one in value
    )
    return tuple(text for text in texts if text)


def _number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _how_said(record: Mapping[str, Any], url: str, keep_source: bool) -> Said:
    if keep_source and "content_hash" in record:
        return Said.exactly
    return Said.with_markup if _site(record, url) else Said.plainly


def _site(record: Mapping[str, Any], url: str) -> str:
    """The site of a record where it is another than wikiHow, as the record names it or by its address; else ""."""
    said = _text(record.get("site")).lower().removeprefix("www.")
    site = said or host_of(url).lower().removeprefix("www.")
    return "" if selectors.language_of_host(site) else site


def _slug(record: Mapping[str, Any], url: str, site: str, title: str) -> str:
    """The slug that a record gives, else by its address; wikiHow's is made of the title where it has none."""
    said = _text(record.get("slug"))
    if said:
        return said if site or said.startswith("file:") else squeeze(decode_slug(said))
    if site:
        return slug_of_record(site, url, title)
    return squeeze(slug_of_address(url)) if _is_wikihow(url) else ""


def _is_wikihow(url: str) -> bool:
    return _language_of_url(url) is not None


def _language_of_url(url: str) -> str | None:
    try:
        return selectors.language_of_host(urlsplit(url).netloc)
    except ValueError:
        return None


def _language(record: Mapping[str, Any], url: str) -> str:
    said = _text(_first(record, "language", "lang", "language_code")).lower()
    code = re.split(r"[-_]", said)[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) else (_language_of_url(url) or "en")


def _methods(record: Mapping[str, Any], said: Said) -> tuple[Method, ...]:
    for name, kind in _LISTS_OF_STEPS:
        value = record.get(name)
        if isinstance(value, Mapping):  # {"name of the method": [steps], ...}
            value = [{"name": key, "steps": steps} for key, steps in value.items()]
        methods = _methods_of(_list(value), kind, said)
        if any(method.steps for method in methods):
            return methods
    return ()


def _from_wikilingua(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of WikiLingua in our names: its sections are methods, the sentences of a summary the steps.

    The sections come as lists side by side or keyed by name. The document of a section is not divided into
    steps, so it is left out; the title is made from the address.
    """
    sections = record["article"]
    if "summary" in sections:
        pairs = list(zip(_list(sections.get("section_name")), _list(sections["summary"]), strict=False))
    else:
        pairs = [(name, one.get("summary")) for name, one in sections.items() if isinstance(one, Mapping)]
    url = _text(record.get("url"))
    methods = [{"name": _text(name), "steps": sentences(_text(summary))} for name, summary in pairs]
    return {"title": slug_of_address(url).replace("-", " "), **record, "methods": methods}


def _list(value: Any) -> list[Any]:
    """A list as it is, the lines of a text, and nothing of any other value."""
    if isinstance(value, str):
        return value.splitlines()
    return list(value) if isinstance(value, list | tuple) else []


def _methods_of(values: list[Any], kind: MethodKind, said: Said) -> tuple[Method, ...]:
    """Methods out of a list of methods, of lists of steps, or of steps; loose steps beside methods come first."""
    loose = _steps((value for value in values if not _is_method(value)), said)
    groups = [value for value in values if _is_method(value)]
    if not groups:
        return (Method("single", 1, "", loose),) if loose else ()
    kind = "method" if kind == "single" else kind
    methods = [Method(kind, 1, "", loose)] if loose else []
    for value in groups:
        own = value if isinstance(value, Mapping) else {"steps": value}
        name = _text(_first(own, "name", "title", "headline", "heading"))
        own_kind = own.get("kind")
        if own_kind not in METHOD_KINDS:
            own_kind = "single" if len(values) == 1 and not name else kind
        steps = _steps(_list(_first(own, "steps", "children")), said)
        methods.append(Method(cast(MethodKind, own_kind), len(methods) + 1, name, steps))
    return tuple(methods)


def _is_method(value: Any) -> bool:
    return isinstance(value, list | tuple) or (
        isinstance(value, Mapping) and ("steps" in value or "children" in value)
    )


def _steps(values: Iterable[Any], said: Said) -> tuple[Step, ...]:
    given = [_given(value) for value in values]
    if said is Said.exactly:
        return tuple(
            Step(number, squeeze(one.name), squeeze(one.text), one.bullets, one.links)
            for number, one in enumerate(given, 1)
        )
    return steps_of(given, markup=said is Said.with_markup)


def _given(value: Any) -> Given:
    """A step as a dump has it: a text, or a headline with its body under one of their names."""
    if not isinstance(value, Mapping):
        return Given(_lines(value))
    headline = _lines(_first(value, "headline", "title", "heading", "summary", "name"))
    bullets, links = value.get("bullets"), value.get("links")
    return Given(
        name=headline,
        text=_lines(_first(value, "body", "description", "text", "details", "content")),
        is_whole="headline" in value and ("body" in value or not headline),
        bullets=_texts(bullets),
        links=tuple(_links(links)) if isinstance(links, list | tuple) else (),
    )


def _own_unsaid(methods: tuple[Method, ...], language: str) -> tuple[Method, ...]:
    """The methods with no link that names the language of its own article."""
    links = (link for method in methods for step in method.steps for link in step.links)
    if all(link.language != language for link in links):
        return methods

    def unsaid(link: StepLink) -> StepLink:
        return dataclasses.replace(link, language="") if link.language == language else link

    def in_step(step: Step) -> Step:
        return dataclasses.replace(step, links=tuple(map(unsaid, step.links)))

    return tuple(dataclasses.replace(method, steps=tuple(map(in_step, method.steps))) for method in methods)


def _lines(value: Any) -> str:
    """A text with its line breaks, or the texts of a list in lines of their own."""
    if isinstance(value, list | tuple):
        return "\n".join(filter(None, map(_lines, value)))
    return value if isinstance(value, str) else _text(value)


def _links(values: Iterable[Any]) -> Iterable[StepLink]:
    for value in values:
        if not isinstance(value, Mapping):
            continue
        slug = decode_slug(_text(value.get("slug")))
        place = value.get("place")
        if slug:
            yield StepLink(
                slug=slug,
                title=_text(value.get("title")),
                anchor=_text(value.get("anchor")),
                place=cast(LinkPlace, place if place in get_args(LinkPlace) else "body"),
                language=_text(value.get("language")),
            )
