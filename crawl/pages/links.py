"""Which hyperlinks of a step are gold: links that an editor set from a step to another article.

Citations, expert pages, files, other namespaces, quizzes, searches and the article itself are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bs4 import Tag

from crawl.article import decode_slug, squeeze
from crawl.pages import selectors, words

_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|igshid|_ga", re.IGNORECASE)
"""Parameters that say how a reader came, not to which page."""


@dataclass(frozen=True, slots=True)
class Target:
    """An article that a link leads to."""

    slug: str
    title: str
    language: str
    """Empty where the link stays on the page's own site."""


def target_of(link: Tag, language: str, own_slug: str) -> Target | None:
    """The article that `link` leads to, or None where it is no gold link.

    `language` and `own_slug` are those of the page that holds the link.
    """
    href = link.get("href")
    if not isinstance(href, str) or not set(link.get("class") or ()) <= selectors.LINK_CLASSES:
        return None
    address = article_address(href)
    if address is None:
        return None
    slug, site = address
    title = squeeze(str(link.get("title") or ""))
    if site is None and not title:  # on the own site every link to an article has a title
        return None
    foreign = site if site != language else None
    if not foreign and same_slug(slug, own_slug):
        return None
    return Target(slug, title, foreign or "")


def article_address(href: str) -> tuple[str, str | None] | None:
    """(slug, language of the site) of an address that can be an article's, else None.

    The language is None for an address without a host, such as "/Clean-a-Fish"; a mirror may have cut it short
    to "Clean-a-Fish.html".
    """
    parts = split(href.strip())
    if parts is None:
        return None
    site = None
    if parts.netloc and parts.scheme.lower() in ("http", "https", ""):
        site = selectors.language_of_host(parts.netloc)
        if site is None:
            return None
    elif parts.scheme or not parts.path:
        return None
    path = parts.path
    if not site and not path.startswith(
        "/"
    ):  # mirrors and ZIM files: "../A/Clean-a-Fish", "Clean-a-Fish.html"
        path = re.sub(r"^(?:\.{1,2}/)+(?:A/)?", "", path).removesuffix(".html")
    slug = decode_slug(path)
    return (slug, site) if is_article_slug(slug) else None


def is_article_slug(slug: str) -> bool:
    """Whether a decoded slug can be an article's; a title may hold ":" and "/"."""
    before, colon, _ = slug.partition(":")
    folder = slug.partition("/")[0].lower()
    return not (
        (colon and words.namespace_name(before) in words.NAMESPACES)
        or folder in selectors.NO_ARTICLE_FOLDERS
        or folder in selectors.NO_ARTICLE_PAGES
        or slug.lower().endswith("-quiz")
    )


def same_slug(one: str, other: str) -> bool:
    """Whether two slugs name one page: MediaWiki ignores the case of the first letter alone."""
    return bool(one) and one[:1].casefold() + one[1:] == other[:1].casefold() + other[1:]


def slug_of_address(url: str) -> str:
    """Decoded slug of a page's own address: its path; for index.php, its title. Empty where it has none."""
    parts = split(url)
    if parts is None:
        return ""
    title = re.search(r"(?:^|&)title=([^&]+)", parts.query) if "index.php" in parts.path else None
    return squeeze(decode_slug(title[1] if title else parts.path))


def host_of(url: str) -> str:
    """Host of an absolute web address; empty for any other text."""
    parts = split(url)
    return parts.netloc if parts is not None and parts.scheme in ("http", "https") else ""


def split(url: str) -> SplitResult | None:
    """The parts of an address, or None for text that is not one."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def slug_of_page(address: str) -> str:
    """Host, path and query of an address, decoded; empty where it has no host.

    Its scheme, its fragment and what only says how a reader came are no part of it.
    """
    parts = split(address)
    if parts is None or not parts.netloc:
        return ""
    place = squeeze(unquote(parts.netloc.lower() + parts.path).strip("/"))
    asked = [(name, value) for name, value in _pairs(parts.query) if not _TRACKING.fullmatch(name)]
    return squeeze(f"{place}?{'&'.join('='.join(pair) for pair in asked)}") if asked else place


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return [("", query)]
