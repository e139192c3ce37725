"""A plan for a question: the goal that fits it, opened as far as the bounds allow, with all that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from howtree.errors import BadUsage, NotFound
from kb.plan.choose import names
from kb.plan.grow import Origin, Part, Tree, grow
from kb.plan.wish import CHARACTERS_PER_TOKEN, Wish
from kb.search import FoundGoal, content_words, named_goal, nothing_found, plain, search
from kb.store import KnowledgeBase
from kb.things import Need, merged

WEIGHED = 5
"""Other goals that a plan names."""
Drawn = Callable[["Plan"], str]
"""How a plan is written down; its length is what a bound of tokens counts."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A thing that a plan needs."""

    need: Need
    at_hand: bool
    without: bool
    """Whether it is to be done without."""


@dataclass(slots=True)
class Plan:
    """An ordered checklist for a question."""

    wish: Wish
    found: FoundGoal
    """The goal of the plan, and why it was taken."""
    others: list[FoundGoal]
    """Other goals that fit, best first."""
    tree: Tree
    left_out: int = 0
    """Steps of the goal itself for which there was no room; they are the last."""
    things_left_out: int = 0
    """Things for which there was no room."""

    @property
    def steps(self) -> list[Part]:
        """All steps in the order in which they are done."""
        return list(self.tree.walk())

    @property
    def truncated(self) -> bool:
        """Whether a bound kept anything out."""
        stopped = any(part.stop in ("budget", "depth") for part in self.tree.walk())
        return stopped or self.left_out > 0 or self.things_left_out > 0

    @property
    def origins(self) -> list[Origin]:
        """Where the steps come from: each goal that is open, once."""
        return [self.tree.origins[each] for each in dict.fromkeys(self.tree.opened())]

    @property
    def needed(self) -> list[Needed]:
        """What all open goals need, each thing once, its amounts added up: as the list of things of a tree."""
        if self.things_left_out:
            return []
        opened = {each: self.tree.origins[each].goal for each in self.tree.opened()}
        return [
            Needed(need, _named(need, self.wish.have), _named(need, self.wish.without))
            for need in merged(opened, self.tree.things)
        ]

    @property
    def against(self) -> list[Part]:
        """The steps that speak of something that is to be done without."""
        return [part for part in self.tree.walk() if names(part.text, self.wish.without)]


def _named(need: Need, things: Sequence[str]) -> bool:
    """Whether it is one of the things, by the words of its name or its text."""
    return any(names(text, things) for text in (need.name, *need.texts))


def plan(kb: KnowledgeBase, wish: Wish, drawn: Drawn) -> Plan:
    """The plan for a question.

    Args:
        kb: the knowledge base.
        wish: the question and the bounds.
        drawn: how the plan will be written down.

    Raises:
        NotFound: no goal fits.
        BadUsage: the question is too long, or the plan cannot be as short as asked for.
    """
    found, others = _weighed(kb, wish.text)
    kept = named_goal(kb, wish.text) == found.article_id and plain(wish.text) != found.goal.lower()

    def fits(tree: Tree) -> bool:
        return _fits(Plan(wish, found, others, tree), drawn)

    tree = grow(kb, found.article_id, wish, content_words(kb, wish.text), fits, kept)
    return _shortened(Plan(wish, found, others, tree), drawn)


def tokens(text: str) -> int:
    """The length of a text as bounds count it: characters / 4, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _fits(plan: Plan, drawn: Drawn) -> bool:
    most = plan.wish.max_tokens
    if most is None:
        return True
    plan.tree.number()  # which is drawn, too
    return tokens(drawn(plan)) <= most


def _shortened(plan: Plan, drawn: Drawn) -> Plan:
    """A plan within its bounds: without the other goals, the things, the last steps, as far as that is necessary.

    Raises:
        BadUsage: even without all that it is too long.
    """
    parts = plan.tree.parts
    kept = min(len(parts), plan.wish.max_steps)
    if kept < len(parts):
        plan.tree.parts, plan.left_out = parts[:kept], len(parts) - kept
    if _fits(plan, drawn):
        return plan
    plan.others = []
    if not _fits(plan, drawn):
        plan.things_left_out = len(plan.needed)
    while not _fits(plan, drawn):
        if not plan.tree.parts:
            raise BadUsage(f"no plan is as short as {plan.wish.max_tokens} tokens: allow more")
        plan.tree.parts = plan.tree.parts[:-1]
        plan.left_out += 1
    return plan


def _weighed(kb: KnowledgeBase, text: str) -> tuple[FoundGoal, list[FoundGoal]]:
    """The goal that a text names or asks for, and the others that fit.

    Raises:
        NotFound: no goal fits.
    """
    hits = search(kb, text, WEIGHED + 1)
    named = named_goal(kb, text)
    if named is None and not hits:
        raise NotFound(nothing_found(kb, text))
    if named is None:
        return hits[0], hits[1:]
    (goal,) = kb.query("SELECT goal FROM articles WHERE article_id = ?", [named]).fetchall()[0]
    found = next((hit for hit in hits if hit.article_id == named), FoundGoal(named, goal, 1.0))
    return found, [hit for hit in hits if hit is not found][:WEIGHED]
