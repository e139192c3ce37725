"""What the tests of the crawl share: a site, a clock that sleep moves on, and the command's front door."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from support.command import within
from support.crawl_site import Site


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
def howtree(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    Time.now = time.time()
    monkeypatch.setattr("crawl.site.pacing.Clock", Time)

    def run(*words: object) -> Ran:
        done = within(*words)
        return Ran(done.returncode, done.stdout, done.stderr)

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
    return json.loads(howtree("crawl", "--status", folder, "--format", "json").out)


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
