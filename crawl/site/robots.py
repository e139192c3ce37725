"""robots.txt of each host: fetched live, read by Protego, and where it cannot be read nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from protego import Protego

from crawl.pages.decode import decode_page
from crawl.site.fetch import Answer, Fetcher, Trouble

PRODUCT = "howtree"
"""The name that robots.txt may address us by."""
LIFETIME = 24 * 3600.0
"""Seconds after which a robots.txt is fetched again (RFC 9309, section 2.4)."""
MAX_REDIRECTS = 5
"""Redirects that are followed from robots.txt, inside the allowed hosts (RFC 9309, section 2.3.1.2)."""
MAX_BYTES = 2**20
_VERSION = re.compile(r"^(\s*user-agent\s*:\s*[\w-]+)/[^\s#]*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one host allows."""

    parsed: Protego
    read_at: float
    """On the monotonic clock."""

    def allow(self, url: str) -> bool:
        """Whether this crawler may ask for `url`."""
        return bool(self.parsed.can_fetch(url, PRODUCT))

    @property
    def interval(self) -> float:
        """Seconds between requests that the host asks for (Crawl-delay or Request-rate), else 0."""
        rate = self.parsed.request_rate(PRODUCT)
        return max(self.parsed.crawl_delay(PRODUCT) or 0.0, rate.seconds / rate.requests if rate else 0.0)


def parse(text: str) -> Protego:
    """The rules in a text; a version behind a name ("howtree/0.1") is no part of it (RFC 9309, section 2.2.1)."""
    return Protego.parse(_VERSION.sub(r"\1", text))


class Robots:
    """The rules of all hosts of a crawl. Reading them slows the pace to what they ask for."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._pace = fetcher.pace
        self._known: dict[str, Rules] = {}

    def rules(self, origin: str) -> Rules:
        """The rules of a host, not older than a day.

        Raises:
            Trouble: no answer came that can be trusted as robots.txt, so nothing may be fetched there.
            Stopped: the person asked to stop while we waited.
        """
        known = self._known.get(origin)
        if known is None or self._pace.clock.monotonic() - known.read_at > LIFETIME:
            parsed = parse(_text(self._answer(f"{origin}/robots.txt")))
            known = self._known[origin] = Rules(parsed, self._pace.clock.monotonic())
            self._pace.ease()
            self._pace.slow_to(known.interval)
            self._pace.hold(self._pace.interval)
        return known

    def _answer(self, url: str) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._fetcher.get(url, accept="text/plain,*/*;q=0.1", limit=MAX_BYTES)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = self._fetcher.hosts.raw(answer.header("location"), base=url)
            if target is None:
                raise Trouble("leads off the allowed hosts", final=True)
            url = urljoin(url, target)
        raise Trouble("too many redirects", final=True)


def _text(answer: Answer) -> str:
    """The rules in an answer; "not found" (404, 410) allows everything (RFC 9309, section 2.3.1.3).

    Raises:
        Trouble: any other answer: an error, a refusal, or a page where a text should be.
    """
    if answer.status in (404, 410):
        return ""
    if answer.status != 200:
        raise Trouble(f"status {answer.status}", final=answer.status in (401, 403))
    text = decode_page(answer.content(MAX_BYTES))
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise Trouble("a page came instead")
    return text
