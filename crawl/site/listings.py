"""Pages that list articles: categories with their further pages and sub-categories, and sitemaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

from bs4 import BeautifulSoup
from lxml import etree

from crawl.article import decode_slug
from crawl.pages.links import is_article_slug
from crawl.site.addresses import Address, AddressKind, Hosts

ARTICLE_LINKS = "#cat_container .responsive_thumb > a[href]"
SUB_CATEGORY_LINKS = "#subcats a[href], #cat_container a[href]"
FURTHER_PAGE_LINKS = "a[href*='pg=']"


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
    name, _, number = page.path.partition("?pg=")
    further = [
        address
        for address in links(FURTHER_PAGE_LINKS, "category")
        if address.path.partition("?pg=")[0] == name
    ]
    if not further and not all(known(address) for address in articles):
        further = [Address(page.origin, f"{name}?pg={int(number or 1) + 1}", "category")]
    return (*articles, *below, *further)


def sitemap(content: bytes, page: Address, hosts: Hosts) -> tuple[Address, ...]:
    """What a sitemap or sitemap index lists: articles of the allowed hosts, and further sitemaps.

    Raises:
        NoListing: it is no whole sitemap.
    """
    found: dict[Address, None] = {}
    try:
        for _, element in etree.iterparse(
            BytesIO(content), tag="{*}loc", resolve_entities=False, no_network=True, load_dtd=False
        ):
            parent = element.getparent()
            holder = etree.QName(parent).localname if parent is not None else ""
            address = hosts.address(
                element.text or "", "sitemap" if holder == "sitemap" else "article", page.url
            )
            if address and (holder == "sitemap" or (holder == "url" and is_article(address))):
                found[address] = None
            element.clear()
    except etree.XMLSyntaxError as error:
        raise NoListing from error
    return tuple(found)
