"""The whole knowledge base at a glance: categories and sites as treemaps, goals used most, trees that go deepest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from howtree.files import FileStamp
from kb.explorer import address
from kb.explorer.facets import SITE
from kb.explorer.frame import heading, part
from kb.explorer.landmarks import DEEP, LEVELS, MOST_USED
from kb.explorer.session import knowledge_base, stamp
from kb.explorer.text import markup
from kb.explorer.treemap import Tile, treemap
from kb.store import KnowledgeBase

BROADEST = 24
NEXT = 10
"""Categories shown of the broadest, and of the next narrower within each; the others share a tile."""
MOST_SITES = 30
RANKED = 10
SIZES = """
SELECT (SELECT count(*) FROM articles), (SELECT count(DISTINCT article_id) FROM categories),
       (SELECT count(DISTINCT name) FROM categories WHERE level = 1)
"""
CATEGORIES = f"""
WITH pairs AS (
    SELECT broad.name AS broad, narrow.name AS narrow, count(*) AS goals
    FROM categories broad LEFT JOIN categories narrow ON narrow.article_id = broad.article_id AND narrow.level = 2
    WHERE broad.level = 1
    GROUP BY ALL
),
ranked AS (
    SELECT *, sum(goals) OVER (PARTITION BY broad) AS whole,
           row_number() OVER (PARTITION BY broad, narrow IS NULL ORDER BY goals DESC, narrow) AS place
    FROM pairs
)
SELECT broad, CASE WHEN place <= {NEXT} THEN narrow END AS narrow, sum(goals)::BIGINT AS goals, any_value(whole)::BIGINT
FROM ranked
GROUP BY 1, 2
ORDER BY any_value(whole) DESC, broad, 2 IS NULL, goals DESC, 2
"""
SITES = f"SELECT {SITE}, count(*) AS goals FROM articles GROUP BY 1 ORDER BY goals DESC, 1"


def page() -> None:
    """Draw the overview."""
    kb = knowledge_base()
    goals, filed, broadest = kb.query(SIZES).fetchall()[0]
    told = f"{goals:,} goal{'s' if goals != 1 else ''}{'' if filed in (0, goals) else f', {filed:,} of them'}"
    if filed:
        told += f" in {broadest:,} broad {'categories' if broadest != 1 else 'category'}"
    heading(
        "The whole at a glance", f"{told}. A tile is as large as the number of its goals, and leads to them."
    )
    for title, html in parts(kb, stamp()).items():
        part(title)
        st.html(html)


@st.cache_data(max_entries=2, show_spinner="Counting …")
def parts(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp]) -> dict[str, str]:
    """The parts of the page by their titles, as HTML: counted once for a knowledge base."""
    found = {}
    categories = by_category(_kb.query(CATEGORIES).fetchall())
    if categories:
        found["Categories"] = treemap(categories, "Categories")
    sites = _kb.query(SITES).fetchall()
    if len(sites) > 1:
        tiles = [Tile(name, goals, address.href("find", site=name)) for name, goals in sites]
        found["Sites"] = treemap(shortened(tiles, MOST_SITES, "sites"), "Sites")
    used = [(row["key"], row["goal"], row["uses"]) for row in _kb.records(MOST_USED)]
    if used:
        deep = [(row["key"], row["goal"], row["below"]) for row in _kb.records(DEEP)[:RANKED]]
        found["Used most, and deepest"] = (
            '<div class="rankings">'
            f"{ranking('Used most: steps of other goals that are this one', used)}"
            f"{ranking(f'Deepest: other goals in a tree of {LEVELS} levels', deep)}</div>"
        )
    return found


def by_category(rows: Iterable[tuple[str, str | None, int, int]]) -> list[Tile]:
    """The broadest categories, each with those within, where these hold at least half of its goals."""
    within: dict[tuple[str, int], list[Tile]] = {}
    for broad, narrow, goals, whole in rows:
        inner = within.setdefault((broad, whole), [])
        if narrow:
            inner.append(Tile(narrow, goals, address.href("find", category=[broad, narrow])))
    tiles = []
    for (broad, whole), inner in within.items():
        href, left = address.href("find", category=[broad]), whole - sum(tile.number for tile in inner)
        rest = [Tile("others", left, href)] if left else []
        tiles.append(Tile(broad, whole, href, largest([*inner, *rest]) if 2 * left <= whole else ()))
    return shortened(tiles, BROADEST, "categories")


def shortened(tiles: Sequence[Tile], most: int, what: str) -> list[Tile]:
    """The largest tiles; the others share one."""
    if len(tiles) <= most:
        return list(tiles)
    rest = tiles[most - 1 :]
    shared = Tile(f"{len(rest):,} other {what}", sum(tile.number for tile in rest))
    return list(largest([*tiles[: most - 1], shared]))


def largest(tiles: Iterable[Tile]) -> tuple[Tile, ...]:
    """Tiles, the largest first."""
    return tuple(sorted(tiles, key=lambda tile: -tile.number))


def ranking(title: str, rows: Sequence[tuple[str, str, int]]) -> str:
    """Goals with a number each, as links with bars."""
    most = max(number for *_, number in rows)
    items = "".join(
        f'<li style="--share:{number / most:.1%}">{address.anchor("procedure", markup(goal, 90), goal=key)}'
        f"<span>{number:,}</span></li>"
        for key, goal, number in rows
    )
    return f"<section><h3>{title}</h3><ol>{items}</ol></section>"


if __name__ == "__main__":
    page()
