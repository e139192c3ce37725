"""Finding goals: by name, exactly, and by a question in people's own words, best first."""

from __future__ import annotations

from dataclasses import dataclass

from howtree.errors import BadUsage, NotFound
from kb.store import KnowledgeBase

MOST_CHARACTERS = 1_000
"""Characters of a question; search_hits in search.sql refuses more, too."""


@dataclass(frozen=True, slots=True)
class FoundGoal:
    """A goal that a search found."""

    article_id: int
    goal: str
    score: float
    """1 for all of the question's content words, less for fewer, misspelt or further ones; by meaning, the cosine."""
    words: tuple[str, ...] = ()
    """The words of the title that were asked for; none where the goal was found by meaning."""
    step: str | None = None
    """The step or thing of the goal that has others of the question's words."""

    @property
    def reason(self) -> str:
        """Why it was found, e.g. 'title: clean, oven; step: "Heat the oven."'."""
        title = ["title: " + ", ".join(self.words)] if self.words else []
        return "; ".join(title + ([f'step: "{self.step}"'] if self.step else []))


def search(kb: KnowledgeBase, words: str, limit: int = 20) -> list[FoundGoal]:
    """The goals that a question asks for, best first, at most 30; the macro search_hits says how.

    Raises:
        BadUsage: the question is too long.
    """
    if len(words) > MOST_CHARACTERS:
        raise BadUsage(
            f"the question has {len(words):,} characters, {MOST_CHARACTERS:,} is the most: ask for one thing"
        )
    rows = kb.query(
        "SELECT article_id, goal, score, words, step FROM search_hits(?) LIMIT ?", [as_text(words), limit]
    ).fetchall()
    return [
        FoundGoal(article_id, goal, score, tuple(matched), step)
        for article_id, goal, score, matched, step in rows
    ]


def nothing_found(kb: KnowledgeBase, words: str) -> str:
    """What to tell a person whose question found nothing."""
    row = kb.query("SELECT content_words(?)", [as_text(words)]).fetchone()
    if not row or not row[0]:
        return f"{words!r} has only words that any question has: name what you want to do, and with what."
    return f"No goal fits {words!r}. Try other words, or fewer."


def goal_id(kb: KnowledgeBase, name: str) -> int:
    """The id of the goal named by a title (case and "How to" ignored), a slug or an id.

    Raises:
        NotFound: there is none; the message suggests the nearest titles.
    """
    row = kb.query("SELECT goal_id(?)", [as_text(name)]).fetchone()
    if row and row[0] is not None:
        return int(row[0])
    nearest = search(kb, name[:MOST_CHARACTERS], 3)
    hint = "; did you mean " + " or ".join(f'"{found.goal}"' for found in nearest) + "?" if nearest else ""
    raise NotFound(f'no goal "{name}" in {kb.path}{hint or ". Try: howtree search WORDS"}')


def as_text(name: str) -> str:
    """A name with "?" in place of what is no text: Python reads bytes that are not UTF-8 as halves of characters."""
    return name.encode("utf-8", "replace").decode()
