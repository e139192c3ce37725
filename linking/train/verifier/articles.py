"""The articles that a cross-encoder learns from: steps in their places, and goals as articles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from linking.candidates import Goals, StepBatch
from linking.pair import Candidate, Place
from linking.text import goal_text, step_text


class Articles:
    """Articles as a build reads them; without any, a goal is its title and a step its text."""

    def __init__(
        self, goals: Goals | None = None, steps: Callable[[], Iterable[StepBatch]] = lambda: ()
    ) -> None:
        """`goals` and `steps` are those of one language."""
        self.goals = goals or Goals(np.empty(0, np.int64), [])
        self._steps = steps
        ids = reversed(list(zip(self.goals.texts, self.goals.ids.tolist(), strict=True)))
        self._id_of: dict[str, int] = dict(ids)  # of equal titles the first
        self._known: dict[str, Candidate] = {}
        self._places: list[Place] | None = None
        self._place_of: dict[str, Place | None] | None = None

    def id_of(self, title: str) -> int:
        """The id of the article with this title, -1 where there is none."""
        return self._id_of.get(goal_text(title), -1)

    def candidates(self, titles: Sequence[str]) -> list[Candidate]:
        """The goals with these titles, with methods and first steps where their articles are known."""
        missing = sorted({self.id_of(title) for title in titles if title not in self._known} - {-1})
        found = dict(zip(missing, self.goals.candidates(np.array(missing, np.int64)), strict=True))
        for title in titles:
            if title not in self._known:
                self._known[title] = found.get(self.id_of(title), Candidate(goal_text(title)))
        return [self._known[title] for title in titles]

    def candidate(self, title: str) -> Candidate:
        """The goal with this title."""
        return self.candidates([title])[0]

    @property
    def places(self) -> list[Place]:
        """Every step in its place."""
        if self._places is None:
            batches = self._steps()
            self._places = [place for batch in batches for place in batch.places(np.arange(len(batch.ids)))]
        return self._places

    def place(self, text: str) -> Place:
        """The step with this text, in its place where exactly one article has it."""
        if self._place_of is None:
            self._place_of = {}
            for place in self.places:
                key = step_text(place.step)
                self._place_of[key] = None if key in self._place_of else place
        return self._place_of.get(step_text(text)) or Place(text)
