"""The one pacing rule: when the next request may be sent, whatever it is for and whichever host it asks.

All hosts of a crawl share one pace, for the hosts of a site family share one limit. The pause is counted
from the end of an answer to the start of the next request, so a server never sees a shorter one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

DELAY = 3.0
"""Seconds between requests that wikiHow's robots.txt asks for."""
JITTER = 0.25
"""A pause is longer than the rule asks by a random part of up to this."""
FIRST_STRAIN = 10
"""The first pause for trouble, in units of the usual interval; each further one in a row is twice as long."""
LONGEST_STRAIN = 900.0
"""Seconds after which the pause for trouble grows no more (a Retry-After may ask for longer)."""
SLICE = 0.2
"""Seconds of sleep after which a wish to stop is heard."""


class Clock:
    """The machine's clocks and its sleep. Everything that waits or dates goes through one of these."""

    def time(self) -> float:
        """Seconds since 1970; may jump when the machine's clock is set."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Stopped(Exception):
    """The person asked to stop while the crawl was waiting."""


class Pace:
    """Knows when the next request may be sent: `wait()` before it, `answered()` after it."""

    def __init__(self, delay: float = DELAY, stopping: Callable[[], bool] = lambda: False) -> None:
        self.clock = Clock()
        self.delay = delay
        """Seconds between requests that the user wants."""
        self.asked = 0.0
        """Seconds between requests that the site asks for (its Crawl-delay)."""
        self.strain = 0
        """Troubles in a row, less the good answers since."""
        self.troubled_since: float | None = None
        self._stopping = stopping
        self._ready = self.clock.monotonic()

    @property
    def interval(self) -> float:
        """Seconds between requests: the longer of what the user wants and what the site asks for."""
        return max(self.delay, self.asked)

    @property
    def not_before(self) -> float:
        """When the next request may be sent, in seconds since 1970: what a later run must keep to."""
        return self.clock.time() + max(0.0, self._ready - self.clock.monotonic())

    @property
    def troubled_for(self) -> float:
        """Seconds since the last good answer, where nothing but trouble came since."""
        return 0.0 if self.troubled_since is None else self.clock.monotonic() - self.troubled_since

    def hold(self, seconds: float) -> None:
        """Send nothing for `seconds` from now; never shortens a pause."""
        self._ready = max(self._ready, self.clock.monotonic() + seconds)

    def slow_to(self, interval: float) -> None:
        """Keep at least `interval` seconds between requests from now on, for this host or another asks so."""
        self.asked = max(self.asked, interval)

    def wait(self) -> None:
        """Sleep until the next request may be sent.

        Raises:
            Stopped: the person asked to stop first.
        """
        self.wait_until(self._ready)

    def wait_until(self, ready: float) -> None:
        """Sleep until the monotonic clock shows `ready`. Raises Stopped like `wait`."""
        while True:
            if self._stopping():
                raise Stopped
            if (left := ready - self.clock.monotonic()) <= 0:
                return
            self.clock.sleep(min(left, SLICE))

    def answered(self, retry_after: float | None = None) -> None:
        """A request has ended: hold the interval with jitter, or Retry-After (seconds) where it is longer."""
        self.hold(max(self.interval, retry_after or 0.0) * random.uniform(1.0, 1.0 + JITTER))

    def trouble(self) -> None:
        """The site is in trouble or has enough of us: the pause for everything grows."""
        self.strain += 1
        if self.troubled_since is None:
            self.troubled_since = self.clock.monotonic()
        pause = self.interval * FIRST_STRAIN * 2 ** min(self.strain - 1, 20)
        self.hold(min(pause, max(LONGEST_STRAIN, self.interval)) * random.uniform(1.0, 1.0 + JITTER))

    def ease(self) -> None:
        """A good answer came."""
        self.strain = max(0, self.strain - 1)
        self.troubled_since = None
