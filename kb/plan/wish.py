"""What somebody asks of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from howtree.errors import BadUsage, require_within

CHARACTERS_PER_TOKEN = 4
"""Tokens are counted as characters / 4: close to what language models count in English, and the same for all."""
LEAST_TOKENS = 200


class Rule(StrEnum):
    """How one of several methods is chosen where one is enough, and one of several articles of equal goals.

    Ties go to the next rule, then to the first.
    """

    asked = "asked"
    """The one whose name, or whose article's site, has most of the question's words that the goal's title lacks."""
    hand = "hand"
    """The one that avoids what one is without, and needs fewest things that are not at hand."""
    surest = "surest"
    """The one with the highest mean probability of its steps' links; a step without a link counts 0."""
    fewest = "fewest"
    """The one with the fewest steps."""
    found = "found"
    """The article that the question finds, or that the link leads to, before equal ones."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A question, and the bounds of the plan that answers it."""

    text: str
    rule: Rule | None = None
    """None for the first of the rules that tells them apart: asked, hand (where things are named), found, fewest."""
    have: tuple[str, ...] = ()
    """Things at hand."""
    without: tuple[str, ...] = ()
    """Things to do without."""
    depth: int = 3
    """Levels of goals that may be opened, the goal itself included."""
    max_steps: int = 50
    max_tokens: int | None = None
    """Of the plan as it is printed, counted as characters / 4; None for no such bound."""
    threshold: float | None = None
    """Least probability of a link that is opened; None for the links chosen when the knowledge base was built."""

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            BadUsage: one is out of bounds.
        """
        require_within("depth", self.depth, 1, 10)
        require_within("max_steps", self.max_steps, 1, 1_000)
        if self.max_tokens is not None and self.max_tokens < LEAST_TOKENS:
            raise BadUsage(f"max_tokens is a number from {LEAST_TOKENS} on, not {self.max_tokens}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise BadUsage(f"threshold is a probability from 0 to 1, not {self.threshold}")

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        first = (Rule.asked, Rule.hand) if self.have or self.without else (Rule.asked,)
        rules = (*first, Rule.found, Rule.fewest)
        return (self.rule, *(each for each in rules if each != self.rule)) if self.rule else rules
