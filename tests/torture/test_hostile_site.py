"""A site that means harm: each page of it costs itself alone, the crawl ends, and it stays small."""

from __future__ import annotations

import gzip
import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from support.crawl_site import Behaviour, Quiet, Site, answer, article, category, flood, raw, redirect
from support.crawl_world import Ran, Time, crawl, howtree, outcomes, site

from crawl.site import listings

__all__ = ["crawl", "howtree", "site"]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
GOOD = article("Good").encode()
MEGABYTE = 1 << 20


def chunks(*pieces: bytes) -> Behaviour:
    """An answer in pieces, as they are written."""
    return raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(pieces))


def piece(data: bytes) -> bytes:
    return f"{len(data):x}".encode() + b"\r\n" + data + b"\r\n"


def endless(head: bytes, part: bytes) -> Behaviour:
    """What never ends, as long as somebody reads it; a hundred megabytes at most."""

    def behave(request: Quiet) -> None:
        request.close_connection = True
        try:
            request.wfile.write(head)
            for _ in range(100 * MEGABYTE // len(part)):
                request.wfile.write(part)
        except OSError:
            pass

    return behave


def cookies(count: int, size: int) -> Behaviour:
    headers = b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"x" * size) for n in range(count))
    return raw(HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD)


PAGES: dict[str, tuple[Behaviour, set[str]]] = {
    # what the path does, and the outcomes that are right
    "/Cookie": (answer(200, article("Cookie"), Set_Cookie="id=1; Domain=.org; Path=/"), {"ok"}),
    "/Many-Cookies": (cookies(90, 100), {"ok"}),
    "/Too-Many-Cookies": (cookies(5_000, 10), {"failed"}),
    "/A-Cookie-Of-A-Megabyte": (cookies(1, MEGABYTE), {"failed"}),
    "/Bomb": (answer(200, gzip.compress(bytes(300 * MEGABYTE)), Content_Encoding="gzip"), {"failed"}),
    "/Bomb-Of-Bombs": (
        answer(200, gzip.compress(gzip.compress(bytes(300 * MEGABYTE))), Content_Encoding="gzip"),
        {"failed"},
    ),
    "/Many-Bombs-In-One": (
        answer(200, gzip.compress(bytes(MEGABYTE)) * 3_000, Content_Encoding="gzip"),
        {"failed", "not_article"},
    ),
    "/Deflate-Named-Gzip": (
        answer(200, b"\x78\x9c" + bytes(50), Content_Encoding="gzip"),
        {"failed", "not_article"},
    ),
    "/Packed-Ten-Times": (
        answer(200, GOOD, Content_Encoding="gzip, gzip, gzip, gzip, br, zstd"),
        {"ok", "failed"},
    ),
    "/Zstd": (answer(200, b"(\xb5/\xfd\x04X", Content_Encoding="zstd"), {"failed"}),
    "/Named-A-Picture": (answer(200, GOOD, Content_Type="image/png"), {"not_article", "failed"}),
    "/Named-A-Page": (answer(200, b"\x89PNG\r\n\x1a\n" + bytes(5_000)), {"failed", "not_article"}),
    "/Named-Nothing": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD), {"ok"}),
    "/Named-Twice": (
        raw(HEAD + b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD),
        {"ok", "not_article", "failed"},
    ),
    "/Charset-Of-Nonsense": (answer(200, GOOD, Content_Type="text/html; charset=../../etc/passwd"), {"ok"}),
    "/Charset-That-Is-A-Program": (answer(200, GOOD, Content_Type="text/html; charset=zlib_codec"), {"ok"}),
    "/Length-Below-0": (raw(HEAD + b"Content-Length: -1\r\n\r\n" + GOOD), {"ok", "failed"}),
    "/Length-No-Number": (raw(HEAD + b"Content-Length: many\r\n\r\n" + GOOD), {"ok", "failed"}),
    "/Length-Of-A-Thousand-Digits": (
        raw(HEAD + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\n" + GOOD),
        {"failed"},
    ),
    "/Two-Lengths": (
        raw(HEAD + b"Content-Length: 10\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD),
        {"ok", "failed"},
    ),
    "/Length-And-Chunks": (
        raw(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + piece(GOOD) + b"0\r\n\r\n"),
        {"ok", "failed"},
    ),
    "/Chunks": (chunks(piece(GOOD[:99]), piece(GOOD[99:]), b"0\r\n\r\n"), {"ok"}),
    "/Chunk-Sizes-No-Number": (chunks(b"xyz\r\n", GOOD), {"failed"}),
    "/Chunk-Size-Below-0": (chunks(b"-5\r\n", GOOD), {"failed"}),
    "/Chunk-Size-Beyond-All": (chunks(b"f" * 40 + b"\r\n", GOOD), {"failed"}),
    "/Chunk-Size-Without-End": (
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65_536),
        {"failed"},
    ),
    "/Chunk-Extensions": (
        chunks(b"%x;%s\r\n" % (len(GOOD), b"a" * 200), GOOD + b"\r\n", b"0\r\n\r\n"),
        {"ok", "failed"},
    ),
    "/Chunks-Without-The-Last": (chunks(piece(GOOD)), {"failed"}),
    "/Trailers-Without-End": (
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + piece(GOOD) + b"0\r\n", b"X: y\r\n" * 1_000),
        {"ok", "failed"},
    ),
    "/Headers-Without-End": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000), {"failed"}),
    "/Header-Without-End": (endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65_536), {"failed"}),
    "/Continues-Without-End": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000), {"failed"}),
    "/Body-Without-End": (flood(200), {"failed"}),
    "/Status-No-Number": (raw(b"HTTP/1.1 yes OK\r\n\r\n" + GOOD), {"failed"}),
    "/Status-99999": (raw(b"HTTP/1.1 99999 OK\r\nContent-Length: 0\r\n\r\n"), {"failed"}),
    "/Old-Protocol": (raw(GOOD), {"failed"}),
    "/To-A-Long-Address": (redirect("/" + "x" * 60_000), {"failed", "redirect"}),
    "/To-Control-Characters": (redirect("/\x01\x1b[2J\x7f"), {"failed", "redirect"}),
    "/To-A-Program": (redirect("javascript:alert(1)"), {"failed", "redirect"}),
    "/To-Another-Port": (redirect("http://127.0.0.1:9/x"), {"failed", "redirect"}),
    "/To-A-Name-With-A-Password": (redirect("https://user:secret@169.254.169.254/"), {"failed", "redirect"}),
    "/Entities": (
        answer(
            200,
            "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
            + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else '&a;' * 10}'>" for n in range(12))
            + "]><html><body><h1>&a11;</h1></body></html>",
        ),
        {"not_article"},
    ),
    "/Deep": (answer(200, "<html><body>" + "<b><i>" * 200_000 + "</body></html>"), {"not_article", "failed"}),
    "/A-Million-Links": (
        answer(200, article("M").replace("</body>", "<a href='/X'>x</a>" * 400_000 + "</body>")),
        {"ok", "not_article", "failed"},
    ),
    "/Noise": (answer(200, random.Random(1).randbytes(100_000)), {"failed", "not_article"}),
}


