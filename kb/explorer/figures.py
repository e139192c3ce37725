"""The figures behind the Quality page, each one query, counted once for a knowledge base."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from kb.depth import Depths, depths
from kb.store import KnowledgeBase
from kb.summary import summary

Stamp = tuple[Any, ...]

HISTOGRAM = """
SELECT least(floor(probability * 20), 19) / 20 AS probability, count(*) AS links,
       CASE WHEN source = 'model' THEN CASE WHEN chosen THEN 'model, chosen' ELSE 'model, not chosen' END
            ELSE 'set by ' || CASE source WHEN 'editor' THEN 'an editor' ELSE 'a person' END END AS kind
FROM edges GROUP BY ALL ORDER BY 1, 3
"""
MOST_USED = """
SELECT a.key, a.goal, count(*) AS uses FROM edges e JOIN articles a ON a.article_id = e.child_id
WHERE e.chosen GROUP BY ALL ORDER BY uses DESC, a.goal LIMIT 10
"""
VERBS = """
WITH begun AS (
    SELECT split_part(s.headline, ' ', 1) AS word, count(*) AS steps, count(e.step_id) AS linked
    FROM steps s
    JOIN articles a USING (article_id)
    LEFT JOIN edges e ON e.step_id = s.step_id AND e.chosen
    WHERE a.language = (SELECT language FROM articles GROUP BY language ORDER BY count(*) DESC, language LIMIT 1)
    GROUP BY word
)
SELECT regexp_extract(lower(word), '\\p{L}+') AS verb, sum(linked)::BIGINT AS linked, sum(steps)::BIGINT AS steps,
       sum(linked) / sum(steps) AS share
FROM begun GROUP BY verb HAVING verb <> '' AND sum(linked) > 0 ORDER BY linked DESC, verb LIMIT 15
"""
SKIPPED = (
    "SELECT reason, count(*) AS records FROM skipped GROUP BY reason ORDER BY records DESC, reason LIMIT 20"
)
RUNS = "SELECT * FROM runs ORDER BY run_id DESC LIMIT 1"


@st.cache_data(max_entries=2, show_spinner="Counting …")
def figures(_kb: KnowledgeBase, stamp: Stamp) -> dict[str, Any]:
    """Everything that the page shows of the knowledge base itself."""
    return {
        "summary": summary(_kb),
        "run": _kb.records(RUNS),
        "most used": _kb.records(MOST_USED),
        "skipped": _kb.records(SKIPPED),
    } | {name: frame(_kb, sql) for name, sql in {"histogram": HISTOGRAM, "verbs": VERBS}.items()}


def frame(kb: KnowledgeBase, sql: str) -> pd.DataFrame:
    """The rows of a query as a table for a chart."""
    return kb.query(sql).df()


@st.cache_data(max_entries=2, show_spinner="Measuring the depth of the trees …")
def shape(_kb: KnowledgeBase, stamp: Stamp) -> Depths:
    """Depths and cycles."""
    return depths(_kb)
