"""A page of a crawl: as it is put in line, as it waits there, and what an answer means for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from crawl.site.addresses import Address

Outcome = Literal["ok", "restricted", "gone", "redirect", "blocked", "not_article", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page to put into the frontier."""

    address: Address
    depth: int = 0
    seed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the frontier."""

    id: int
    address: Address
    depth: int
    seed: bool
    due: int
    """Not to be asked for before (seconds since 1970)."""
    waits: bool
    """Whether it is in line at all."""
    tries: int
    hops: int
    outcome: Outcome | None
    """What an earlier visit found, where this is another one."""
    validator: str
    spelling: str
    """The address to ask for where the server insists on a spelling of its own."""

    @property
    def url(self) -> str:
        """The address to ask for."""
        return self.spelling or self.address.url


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an answer means for its page, and what it leads to."""

    outcome: Outcome
    reason: str = ""
    retry: bool = False
    """Whether asking again later may bring another outcome."""
    unchanged: bool = False
    """The copy we hold is still the page (status 304)."""
    target: Address | None = None
    """The page that a redirect leads to."""
    elsewhere: str = ""
    """Where a redirect leads that is not followed."""
    spelling: str = ""
    """The same page's address as the server wants it spelt."""
    found: tuple[Entry, ...] = ()
    """Pages that this one lists or links to."""
    followed: bool = False
    """Whether `found` holds all links that the crawl follows from here."""
    body_is_targets: bool = False
    """The answer holds the article of `target` (a redirect inside the site)."""
