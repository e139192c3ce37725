"""The goals that a goal is a part of, nearest first, as many as somebody looks at: the macro `ancestors`, cut short."""

from __future__ import annotations

from kb.store import KnowledgeBase


def goals_above(
    kb: KnowledgeBase, article_id: int, limit: int, max_distance: int = 100
) -> list[tuple[str, str, int]]:
    """Key, title and distance of the nearest goals above one, `limit` at most.

    It goes up link by link only until there are enough: above a goal that is much linked to is nearly everything.
    """
    distances = {article_id: 0}
    level = [article_id]
    for distance in range(1, max_distance + 1):
        rows = kb.query(
            "SELECT DISTINCT parent_id FROM (SELECT unnest(?) AS child_id) JOIN edges USING (child_id)",
            [level],
        ).fetchall()
        level = [parent for (parent,) in rows if parent not in distances]
        distances |= dict.fromkeys(level, distance)
        if not level or len(distances) > limit:
            break
    del distances[article_id]
    return kb.query(
        """
        SELECT key, goal, distance
        FROM (SELECT unnest($ids) AS article_id, unnest($distances) AS distance) JOIN articles USING (article_id)
        ORDER BY distance, goal, key LIMIT $limit
        """,
        {"ids": list(distances), "distances": list(distances.values()), "limit": limit},
    ).fetchall()
