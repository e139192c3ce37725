"""`howtree crawl` against a real server on loopback that misbehaves on purpose, whose log is the witness."""

from __future__ import annotations

import gzip
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.crawl_site import (
    BLOCK_PAGE,
    Behaviour,
    Site,
    answer,
    article,
    drip,
    flood,
    hang,
    packed,
    raw,
    redirect,
    reset,
)
from support.crawl_world import MANNERS, Ran, archived, crawl, howtree, outcomes, site, status


def test_articles_come_into_the_folder_and_the_tally(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("Grill Fish", "Boil Rice")
    ran = crawl("How to Grill Fish", f"{site.origin}/Boil-Rice#Steps")
    assert ran.code == 0
    assert "2 ok" in ran.err and "0 pages wait" in ran.err
    assert outcomes(tmp_path / "c") == {"/Grill-Fish": ("ok", ""), "/Boil-Rice": ("ok", "")}
    assert archived(tmp_path / "c") == {
        (f"{site.origin}/Grill-Fish", "200"): 1,
        (f"{site.origin}/Boil-Rice", "200"): 1,
    }
    with sqlite3.connect(tmp_path / "c" / "frontier.sqlite") as db:
        counted = dict(db.execute("SELECT name, bytes FROM segments"))
    db.close()
    assert counted == {path.name: path.stat().st_size for path in (tmp_path / "c").glob("*.warc.gz")}
    agents = {hit.headers["user-agent"] for hit in site.log}
    assert len(agents) == 1 and "reader@example.org" in agents.pop()
    assert site.log[0].path == "/robots.txt"


CUT = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90000\r\n\r\n" + article("X").encode()


SHORT = article("Short length").encode()


CASES: dict[str, tuple[list[Behaviour], str, str, int]] = {
    # what the path does, outcome, reason, requests
    "/Fine": ([answer(200, article("Fine"))], "ok", "", 1),
    "/In-Review": ([answer(404, article("In Review", restricted=True))], "restricted", "", 1),
    "/Gone": ([answer(404, "<html>no</html>")], "gone", "", 1),
    "/Gone-For-Good": ([answer(410)], "gone", "", 1),
    "/Too-Many": ([answer(429), answer(200, article("Too Many"))], "ok", "", 2),
    "/Too-Many-For-Ever": ([answer(429)], "failed", "status 429", 3),
    "/Wait-A-Minute": ([answer(429, Retry_After="61"), answer(200, article("W"))], "ok", "", 2),
    "/Nonsense-Wait": ([answer(429, Retry_After="soon"), answer(200, article("N"))], "ok", "", 2),
    "/Broken-Once": ([answer(500), answer(200, article("B"))], "ok", "", 2),
    "/Broken": ([answer(500, "<html>oops</html>")], "failed", "status 500", 3),
    "/Busy": ([answer(503, Retry_After="5"), answer(200, article("Busy"))], "ok", "", 2),
    "/Teapot": ([answer(418)], "failed", "status 418", 1),
    "/Hangs": ([hang(1.0)], "failed", "timed out", 3),
    "/Slow-Body": (
        [drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", b"x", 0.1, 12)],
        "failed",
        "timed out",
        3,
    ),
    "/Slow-Head": ([drip(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n", 0.1, 12)], "failed", "timed out", 3),
    "/Cut-Body": ([raw(CUT)], "failed", "cut answer", 3),
    "/Cut-Once": ([raw(CUT), answer(200, article("C"))], "ok", "", 2),
    "/Cut-Chunks": (
        [
            raw(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                b"Transfer-Encoding: chunked\r\n\r\nffff\r\n<html>"
            )
        ],
        "failed",
        "cut answer",
        3,
    ),
    "/Length-Too-Small": (
        [raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 400\r\n\r\n" + SHORT)],
        "failed",
        "cut answer",
        3,
    ),
    "/No-HTTP": ([raw(b"SSH-2.0-OpenSSH\r\n")], "failed", "cut answer", 3),
    "/Reset": ([reset], "failed", "cut answer", 3),
    "/Lying-Gzip": ([answer(200, article("L"), Content_Encoding="gzip")], "ok", "", 1),
    "/Silent-Gzip": ([answer(200, gzip.compress(article("S").encode()))], "ok", "", 1),
    "/Good-Gzip": ([packed(article("G"))], "ok", "", 1),
    "/Cut-Gzip": (
        [answer(200, gzip.compress(random.randbytes(9000))[:5000], Content_Encoding="gzip")],
        "failed",
        "damaged gzip",
        3,
    ),
    "/Brotli": (
        [answer(200, b"\x8b\x03\x80abc", Content_Encoding="br")],
        "failed",
        "unknown content encoding",
        1,
    ),
    "/Flood": ([flood(200)], "failed", "too large", 1),
    "/Claims-200-MB": ([answer(200, "<html>", Content_Length=str(200 * 2**20))], "failed", "too large", 1),
    "/Gzip-Bomb": (
        [answer(200, gzip.compress(b"x" * 2**25), Content_Encoding="gzip")],
        "failed",
        "too large",
        1,
    ),
    "/Blocked": ([answer(200, BLOCK_PAGE)], "blocked", "block page", 3),
    "/Blocked-Once": ([answer(200, BLOCK_PAGE), answer(200, article("O"))], "ok", "", 2),
    "/Blocked-In-Words": (
        [answer(200, "Too many requests", Content_Type="text/plain")],
        "blocked",
        "block page",
        3,
    ),
    "/Blocked-In-Short": ([answer(200, "<h1>Access denied</h1>")], "blocked", "block page", 3),
    "/Forbidden": ([answer(403, BLOCK_PAGE)], "blocked", "status 403", 3),
    "/A-Picture": ([answer(200, b"\x89PNG", Content_Type="image/png")], "not_article", "no HTML", 1),
    "/A-Text": ([answer(200, b"words", Content_Type="text/plain")], "not_article", "no HTML", 1),
    "/A-Quiz-Of-Sorts": ([answer(200, "<html><body><h1>Quiz</h1></body></html>")], "not_article", "", 1),
    "/Nested": ([answer(200, "<html>" + "<div>" * 50_000 + "</html>")], "not_article", "", 1),
    "/Nowhere": ([answer(301)], "failed", "redirect without an address", 1),
    "/Unasked-304": ([answer(304)], "failed", "status 304", 1),
    "/Old-Name": ([redirect("/New-Name")], "redirect", "", 1),
    "/Chain-1": ([redirect("/Chain-2", 302)], "redirect", "", 1),
    "/Chain-2": ([redirect("/New-Name", 308)], "redirect", "", 1),
    "/Loop": ([redirect("/Loop")], "failed", "redirect loop", 1),
    "/Round-1": ([redirect("/Round-2")], "redirect", "", 1),
    "/Round-2": ([redirect("/Round-3")], "redirect", "", 1),
    "/Round-3": ([redirect("/Round-1")], "failed", "redirect loop", 1),
    "/Abroad": ([redirect("https://example.org/Abroad")], "redirect", "off the allowed hosts", 1),
    "/To-Private": ([redirect("http://10.0.0.1/secret")], "redirect", "off the allowed hosts", 1),
    "/To-Metadata": ([redirect("http://169.254.169.254/latest")], "redirect", "off the allowed hosts", 1),
    "/To-Login": ([redirect("/Special:UserLogin")], "redirect", "to no article", 1),
    "/To-File": ([redirect("file:///etc/passwd")], "redirect", "off the allowed hosts", 1),
    "/Private-Diary": ([answer(200, article("D"))], "blocked", "robots.txt", 0),
    "/Into-Private": ([redirect("/Private-Letters")], "redirect", "", 1),
}


def test_every_misbehaviour_ends_in_its_outcome_and_the_run_goes_on(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, howtree: Callable[..., Ran]
) -> None:
    site.articles("New Name", "Last One")
    for path, (behaviours, *_) in CASES.items():
        site.at(path, *behaviours)
    (tmp_path / "seeds.txt").write_text("\n".join([*(site.origin + path for path in CASES), "Last One"]))
    ran = crawl("--seeds", tmp_path / "seeds.txt")
    assert ran.code == 0, ran.err
    found = outcomes(tmp_path / "c")
    assert {path: found[path] for path in CASES} == {path: case[1:3] for path, case in CASES.items()}
    hits = Counter(site.paths())
    assert {path: hits[path] for path in CASES} == {path: case[3] for path, case in CASES.items()}
    assert found["/Last-One"] == found["/New-Name"] == ("ok", "")
    assert found["/Private-Letters"] == ("blocked", "robots.txt")
    assert not [path for path in hits if "rivate-" in path or "Special:" in path]
    kept = archived(tmp_path / "c")
    assert {url.removeprefix(site.origin) for url, code in kept if code == "200"} >= {
        path for path, case in CASES.items() if case[1] == "ok"
    }
    assert max(kept.values()) == 1
    assert not [
        url for url, _ in kept if found[url.removeprefix(site.origin)][0] == "failed" and "Round" not in url
    ]
    report = status(howtree, tmp_path / "c")
    assert report["waiting"] == 0
    assert sum(report["seeds"].values()) == len(CASES) + 1
    assert report["seeds_by_redirect"] == 3


def test_a_redirect_is_an_alias_and_its_target_is_fetched_once(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, howtree: Callable[..., Ran]
) -> None:
    site.articles("New")
    for old in ("Old", "Older"):
        site.at(f"/{old}", redirect(f"{site.origin}/New", 302))
    site.at("/Same-Body", answer(200, article("New", canonical=f"{site.origin}/New")))
    assert crawl("Same Body", "Old", "New", "Older").code == 0
    assert sorted(site.paths()) == ["/Old", "/Older", "/Same-Body"]
    assert {outcome for outcome, _ in outcomes(tmp_path / "c").values()} == {"redirect", "ok"}
    report = status(howtree, tmp_path / "c")
    assert report["seeds"] == {"ok": 4} and report["seeds_by_redirect"] == 3


def test_an_endless_chain_of_redirects_is_cut(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    for number in range(40):
        site.at(f"/Hop-{number}", redirect(f"/Hop-{number + 1}"))
    assert crawl("Hop 0").code == 0
    assert len(site.paths()) == 11
    assert outcomes(tmp_path / "c")["/Hop-10"] == ("failed", "too many redirects")


def test_a_refresh_asks_by_etag_and_date_and_keeps_what_fails(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, howtree: Callable[..., Ran]
) -> None:
    date = "Mon, 03 Aug 2020 10:00:00 GMT"
    site.at("/Tagged", answer(200, article("Tagged"), ETag='"v1"'), answer(304))
    site.at("/Dated", answer(200, article("Dated"), Last_Modified=date), answer(200, article("Dated 2")))
    site.at("/Plain", answer(200, article("Plain")), answer(500))
    site.at("/Leaves", answer(200, article("Leaves")), answer(404))
    assert crawl("Tagged", "Dated", "Plain", "Leaves").code == 0
    first = len(site.log)
    assert crawl().code == 0
    assert len(site.log) == first, "a finished crawl asks for nothing"
    assert crawl("--refresh").code == 0
    asked = {hit.path: hit.headers for hit in site.log[first:]}
    assert asked["/Tagged"]["if-none-match"] == '"v1"'
    assert asked["/Dated"]["if-modified-since"] == date
    assert outcomes(tmp_path / "c") == {
        "/Tagged": ("ok", ""),
        "/Dated": ("ok", ""),
        "/Plain": ("ok", "status 500"),
        "/Leaves": ("gone", ""),
    }
    kept = archived(tmp_path / "c")
    assert kept[f"{site.origin}/Tagged", "304"] == 1
    assert kept[f"{site.origin}/Dated", "200"] == 2
    assert len(list((tmp_path / "c").glob("*.warc.gz"))) == 2


def test_retry_puts_pages_of_an_outcome_back(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    site.at("/A", answer(404), answer(200, article("A")))
    site.at("/B", answer(500), answer(500), answer(500), answer(200, article("B")))
    assert crawl("A", "B").code == 0
    assert outcomes(tmp_path / "c") == {"/A": ("gone", ""), "/B": ("failed", "status 500")}
    ran = crawl("--retry", "failed")
    assert ran.code == 0 and "1 pages with outcome failed" in ran.err
    assert outcomes(tmp_path / "c") == {"/A": ("gone", ""), "/B": ("ok", "")}


def test_status_counts_outcomes_rate_and_seeds(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, howtree: Callable[..., Ran]
) -> None:
    site.articles(*"ABCD")
    assert crawl(*"ABCDE", "--limit", "3").code == 0
    ran = howtree("crawl", "--status", tmp_path / "c")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["ok", "3"] and lines[1].split() == ["waiting", "2"]
    assert "seeds: 3 of 5 articles are here (60.0%), 2 waiting" in ran.out
    report = status(howtree, tmp_path / "c")
    assert 700 < report["pages_an_hour"] < 1300  # one in 3 to 3.75 seconds, and robots.txt
    assert report["hours_left"] == pytest.approx(2 / report["pages_an_hour"], abs=0.01)
    assert crawl().code == 0
    assert status(howtree, tmp_path / "c")["outcomes"] == {"ok": 4, "gone": 1}


def test_damaged_and_foreign_frontiers_are_refused(howtree: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "frontier.sqlite").write_bytes(b"no database at all" * 100)
    for words in (["--status", tmp_path], [tmp_path, "A", *MANNERS]):
        ran = howtree("crawl", *words)
        assert ran.code == 1 and "frontier" in ran.err


def test_torn_and_uncounted_records_of_a_killed_run(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    """A record that was written but not counted is taken up; half a record is cut off."""
    site.articles("A", "B", "C")
    assert crawl("A", "B", "C").code == 0
    folder = tmp_path / "c"
    with sqlite3.connect(folder / "frontier.sqlite") as db:
        place = dict(db.execute("SELECT path, start FROM pages"))
        db.execute("UPDATE pages SET outcome = NULL, due = 0, segment = NULL WHERE path IN ('/B', '/C')")
        db.execute("UPDATE segments SET bytes = ?", (place["/B"],))
    db.close()
    segment = next(folder.glob("*.warc.gz"))
    data = segment.read_bytes()
    segment.write_bytes(data[: place["/C"] + 40])
    before = len(site.log)
    assert "1 taken up" in crawl().err
    assert [hit.path for hit in site.log[before:]] == ["/robots.txt", "/C"]
    assert set(outcomes(folder).values()) == {("ok", "")}
    assert set(archived(folder).values()) == {1} and len(archived(folder)) == 3
    assert segment.read_bytes() == data[: place["/C"]], "a segment is never rewritten"