def test_a_page_that_means_harm_costs_itself_alone(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("Last One")
    for path, (behaviour, _) in PAGES.items():
        site.at(path, behaviour)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = crawl(*(f"{site.origin}{path}" for path in PAGES), "Last One", "--follow", "links")
    while "the site is in trouble" in ran.err:  # hours of trouble in a row end a run
        Time.now += 24 * 3600
        ran = crawl()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    assert ran.code == 0 and "Traceback" not in ran.err, ran.err
    found = outcomes(tmp_path / "c")
    wrong = {
        path: found.get(path) for path, (_, right) in PAGES.items() if found.get(path, ("",))[0] not in right
    }
    assert not wrong
    assert found["/Last-One"] == ("ok", "")
    assert grown < 500, f"the process has grown by {grown:.0f} MB"
    assert not any("cookie" in hit.headers for hit in site.log)
    assert {hit.path for hit in site.log} <= {*PAGES, "/Last-One", "/robots.txt", *found}


def addresses(site: Site, count: int) -> str:
    rows = "".join(f"<url><loc>{site.origin}/Page-{n}</loc></url>" for n in range(count))
    return f"<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</urlset>"


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.torture)])
def test_a_sitemap_of_many_addresses(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, count: int
) -> None:
    xml = {"Content-Type": "application/xml"}
    site.at("/sitemap_index.xml", answer(200, gzip.compress(addresses(site, count).encode(), 1), xml))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = crawl("--sitemap", "--limit", "1")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    assert ran.code == 0, ran.err
    assert f"{count:,} pages wait" in ran.err, ran.err
    print(f"{count:,} addresses: {grown:.0f} MB more")
    assert grown < 900


