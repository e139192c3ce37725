"""The way in: goals by words as one types, by meaning on demand, by category, by luck."""

from __future__ import annotations

import math
import random
from typing import Any

import streamlit as st

from howtree.errors import HowtreeError
from kb.alternatives import alternatives
from kb.explorer import address, answers, landmarks, needing
from kb.explorer.facets import categories_of, kept_parameters, of_site, sites_of
from kb.explorer.frame import heading
from kb.explorer.hits import choices, hits, of_hits, once_each
from kb.explorer.session import knowledge_base
from kb.explorer.text import label
from kb.store import KnowledgeBase

PAGE = 20
MAX_PAGE = 100_000
MEANT = 30
SURPRISES = 500
HOW = ("Words", "Meaning")
ORDERS = {
    "Best match": "score DESC, len(goal), article_id",
    "Title": "lower(goal), article_id",
    "Most steps": "steps DESC, article_id",
    "Most linked steps": "linked DESC, article_id",
    "Most used": "used DESC, article_id",
}


def page(start: bool = False) -> None:
    """Draw the search, its result and the categories; at the `start`, until one asks, what is worth a look."""
    kb = knowledge_base()
    goals, steps, linked, several_sites = answers.rows(
        kb,
        "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM steps), (SELECT count(*) FROM edges), "
        "(SELECT count(DISTINCT site) > 1 FROM articles)",
    )[0]
    if not goals:
        heading("An empty knowledge base", "It holds no goals yet.")
        st.text("Build one from articles with: howtree build SOURCE -o kb.duckdb")
        return
    heading(
        "How do you do it?",
        f"{goals:,} goals with {steps:,} steps. {linked:,} of the steps are goals of their own: open one, and its "
        "steps appear, level after level.",
    )
    start = start and not {"words", "category", "site", "page", "sort"} & st.query_params.keys()
    asked, how, order, categories, number = controls(start)
    relation, parameters = source(kb, asked, how, categories)
    site = address.given("site", "", address.words)
    relation, parameters = of_site(relation, parameters, site)
    sites_of(kb, relation, parameters, site)
    categories_of(kb, relation, parameters, categories)
    if start and not asked:
        with st.container(horizontal=True, vertical_alignment="center", key="row-total"):
            address.link("find", f"All {goals:,} goals", icon=":material/list:")
            address.link("overview", "The whole at a glance", icon=":material/dashboard:")
            surprise(kb, relation, parameters)
        landmarks.draw()
        return
    if asked:
        relation = once_each(relation)
    needed = needing.needing(kb, asked) if asked else []
    if not results(kb, relation, parameters, order, number, bool(asked), several_sites) and not needed:
        st.markdown("**0 goals**")
        st.text("Nothing found. Try fewer or other words, search by meaning, or leave the category.")
    needing.draw(asked, needed)


def controls(start: bool) -> tuple[str, str, str, list[str], int]:
    """What is asked for: words, how to read them, order (not at the start), category path, page."""
    asked = address.given("words", "", address.words)
    how = address.given("by", HOW[0], address.one_of(HOW))
    orders = [order for order in ORDERS if asked or order != "Best match"]
    order = address.given("sort", orders[0], address.one_of(ORDERS))
    order = order if order in orders else orders[0]
    left, middle, right = st.columns([5, 2.2, 2.2], gap="medium")
    with left:
        asked = st.text_input(
            "Search the goals",
            value=asked,
            type="search",
            live=True,
            placeholder="clean an oven, bake a cake …",
            max_chars=address.MAX_WORDS,
            **address.bound("words", asked, "", resets=("page", "sort"), typed=True),
        ).strip()
    with middle:
        how = (
            st.segmented_control(
                "Search by",
                HOW,
                default=how,
                width="stretch",
                help="Words compares titles and steps with what you type, also by what the words mean, and forgives "
                "typing errors. Meaning asks the model that made the links; the first such search loads it and takes "
                "some seconds.",
                **address.bound("by", how, HOW[0], resets=("page",)),
            )
            or HOW[0]
        )
    with right:
        if not start:
            order = st.selectbox(
                "Sort",
                orders,
                index=orders.index(order),
                **address.bound("sort", order, orders[0], resets=("page",)),
            )
    return (
        asked,
        how,
        order,
        address.given_all("category", 8),
        address.given("page", 1, address.count(1, MAX_PAGE)),
    )


def source(kb: KnowledgeBase, asked: str, how: str, categories: list[str]) -> tuple[str, dict[str, Any]]:
    """The goals that are asked for as SQL with its parameters: article_id, goal, score."""
    relation = "SELECT article_id, goal, 0 AS score FROM articles"
    parameters: dict[str, Any] = {}
    if asked and how == "Meaning":
        relation, parameters = meant(kb, asked)
    elif asked:
        relation, parameters = of_hits(hits(kb, asked))
    for level, name in enumerate(categories, 1):
        relation = (
            f"SELECT * FROM ({relation}) WHERE article_id IN "
            f"(SELECT article_id FROM categories WHERE level = {level} AND name = $category{level})"
        )
        parameters[f"category{level}"] = name
    return relation, parameters


def meant(kb: KnowledgeBase, asked: str) -> tuple[str, dict[str, Any]]:
    """The goals nearest in meaning; torch is loaded here and nowhere else."""
    from kb.semantic import semantic_search

    try:
        with st.spinner("Searching by meaning …"):
            found = semantic_search(kb, asked, MEANT)
    except HowtreeError as error:
        st.warning(label(str(error), 600), icon=":material/psychology_alt:")
        found = []
    return of_hits(found)


