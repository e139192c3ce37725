"""Addresses: one spelling for all forms of a page's address, and which hosts a crawl may ask at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from crawl.article import decode_slug
from crawl.pages.selectors import language_of_host
from howtree.errors import BadUsage

AddressKind = Literal["article", "category", "sitemap"]
ADDRESS_KINDS: tuple[AddressKind, ...] = get_args(AddressKind)

SAFE = "/:;@$!*(),~"
"""What MediaWiki leaves unencoded in the path of a page."""
_PORTS = {"https": 443, "http": 80}
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?|::1")


@dataclass(frozen=True, slots=True)
class Address:
    """One page of an allowed host. Equal pages have equal addresses, however they were written."""

    origin: str
    """Scheme, host and port ("https://www.wikihow.com")."""
    path: str
    """Normal spelling of the path, with a query for categories and sitemaps ("/Category:Fish?pg=2")."""
    kind: AddressKind = "article"

    @property
    def url(self) -> str:
        """The address to ask for."""
        return self.origin + self.path


class Hosts:
    """The hosts that a crawl may ask, each under the one origin that it is asked by."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Allow `origins`: "www.wikihow.com", "https://es.wikihow.com" or "http://127.0.0.1:8000".

        Raises:
            BadUsage: an origin that is no http(s) host, or plain http outside of loopback.
        """
        self.origins: dict[str, str] = {}
        for origin in origins:
            url = origin if "://" in origin else f"https://{origin}"
            netloc = netloc_of(url)
            if netloc is None or urlsplit(url).path.strip("/"):
                raise BadUsage(f"{origin!r} is no host: write www.wikihow.com or https://host[:port]")
            scheme = urlsplit(url).scheme.lower()
            if scheme == "http" and language_of_host(netloc):
                scheme = "https"
            if scheme == "http" and not is_loopback(netloc):
                raise BadUsage(f"{origin}: only https is asked, plain http is allowed for loopback alone")
            self.origins[netloc] = f"{scheme}://{netloc}"

    def __contains__(self, origin: str) -> bool:
        return origin in self.origins.values()

    @property
    def all_loopback(self) -> bool:
        """Whether no host but this machine is asked."""
        return all(is_loopback(netloc) for netloc in self.origins)

    def address(self, href: str, kind: AddressKind = "article", base: str = "") -> Address | None:
        """The page that `href` (relative to `base`) names, or None where its host is not allowed."""
        try:
            url = urljoin(base, href.strip())
            netloc = netloc_of(url)
            parts = urlsplit(url)
        except ValueError:
            return None
        origin = self.origins.get(netloc or "")
        if origin is None:
            return None
        if kind == "sitemap":
            return Address(origin, quote(unquote_to_bytes(parts.path), SAFE) + _query(parts.query), kind)
        number = re.search(r"(?:^|&)pg=(\d{1,9})(?!\d)", parts.query) if kind == "category" else None
        page = f"?pg={int(number[1])}" if number and int(number[1]) > 1 else ""
        return Address(origin, normal_path(parts.path) + page, kind)

    def raw(self, href: str, base: str) -> str | None:
        """`href` under its allowed origin, but spelt as it came; None where its host is not allowed."""
        address = self.address(href, "sitemap", base)
        if address is None:
            return None
        parts = urlsplit(urljoin(base, href.strip()))
        return address.origin + quote(parts.path, SAFE + "%'+&=") + _query(parts.query)


def netloc_of(url: str) -> str | None:
    """Host, and port where it is not the scheme's own, in the one spelling used here; None if not http(s)."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or not host:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    if host in ("wikihow.com", "m.wikihow.com"):
        host = "www.wikihow.com"
    if language_of_host(host) and port in _PORTS.values():
        port = None  # http and https of the family are one site
    return host if port in (None, _PORTS[scheme]) else f"{host}:{port}"


def is_loopback(netloc: str) -> bool:
    """Whether the host names this machine itself."""
    return _LOOPBACK.fullmatch(netloc) is not None


def normal_path(path: str) -> str:
    """One spelling of a page's path: decoded, Unicode form C, hyphens for blanks, encoded as MediaWiki does.

    Bytes that are no UTF-8 keep their percent form, so no title is lost or confused with another.
    """
    data = unquote_to_bytes(path)
    try:
        slug = decode_slug(unicodedata.normalize("NFC", data.decode("utf-8")).replace("%", "%25"))
    except UnicodeDecodeError:
        return "/" + quote(data.strip(b"/ ").replace(b" ", b"-").replace(b"_", b"-"), SAFE)
    return "/" + quote(slug, SAFE)


def path_of_slug(slug: str) -> str:
    """The normal path of a decoded slug: a "%" or "?" in it is a character of the title."""
    return normal_path(quote(slug, SAFE))


def _query(query: str) -> str:
    return f"?{quote(query, SAFE + '%=&+?')}" if query else ""
