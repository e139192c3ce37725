"""One spelling for all forms of an address: no title is lost, and none is taken for another."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawl.site.addresses import Hosts, path_of_slug
from howtree.errors import BadUsage

HOSTS = Hosts(["www.wikihow.com", "http://127.0.0.1:8000"])
SLUGS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=" _/"), min_size=1)


@given(SLUGS)
@example("100%-Cotton")
@example("100%25-Cotton")
@example("What?-#1;-&-more")
@example("Cafe\u0301")
@example("..")
def test_a_title_survives_its_address(slug: str) -> None:
    address = HOSTS.address("https://www.wikihow.com" + path_of_slug(slug))
    assert address is not None and address.path == path_of_slug(slug)
    assert unquote_to_bytes(address.path[1:]).decode() == unicodedata.normalize("NFC", slug)


@given(SLUGS)
def test_every_way_to_write_an_address_is_one_page(slug: str) -> None:
    everything_encoded = "".join(f"%{byte:02x}" for byte in slug.encode())
    forms = {
        everything_encoded,
        everything_encoded.upper(),
        quote(slug),
        quote(unicodedata.normalize("NFD", slug)),
    }
    ways = [
        way
        for form in forms
        for way in (
            f"https://www.wikihow.com/{form}",
            f"http://wikihow.com/{form}?utm_source=x",
            f"HTTPS://WWW.wikiHow.com:443/{form}#Steps",
        )
    ]
    assert {HOSTS.address(way) for way in ways} == {
        HOSTS.address(f"https://www.wikihow.com{path_of_slug(slug)}")
    }


@given(st.binary(min_size=1))
def test_bytes_that_are_no_text_are_kept_apart(data: bytes) -> None:
    address = HOSTS.address("https://www.wikihow.com/" + quote(data, safe=""))
    assert address is not None
    assert HOSTS.address(address.url) == address


@pytest.mark.parametrize(
    "href",
    [
        "https://example.org/A",
        "https://www.wikihow.com.example.org/A",
        "https://www.wikihow.com@example.org/A",
        "https://example.org\\@www.wikihow.com.evil.org/A",
        "http://127.0.0.1/A",
        "http://127.0.0.1:8001/A",
        "http://[::1]:8000/A",
        "http://localhost:8000/A",
        "https://127.0.0.1:8000:8000/A",
        "ftp://www.wikihow.com/A",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "mailto:reader@example.org",
        "https://[broken/A",
        "",
    ],
)
def test_what_is_not_on_an_allowed_host_is_no_address(href: str) -> None:
    assert HOSTS.address(href) is None


@pytest.mark.parametrize(
    "origin", ["", "http://example.org", "ftp://www.wikihow.com", "https://www.wikihow.com/Fish"]
)
def test_origins_that_cannot_be_allowed(origin: str) -> None:
    with pytest.raises(BadUsage):
        Hosts([origin])
