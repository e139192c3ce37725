"""The tree of a plan: the goal's own steps, and below them the goals that they are, the surest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kb.alternatives import alternatives
from kb.meaning.encoder import stems, words_of
from kb.plan.choose import Choice, chosen
from kb.plan.wish import Rule, Wish
from kb.store import KnowledgeBase
from kb.things import Thing, things_of
from kb.tree import Goal, Link, goals

Stop = Literal["cycle", "depth", "budget", "repeat"]


@dataclass(slots=True)
class Part:
    """A step of a plan, and the steps of the goal that it is where that is opened."""

    step_id: int
    article_id: int
    """The goal whose step it is."""
    method: str
    """The name of the list that it is in; empty where that has none."""
    text: str
    link: Link | None
    number: str = ""
    """Its place in the plan, e.g. "2.1"."""
    choice: Choice | None = None
    """The lists that were taken of the linked goal; None where that is not opened."""
    parts: list[Part] = field(default_factory=list)
    stop: Stop | None = None
    """Why the linked goal is not opened: it is open above (cycle) or elsewhere (repeat), or a bound is reached."""
    same_as: Part | None = None
    """For a repeat: the step where the goal is open."""

    def walk(self) -> Iterator[Part]:
        """The step and all below it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the steps of a goal come from."""

    article_id: int
    key: str
    goal: str
    url: str | None
    site: str | None
    licence: str | None


@dataclass(slots=True)
class Tree:
    """What a plan says to do."""

    choice: Choice
    parts: list[Part]
    things: dict[int, list[Thing]]
    """What each goal needs, by its id."""
    origins: dict[int, Origin]
    """Where each goal comes from, by its id."""

    def walk(self) -> Iterator[Part]:
        """All steps, in the order in which they are done."""
        for part in self.parts:
            yield from part.walk()

    def opened(self) -> Iterator[int]:
        """The ids of the goals whose steps are in the plan, the root first."""
        yield self.choice.goal.article_id
        for part in self.walk():
            if part.choice is not None:
                yield part.choice.goal.article_id

    def number(self) -> None:
        """Give every step its number."""
        _number(self.parts, "")


def _number(parts: Sequence[Part], prefix: str) -> None:
    for place, part in enumerate(parts, 1):
        part.number = f"{prefix}{place}"
        _number(part.parts, f"{part.number}.")


def grow(
    kb: KnowledgeBase,
    root: int,
    wish: Wish,
    question_words: Sequence[str],
    fits: Callable[[Tree], bool],
    kept: bool = False,
) -> Tree:
    """The tree of a plan, as deep as the bounds of the wish allow.

    Links are opened by worth: their probability, times a half to one for the share of the goal's words that the plan
    does not say yet. So what is both sure and new comes first. A goal that is open, or an equal one, is not opened
    again.

    Args:
        fits: whether the plan, with this tree, is still short enough.
        kept: whether the root is this very article, and no equal one.
    """
    return _Grower(kb, root, wish, question_words, fits, kept).grown()


class _Grower:
    def __init__(
        self,
        kb: KnowledgeBase,
        root: int,
        wish: Wish,
        words: Sequence[str],
        fits: Callable[[Tree], bool],
        kept: bool,
    ) -> None:
        self._wish, self._words, self._fits = wish, words, fits
        self._shelf = Shelf(kb, wish)
        self._shelf.fetch(root)
        choice = self._choice(root, (Rule.found,) if kept else ())
        self.tree = Tree(choice, _parts(choice), self._shelf.things, self._shelf.origins)
        self._above: dict[int, tuple[int, ...]] = {}
        """The groups of goals that a step is below, by the identity of the step."""
        self._open: dict[int, Part] = {}
        """The step below which a goal is open, by the goal's group."""
        self._said: set[str] = set()
        self._queue: list[tuple[float, int, int, Part]] = []
        self._steps = 0
        self._add(self.tree.parts, (self._shelf.group(root),))

    def grown(self) -> Tree:
        while self._queue:
            *_, part = heapq.heappop(self._queue)
            part.stop = self._stop(part) or self._opened(part)
        for part in list(self.tree.walk()):
            if part.stop == "repeat":
                self._move_up(part)
        self.tree.number()
        return self.tree

    def _stop(self, part: Part) -> Stop | None:
        child, above = self._group(part), self._above[id(part)]
        if child in above:
            return "cycle"
        if child in self._open:
            part.same_as = self._open[child]
            return "repeat"
        return "depth" if len(above) >= self._wish.depth else None

    def _opened(self, part: Part) -> Stop | None:
        """Open the goal of a step, unless that makes the plan too long."""
        if goal_of(part) not in self._shelf.goals:
            return "budget"
        part.choice = self._choice(goal_of(part))
        part.parts = _parts(part.choice)
        if self._steps + len(part.parts) > self._wish.max_steps or not self._fits(self.tree):
            part.choice, part.parts = None, []
            return "budget"
        self._open[self._group(part)] = part
        self._add(part.parts, (*self._above[id(part)], self._group(part)))
        return None

    def _add(self, parts: Sequence[Part], above: tuple[int, ...]) -> None:
        self._steps += len(parts)
        self._above |= {id(part): above for part in parts}
        self._said |= set().union(*(stems(words_of(part.text)) for part in parts))
        for part in parts:
            if part.link:
                words = stems(words_of(part.link.goal.goal))
                novelty = len(words - self._said) / max(1, len(words))
                worth = part.link.probability * (1 + novelty) / 2
                heapq.heappush(self._queue, (-worth, part.step_id, len(self._above), part))

    def _group(self, part: Part) -> int:
        return self._shelf.group(goal_of(part))

    def _choice(self, article_id: int, first: tuple[Rule, ...] = ()) -> Choice:
        articles = self._shelf.articles(article_id)
        ids = [article.article_id for article in articles]
        things = [thing.text for each in ids for thing in self._shelf.things.get(each, ())]
        sites = {each: self._shelf.origins[each].site or "" for each in ids}
        return chosen(articles, self._wish, (*first, *self._wish.rules), self._words, things, sites)

    def _move_up(self, part: Part) -> None:
        """Open a goal where the plan first comes to it, where that is no deeper and makes no circle."""
        later = part.same_as
        assert later is not None
        order = {id(each): place for place, each in enumerate(self.tree.walk())}
        above = self._above[id(part)]
        inside = {self._group(each) for each in later.walk() if each.choice is not None}
        if (
            order[id(part)] > order[id(later)]
            or len(above) > len(self._above[id(later)])
            or inside & set(above)
        ):
            return
        part.choice, part.parts, part.stop, part.same_as = later.choice, later.parts, None, None
        later.choice, later.parts, later.stop, later.same_as = None, [], "repeat", part
        for each in self.tree.walk():
            if each.same_as is later:
                each.same_as = part


