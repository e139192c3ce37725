"""Which article of other sites one is: by its address, else by the file that it was in; never by its title alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from urllib.parse import unquote, urljoin

from crawl.article import slug_of, squeeze
from crawl.pages.links import host_of, slug_of_page, split

_RELATIVE = re.compile(r"[^\s:]*[/?.][^\s:]*|\S*[/?]\S*")
"""An address without a host; "true", which some templates write for one, has neither slash nor dot."""


def best_address(said: Iterable[str], base: str) -> str:
    """The first of the addresses that leads to a page and not to the front of a site, else the first; or "".

    Args:
        said: as a page gives them, the most telling first; also what is no address.
        base: what those without a host are relative to.
    """
    found = [address for one in said if (address := absolute(one, base))]
    return next(filter(_leads_to_page, found), found[0] if found else "")


def absolute(said: str, base: str = "") -> str:
    """An address as an absolute one, or "" for what is none."""
    said = said.strip()
    try:
        if said.startswith("//"):
            said = f"https:{said}"
        if not re.match(r"https?://", said, re.IGNORECASE):
            said = urljoin(base, said) if _RELATIVE.fullmatch(said) else ""
        return squeeze(said) if host_of(said) else ""
    except ValueError:
        return ""


def _leads_to_page(address: str) -> bool:
    parts = split(address)
    return parts is not None and bool(parts.path.strip("/") or parts.query)


def slug_of_record(site: str, address: str, title: str) -> str:
    """The slug of an article whose source names its site, and its address there, if it does."""
    if absolute(address):
        return slug_of_page(address)
    place = unquote(address).strip("/ ")
    return squeeze(f"{site}/{place}" if place else f"{site}#{slug_of(title)}")


def slug_in_file(where: str, title: str) -> str:
    """The slug of an article without any address: by the name of its file, wherever that lies, and its title."""
    name = PurePath(re.sub(r"(:\d+)?(#\d+)?$", "", where)).name
    return squeeze(f"file:{name}#{slug_of(title)}")
