"""The sites whose articles a build takes, where it does not take all."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from howtree.errors import BadInput
from kb.store import literal

UNNAMED = "none"
"""What stands for the site of articles whose source names none."""
MOST_NAMED = 12
SITE = "coalesce(nullif(site, ''), nullif(site_of(url), ''))"
"""The site of a row of the corpus, as load.sql has it."""


def only_of(session: duckdb.DuckDBPyConnection, sites: Sequence[str]) -> str:
    """The condition under which a row of the view `corpus` is of one of the sites, or of a site below one.

    Raises:
        BadInput: the corpus has nothing of one of them; the message names those that it has.
    """
    if not sites:
        return "true"
    for site in sites:
        if not session.execute(f"SELECT 1 FROM corpus WHERE {_is_of(site)} LIMIT 1").fetchall():
            raise BadInput(f"the sources have no article of the site {site!r}. They have: {_named(session)}")
    return " OR ".join(map(_is_of, sites))


def _is_of(site: str) -> str:
    return f"within_site({SITE}, {literal(site)})"


def _named(session: duckdb.DuckDBPyConnection) -> str:
    rows = session.execute(
        f"SELECT coalesce({SITE}, '{UNNAMED}') AS name, count(*) AS articles "
        "FROM corpus GROUP BY name ORDER BY articles DESC, name"
    ).fetchall()
    more = f" and {len(rows) - MOST_NAMED:,} others" if len(rows) > MOST_NAMED else ""
    return ", ".join(f"{name} ({articles:,})" for name, articles in rows[:MOST_NAMED]) + more
