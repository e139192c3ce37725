"""Which way to a goal a plan takes: all parts, one of several methods, one of several articles, by a named rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.meaning.encoder import stems, words_of
from kb.plan.wish import Rule, Wish
from kb.tree import Goal, Method

ONE_IS_ENOUGH = ("method", "question")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of a goal."""

    goal: Goal
    """The article: the goal's own or an equal one."""
    methods: tuple[Method, ...]
    """The lists of its steps that are taken."""
    rule: Rule | None = None
    """What told them from the article's other methods; None where there was nothing to choose."""
    others: tuple[Method, ...] = ()
    """The methods that were not taken."""
    preferred: Rule | None = None
    """What told the article from equal ones; None where there are none."""
    equal: tuple[Goal, ...] = ()
    """The equal articles that were not taken."""


@dataclass(frozen=True, slots=True)
class _Way:
    """Lists of steps that do a goal: one of its methods where one is enough, else all that its article has."""

    goal: Goal
    methods: tuple[Method, ...]

    @property
    def texts(self) -> list[str]:
        return [step.text for method in self.methods for step in method.steps]


def chosen(
    articles: Sequence[Goal],
    wish: Wish,
    rules: Sequence[Rule],
    question_words: Sequence[str],
    things: Sequence[str],
    sites: Mapping[int, str],
) -> Choice:
    """What a plan takes of a goal.

    Args:
        articles: the goal with its own methods, and after it the equal ones.
        wish: what is asked for.
        rules: what tells one way from another, in this order.
        question_words: the content words of the question.
        things: the texts of what any of the articles needs.
        sites: of the articles, by id.
    """
    left = ways = [way for article in articles for way in _ways(article)]
    if not ways:
        return Choice(articles[0], (), None, (), Rule.found if articles[1:] else None, tuple(articles[1:]))
    judge = _Judge(articles[0], wish, stems(question_words), things, sites)
    dropped: list[tuple[Rule, list[_Way]]] = []
    for rule in rules:
        costs = [judge.cost(rule, way) for way in left]
        best = min(costs)
        dropped.append((rule, [way for way, cost in zip(left, costs, strict=True) if cost > best]))
        left = [way for way, cost in zip(left, costs, strict=True) if cost == best]
    taken = left[0]
    others = tuple(way.methods[0] for way in ways if way.goal is taken.goal and way is not taken)
    equal = tuple(article for article in articles if article is not taken.goal)
    by = {own: _first(dropped, taken.goal, own, rules[-1]) for own in (True, False)}
    return Choice(
        taken.goal, taken.methods, by[True] if others else None, others, by[False] if equal else None, equal
    )


def _first(dropped: Sequence[tuple[Rule, list[_Way]]], taken: Goal, own: bool, last: Rule) -> Rule:
    """The first rule that told a way from others of its own article, or from those of equal ones."""
    return next((rule for rule, ways in dropped if any((way.goal is taken) == own for way in ways)), last)


def _ways(article: Goal) -> list[_Way]:
    methods = article.methods
    if methods and methods[0].kind in ONE_IS_ENOUGH:
        return [_Way(article, (method,)) for method in methods]
    return [_Way(article, methods)] if methods else []


@dataclass(frozen=True, slots=True)
class _Judge:
    found: Goal
    wish: Wish
    words: frozenset[str]
    things: Sequence[str]
    sites: Mapping[int, str]

    def cost(self, rule: Rule, way: _Way) -> float:
        """The less, the better."""
        if rule is Rule.asked:
            names = " ".join([*(method.name for method in way.methods), self.sites[way.goal.article_id]])
            return -len(self.words & stems(words_of(names)) - stems(words_of(self.found.goal)))
        if rule is Rule.hand:
            return self._missing(way)
        if rule is Rule.found:
            return way.goal is not self.found
        steps = [step for method in way.methods for step in method.steps]
        if rule is Rule.surest:
            return -sum(step.link.probability for step in steps if step.link) / len(steps)
        return len(steps)

    def _missing(self, way: _Way) -> float:
        """How many things of the goal the way speaks of that are not at hand; what one is without counts most."""
        texts = (*(method.name for method in way.methods), *way.texts)
        said = [stems(words_of(text)) for text in texts]
        avoided = sum(any(stems(words_of(thing)) <= each for each in said) for thing in self.wish.without)
        spoken = frozenset().union(*said)
        needed = [thing for thing in self.things if stems(words_of(thing)) & spoken]
        return 1_000 * avoided + sum(not names(thing, self.wish.have) for thing in needed)


def names(text: str, things: Sequence[str]) -> bool:
    """Whether a text speaks of one of the things: all of the thing's words are in it."""
    said = stems(words_of(text))
    return any(wanted <= said for thing in things if (wanted := stems(words_of(thing))))
