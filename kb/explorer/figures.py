"""The figures behind the Quality page, each one query, counted once for a knowledge base."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from howtree.files import FileStamp
from kb.explorer.landmarks import MOST_USED
from kb.store import KnowledgeBase
from kb.summary import summary

HISTOGRAM = """
SELECT least(floor(probability * 20), 19) / 20 AS probability, count(*) AS links,
       CASE WHEN source = 'model' THEN CASE WHEN chosen THEN 'model, chosen' ELSE 'model, not chosen' END
            ELSE 'set by ' || CASE source WHEN 'editor' THEN 'an editor' ELSE 'a person' END END AS kind
FROM best_links GROUP BY ALL ORDER BY 1, 3
"""
VERBS = "FROM decomposed_verbs WHERE verb <> '' AND decomposed > 0 ORDER BY decomposed DESC, verb LIMIT 15"
DEPTHS = "FROM depth_distribution(max_depth := 10) WHERE goals > 0"
CYCLES = """
SELECT ids, goals, count(*) OVER () AS total FROM cycles(max_length := 3) ORDER BY length, ids LIMIT 8
"""
SKIPPED = (
    "SELECT reason, count(*) AS records FROM skipped GROUP BY reason ORDER BY records DESC, reason LIMIT 20"
)
RUNS = "SELECT * FROM runs ORDER BY run_id DESC LIMIT 1"


@st.cache_data(max_entries=2, show_spinner="Counting …")
def figures(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp]) -> dict[str, Any]:
    """Everything that the page shows of the knowledge base itself."""
    return {
        "summary": summary(_kb),
        "run": _kb.records(RUNS),
        "most used": _kb.records(MOST_USED),
        "skipped": _kb.records(SKIPPED),
        "cycles": _kb.records(CYCLES),
    } | {
        name: frame(_kb, sql) for name, sql in {"links": HISTOGRAM, "verbs": VERBS, "depths": DEPTHS}.items()
    }


def frame(kb: KnowledgeBase, sql: str) -> pd.DataFrame:
    """The rows of a query as a table for a chart."""
    table: pd.DataFrame = kb.query(sql).df()
    return table


@st.cache_data(max_entries=2, show_spinner=False)
def judged(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp]) -> dict[str, Any]:
    """What people's reviews show: agreement, and precision by probability."""
    from kb.review.agreement import agreement, precision, weighted_precision

    parts = precision(_kb)
    return {
        "agreement": agreement(_kb.log.reviews),
        "parts": parts,
        "precision": weighted_precision(parts),
    }
