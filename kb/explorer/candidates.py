"""The goals that the linker weighed for a step, best first, fetched when somebody asks."""

from __future__ import annotations

from typing import Any

import streamlit as st

from kb.explorer import address
from kb.explorer.address import StepPath, spelt
from kb.explorer.text import label
from kb.store import KnowledgeBase

SHOWN = 10


def draw(kb: KnowledgeBase, step_id: int, path: StepPath) -> None:
    """A line that opens into the candidates of a step; the address holds the one that is open."""
    key = f"weigh-{spelt(path)}"
    st.session_state[key] = st.query_params.get("weigh") == spelt(path)
    box = st.expander(
        "Other goals that were weighed",
        key=key,
        type="compact",
        on_change=_toggle,
        args=(path,),
    )
    if st.session_state[key]:
        with box:
            table(of_step(kb, step_id))


def _toggle(path: StepPath) -> None:
    address.put("weigh", spelt(path) if st.session_state[f"weigh-{spelt(path)}"] else "")


def of_step(kb: KnowledgeBase, step_id: int, most: int = SHOWN) -> list[dict[str, Any]]:
    """The best candidates of a step with their scores, and whether one is the step's link."""
    return kb.records(
        """
        SELECT c.rank, c.article_id, a.key, a.goal, c.probability, c.retrieval_score, c.rerank_score,
               coalesce(e.child_id = c.article_id, false) AS chosen
        FROM candidates c
        JOIN articles a ON a.article_id = c.article_id
        LEFT JOIN edges e ON e.step_id = c.step_id
        WHERE c.step_id = $step
        ORDER BY c.rank
        LIMIT $most
        """,
        {"step": step_id, "most": most},
    )


def table(found: list[dict[str, Any]]) -> None:
    """The candidates as lines: the goal, its probability and its scores."""
    if not found:
        st.caption("No goal was weighed for this step.")
    for candidate in found:
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"row-candidate-{candidate['rank']}"
        ):
            address.link("procedure", label(candidate["goal"]), goal=candidate["key"])
            st.caption(scores(candidate))


def scores(candidate: dict[str, Any]) -> str:
    """E.g. "probability 0.93 · retrieval 0.81 · chosen"."""
    parts = [
        f"probability {candidate['probability']:.2f}",
        f"retrieval {candidate['retrieval_score']:.2f}",
    ]
    if candidate["rerank_score"] is not None:
        parts.append(f"reranker {candidate['rerank_score']:.2f}")
    return " · ".join(parts + (["**chosen**"] if candidate["chosen"] else []))
