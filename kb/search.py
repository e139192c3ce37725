"""Finding goals: by name, exactly, and by words, best first."""

from __future__ import annotations

from dataclasses import dataclass

from howtree.errors import NotFound
from kb.store import KnowledgeBase


@dataclass(frozen=True, slots=True)
class FoundGoal:
    """A goal that a search found."""

    article_id: int
    goal: str
    score: float
    """1 for all of the words, less for fewer, misspelt or further ones."""


def search(kb: KnowledgeBase, words: str, limit: int = 20) -> list[FoundGoal]:
    """Goals whose title has the words, best first; beginnings and misspellings count for less."""
    rows = kb.query(
        "SELECT article_id, goal, score FROM search_goals(?) LIMIT ?", [as_text(words), limit]
    ).fetchall()
    return [FoundGoal(*row) for row in rows]


def goal_id(kb: KnowledgeBase, name: str) -> int:
    """The id of the goal named by a title (case and "How to" ignored), a slug or an id.

    Raises:
        NotFound: there is none; the message suggests the nearest titles.
    """
    row = kb.query("SELECT goal_id(?)", [as_text(name)]).fetchone()
    if row and row[0] is not None:
        return int(row[0])
    nearest = search(kb, name, 3)
    hint = "; did you mean " + " or ".join(f'"{found.goal}"' for found in nearest) + "?" if nearest else ""
    raise NotFound(f'no goal "{name}" in {kb.path}{hint or ". Try: howtree search WORDS"}')


def as_text(name: str) -> str:
    """A name with "?" in place of what is no text: Python reads bytes that are not UTF-8 as halves of characters."""
    return name.encode("utf-8", "replace").decode()
