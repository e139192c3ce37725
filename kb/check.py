"""The invariants of a knowledge base, each a query that counts what breaks it."""

from __future__ import annotations

import duckdb

INVARIANTS = {
    "articles with the same id or key": """
        SELECT (SELECT count(*) - count(DISTINCT article_id) FROM articles)
             + (SELECT count(*) - count(DISTINCT key) FROM articles)""",
    "steps with the same id or place": """
        SELECT (SELECT count(*) - count(DISTINCT step_id) FROM steps)
             + (SELECT count(*) FROM (SELECT 1 FROM steps GROUP BY article_id, method_number, step_number
                                      HAVING count(*) > 1))""",
    "articles without steps": "SELECT count(*) FROM articles WHERE article_id NOT IN (SELECT article_id FROM steps)",
    "methods of no article": "SELECT count(*) FROM methods ANTI JOIN articles USING (article_id)",
    "methods without steps": "SELECT count(*) FROM methods ANTI JOIN steps USING (article_id, method_number)",
    "steps of no method": "SELECT count(*) FROM steps ANTI JOIN methods USING (article_id, method_number)",
    "steps without text": "SELECT count(*) FROM steps WHERE headline = '' AND body = '' AND len(bullets) = 0",
    "categories of no article": "SELECT count(*) FROM categories ANTI JOIN articles USING (article_id)",
    "hyperlinks of no step": "SELECT count(*) FROM hyperlinks ANTI JOIN steps USING (step_id)",
    "hyperlinks to no article": """
        SELECT count(*) FROM hyperlinks h ANTI JOIN articles a ON a.article_id = h.target_id
        WHERE h.target_id IS NOT NULL""",
    "candidates of no step": "SELECT count(*) FROM candidates ANTI JOIN steps USING (step_id)",
    "candidates that are no article": "SELECT count(*) FROM candidates ANTI JOIN articles USING (article_id)",
    "candidates that are the step's own article": """
        SELECT count(*) FROM candidates c JOIN steps s USING (step_id) WHERE c.article_id = s.article_id""",
    "candidates with a gap or a double in their ranks": """
        SELECT count(*) FROM (SELECT step_id FROM candidates GROUP BY step_id
                              HAVING max(rank) <> count(*) OR min(rank) <> 1 OR count(DISTINCT rank) <> count(*))""",
    "probabilities outside 0 to 1": """
        SELECT (SELECT count(*) FROM candidates WHERE NOT probability BETWEEN 0 AND 1.000001)
             + (SELECT count(*) FROM edges WHERE NOT probability BETWEEN 0 AND 1.000001)""",
    "edges of no step": "SELECT count(*) FROM edges ANTI JOIN steps USING (step_id)",
    "edges from another article than the step's": """
        SELECT count(*) FROM edges e JOIN steps s USING (step_id) WHERE e.parent_id <> s.article_id""",
    "edges to no article": "SELECT count(*) FROM edges e ANTI JOIN articles a ON a.article_id = e.child_id",
    "edges from an article to itself": "SELECT count(*) FROM edges WHERE parent_id = child_id",
    "steps with more than one chosen edge": """
        SELECT count(*) FROM (SELECT step_id FROM edges WHERE chosen GROUP BY step_id HAVING count(*) > 1)""",
}


def problems(session: duckdb.DuckDBPyConnection) -> list[str]:
    """What is broken, in words; empty where everything holds. The session's tables are looked at."""
    found = []
    for name, sql in INVARIANTS.items():
        row = session.execute(sql).fetchone()
        if row and row[0]:
            found.append(f"{row[0]:,} {name}")
    return found
