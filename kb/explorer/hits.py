"""What words find, kept: pages of it are turned, sorted and narrowed, and others look for the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from howtree.files import FileStamp
from kb.alternatives import Alternative
from kb.explorer import address
from kb.explorer.facets import CHIP
from kb.explorer.session import stamp
from kb.explorer.text import markup
from kb.search import MOST_GOALS, FoundGoal, search
from kb.store import KnowledgeBase

KEPT = 1_000
"""Searches, the latest: each is 30 goals at most."""
BEHIND = 1 - 1e-6
"""What share of a hit's score its alternatives have: of a group that is not narrowed the hit itself is shown."""
SHOWN = 12
"""Alternatives of a hit that are shown."""


def hits(kb: KnowledgeBase, words: str) -> list[FoundGoal]:
    """The goals that words find, best first."""
    found: list[FoundGoal] = _hits(kb, stamp(), words)
    return found


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _hits(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp], words: str) -> list[FoundGoal]:
    return search(_kb, words, MOST_GOALS)


def of_hits(found: Sequence[FoundGoal]) -> tuple[str, dict[str, Any]]:
    """Goals that were found and their alternatives, as SQL with its parameters: article_id, goal, score."""
    scores = {other.article_id: hit.score * BEHIND for hit in found for other in hit.alternatives} | {
        hit.article_id: hit.score for hit in found
    }
    return (
        "SELECT article_id, goal, score FROM (SELECT unnest($ids) AS article_id, unnest($scores) AS score) "
        "JOIN articles USING (article_id)",
        {"ids": list(scores), "scores": list(scores.values())},
    )


def once_each(relation: str) -> str:
    """Of goals as SQL, the best of each group of equal ones."""
    return (
        f"SELECT article_id, goal, score FROM ({relation}) LEFT JOIN alternatives USING (article_id) QUALIFY "
        "row_number() OVER (PARTITION BY coalesce(group_id, article_id) ORDER BY score DESC, article_id) = 1"
    )


def choices(others: Sequence[Alternative]) -> None:
    """Links to the other articles of an equal goal."""
    links = (
        address.anchor("procedure", markup(f"{other.goal}, {other.site or 'none'}", 80), CHIP, goal=other.key)
        for other in others[:SHOWN]
    )
    if others:
        st.html(f'<p class="chips">or {"".join(links)}</p>')
