"""The goals of several sites -> which site each is of, and what a step elsewhere must name to lead to it."""

from __future__ import annotations

import duckdb
import numpy as np

from kb.build.sites import UNNAMED
from kb.store import sql_file
from linking.arrays import Flags, Positions
from linking.candidates import Sites
from linking.verify.across import ACTS, names_asked, names_of_site, names_of_title

INTERFACE = 0.3
"""From which share of steps that work on an interface an article or a site is about one."""
SITES = f"""
CREATE TEMP TABLE IF NOT EXISTS article_sites AS
WITH placed AS (
    SELECT article_id, language, goal, site, nullif(regexp_extract(source, '^(.*):[^:]*$', 1), '') AS file
    FROM kb.articles
),
files AS (
    SELECT file, min(site) AS site FROM placed WHERE site IS NOT NULL GROUP BY file HAVING count(DISTINCT site) = 1
)
SELECT article_id, language, goal, coalesce(p.site, f.site, '{UNNAMED}') AS site
FROM placed p LEFT JOIN files f USING (file)
"""
"""The site of each article. One whose source names none is of the site that all others in its file name, if they do."""


def read_sites(session: duckdb.DuckDBPyConnection, language: str) -> Sites | None:
    """Of the articles of one language, in the order of their ids; None where all are of one site."""
    session.execute(SITES)
    rows = session.execute(
        "SELECT article_id, goal, site FROM article_sites WHERE language = ? ORDER BY article_id", [language]
    ).fetchall()
    known = {site: number for number, site in enumerate(sorted({site for _, _, site in rows}))}
    if len(known) < 2:
        return None
    session.execute(f"SET VARIABLE acts = '{ACTS}'")
    session.execute(f"SET VARIABLE interface_share = {INTERFACE}")
    session.execute(sql_file("products.sql"))
    names, interfaces = (
        {value for (value,) in session.execute(f"FROM {table}").fetchall()}
        for table in ("written_names", "interfaces")
    )
    own = {site: names_of_site(site) if site != UNNAMED else frozenset[str]() for site in known}
    titled = [names_of_title(goal, names) for _, goal, _ in rows]
    shown = [article in interfaces for article, _, _ in rows]
    number = np.array([known[site] for _, _, site in rows], np.int64)
    silent = silent_sites(number, np.array(shown, bool), np.array(list(map(bool, titled)), bool))[
        number
    ].tolist()
    return Sites(
        number,
        [own[site] for _, _, site in rows],
        [names_asked(titled[i], own[rows[i][2]], shown[i], silent[i]) for i in range(len(rows))],
    )


def silent_sites(site: Positions, interface: Flags, named: Flags) -> Flags:
    """Of each site, whether most of its articles on interfaces have no name in the title.

    Args:
        site: of each article, its number, [n].
        interface: whether the article is about an interface, [n].
        named: whether its title has a name, [n].
    """
    about, unnamed = np.bincount(site, interface), np.bincount(site, interface & ~named)
    return np.asarray(2 * unnamed > about)
