"""What a page says of itself outside of its text: language, number, revision, address, title, dates."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from crawl.article import decode_slug, slug_of, squeeze
from crawl.pages import selectors
from crawl.pages.links import host_of, slug_of_address
from crawl.pages.outline import Outline
from crawl.pages.prose import text_of

Config = dict[str, Any]

_CONFIG_START = re.compile(r"\bwg(?:CanonicalNamespace|NamespaceNumber|PageName|ArticleId|Title)\b")
_CONFIG_LENGTH = 60_000
_CONFIG = re.compile(
    r"""\b(wg(?:ArticleId|CurRevisionId|RevisionId|Title|PageName|IsRedirect|RedirectedFrom|NamespaceNumber
    |IsRestricted|PageContentLanguage|ContentLanguage))["']?\s*[:=]\s*
    (?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<bare>-?[0-9]{1,18}|true|false))""",
    re.VERBOSE,
)


def page_config(text: str) -> Config:
    """MediaWiki's variables in the head of the page (wgArticleId and others), the first of each name.

    Forms since 2008: `var wgArticleId = "12";`, `wgArticleId=12`, `"wgArticleId":12`.
    """
    start = _CONFIG_START.search(text)
    config: Config = {}
    if start is None:
        return config
    for match in _CONFIG.finditer(text, start.start(), start.start() + _CONFIG_LENGTH):
        try:
            config.setdefault(match[1], json.loads(match["string"] or match["bare"], strict=False))
        except ValueError:  # a bad escape inside the string
            continue
    return config


def is_true(value: Any) -> bool:
    """Whether a variable is set; old layouts write it as a string."""
    return value is True or value == "true"


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says of itself."""

    language: str
    title: str
    goal: str
    slug: str
    url: str
    page_id: int | None
    revision: int | None
    published: str
    modified: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, outline: Outline, config: Config, text: str, url: str) -> Head:
        """Read the head of a page; `url` is where it was fetched from, if known."""
        heading = outline.title()
        title = text_of(heading) or outline.meta.get("og:title", "")
        goal = _words(config, "wgTitle") or text_of(heading, without=selectors.TITLE_SUFFIXES)
        link = heading.find("a", href=True) if heading is not None else None
        places = (
            outline.canonical,
            url,
            saved_from(text),
            outline.meta.get("og:url"),
            link and link.get("href"),
        )
        address = next((str(place) for place in places if place and host_of(str(place))), "")
        slug = slug_of_address(address) or decode_slug(_words(config, "wgPageName")) or slug_of(goal)
        former = decode_slug(_words(config, "wgRedirectedFrom"))
        return cls(
            language=_language(text, config, address),
            title=title or goal,
            goal=goal if _words(config, "wgTitle") or goal != title else "",
            slug=slug,
            url=squeeze(address),
            page_id=_number(config, "wgArticleId"),
            revision=_number(config, "wgCurRevisionId", "wgRevisionId"),
            published=_date(outline, text, "datePublished"),
            modified=_date(outline, text, "dateModified"),
            aliases=(former,) if former and former != slug else (),
        )


def _words(config: Config, name: str) -> str:
    value = config.get(name)
    return squeeze(value) if isinstance(value, str) else ""


def _number(config: Config, *names: str) -> int | None:
    """The first positive number among the named variables; old layouts write it as a string."""
    for name in names:
        digits = str(config.get(name))
        if re.fullmatch(r"[0-9]{1,18}", digits) and int(digits) > 0:
            return int(digits)
    return None


def saved_from(text: str) -> str:
    """The address that a browser or SingleFile notes in a comment when a person saves a page, or ""."""
    match = re.search(
        r"<!--\s*(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)(\S+)", text[:20_000]
    )
    return match[1] if match else ""


def _language(text: str, config: Config, address: str) -> str:
    """By the site's host, else by what the page says, else English."""
    of_site = selectors.language_of_host(host_of(address))
    if of_site:
        return of_site
    said = _words(config, "wgPageContentLanguage") or _words(config, "wgContentLanguage")
    if not said:
        match = re.search(r"<html\b[^>]{0,500}?\blang=[\"']?([A-Za-z-]{2,12})", text[:20_000], re.IGNORECASE)
        said = match[1] if match else ""
    language = said.lower().partition("-")[0]
    return language if re.fullmatch(r"[a-z]{2,3}", language) else "en"


def _date(outline: Outline, text: str, name: str) -> str:
    match = re.search(rf'"{name}"\s*:\s*"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[^"\s]{{0,30}})"', text)
    if match:
        return match[1]
    said = outline.meta.get(name, "")
    return said if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", said) else ""
