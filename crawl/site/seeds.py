"""Where a crawl begins: addresses and titles as people write them -> pages of the allowed hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from crawl.article import goal_of, slug_of
from crawl.site.addresses import Address, Hosts, path_of_slug
from crawl.site.listings import is_article
from howtree.errors import BadInput

CATEGORY = "Category:"


class NoSeed(ValueError):
    """Words that name no page this crawl may fetch; the message says why."""


def seed(text: str, hosts: Hosts, home: str) -> Address:
    """The page that an address ("https://www.wikihow.com/Grill-Fish") or a title ("How to Grill Fish") names.

    Args:
        text: What the user wrote.
        hosts: The hosts that may be asked.
        home: The origin that titles and paths belong to.

    Raises:
        NoSeed: it is empty, on another host, or no article and no category.
    """
    words = " ".join(text.split())
    if not words:
        raise NoSeed("nothing is written")
    if not words.startswith(("http://", "https://", "/")):
        if words.startswith(CATEGORY):
            return category_seed(words, hosts, home)
        return Address(home, path_of_slug(slug_of(goal_of(words))))
    address = hosts.address(words, base=home)
    if address is None:
        raise NoSeed(
            f"{words} is not on an allowed host ({', '.join(hosts.origins)}); allow it by --allow-host"
        )
    if address.path.startswith(f"/{CATEGORY}"):
        return category_seed(words, hosts, home)
    if not is_article(address):
        raise NoSeed(f"{words} is no article and no category")
    return address


def category_seed(text: str, hosts: Hosts, home: str) -> Address:
    """The category that an address or a name ("Fish", "Category:Fish") names. Raises NoSeed like `seed`."""
    words = " ".join(text.split())
    if words.startswith(("http://", "https://", "/")):
        address = hosts.address(words, "category", base=home)
        if address is None or ":" not in address.path:
            raise NoSeed(f"{words} is no category on an allowed host ({', '.join(hosts.origins)})")
        return address
    name = words.removeprefix(CATEGORY).strip()
    if not name:
        raise NoSeed("a category needs a name")
    return Address(home, path_of_slug(slug_of(CATEGORY + name)), "category")


def sitemap_seed(home: str) -> Address:
    """The index of all sitemaps of a host."""
    return Address(home, "/sitemap_index.xml", "sitemap")


def seeds_of_file(path: Path, hosts: Hosts, home: str) -> Iterator[Address | str]:
    """Pages named in a file, one title or address per line; for a line that names none, a message instead.

    Empty lines and lines that begin with "#" are passed over.

    Raises:
        BadInput: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="strict") as file:
            yield from _seeds(file, path, hosts, home)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as a list of titles in UTF-8 ({error})") from error


def _seeds(lines: Iterable[str], path: Path, hosts: Hosts, home: str) -> Iterator[Address | str]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            yield seed(line, hosts, home)
        except NoSeed as error:
            yield f"{path}, line {number}: {error}"
