"""`howtree crawl` against a real server on loopback that misbehaves on purpose; the server's log is the witness."""

from __future__ import annotations

import gzip
import json
import random
import socket
import sqlite3
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from crawl_site import (
    BLOCK_PAGE,
    Behaviour,
    Site,
    answer,
    article,
    category,
    drip,
    flood,
    hang,
    packed,
    raw,
    redirect,
    reset,
)
from warcio.archiveiterator import ArchiveIterator

from kb import cli


class Time:
    """A clock that sleep moves on at once. The server's log reads it too, so it proves every pause."""

    now = 0.0

    def __init__(self) -> None:
        Time.now = Time.now or time.time()

    def time(self) -> float:
        return Time.now

    def monotonic(self) -> float:
        return Time.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        Time.now += max(seconds, 1e-6)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    Time.now = time.time()
    monkeypatch.setattr("crawl.pacing.Clock", Time)
    monkeypatch.setenv("HOWTREE_PROGRESS", "0")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(clock=lambda: Time.now) as site:
        yield site


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def howtree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["howtree", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


MANNERS = ("--contact", "reader@example.org", "--accept-terms", "--timeout", "0.6", "--tries", "3")
INTERVAL = 3.0


@pytest.fixture
def crawl(site: Site, tmp_path: Path, howtree: Callable[..., Ran]) -> Callable[..., Ran]:
    """Crawl the site into tmp_path/c, and look at the log: no two requests closer than the pace allows."""

    def run(*words: object, host: str | None = None) -> Ran:
        ran = howtree("crawl", tmp_path / "c", *words, "--host", host or site.origin, *MANNERS)
        assert all(gap >= INTERVAL - 1e-6 for gap in site.gaps()), site.gaps()
        return ran

    return run


def outcomes(folder: Path) -> dict[str, tuple[str, str]]:
    """Outcome and reason of every page, by path."""
    with sqlite3.connect(folder / "frontier.sqlite") as db:
        rows = db.execute(
            "SELECT path, coalesce(outcome, 'waiting'), coalesce(reason, '') FROM pages"
        ).fetchall()
    db.close()
    return {path: (outcome, reason) for path, outcome, reason in rows}


def status(howtree: Callable[..., Ran], folder: Path) -> dict[str, object]:
    return json.loads(howtree("crawl", "--status", folder, "--json").out)


def archived(folder: Path) -> Counter[tuple[str, str]]:
    """(address, status) of every answer in every segment, read by warcio alone."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                record.content_stream().read()
                if record.rec_type in ("response", "revisit"):
                    uri = record.rec_headers.get_header("WARC-Target-URI")
                    found[uri, record.http_headers.get_statuscode()] += 1
    return found


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
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n<html>"
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
    "/Forbidden": ([answer(403, BLOCK_PAGE)], "blocked", "status 403", 3),
    "/A-Picture": ([answer(200, b"\x89PNG", Content_Type="image/png")], "not_article", "no HTML", 1),
    "/A-Text": ([answer(200, b"words", Content_Type="text/plain")], "not_article", "no HTML", 1),
    "/A-Quiz-Of-Sorts": ([answer(200, "<html><body><h1>Quiz</h1></body></html>")], "not_article", "", 1),
    "/Nested": ([answer(200, "<html>" + "<div>" * 50_000 + "</html>")], "not_article", "", 1),
    "/Nowhere": ([answer(301)], "failed", "redirect without an address", 1),
    "/Unasked-304": ([answer(304)], "failed", "status 304", 1),
    "/Old-Name": ([redirect("/New-Name")], "redirect", "", 1),
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
    assert report["seeds_by_redirect"] == 1


@pytest.mark.parametrize(
    ("behaviour", "least"),
    [
        (lambda site: answer(429, Retry_After="500"), 500),
        (lambda site: answer(503, Retry_After="500"), 500),
        (lambda site: answer(429, Retry_After=site.date(700), Date=site.date()), 699),
        (lambda site: answer(429, Retry_After=site.date(-9000)), 30),
        (lambda site: answer(429), 30),
        (lambda site: answer(503), 30),
        (lambda site: answer(200, article("A"), Retry_After="90"), 90),
    ],
    ids=["429 seconds", "503 seconds", "429 date", "past date", "429", "503", "200 with Retry-After"],
)
def test_a_wish_to_wait_holds_every_request(
    site: Site, crawl: Callable[..., Ran], behaviour: Callable[[Site], Behaviour], least: float
) -> None:
    site.articles("A", "B")
    site.at("/A", behaviour(site), answer(200, article("A")))
    assert crawl("A", "B").code == 0
    assert site.paths()[:2] == ["/A", "/B"]
    assert site.gaps()[1] >= least


def test_the_pause_grows_with_trouble_in_a_row_and_eases(site: Site, crawl: Callable[..., Ran]) -> None:
    titles = [f"Thing {number}" for number in range(9)]
    site.articles(*titles)
    for title in titles[:4]:
        site.at(f"/{title.replace(' ', '-')}", answer(503), answer(200, article(title)))
    assert crawl(*titles).code == 0
    gaps = site.gaps()[1:]
    assert all(later >= 1.5 * earlier for earlier, later in zip(gaps[:3], gaps[1:4], strict=True))
    assert gaps[3] >= 240
    assert max(gaps[5:]) < 5


def test_crawl_delay_slows_the_pace(site: Site, crawl: Callable[..., Ran]) -> None:
    site.articles("A", "B", "C")
    site.at("/robots.txt", answer(200, "User-agent: howtree\nCrawl-delay: 17\n", Content_Type="text/plain"))
    assert crawl("A", "B", "C").code == 0
    assert min(site.gaps()) >= 17
    assert max(site.gaps()) > min(site.gaps())  # jitter


def test_a_later_run_keeps_to_the_pace_of_the_first(site: Site, crawl: Callable[..., Ran]) -> None:
    site.articles("A", "B")
    site.at("/A", answer(429, Retry_After="1000"), answer(200, article("A")))
    assert crawl("A", "B", "--limit", "1").code == 0
    assert crawl().code == 0
    assert site.gaps()[1] >= 1000
    assert sorted(set(site.paths())) == ["/A", "/B"]


def test_a_wait_of_days_ends_the_run_with_everything_kept(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("B")
    site.at("/A", answer(429, Retry_After="999999"))
    ran = crawl("A", "B")
    assert ran.code == 1 and "run again after" in ran.err
    assert outcomes(tmp_path / "c")["/B"][0] == "waiting"
    assert crawl().code == 1
    assert site.paths() == ["/A"]


@pytest.mark.parametrize(
    "behaviours",
    [
        [answer(500)],
        [answer(403)],
        [answer(429)],
        [hang(1.0)],
        [raw(b"")],
        [answer(200, BLOCK_PAGE)],
        [redirect("https://example.org/robots.txt")],
        [redirect("/robots.txt")],
        [flood(3)],
    ],
    ids=["500", "403", "429", "hangs", "cut", "block page", "off host", "loop", "flood"],
)
def test_nothing_is_fetched_where_robots_cannot_be_read(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, behaviours: list[Behaviour]
) -> None:
    site.articles("A")
    site.at("/robots.txt", *behaviours)
    ran = crawl("A")
    assert ran.code == 1 and "robots.txt" in ran.err
    assert site.paths() == []
    assert outcomes(tmp_path / "c") == {"/A": ("waiting", "")}
    site.at("/robots.txt", answer(404))
    assert crawl().code == 0
    assert outcomes(tmp_path / "c") == {"/A": ("ok", "")}


def test_robots_that_recovers_or_moves_inside_the_host(site: Site, crawl: Callable[..., Ran]) -> None:
    site.articles("A")
    site.at("/robots.txt", answer(503), redirect("/rules.txt"))
    site.at("/rules.txt", answer(200, "User-agent: *\nDisallow: /B\n", Content_Type="text/plain"))
    assert crawl("A", "B").code == 0
    assert site.paths() == ["/rules.txt", "/A"]


@pytest.mark.parametrize("agent", ["*", "howtree", "HowTree"])
def test_a_host_that_denies_everything_is_asked_for_nothing(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, agent: str
) -> None:
    site.at("/robots.txt", answer(200, f"User-agent: {agent}\nDisallow: /\n", Content_Type="text/plain"))
    assert crawl("A", "B").code == 0
    assert site.paths() == []
    assert set(outcomes(tmp_path / "c").values()) == {("blocked", "robots.txt")}


def test_one_dead_host_does_not_stop_another(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    site.articles("A")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (tmp_path / "seeds.txt").write_text(f"{dead}/Lost\n{site.origin}/A\n")
    ran = crawl("--seeds", tmp_path / "seeds.txt", "--allow-host", dead)
    assert ran.code == 1 and dead in ran.err and "connection refused" in ran.err
    assert outcomes(tmp_path / "c") == {"/A": ("ok", ""), "/Lost": ("waiting", "")}


def test_a_server_that_goes_away_for_a_while(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = [f"Thing {number}" for number in range(12)]
    site.articles(*titles)

    class Away(Time):
        """Shuts the server after a few pages, and opens it again twenty minutes later."""

        away_at: float | None = None
        back = False

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if Away.away_at is None and len(site.paths()) == 4:
                Away.away_at = Time.now
                site.shut()
            elif Away.away_at and not Away.back and Time.now > Away.away_at + 1200:
                Away.back = True
                site.open()

    monkeypatch.setattr("crawl.pacing.Clock", Away)
    assert crawl(*titles).code == 0
    assert set(outcomes(tmp_path / "c").values()) == {("ok", "")}
    assert sorted(site.paths()) == sorted(f"/{title.replace(' ', '-')}" for title in titles)


def test_an_untrusted_certificate_is_refused(tmp_path: Path, howtree: Callable[..., Ran]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Site(clock=lambda: Time.now, tls=context) as site:
        ran = howtree("crawl", tmp_path / "c", "A", "--host", site.origin, *MANNERS)
        assert ran.code == 1 and "TLS error" in ran.err
        assert site.log == []


def test_certificates_that_break_and_names_that_vanish_during_a_crawl(
    tmp_path: Path, howtree: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with Site(clock=lambda: Time.now, tls=context) as site, authority.cert_pem.tempfile() as trusted:
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        close = {"Connection": "close"}
        site.articles("A", "B", "C")
        site.at("/A", answer(200, article("A"), close))
        resolve = socket.getaddrinfo
        calls: list[object] = []

        def vanish(host: str, *rest: object, **more: object) -> object:
            calls.append(host)
            if 2 <= len(calls) <= 3:
                raise socket.gaierror(-2, "Name or service not known")
            return resolve(host, *rest, **more)

        site.at("/robots.txt", answer(200, "", close, Content_Type="text/plain"))
        monkeypatch.setattr(socket, "getaddrinfo", vanish)
        ran = howtree("crawl", tmp_path / "c", "A", "B", "--host", f"https://localhost:{site.port}", *MANNERS)
        assert ran.code == 0, ran.err
        assert outcomes(tmp_path / "c") == {"/A": ("ok", ""), "/B": ("ok", "")}
        assert len(calls) > 3
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        strangers = trustme.CA().issue_cert("localhost")
        answered = site.table["/robots.txt"][0]

        def switch(request: object) -> None:
            answered(request)  # type: ignore[arg-type]
            strangers.configure_cert(context)

        site.at("/robots.txt", switch)
        ran = howtree("crawl", tmp_path / "c", "C", "--host", f"https://localhost:{site.port}", *MANNERS)
        assert outcomes(tmp_path / "c")["/C"] == ("failed", "TLS error")
        assert all(gap >= INTERVAL for gap in site.gaps())


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_a_public_name_with_a_private_address_is_never_reached(
    site: Site, howtree: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    reached: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (place, site.port))])
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: reached.append(a))
    ran = howtree("crawl", tmp_path / "c", "https://www.wikihow.com/A", *MANNERS)
    assert ran.code == 1 and "private address" in ran.err
    assert reached == [] and site.log == []


def test_all_spellings_of_a_title_are_one_page(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    wanted = {
        "/Make-Caf%C3%A9-au-Lait": "Make Café au Lait",
        "/%E9%AD%9A%E3%82%92%E7%84%BC%E3%81%8F": "魚を焼く",
        "/Know-What%27s-100%25-True%3F": "Know What's 100% True?",
        "/Clean-a-24/7-Kitchen": "Clean a 24/7 Kitchen",
        "/Use-C%2B%2B-%26-C": "Use C++ & C",
        "/Win-at-Portal:-The-Game": "Win at Portal: The Game",
        "/Latin-%E9t%E9": "Latin",
    }
    for path, title in wanted.items():
        site.at(path, answer(200, article(title)))
    seeds = [
        "How to Make Café au Lait",
        "/Make-Caf%c3%a9-au-Lait?utm=1#steps",
        "/Make_Café_au_Lait",
        "/Make-Cafe\u0301-au-Lait",
        "魚を焼く",
        "/魚を焼く",
        "Know What's 100% True?",
        "/Know-What's-100%25-True%3f",
        "Clean a 24/7 Kitchen",
        "/Clean-a-24%2F7-Kitchen/",
        "Use C++ & C",
        "/Use-C++-%26-C",
        "Win at Portal: The Game",
        "/Latin-%e9t%e9",
    ]
    (tmp_path / "seeds.txt").write_text("\n".join(["\ufeff# a comment", "", *seeds]), encoding="utf-8")
    assert crawl("--seeds", tmp_path / "seeds.txt").code == 0
    assert sorted(site.paths()) == sorted(wanted)
    assert set(outcomes(tmp_path / "c").values()) == {("ok", "")}


def test_a_server_that_insists_on_its_own_spelling(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.at("/Cook-Mom%27s-Stew", redirect("/Cook-Mom's-Stew"))
    site.at("/Cook-Mom's-Stew", answer(200, article("Cook Mom's Stew")))
    assert crawl("Cook Mom's Stew").code == 0
    assert site.paths() == ["/Cook-Mom%27s-Stew", "/Cook-Mom's-Stew"]
    assert outcomes(tmp_path / "c") == {"/Cook-Mom%27s-Stew": ("ok", "")}


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


def test_a_category_with_its_pages_and_what_is_below_it(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("Grill Fish", "Fry Fish", "Smoke Fish", "Catch a Trout", "Tie a Knot")
    site.at("/Category:Fish", answer(200, category(["Grill-Fish"], ["Trout", "Moved"], ["?pg=2"])))
    site.at("/Category:Fish?pg=2", answer(200, category(["Fry-Fish", "Special:Random"], [], ["?pg=3"])))
    site.at("/Category:Fish?pg=3", answer(200, category(["Smoke-Fish"], [], ["?pg=2"])))
    site.at("/Category:Trout", answer(200, category(["Catch-a-Trout"])))
    site.at("/Category:Trout?pg=2", redirect("/Category:Trout"))
    site.at("/Category:Moved", redirect("/Category:Knots"))
    site.at("/Category:Knots", answer(200, category(["Tie-a-Knot"])))
    site.at("/Category:Knots?pg=2", answer(200, category([])))
    assert crawl("--category", "Fish").code == 0
    found = outcomes(tmp_path / "c")
    assert {path for path, (outcome, _) in found.items() if outcome == "ok" and ":" not in path} == {
        "/Grill-Fish",
        "/Fry-Fish",
        "/Smoke-Fish",
        "/Catch-a-Trout",
        "/Tie-a-Knot",
    }
    assert found["/Category:Trout?pg=2"] == ("gone", "behind the last page")
    assert "/Category:Everything" not in found  # the breadcrumb leads up, not down
    assert max(Counter(site.paths()).values()) == 1


def test_the_sitemap_index_and_its_sitemaps(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    site.articles("A", "B", "C")
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

    def urls(*paths: str) -> str:
        rows = "".join(
            f"<url><loc>{site.origin}{path}</loc><lastmod>2020-01-01</lastmod></url>" for path in paths
        )
        return f"<?xml version='1.0'?><urlset {space}>{rows}</urlset>"

    index = "".join(
        f"<sitemap><loc>{url}</loc></sitemap>"
        for url in (f"{site.origin}/s.php?n=1&amp;x=2", f"{site.origin}/s2.xml.gz", f"{site.origin}/bad.xml")
    )
    xml = {"Content-Type": "application/xml"}
    site.at("/sitemap_index.xml", answer(200, f"<sitemapindex {space}>{index}</sitemapindex>", xml))
    site.at("/s.php?n=1&x=2", answer(200, urls("/A", "/B", "/Category:X", "/Quizzes/Y"), xml))
    site.at(
        "/s2.xml.gz", answer(200, gzip.compress(urls("/B", "/C").encode()), Content_Type="application/gzip")
    )
    site.at("/bad.xml", answer(200, "<urlset><url><loc>/D</loc>", xml))
    assert crawl("--sitemap").code == 0
    found = outcomes(tmp_path / "c")
    assert {path for path in found if len(path) == 2} == {"/A", "/B", "/C"}
    assert found["/bad.xml"] == ("failed", "broken sitemap")


def test_links_and_related_articles_are_followed_to_the_depth(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.at("/Top", answer(200, article("Top", links=["One", "https://example.org/X"], related=["Side"])))
    site.at("/One", answer(200, article("One", links=["Two", "Top"])))
    site.at("/Two", answer(200, article("Two", links=["Three"])))
    site.articles("Three", "Side")
    assert crawl("Top", "--follow", "links", "--depth", "2").code == 0
    assert site.paths() == ["/Top", "/One", "/Two"]
    assert crawl("--follow", "links", "--depth", "3").code == 0  # deeper, from what is on disk
    assert site.paths() == ["/Top", "/One", "/Two", "/Three"]
    assert crawl("--follow", "links", "--follow", "related", "--depth", "1").code == 0
    assert site.paths() == ["/Top", "/One", "/Two", "/Three", "/Side"]


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


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["A", "--contact", "me@example.org"], 2, "--accept-terms"),
        (["A", "--accept-terms"], 2, "--contact"),
        (["A", "--accept-terms", "--contact", "me@x\r\nX-Y: z"], 2, "--contact"),
        (["A", "--accept-terms", "--contact", "me@example.org", "--delay", "0.5"], 2, "--delay"),
        (["--accept-terms", "--contact", "me@example.org"], 2, "nothing to crawl"),
        (["https://example.org/A", *MANNERS], 1, "allowed host"),
        (["https://www.wikihow.com/Special:Random", *MANNERS], 1, "no article"),
        (["A", "--allow-host", "http://example.org", *MANNERS], 2, "only https"),
        (["--seeds", "missing.txt", *MANNERS], 1, "missing.txt"),
        (["--status"], 1, "holds no crawl"),
    ],
)
def test_wrong_calls_say_what_to_do(
    howtree: Callable[..., Ran], tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    ran = howtree("crawl", tmp_path / "c", *words)
    assert (ran.code, message in ran.err) == (code, True), ran.err
    assert "Traceback" not in ran.err


def test_bad_lines_of_a_seed_file_are_counted_and_named(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("A")
    (tmp_path / "seeds.txt").write_text("A\nhttps://example.org/B\n/Special:Random\n")
    ran = crawl("--seeds", tmp_path / "seeds.txt")
    assert ran.code == 0
    assert "seeds.txt, line 2: " in ran.err and "3 lines, 1 seeds, 2 left out" in ran.err


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