class Shelf:
    """The goals that a plan may open, fetched a level at a time."""

    def __init__(self, kb: KnowledgeBase, wish: Wish) -> None:
        self._kb, self._wish = kb, wish
        self.goals: dict[int, Goal] = {}
        self.things: dict[int, list[Thing]] = {}
        """What each goal needs, as its article has it."""
        self.origins: dict[int, Origin] = {}
        self._equal: dict[int, list[int]] = {}
        """The articles of equal goals, of goals that have any."""

    def articles(self, article_id: int) -> list[Goal]:
        """A goal and after it the equal ones."""
        return [self.goals[each] for each in (article_id, *self._equal.get(article_id, ()))]

    def group(self, article_id: int) -> int:
        """What a goal has in common with equal ones alone."""
        return min([article_id, *self._equal.get(article_id, [])])

    def fetch(self, root: int) -> None:
        """Fetch a goal, those below it and equal ones: of each level the likeliest, as many as a plan has steps."""
        level = {root}
        for _ in range(self._wish.depth):
            for each, others in alternatives(self._kb, level).items():
                self._equal[each] = [other.article_id for other in others]
                level = level.union(self._equal[each])
            self.goals |= goals(self._kb, level, self._wish.threshold)
            links = sorted(
                (-step.link.probability, step.link.goal.article_id)
                for each in level
                for method in self.goals[each].methods
                for step in method.steps
                if step.link
            )
            new = dict.fromkeys(child for _, child in links if child not in self.goals)
            level = set(list(new)[: self._wish.max_steps])
            if not level:
                break
        self.things = things_of(self._kb, self.goals)
        origins = self._kb.query(
            "SELECT article_id, key, goal, url, site, licence "
            "FROM (SELECT unnest($ids) AS article_id) JOIN articles USING (article_id)",
            {"ids": list(self.goals)},
        )
        self.origins = {row[0]: Origin(*row) for row in origins.fetchall()}


def goal_of(part: Part) -> int:
    """The id of the goal that a step is linked to."""
    assert part.link is not None
    return part.link.goal.article_id


def _parts(choice: Choice) -> list[Part]:
    """The steps of the lists that are taken."""
    return [
        Part(step.step_id, choice.goal.article_id, method.name, step.text, step.link)
        for method in choice.methods
        for step in method.steps
    ]