ENTITIES = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else 'aaaaaaaaaa'}'>" for n in range(12))
SITEMAPS = {
    "entities that explode": f"<?xml version='1.0'?><!DOCTYPE x [{ENTITIES}]>"
    "<urlset><url><loc>&a11;</loc></url></urlset>",
    "an entity of a file": "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    "<urlset><url><loc>HOST/&f;</loc></url></urlset>",
    "an entity of a page": "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY % f SYSTEM 'HOST/Evil.dtd'> %f;]>"
    "<urlset><url><loc>HOST/Good</loc></url></urlset>",
    "a page included": "<?xml version='1.0'?><urlset xmlns:xi='http://www.w3.org/2001/XInclude'><url>"
    "<loc><xi:include href='file:///etc/passwd' parse='text'/></loc></url></urlset>",
    "deep": "<urlset>" + "<url>" * 100_000,
    "an address of ten megabytes": f"<urlset><url><loc>HOST/{'x' * 10_000_000}</loc></url></urlset>",
    "itself": "<sitemapindex><sitemap><loc>HOST/sitemap_index.xml</loc></sitemap></sitemapindex>",
    "noise": "\x00\x01\x02",
}


@pytest.mark.parametrize("case", SITEMAPS)
def test_a_sitemap_that_means_harm(site: Site, crawl: Callable[..., Ran], tmp_path: Path, case: str) -> None:
    body = SITEMAPS[case].replace("HOST", site.origin)
    site.articles("Good")
    site.at("/sitemap_index.xml", answer(200, body, Content_Type="application/xml"))
    ran = crawl("--sitemap")
    assert ran.code == 0 and "Traceback" not in ran.err, ran.err
    assert set(site.paths()) <= {"/sitemap_index.xml", "/Good"}
    assert not any("root" in path for path in outcomes(tmp_path / "c"))


def counting(request: Quiet) -> int:
    """The number in the address of a page of a category."""
    return int(request.path.rpartition("=")[2]) if "pg=" in request.path else 1


def same_again(request: Quiet) -> None:
    """A page of a category that lists the same article as all others, and names a further page."""
    answer(200, category(["Good"], [], [f"?pg={counting(request) + 1}"]))(request)


def new_ones(request: Quiet) -> None:
    """A page of a category that lists an article that there is not, and names a further page."""
    answer(200, category([f"Made-Up-{counting(request)}"], [], [f"?pg={counting(request) + 1}"]))(request)


def deeper(request: Quiet) -> None:
    """A category that has another one below it."""
    number = int(request.path.rpartition("-")[2]) if "-" in request.path else 0
    answer(200, category(["Good"], [f"Below-{number + 1}"]))(request)


@pytest.mark.parametrize("trap", [same_again, new_ones, deeper])
@pytest.mark.parametrize("pages", [30, pytest.param(listings.MOST_PAGES, marks=pytest.mark.torture)])
def test_endless_categories_end(
    site: Site,
    crawl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    trap: Callable[[Quiet], None],
    pages: int,
) -> None:
    monkeypatch.setattr(listings, "MOST_PAGES", pages)
    site.articles("Good")
    known = site.serve

    def serve(request: Quiet) -> None:
        if request.path.startswith("/Category:"):
            site.table[request.path] = [trap]
        known(request)

    site.serve = serve  # type: ignore[method-assign]
    ran = crawl("--category", "Trap", "--limit", "6000")
    assert ran.code == 0, ran.err
    asked = [path for path in site.paths() if path.startswith("/Category:")]
    assert len(asked) == (listings.MOST_LEVELS + 2 if trap is deeper else pages)
    assert "/Good" in site.paths() or trap is new_ones
