"""What a crawl costs beyond network and pause: the frontier at a million addresses, and one page.

Run: python tests/benchmarks/crawl_frontier.py [ADDRESSES]

Prints the size of the frontier, the time of a page in a small and a full one with their ratio, and for pages
as large as the site's, from a server on loopback, the time outside of network and pause.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.crawl_site import Site, article, packed

from crawl.site.addresses import Address, Hosts, path_of_slug
from crawl.site.fetch import Answer, Fetcher
from crawl.site.frontier import Frontier
from crawl.site.pacing import Pace
from crawl.site.page import Assessment, Entry
from crawl.site.segments import Span
from crawl.site.spider import Settings, Spider

HOST = "https://www.wikihow.com"
BOUND_MS = 60.0
BOUND_MB = 300.0
WORDS = (
    "Make",
    "Clean",
    "Grill",
    "Fish",
    "Write",
    "Letter",
    "Build",
    "House",
    "Small",
    "Garden",
    "Without",
    "Your",
)
TAG = '"a-tag-of-usual-length-32-letters"'


def address(number: int) -> Address:
    """An address as long as the site's are: 35 to 45 characters."""
    random.seed(number)
    return Address(HOST, path_of_slug("-".join(random.choices(WORDS, k=6)) + f"-{number}"))


def seconds_a_page(frontier: Frontier, pages: int) -> list[float]:
    """Time of taking a page, settling it and putting eight links in line, for so many pages."""
    times = []
    links = range(1, 9)
    for number in range(pages):
        found = tuple(Entry(address(random.randrange(10_000_000) + link), 1) for link in links)
        began = time.perf_counter()
        page = frontier.next([HOST])
        assert page
        assessment = Assessment("ok", found=found, followed=True)
        frontier.settle(
            page, assessment, 1e9 + number, Span(1, number, number + 1), '"a-tag-of-usual-length-32-letters"'
        )
        times.append(time.perf_counter() - began)
    return times


def fill(frontier: Frontier, start: int, stop: int) -> None:
    """Put numbered addresses in line."""
    for first in range(start, stop, 10_000):
        frontier.add(Entry(address(number)) for number in range(first, min(first + 10_000, stop)))


def frontier_at(addresses: int) -> None:
    """Size and time of a small and of a full frontier, first all waiting, then all fetched."""
    with tempfile.TemporaryDirectory() as folder:
        frontier = Frontier(Path(folder))
        frontier.begin_segment("one")
        fill(frontier, 0, addresses // 100)
        small = median(seconds_a_page(frontier, 500))
        fill(frontier, addresses // 100, addresses)
        waiting = _megabytes(frontier, folder)
        full = median(seconds_a_page(frontier, 500))
        frontier._db.execute(  # every page with what a fetched one carries
            "UPDATE pages SET due = NULL, outcome = 'ok', fetched_at = 1e9, segment = 1, start = id * 40000,"
            " validator = ?",
            (TAG,),
        )
        fetched = _megabytes(frontier, folder)
        frontier.close()
    print(f"frontier of {addresses:,} addresses: {waiting:.0f} MB waiting, {fetched:.0f} MB fetched")
    print(
        f"  share of the bound of {BOUND_MB:.0f} MB at a million: {fetched / BOUND_MB * 1e6 / addresses:.2f}"
    )
    print(
        f"  time a page: {small * 1e3:.2f} ms at {addresses // 100:,}, {full * 1e3:.2f} ms at {addresses:,}"
    )
    print(f"  ratio full to small: {full / small:.2f}")


def _megabytes(frontier: Frontier, folder: str) -> float:
    frontier.query("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6


def page_cost(pages: int) -> None:
    """Time of a page from taking it to its commit, without the request itself and the pause."""
    network: list[float] = []
    ask = Fetcher._ask

    def timed(*args: object, **more: object) -> Answer:
        began = time.perf_counter()
        try:
            return ask(*args, **more)  # type: ignore[arg-type]
        finally:
            network.append(time.perf_counter() - began)

    Fetcher._ask = timed  # type: ignore[method-assign, assignment]
    Pace.wait_until = lambda self, ready: None  # type: ignore[method-assign]
    turns: list[float] = []
    with Site() as site, tempfile.TemporaryDirectory() as folder:
        for number in range(pages):
            body = article(f"Page {number}", links=[f"Page-{number + step}" for step in range(1, 41)])
            padding = "".join(f"<div class='ad'>{random.random()}</div>" for _ in range(1_200))
            padding += "<script>" + "".join(f"var a{random.random()};" for _ in range(8_000)) + "</script>"
            site.at(f"/Page-{number}", packed(body.replace("</body>", f"{padding}</body>")))
        settings = Settings("bench@example.org", 0.0, follow=frozenset(["links"]), depth=pages, limit=pages)
        with Spider(Path(folder), Hosts([site.origin]), settings) as spider:
            spider.plant([Address(site.origin, "/Page-0")])
            last = time.perf_counter()

            def turned(tally: object) -> None:
                nonlocal last
                turns.append(time.perf_counter() - last)
                last = time.perf_counter()

            spider.crawl(turned)
    costs = [(turn - asked) * 1e3 for turn, asked in zip(turns[1:], network[2:], strict=True)]
    cost, worst = mean(costs), sorted(costs)[int(len(costs) * 0.95)]
    size = len(body) + len(padding)
    print(f"page of {size / 1e3:.0f} kB, beyond network and pause: {cost:.1f} ms, 95% below {worst:.1f} ms")
    print(f"  share of the bound of {BOUND_MS:.0f} ms: {cost / BOUND_MS:.2f}")


if __name__ == "__main__":
    os.environ["HOWTREE_PROGRESS"] = "0"
    page_cost(300)
    frontier_at(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
