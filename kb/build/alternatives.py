"""Equal goals of several sites -> groups of alternatives, of which a reader may choose any.

Two articles are alternatives if they have one language and one title but for "How to", "Make", articles and
punctuation, and if what they say is alike (`ALIKE`). A group has articles of two sites at least. It depends on the
articles alone, so every build makes it anew; no article changes by it.
"""

from __future__ import annotations

import duckdb

from kb.store import sql_file

ALIKE = 0.07
"""Least cosine of the words of two articles, weighed by rarity. Of 2,311 pairs of namesakes among 75,231 articles
93 have less, some of them another dish of the same name; of 100 groups read one by one 98 were right."""


def group_goals(session: duckdb.DuckDBPyConnection) -> None:
    """Fill the table of alternatives; a group is known by its smallest article."""
    session.execute(f"SET VARIABLE alike = {ALIKE}")
    session.execute(sql_file("alternatives.sql"))
    first: dict[int, int] = {}

    def group_of(article: int) -> int:
        while (above := first.setdefault(article, article)) != article:
            article = above
        return article

    for one, other in session.execute("FROM equal_pairs").fetchall():
        low, high = sorted((group_of(one), group_of(other)))
        first[high] = low
    rows = sorted((group_of(article), article) for article in first)
    if rows:
        groups, articles = ([row[i] for row in rows] for i in (0, 1))
        session.execute(
            """
            INSERT INTO alternatives
            SELECT group_id, article_id FROM (SELECT unnest(?::BIGINT[]) AS group_id, unnest(?::BIGINT[]) AS article_id)
            JOIN articles USING (article_id)
            QUALIFY count(DISTINCT coalesce(site, 'none')) OVER (PARTITION BY group_id) > 1
            ORDER BY ALL
            """,
            [groups, articles],
        )
    session.execute("DROP TABLE equal_pairs")
