"""The other articles of equal goals: each group is found once, and a reader has the rest of it to choose from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kb.store import KnowledgeBase


@dataclass(frozen=True)
class Alternative:
    """Another article of an equal goal, of this or another site; without slots, as all that assistants are told."""

    article_id: int
    key: str
    goal: str
    site: str | None


def alternatives(kb: KnowledgeBase, ids: Collection[int]) -> dict[int, tuple[Alternative, ...]]:
    """The other articles of some goals, by site; goals without any are left out."""
    if not kb.has_alternatives:
        return {}
    rows = kb.query(
        """
        WITH ids AS MATERIALIZED (SELECT unnest($ids) AS article_id)
        SELECT article_id, other_id, key, goal, site FROM ids JOIN equal_goals USING (article_id)
        ORDER BY article_id, site, other_id
        """,
        {"ids": list(ids)},
    ).fetchall()
    found: dict[int, list[Alternative]] = {}
    for article_id, *other in rows:
        found.setdefault(article_id, []).append(Alternative(*other))
    return {article_id: tuple(others) for article_id, others in found.items()}


def once(ids: Iterable[int], others: dict[int, tuple[Alternative, ...]]) -> list[int]:
    """Goals in their order, of each group the first."""
    seen: set[int] = set()
    kept = []
    for article_id in ids:
        if article_id not in seen:
            kept.append(article_id)
            seen |= {article_id, *(other.article_id for other in others.get(article_id, ()))}
    return kept
