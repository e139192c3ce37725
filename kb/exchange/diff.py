"""What changed between two knowledge bases: articles and links, matched by the keys that builds keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from howtree.errors import NotFound
from kb.store import attach_as, in_memory

ARTICLES = """
SELECT coalesce(n.key, o.key) AS key, coalesce(n.goal, o.goal) AS goal
FROM old.articles o FULL JOIN new.articles n USING (key)
"""
LINKS = """
CREATE TEMP VIEW {side}_links AS
SELECT p.key AS article, s.method_number AS method, s.step_number AS step, p.goal,
       step_text(s.headline, s.body) AS text, c.key AS child, c.goal AS child_goal, e.source
FROM {side}.edges e
JOIN {side}.steps s USING (step_id)
JOIN {side}.articles p ON p.article_id = s.article_id
JOIN {side}.articles c ON c.article_id = e.child_id
"""
CHANGES = {
    "articles came": f"{ARTICLES} WHERE o.key IS NULL ORDER BY key",
    "articles went": f"{ARTICLES} WHERE n.key IS NULL ORDER BY key",
    "articles changed": f"{ARTICLES} WHERE o.content_hash <> n.content_hash ORDER BY key",
    "links came": """
        SELECT n.article, n.method, n.step, n.goal, n.text, n.child_goal AS now, n.source
        FROM new_links n ANTI JOIN old_links o USING (article, method, step) ORDER BY ALL""",
    "links went": """
        SELECT o.article, o.method, o.step, o.goal, o.text, o.child_goal AS before, o.source
        FROM old_links o ANTI JOIN new_links n USING (article, method, step) ORDER BY ALL""",
    "links changed": """
        SELECT n.article, n.method, n.step, n.goal, n.text, o.child_goal AS before, n.child_goal AS now, n.source
        FROM new_links n JOIN old_links o USING (article, method, step) WHERE n.child <> o.child ORDER BY ALL""",
}
"""A step is the same where article key, method number and step number are."""


@contextmanager
def compared(old: Path, new: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session over both files.

    Raises:
        NotFound: there is no such file.
        BadInput: one is no knowledge base, or one of another schema version.
    """
    with in_memory() as session:
        for side, path in (("old", old), ("new", new)):
            if not path.is_file():
                raise NotFound(f"no knowledge base at {path}")
            attach_as(session, side, path)
            session.execute(LINKS.format(side=side))
        yield session


def diff(old: Path, new: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every kind of change by its name in `CHANGES`, with its rows in the order of keys.

    Links are those that the builds chose; people's verdicts are kept apart and are not compared.

    Raises:
        NotFound, BadInput: as `compared`.
    """
    with compared(old, new) as session:
        for name, sql in CHANGES.items():
            cursor = session.execute(sql)
            columns = [column[0] for column in cursor.description or ()]
            yield name, [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def in_words(name: str, row: dict[str, Any]) -> str:
    """One change as a line for people."""
    if name.startswith("articles"):
        return f"{row['key']}  {row['goal']}"
    step = f"{row['article']} {row['method']}.{row['step']}  {row['goal']}: {' '.join(row['text'].split())}"
    return f"{step}  ->  {' => '.join(row[side] for side in ('before', 'now') if side in row)}  [{row['source']}]"
