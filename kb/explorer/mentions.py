"""The articles that an article names: by the hyperlinks in its steps, and as related."""

from __future__ import annotations

from typing import Any

from kb.store import KnowledgeBase

MOST_NAMED = 12
"""Related articles, and articles of the same goal, that are named."""


def hyperlinks(kb: KnowledgeBase, step_ids: set[int]) -> dict[int, list[dict[str, Any]]]:
    """The hyperlinks that editors set in steps, to goals that are here."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in kb.records(
        """
        SELECT h.step_id, h.anchor, h.target_id, t.key, t.goal
        FROM (SELECT unnest($ids) AS step_id) JOIN hyperlinks h USING (step_id)
        JOIN articles t ON t.article_id = h.target_id
        ORDER BY h.step_id, h.link_number
        """,
        {"ids": sorted(step_ids)},
    ):
        found.setdefault(row["step_id"], []).append(row)
    return found


def related(kb: KnowledgeBase, article_id: int) -> list[tuple[str, str]]:
    """Keys and titles of the articles that an article names as related, where they are here."""
    slugs = kb.query("SELECT slug FROM related WHERE article_id = $id ORDER BY number", {"id": article_id})
    named = [slug for (slug,) in slugs.fetchall()]
    if not named:
        return []
    return kb.query(
        """
        WITH said AS (SELECT unnest($slugs) AS slug, unnest(range(len($slugs))) AS number),
        found AS (
            SELECT number, arg_min(article_id, (place, article_id)) AS article_id
            FROM said JOIN names ON hash = slug_hash(slug) AND place > 1
            GROUP BY number
        )
        SELECT key, goal FROM found JOIN articles USING (article_id) WHERE article_id <> $id ORDER BY number LIMIT $most
        """,
        {"slugs": named, "id": article_id, "most": MOST_NAMED},
    ).fetchall()
