"""The goals that the linker weighed for a step, best first, fetched when somebody asks."""

from __future__ import annotations

from typing import Any

from kb import tree
from kb.explorer import address
from kb.explorer.steps import first_of
from kb.explorer.text import markup
from kb.store import KnowledgeBase

SHOWN = 10


def of_step(kb: KnowledgeBase, step_id: int, most: int = SHOWN) -> list[dict[str, Any]]:
    """The best candidates of a step with their scores, and whether one is the step's link."""
    return kb.records(
        """
        SELECT c.rank, c.article_id, a.key, a.goal, c.probability, c.retrieval_score, c.rerank_score,
               coalesce(e.child_id = c.article_id, false) AS chosen
        FROM candidates c
        JOIN articles a ON a.article_id = c.article_id
        LEFT JOIN edges e ON e.step_id = c.step_id
        WHERE c.step_id = $step
        ORDER BY c.rank
        LIMIT $most
        """,
        {"step": step_id, "most": most},
    )


def table(kb: KnowledgeBase, found: list[dict[str, Any]]) -> str:
    """The candidates side by side: the goal with its first steps, its probability as a bar, and its scores."""
    if not found:
        return '<p class="how">No goal was weighed for this step.</p>'
    first = first_of(kb, tree.Shelf(None), {candidate["article_id"] for candidate in found})
    cards = (card(candidate, first[candidate["article_id"]]) for candidate in found)
    return f'<div class="cards rivals">{"".join(cards)}</div>'


def card(candidate: dict[str, Any], first: list[str]) -> str:
    """A candidate as a card."""
    link = address.anchor("procedure", markup(candidate["goal"], 90), goal=candidate["key"])
    bar = f'<meter min="0" max="1" value="{candidate["probability"]:.3f}" aria-label="probability"></meter>'
    lines = "".join(f"<li>{markup(text, 90)}</li>" for text in first)
    mark = ' class="card chosen"' if candidate["chosen"] else ' class="card"'
    return f"<article{mark}><h3>{link}</h3>{bar}<p>{scores(candidate)}</p><ol>{lines}</ol></article>"


def scores(candidate: dict[str, Any]) -> str:
    """E.g. "probability 0.93 · retrieval 0.81 · chosen"."""
    parts = [
        f"probability {candidate['probability']:.2f}",
        f"retrieval {candidate['retrieval_score']:.2f}",
    ]
    if candidate["rerank_score"] is not None:
        parts.append(f"reranker {candidate['rerank_score']:.2f}")
    return " · ".join(parts + (["<strong>chosen</strong>"] if candidate["chosen"] else []))