def results(
    kb: KnowledgeBase,
    relation: str,
    parameters: dict[str, Any],
    order: str,
    number: int,
    searched: bool,
    several_sites: bool,
) -> int:
    """One page of goals, with links to the other pages.

    Returns:
        how many there are.
    """
    total: int = answers.rows(kb, f"SELECT count(*) FROM ({relation})", parameters)[0][0]
    if not total:
        return 0
    pages = max(1, math.ceil(total / PAGE))
    if number > pages:
        address.fault(f"There is no page {number}; this is the last one.")
        number = pages
    with st.container(horizontal=True, vertical_alignment="center", key="row-total"):
        st.markdown(f"**{total:,} goal{'s' if total != 1 else ''}**", width="stretch")
        surprise(kb, relation, parameters)
    rows = rows_of(kb, relation, parameters, order, number)
    others = alternatives(kb, [row["article_id"] for row in rows]) if searched else {}
    for row in rows:
        with st.container(key=f"hit-{row['article_id']}", gap=None):
            address.link("procedure", f"**{label(row['goal'])}**", goal=row["key"])
            st.caption(facts(row, several_sites))
            choices(others.get(row["article_id"], ()))
    pager(number, pages)
    return total


def pager(number: int, pages: int) -> None:
    """Links to the pages before and after."""
    if pages == 1:
        return
    kept = kept_parameters()
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="center", key="row-pager"
    ):
        if number > 1:
            previous = number - 1 if number > 2 else None
            address.link("find", "Previous", icon=":material/chevron_left:", page=previous, **kept)
        st.markdown(f":gray[Page {number:,} of {pages:,}]")
        if number < pages:
            address.link("find", "Next", icon=":material/chevron_right:", page=number + 1, **kept)


def rows_of(
    kb: KnowledgeBase, relation: str, parameters: dict[str, Any], order: str, number: int
) -> list[dict[str, Any]]:
    """The goals of one page with their sizes; sizes of all goals are counted only where they are sorted by."""
    counted = {
        "steps": "SELECT article_id, count(*) AS steps FROM steps GROUP BY article_id",
        "linked": "SELECT parent_id AS article_id, count(*) AS linked FROM edges GROUP BY parent_id",
        "used": "SELECT child_id AS article_id, count(*) AS used FROM edges GROUP BY child_id",
    }
    by = ORDERS[order].split()[0]
    join = f"LEFT JOIN ({counted[by]}) USING (article_id)" if by in counted else ""
    keyed = f"coalesce({by}, 0) AS {by}, " if by in counted else ""
    ids = [
        row[0]
        for row in answers.rows(
            kb,
            f"SELECT article_id, {keyed}goal, score FROM ({relation}) {join} ORDER BY {ORDERS[order]} "
            f"LIMIT {PAGE} OFFSET {(number - 1) * PAGE}",
            parameters,
        )
    ]
    found = answers.records(
        kb,
        """
        WITH page AS (SELECT unnest($ids) AS article_id)
        SELECT a.article_id, a.key, a.goal, s.steps, coalesce(e.linked, 0) AS linked, coalesce(u.used, 0) AS used,
               c.category, a.site
        FROM page JOIN articles a USING (article_id)
        LEFT JOIN (SELECT article_id, count(*) AS steps FROM steps
                   WHERE article_id IN (FROM page) GROUP BY article_id) s USING (article_id)
        LEFT JOIN (SELECT parent_id AS article_id, count(*) AS linked FROM edges
                   WHERE parent_id IN (FROM page) GROUP BY parent_id) e USING (article_id)
        LEFT JOIN (SELECT child_id AS article_id, count(*) AS used FROM edges
                   WHERE child_id IN (FROM page) GROUP BY child_id) u USING (article_id)
        LEFT JOIN (SELECT article_id, string_agg(name, ' › ' ORDER BY level) AS category FROM categories
                   WHERE article_id IN (FROM page) GROUP BY article_id) c USING (article_id)
        """,
        {"ids": ids},
    )
    return sorted(found, key=lambda row: ids.index(row["article_id"]))


def facts(row: dict[str, Any], several_sites: bool) -> str:
    """E.g. "12 steps · 5 open further · used in 3 steps · Home › Cleaning", and the site where there are several."""
    parts = [f"{row['steps']:,} steps"]
    if row["linked"]:
        parts.append(f"{row['linked']:,} open further")
    if row["used"]:
        parts.append(f"used in {row['used']:,} step{'s' if row['used'] > 1 else ''}")
    if row["category"]:
        parts.append(label(row["category"], 90))
    if row["site"] and several_sites:
        parts.append(label(row["site"], 60))
    return " · ".join(parts)


def surprise(kb: KnowledgeBase, relation: str, parameters: dict[str, Any]) -> None:
    """A link to one of some random goals of those asked for, to one with linked steps where there is one."""
    drawn = answers.rows(
        kb,
        f"SELECT a.key, article_id IN (SELECT parent_id FROM edges) FROM (SELECT article_id FROM ({relation}) "
        f"USING SAMPLE {SURPRISES} ROWS) JOIN articles a USING (article_id)",
        parameters,
    )
    goals = [key for key, linked in drawn if linked] or [key for key, _ in drawn]
    if goals:
        address.link("procedure", "Surprise me", icon=":material/casino:", goal=random.choice(goals))


if __name__ == "__main__":
    page()
