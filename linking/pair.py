"""A pair to verify: a step in its place, and a goal as an article."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from linking.arrays import ArticleIds, Positions


@dataclass(frozen=True, slots=True)
class Place:
    """A step and where it is; "" for what is not known."""

    step: str
    article: str = ""
    """The goal of its article."""
    method: str = ""
    before: str = ""
    """The step before it in its method."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A goal and what its article begins with; () for what is not known."""

    title: str
    methods: tuple[str, ...] = ()
    """The names of its methods."""
    first: tuple[str, ...] = ()
    """Its first steps."""


FIRST_STEPS = 3
"""How many steps of a candidate's article are read."""
METHODS = 20
"""How many names of methods are read at most."""

Places = Callable[[Positions], list[Place]]
"""Gives the steps at some positions of a batch."""
Candidates = Callable[[ArticleIds], list[Candidate]]
"""Gives the articles with some ids."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A step and a goal that it may be linked to."""

    place: Place
    candidate: Candidate

    def text(self) -> str:
        """All that is read of the pair as one text: two pairs of equal text are one."""
        place, candidate = self.place, self.candidate
        parts = (place.step, place.article, place.method, place.before, place.after)
        return json.dumps([*parts, candidate.title, candidate.methods, candidate.first], ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Pair:
        """The pair of a text."""
        *parts, title, methods, first = json.loads(text)
        return cls(Place(*parts), Candidate(title, tuple(methods), tuple(first)))
