"""The live crawl: one page after the other, politely, into a folder that survives any kill.

A turn takes the page that is due first, asks the host's robots.txt, sends one request, assesses the answer,
keeps it raw in a WARC segment and records everything in one transaction of the frontier.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from crawl.site.addresses import ADDRESS_KINDS, Address, Hosts
from crawl.site.assess import Assessor
from crawl.site.fetch import MAX_SITEMAP_BYTES, Answer, Fetcher, Trouble
from crawl.site.frontier import Frontier
from crawl.site.pacing import DELAY, Pace, Stopped
from crawl.site.page import Assessment, Entry, Page
from crawl.site.robots import PRODUCT, Robots, Rules
from crawl.site.segments import MAX_SEGMENT_BYTES, Segment, Span, read_answer, recovered
from howtree.errors import BadInput, BadUsage, HowtreeError
from howtree.files import make_folder
from howtree.progress import warn
from howtree.version import __version__

SHORTEST_DELAY = 1.0
"""Seconds below which no delay may be set where a host on the network is asked."""
PATIENCE = 6 * 3600.0
"""Seconds of nothing but trouble, or of a wait that the site asks for, after which a run ends by itself."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a crawl behaves."""

    contact: str
    """Mail or web address of the person who answers for the crawl; every request names it."""
    delay: float = DELAY
    timeout: float = 60.0
    """Seconds that one request may take."""
    tries: int = 5
    """Failed requests for a page before it is given up."""
    follow: frozenset[str] = frozenset()
    depth: int = 1
    """How many links from a seed are followed, where any are."""
    limit: int | None = None
    """Visits to pages after which this run ends."""

    @property
    def agent(self) -> str:
        """The User-Agent: name, version and a way to reach the person."""
        return f"{PRODUCT}/{__version__} (+{self.contact})"


@dataclass(slots=True)
class CrawlTally:
    """What a run has done."""

    settled: Counter[str] = field(default_factory=Counter)
    """Pages by outcome."""
    requests: int = 0
    visits: int = 0
    """Requests for pages, so without those for robots.txt."""
    found: int = 0
    """Pages that came into the frontier."""
    recovered: int = 0
    """Answers taken up from a run that was killed."""
    stopped: str = ""
    """Why the run ended before the frontier was empty."""


