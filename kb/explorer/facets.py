"""Narrowing a search by site and by category: chips with the number of goals in each."""

from __future__ import annotations

from typing import Any

import streamlit as st

from kb.explorer import address, answers
from kb.explorer.text import markup
from kb.store import KnowledgeBase

MAX_FACETS = 24
CHIP = "goal chip"
"""How a link looks in a row of them. They are HTML of ours, drawn at once, so that nothing below them shifts."""
SITE = "coalesce(site, 'none')"
"""The site of an article in SQL, as the view `sites` and `howtree build --sites` name it."""


def of_site(relation: str, parameters: dict[str, Any], site: str) -> tuple[str, dict[str, Any]]:
    """Those of the goals, as SQL with its parameters, that are of a site; all where none is named."""
    if not site:
        return relation, parameters
    of = f"(SELECT article_id FROM articles WHERE {SITE} = $site)"
    return f"SELECT * FROM ({relation}) WHERE article_id IN {of}", parameters | {"site": site}


def sites_of(kb: KnowledgeBase, relation: str, parameters: dict[str, Any], site: str) -> None:
    """The chosen site, or the sites of the goals with their counts, where there are several."""
    kept = kept_parameters()
    if site:
        name = f"<b>{markup(site, 60)}</b> ×"
        chips = [address.anchor("find", name, CHIP, "Leave this site", **(kept | {"site": None}))]
    else:
        rows = answers.rows(
            kb,
            f"SELECT {SITE} AS site, count(*) AS goals FROM ({relation}) JOIN articles a USING (article_id) "
            f"GROUP BY 1 ORDER BY goals DESC, site LIMIT {MAX_FACETS}",
            parameters,
        )
        if len(rows) < 2:
            return
        chips = [
            address.anchor(
                "find", f"{markup(name, 60)} <span>{goals:,}</span>", CHIP, **(kept | {"site": name})
            )
            for name, goals in rows
        ]
    st.html(f'<p class="chips">{"".join(chips)}</p>')


def categories_of(
    kb: KnowledgeBase, relation: str, parameters: dict[str, Any], categories: list[str]
) -> None:
    """The chosen category path, and the categories below it with their counts."""
    level = len(categories) + 1
    rows = answers.rows(
        kb,
        f"SELECT name, count(*) AS goals FROM categories WHERE level = {level} AND article_id IN "
        f"(SELECT article_id FROM ({relation})) GROUP BY name ORDER BY goals DESC, name LIMIT {MAX_FACETS}",
        parameters,
    )
    if not rows and not categories:
        return
    kept = kept_parameters()
    chips = [
        address.anchor(
            "find",
            f"<b>{markup(name, 60)}</b> ×",
            CHIP,
            "Leave this category",
            **(kept | {"category": categories[:i]}),
        )
        for i, name in enumerate(categories)
    ]
    chips += [
        address.anchor(
            "find",
            f"{markup(name, 60)} <span>{goals:,}</span>",
            CHIP,
            **(kept | {"category": [*categories, name]}),
        )
        for name, goals in rows
    ]
    st.html(f'<p class="chips">{"".join(chips)}</p>')


def kept_parameters() -> dict[str, Any]:
    """What a link within the search keeps of the address."""
    kept: dict[str, Any] = {name: st.query_params.get(name) for name in ("words", "by", "sort", "site")}
    return kept | {"category": address.given_all("category", 8)}
