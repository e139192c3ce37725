"""The pace, robots.txt and patience of `howtree crawl`, proved by the server's own log."""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from support.crawl_site import (
    BLOCK_PAGE,
    Behaviour,
    Site,
    answer,
    article,
    flood,
    hang,
    raw,
    redirect,
)
from support.crawl_world import Ran, Time, crawl, howtree, outcomes, site


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
    assert all(later >= 1.5 * earlier for earlier, later in pairwise(gaps[:4]))
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

    monkeypatch.setattr("crawl.site.pacing.Clock", Away)
    assert crawl(*titles).code == 0
    assert set(outcomes(tmp_path / "c").values()) == {("ok", "")}
    assert sorted(site.paths()) == sorted(f"/{title.replace(' ', '-')}" for title in titles)


def test_hours_of_nothing_but_trouble_end_the_run_and_a_later_one_goes_on(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    titles = [f"Thing {number}" for number in range(40)]
    site.default = answer(503)
    ran = crawl(*titles)
    assert ran.code == 1 and "run again after" in ran.err and "40 pages wait" in ran.err
    assert len(site.paths()) < 40
    assert Time.now - site.log[0].at > 6 * 3600
    site.articles(*titles)
    assert crawl().code == 0
    assert set(outcomes(tmp_path / "c").values()) == {("ok", "")}