@contextmanager
def _sole_holder(folder: Path) -> Iterator[None]:
    """Make the folder and hold it against other crawls; a killed process releases it."""
    make_folder(folder)
    lock = FileLock(folder / ".crawl.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BadInput(f"{folder}: another crawl is running there") from error
    try:
        yield
    finally:
        lock.release()


class Spider:
    """A crawl of one folder. Use it as a context manager; only one may hold a folder at a time."""

    def __init__(
        self, folder: Path, hosts: Hosts, settings: Settings, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Open the folder, or make it, and take up what a killed run left behind.

        Raises:
            BadInput: another crawl holds the folder, or its frontier is damaged.
            BadUsage: the delay is too short for a host on the network.
        """
        self.folder = folder
        self.settings = settings
        self.tally = CrawlTally()
        self._open = ExitStack()
        with self._open as opening:
            opening.enter_context(_sole_holder(folder))
            self.frontier = opening.enter_context(closing(Frontier(folder)))
            self.hosts = self.frontier.allow(hosts)
            if settings.delay < SHORTEST_DELAY and not self.hosts.all_loopback:
                raise BadUsage(f"a --delay of {settings.delay:g} s is too short: the site asks for {DELAY:g}")
            self._open = opening.pop_all()
        self.pace = Pace(settings.delay, stopping)
        self._segment: Segment | None = None
        self._held: dict[str, str] = {}
        self._robots_tries: Counter[str] = Counter()
        self._assessor = Assessor(
            self.hosts,
            settings.follow,
            settings.depth,
            known=lambda address: self.frontier.page_at(address) is not None,
        )
        self._run = self.frontier.begin_run(self.pace.clock.time())
        self._resume()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._segment:
            self._segment.close()
        self._open.close()

    def plant(self, seeds: Iterable[Address]) -> int:
        """Put seeds in line. Returns how many were not known."""
        return self.frontier.add(Entry(address, seed=True) for address in seeds)

    def crawl(self, turned: Callable[[CrawlTally], None] = lambda tally: None) -> CrawlTally:
        """Fetch until no page waits, the limit is reached or the person stops; `turned` is called after every turn.

        Raises:
            HowtreeError: no host can be asked any more. Nothing that was fetched is lost.
        """
        with Fetcher(self.hosts, self.pace, self.settings.agent, self.settings.timeout) as fetcher:
            robots = Robots(fetcher)
            try:
                while self._turn(fetcher, robots):
                    turned(self.tally)
            except Stopped:
                self.tally.stopped = "stopped"
            finally:
                with suppress(sqlite3.Error):
                    self._note()
        if self._held and not self.tally.stopped:
            raise HowtreeError(
                "; ".join(self._held.values()) + ". Its pages stay in line: run the command again later"
            )
        return self.tally

    def _turn(self, fetcher: Fetcher, robots: Robots) -> bool:
        """One step of the crawl; False where nothing is left to do in this run."""
        if self._follow_kept_page():
            return True
        if self.settings.limit is not None and self.tally.visits >= self.settings.limit:
            self.tally.stopped = "limit"
            return False
        page = self.frontier.next(
            origin for origin in self.hosts.origins.values() if origin not in self._held
        )
        if page is None:
            return False
        self._check_patience()
        clock = self.pace.clock
        self.pace.wait_until(clock.monotonic() + page.due - clock.time())
        rules = self._rules(page, fetcher, robots)
        if rules is None:
            return True
        if rules.allow(page.url):
            self._visit(page, fetcher)
        else:
            self._settle(page, Assessment("blocked", "robots.txt"), None)
        return True

    def _check_patience(self) -> None:
        ready = self.pace.not_before
        if self.pace.troubled_for > PATIENCE or ready - self.pace.clock.time() > PATIENCE:
            until = f"{datetime.fromtimestamp(ready, UTC):%Y-%m-%d %H:%M} UTC"
            raise HowtreeError(f"the site is in trouble or wants to be left alone: run again after {until}")

    def _rules(self, page: Page, fetcher: Fetcher, robots: Robots) -> Rules | None:
        """What the page's host allows; None where that cannot be read: such a host is held in the end."""
        origin = page.address.origin
        asked = fetcher.requests
        try:
            rules = robots.rules(origin)
        except Trouble as trouble:
            self.pace.trouble()
            self._robots_tries[origin] += 1
            if trouble.final or self._robots_tries[origin] >= self.settings.tries:
                self._held[origin] = (
                    f"{origin}/robots.txt cannot be read ({trouble.reason}), so nothing is fetched"
                )
            return None
        else:
            self._robots_tries[origin] = 0
            return rules
        finally:
            if fetcher.requests > asked:
                self.tally.requests = fetcher.requests
                self._note()

    def _visit(self, page: Page, fetcher: Fetcher) -> None:
        self.tally.visits += 1
        answer = None
        try:
            answer = self._answer(page, fetcher)
            assessment = self._assessor.assess(page, answer)
        except Trouble as trouble:
            assessment = Assessment("failed", trouble.reason, retry=not trouble.final)
        finally:
            self.tally.requests = fetcher.requests
        if assessment.retry:
            self.pace.trouble()
        elif answer:
            self.pace.ease()
        if assessment.retry and page.tries + 1 < self.settings.tries:
            with self.frontier.transaction():
                self.frontier.postpone(page, self.pace.not_before, assessment.reason)
                self._note()
        else:
            self._settle(page, assessment, answer)

    def _answer(self, page: Page, fetcher: Fetcher) -> Answer:
        validator = page.validator if page.outcome == "ok" else ""
        if page.address.kind == "sitemap":
            return fetcher.get(page.url, validator, "application/xml,text/xml,*/*;q=0.1", MAX_SITEMAP_BYTES)
        return fetcher.get(page.url, validator)

    def _settle(
        self, page: Page, assessment: Assessment, answer: Answer | None, span: Span | None = None
    ) -> None:
        at = self.pace.clock.time()
        if answer and span is None and assessment.outcome != "failed":
            span = self._writable_segment().add(answer, at)
        validator = answer.validator if answer and assessment.outcome in ("ok", "redirect") else ""
        with self.frontier.transaction():
            before = self.frontier.newest()
            outcome = self.frontier.settle(page, assessment, at, span, validator)
            self.tally.found += self.frontier.newest() - before
            if outcome:
                self.tally.settled[outcome] += 1
            self._note()

    def _follow_kept_page(self) -> bool:
        """Follow, from disk, the links of a page that was fetched when they were not asked for."""
        if not self.settings.follow:
            return False
        kept = self.frontier.unfollowed(self.settings.depth)
        if kept is None:
            return False
        page, segment, start = kept
        links: tuple[Entry, ...] = ()
        try:
            links = self._assessor.links_of(page, read_answer(self.folder / segment, start))
        except (BadInput, Trouble) as error:
            warn(f"{page.url}: its links cannot be followed ({error})")
        self.tally.found += self.frontier.follow(page, links)
        return True

    def _resume(self) -> None:
        """Keep to the pace of the last run, and take up its answers that the frontier does not know."""
        clock = self.pace.clock
        if self._run > 1:  # the last run may have been killed a moment ago
            self.pace.hold(max(self.pace.interval, float(self.frontier.meta("asked interval") or 0.0)))
        self.pace.hold(float(self.frontier.meta("not before") or 0.0) - clock.time())
        follow = ",".join(sorted(self.settings.follow))
        if follow:
            if self.frontier.meta("followed") not in (None, follow):
                self.frontier.follow_anew()
            self.frontier.remember("followed", follow)
        self.frontier.remember("follow", follow)
        self.frontier.remember("depth", self.settings.depth)
        for number, name, counted in self.frontier.segments():
            path = self.folder / name
            if not path.exists() or path.stat().st_size == counted:
                continue
            for answer, start, end in recovered(path, counted):
                self._recover(answer, Span(number, start, end))
            if not path.stat().st_size:
                path.unlink()

    def _recover(self, answer: Answer, span: Span) -> None:
        addresses = (self.hosts.address(answer.url, kind) for kind in ADDRESS_KINDS)
        pages = [page for a in addresses if a and (page := self.frontier.page_at(a)) and page.waits]
        if not pages:
            return
        page = pages[0]
        try:
            assessment = self._assessor.assess(page, answer)
        except Trouble as trouble:
            assessment = Assessment("failed", trouble.reason)
        self._settle(page, assessment, answer, span)
        self.tally.recovered += 1

    def _writable_segment(self) -> Segment:
        if self._segment and self._segment.size >= MAX_SEGMENT_BYTES:
            self._segment.close()
            self._segment = None
        if self._segment is None:
            when = datetime.fromtimestamp(self.pace.clock.time(), UTC)
            name = f"pages-{len(self.frontier.segments()) + 1:05}-{when:%Y%m%dT%H%M%SZ}.warc.gz"
            about = {
                "software": f"howtree {__version__}",
                "format": "WARC File Format 1.1",
                "http-header-user-agent": self.settings.agent,
                "robots": "obeyed; no page where robots.txt cannot be read",
            }
            self._segment = Segment(self.folder / name, self.frontier.begin_segment(name), about)
        return self._segment

    def _note(self) -> None:
        """Record the pace and the progress of the run, so that the next run keeps to it."""
        clock = self.pace.clock
        with self.frontier.transaction():
            self.frontier.remember("not before", self.pace.not_before)
            self.frontier.remember("asked interval", self.pace.asked)
            self.frontier.note_run(self._run, clock.time(), self.tally.requests, self.tally.settled.total())
