"""Where a goal is used: the steps elsewhere that are this goal, and every goal above it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from howtree.files import FileStamp
from kb.above import goals_above
from kb.explorer import address, answers
from kb.explorer.answers import KEPT
from kb.explorer.frame import part
from kb.explorer.session import stamp
from kb.explorer.steps import link_words
from kb.explorer.text import label
from kb.store import KnowledgeBase

MAX_USES = 12
MAX_ABOVE = 60
MOST_LINKS_UP = 4


def uses(kb: KnowledgeBase, article: dict[str, Any], threshold: float | None) -> None:
    """The steps elsewhere that are this goal, and on demand every goal above it."""
    links = "edges" if threshold is None else "best_links"
    condition = "TRUE" if threshold is None else "probability >= $threshold"
    parameters = {"id": article["article_id"]} | ({} if threshold is None else {"threshold": threshold})
    rows = answers.records(
        kb,
        f"""
        WITH used AS MATERIALIZED (
            SELECT parent_id, step_id, probability, source, relation, count(*) OVER () AS total
            FROM {links}
            WHERE child_id = $id AND {condition}
            ORDER BY probability DESC, step_id
            LIMIT {MAX_USES}
        )
        SELECT p.key, p.goal, step_text(s.headline, s.body) AS step, u.probability, u.source, u.relation, u.total
        FROM used u
        JOIN articles p ON p.article_id = u.parent_id
        JOIN steps s ON s.step_id = u.step_id
        ORDER BY u.probability DESC, u.step_id
        """,
        parameters,
    )
    part("Where it is used")
    if not rows:
        st.caption("No step of another goal is linked to this one.")
        return
    total = rows[0]["total"]
    st.caption(
        f"{total:,} steps of other goals are linked to this procedure."
        if total > 1
        else "One step of another goal is linked to this procedure."
    )
    for i, row in enumerate(rows):
        with st.container(horizontal=True, vertical_alignment="center", key=f"row-use-{i}"):
            address.link("procedure", f"**{label(row['goal'])}**", goal=row["key"], threshold=threshold)
            said = link_words(row["relation"], row["source"], row["probability"])
            st.caption(f"{label(row['step'], 120)} · {said}")
    if total > len(rows):
        st.caption(f"and {total - len(rows):,} more")
    above(kb, article)


def above(kb: KnowledgeBase, article: dict[str, Any]) -> None:
    """Every goal that this one is a part of, fetched when somebody asks."""
    asked = address.given("above", False, address.yes)
    box = st.expander(
        "All goals above this one",
        expanded=asked,
        type="compact",
        icon=":material/north:",
        **address.bound("above", asked, False),
    )
    if not asked:
        return
    rows = _above(kb, stamp(), article["article_id"])
    with box:
        for distance in sorted({row[2] for row in rows}):
            st.caption(f"{distance} link{'s' if distance > 1 else ''} up")
            with st.container(horizontal=True, key=f"row-above-{distance}"):
                for key, goal, at in rows:
                    if at == distance:
                        address.link("procedure", label(goal, 80), goal=key)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _above(
    _kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp], article_id: int
) -> list[tuple[str, str, int]]:
    return goals_above(_kb, article_id, MAX_ABOVE, MOST_LINKS_UP)
