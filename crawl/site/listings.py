"""Pages that list articles: categories with their further pages and sub-categories, and sitemaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

from bs4 import BeautifulSoup
from lxml import etree

from crawl.article import decode_slug
from crawl.formats.xml import local_name
from crawl.pages.links import is_article_slug
from crawl.site.addresses import Address, AddressKind, Hosts

ARTICLE_LINKS = "#cat_container .responsive_thumb > a[href]"
SUB_CATEGORY_LINKS = "#subcats a[href], #cat_container a[href]"
FURTHER_PAGE_LINKS = "a[href*='pg=']"
MOST_PAGES = 1_000
"""Pages of a category that are followed; a site could name a further one for ever."""
MOST_LEVELS = 20
"""Levels of categories below the one that was named that are followed."""


class NoListing(Exception):
    """An answer in a listing's place that lists nothing."""


def is_article(address: Address) -> bool:
    """Whether the address can be an article's: no other namespace, quiz, expert page or script."""
    return is_article_slug(decode_slug(address.path))


def category(
    content: bytes, page: Address, hosts: Hosts, known: Callable[[Address], bool]
) -> tuple[Address, ...]:
    """What a category page lists: articles, sub-categories, and the category's further pages.

    Where no link names a further page (the site may load it by script), the next one is tried as long as
    this one listed an article that was not `known`.

    Raises:
        NoListing: nothing is listed.
    """
    soup = BeautifulSoup(content, "lxml")

    def links(selector: str, kind: AddressKind) -> Iterator[Address]:
        for link in soup.select(selector):
            address = hosts.address(str(link.get("href")), kind, page.url)
            if address is not None:
                yield address

    articles = [address for address in links(ARTICLE_LINKS, "article") if is_article(address)]
    below = [address for address in links(SUB_CATEGORY_LINKS, "category") if not is_article(address)]
    below = [address for address in below if ":" in address.path and "pg=" not in address.path]
    if not articles and not below:
        raise NoListing
    name, number = place_in_category(page)
    further = [
        address for address in links(FURTHER_PAGE_LINKS, "category") if place_in_category(address)[0] == name
    ]
    if not further and not all(known(address) for address in articles):
        further = [Address(page.origin, f"{name}?pg={number + 1}", "category")]
    within = [address for address in further if place_in_category(address)[1] <= MOST_PAGES]
    return (*articles, *below, *within)


def place_in_category(page: Address) -> tuple[str, int]:
    """The path of the category that a page belongs to, and the page's number in it, from 1."""
    name, _, number = page.path.partition("?pg=")
    return name, int(number or 1)


def sitemap(content: bytes, page: Address, hosts: Hosts) -> tuple[Address, ...]:
    """What a sitemap or sitemap index lists: articles of the allowed hosts, and further sitemaps.

    Raises:
        NoListing: it is no whole sitemap.
    """
    found: dict[Address, None] = {}
    try:
        for _, element in etree.iterparse(
            BytesIO(content),
            tag=("{*}url", "{*}sitemap"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
        ):
            kind: AddressKind = "sitemap" if local_name(element) == "sitemap" else "article"
            named = (element.findtext("{*}loc") or "").strip()
            address = hosts.address(named, kind, page.url) if named else None
            if address and (kind == "sitemap" or is_article(address)):
                found[address] = None
            element.clear()
            while (
                before := element.getprevious()
            ) is not None:  # the tree of a million would fill the memory
                element.getparent().remove(before)
    except etree.XMLSyntaxError as error:
        raise NoListing from error
    return tuple(found)
