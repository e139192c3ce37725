"""Which hyperlinks of a step are gold: links that an editor set from a step to another article.

Citations, expert pages, files, other namespaces, quizzes, searches and the article itself are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bs4 import Tag

from crawl import selectors
from crawl.article import decode_slug


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
    title = " ".join(str(link.get("title") or "").split())
    address = article_address(href)
    if address is None:
        return None
    slug, other = address
    if other is None and not title:  # on the own site every article link has a title
        return None
    if other in (None, language):
        other = ""
        if same_slug(slug, own_slug):
            return None
    return Target(slug, title, other or "")


def article_address(href: str) -> tuple[str, str | None] | None:
    """(slug, language of the host) of an address that can be an article, else None.

    The language is None for an address without a host, such as "/Clean-a-Fish".
    """
    try:
        parts = urlsplit(href.strip())
    except ValueError:
        return None
    language = None
    if parts.scheme.lower() in ("http", "https") or (not parts.scheme and parts.netloc):
        language = selectors.language_of_host(parts.netloc)
        if language is None:
            return None
    elif parts.scheme or not parts.path.startswith("/"):
        return None
    slug = decode_slug(parts.path)
    return (slug, language) if is_article_slug(slug) else None


def is_article_slug(slug: str) -> bool:
    """Whether a decoded slug can be an article's; a title may hold ":" and "/"."""
    first, colon, _ = slug.partition(":")
    if colon and namespace_of(first) in selectors.NAMESPACES:
        return False
    folder, _, _ = slug.partition("/")
    folder = folder.lower()
    return not (
        folder in selectors.NO_ARTICLE_FOLDERS
        or folder in selectors.NO_ARTICLE_PAGES
        or slug.lower().endswith("-quiz")
    )


def namespace_of(name: str) -> str:
    """A namespace's name as the table of namespaces spells it."""
    return re.sub(r"[\s_\-]+", "_", name.strip()).casefold()


def same_slug(one: str, other: str) -> bool:
    """Whether two slugs name one page: MediaWiki ignores the case of the first letter alone."""
    return bool(one) and one[:1].casefold() + one[1:] == other[:1].casefold() + other[1:]


def slug_of_address(url: str) -> str:
    """Decoded slug of a page's own address: its path; for index.php, its title."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    found = re.search(r"(?:^|&)title=([^&]+)", parts.query) if "index.php" in parts.path else None
    return decode_slug(unquote(found[1]) if found else parts.path)
