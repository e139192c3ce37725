"""What is never a link from one site to another: an article on a program or device that the step does not name.

Within a site titles need not say what all of its articles are about. Another site has the help of another program under
the same words.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from linking.arrays import ArticleIds, Flags, Positions
from linking.candidates import Asked, Goals, Sites, StepBatch
from linking.verify.words import listed, stem

WORD = re.compile(r"[^\W_]+")
MODEL = re.compile(r"(?!\d+(?:st|nd|rd|th)$)(?:[a-z]+\d[a-z\d]*|\d{4,})$")
"""A number by which makers tell their products apart: ga15, x200, 2008; no ordinal, amount or size."""
ADDRESS = listed(
    "www com org net co help support docs doc documentation wiki manual guide guides user users site"
)
"""Words of sites' addresses that name nothing."""
ACTS = (
    r"\b(?:(?:double-|right-)?click|tap|menu|button|dialog|check ?box|drop-?down|toolbar|icon|cursor|ctrl|settings|"
    r"folder|url|log ?in|password)\b"
)
"""What a step has that works on the interface of a program."""


class Across:
    """Judges candidates of one language that are of another site than their step. An editor's mention is not: who set
    it has looked."""

    def __init__(self, goals: Goals) -> None:
        self.ids, self.sites = goals.ids, goals.sites
        asked = [] if goals.sites is None else goals.sites.asked
        self._asking = np.array([each is not None for each in asked], bool)

    def unnamed(self, batch: StepBatch, step: Positions, article: ArticleIds) -> Flags:
        """Whether each candidate is of another site and about something that the step does not name; all [n].

        `step` are positions in the batch.
        """
        if self.sites is None:
            return np.zeros(len(step), bool)
        at = self._at(article)
        gone = self.sites.number[self._at(batch.article_ids[step])] != self.sites.number[at]
        gone &= self._asking[at] & ~batch.mentioned(step, article)
        doubtful = np.flatnonzero(gone)
        steps, of_pair = np.unique(step[doubtful], return_inverse=True)
        said = self._said(self.sites, batch, steps)
        for pair, place, goal in zip(doubtful, of_pair, at[doubtful], strict=True):
            gone[pair] = not any(names <= said[place] for names in self.sites.asked[goal] or ())
        return np.asarray(gone)

    def _said(self, sites: Sites, batch: StepBatch, steps: Positions) -> list[frozenset[str]]:
        """The words of the steps at these positions, of their articles' titles, methods and sites."""
        own = self._at(batch.article_ids[steps])
        return [
            names_in(f"{place.step} {place.article} {place.method}") | sites.own[at]
            for place, at in zip(batch.places(steps), own, strict=True)
        ]

    def _at(self, articles: ArticleIds) -> Positions:
        return np.searchsorted(self.ids, articles)


def names_in(text: str) -> frozenset[str]:
    """The words of a text, as names are compared."""
    return frozenset(map(as_name, WORD.findall(text.lower())))


def as_name(word: str) -> str:
    """A word as names are compared: without an ending, but for numbers."""
    return word if any(map(str.isdigit, word)) else stem(word)


def names_of_site(site: str) -> frozenset[str]:
    """What the name or address of a site names: all its words but those that say that it is one."""
    host = site.lower().rpartition(".")[0] or site.lower()
    return frozenset(as_name(word) for word in WORD.findall(host) if word not in ADDRESS)


def names_asked(of_title: frozenset[str], site: frozenset[str], interface: bool, silent: bool) -> Asked:
    """What must be named to lead to an article from another site.

    Args:
        of_title: the names in its title.
        site: what its site's name names.
        interface: whether the article is about the interface of a program; then something must be named.
        silent: whether titles of its site mostly do not say of which program; then its name must be, too.
    """
    if interface and (silent or not of_title):
        return tuple(of_title | {name} for name in sorted(site))
    return (of_title,) if of_title else None


def names_of_title(title: str, names: Collection[str]) -> frozenset[str]:
    """The names in a title: those words that the corpus writes as names, and makers' numbers."""
    words = WORD.findall(title.lower())
    return frozenset(as_name(word) for word in words if word in names or MODEL.match(word))
