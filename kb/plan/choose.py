"""Which of a goal's lists of steps a plan takes: all parts, one of several methods by a named rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kb.meaning.encoder import stems, words_of
from kb.plan.wish import Rule, Wish
from kb.tree import Goal, Method

ONE_IS_ENOUGH = ("method", "question")


@dataclass(frozen=True, slots=True)
class Choice:
    """The lists of steps that are taken of a goal."""

    methods: tuple[Method, ...]
    rule: Rule | None
    """What told them from the others; None where there was nothing to choose."""
    others: tuple[Method, ...] = ()
    """The methods that were not taken."""


def chosen(goal: Goal, wish: Wish, question_words: Sequence[str], things: Sequence[str]) -> Choice:
    """The lists of a goal that a plan takes.

    Args:
        goal: with its own methods.
        wish: what is asked for.
        question_words: the content words of the question.
        things: the texts of what the goal needs.
    """
    methods = goal.methods
    if len(methods) < 2 or methods[0].kind not in ONE_IS_ENOUGH:
        return Choice(methods, None)
    judge = _Judge(goal, wish, question_words, things)
    left, decided = list(methods), None
    for rule in wish.rules:
        costs = [judge.cost(rule, method) for method in left]
        best = [method for method, cost in zip(left, costs, strict=True) if cost == min(costs)]
        if len(best) < len(left):
            left, decided = best, decided or rule
    taken = left[0]
    return Choice(
        (taken,), decided or wish.rules[-1], tuple(method for method in methods if method is not taken)
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    goal: Goal
    wish: Wish
    words: Sequence[str]
    things: Sequence[str]

    def cost(self, rule: Rule, method: Method) -> float:
        """The less, the better."""
        if rule is Rule.asked:
            return -len(stems(self.words) & stems(words_of(method.name)) - stems(words_of(self.goal.goal)))
        if rule is Rule.hand:
            return self._missing(method)
        if rule is Rule.surest:
            links = sum(step.link.probability for step in method.steps if step.link)
            return -links / len(method.steps)
        return len(method.steps)

    def _missing(self, method: Method) -> float:
        """How many things of the goal the method speaks of that are not at hand; what one is without counts most."""
        said = [stems(words_of(text)) for text in (method.name, *(step.text for step in method.steps))]
        avoided = sum(any(stems(words_of(thing)) <= each for each in said) for thing in self.wish.without)
        spoken = frozenset().union(*said)
        needed = [thing for thing in self.things if stems(words_of(thing)) & spoken]
        return 1_000 * avoided + sum(not names(thing, self.wish.have) for thing in needed)


def names(text: str, things: Sequence[str]) -> bool:
    """Whether a text speaks of one of the things: all of the thing's words are in it."""
    said = stems(words_of(text))
    return any(wanted <= said for thing in things if (wanted := stems(words_of(thing))))
