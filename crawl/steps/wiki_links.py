"""Links in the marks of wikis, left in a step's text -> the text as people read it, and the links."""

from __future__ import annotations

import re

from crawl.article import StepLink, decode_slug
from crawl.pages.links import host_of, is_article_slug, slug_of_address, slug_of_page
from crawl.pages.selectors import language_of_host
from crawl.pages.words import namespace_name

_LINK = re.compile(
    r"\[\[(?!\s)(?P<target>[^\[\]|]{1,300})(?P<more>(?:\|[^\[\]|]{0,300}){0,9})\]\]"
    r"|\[guide\|(?P<guide>\d{1,12})(?:\|(?P<of_guide>[^\[\]|]{0,300}))?(?:\|[^\[\]|]{0,99})*\]"
    r"|\[(?:link\|)?(?P<address>https?://[^\s\[\]|]{1,1000})(?:[\s|](?P<of_address>[^\[\]|]{0,300}))?(?:\|new_window=true)?\]"
)
"""MediaWiki's [[Target|words]] and [https://... words]; iFixit's [guide|5|words] and [link|https://...|words].

A shell's "[[ -f x ]]" has blanks inside."""
_PICTURES = frozenset(("image", "file", "datei", "bild", "archivo", "imagen", "fichier", "media", "video"))


def without_wiki_links(text: str, host: str) -> tuple[str, tuple[StepLink, ...]]:
    """(the text with the words of its links, the links that may lead to articles of the site `host`)."""
    if "[" not in text:
        return text, ()
    links: list[StepLink] = []

    def words(match: re.Match[str]) -> str:
        said, slug = _said_by(match, host)
        anchor = " ".join(said.split())
        if slug and anchor:
            links.append(StepLink(slug, "", anchor, "body"))
        return said

    return _LINK.sub(words, text), tuple(links)


def _said_by(match: re.Match[str], host: str) -> tuple[str, str]:
    """(the words of a link, the slug that it leads to, or "")."""
    if match["guide"]:
        return match["of_guide"] or "", f"{host}/Guide/{match['guide']}" if host else ""
    if match["address"]:
        return match["of_address"] or "", _slug_at(match["address"], host)
    target = match["target"].strip().lstrip(":")
    if namespace_name(target.partition(":")[0]) in _PICTURES:
        return "", ""
    more = match["more"].split("|")[1:]
    page = target.partition("#")[0].strip()
    slug = decode_slug(page)
    return more[-1] if more and more[-1].strip() else target, slug if page and is_article_slug(slug) else ""


def _slug_at(address: str, host: str) -> str:
    """The slug of an article that an address leads to, on wikiHow or on the site itself."""
    own = host_of(address)
    if language_of_host(own):
        return slug_of_address(address)
    return slug_of_page(address) if own and own == host else ""
