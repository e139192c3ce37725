"""A knowledge base in a few figures."""

from __future__ import annotations

from typing import Any

from kb.store import KnowledgeBase

FIGURES = """
SELECT (SELECT count(*) FROM articles) AS goals,
       (SELECT count(*) FROM steps) AS steps,
       (SELECT count(*) FROM candidates) AS candidates,
       (SELECT count(*) FROM edges WHERE chosen) AS linked_steps,
       (SELECT count(*) FROM edges WHERE chosen AND source = 'editor') AS linked_by_editors,
       (SELECT count(DISTINCT child_id) FROM edges WHERE chosen) AS goals_linked_to,
       (SELECT string_agg(language || ' ' || n, ', ' ORDER BY n DESC, language)
        FROM (SELECT language, count(*) AS n FROM articles GROUP BY language)) AS languages,
       (SELECT count(*) FROM skipped) AS skipped_records
"""


def summary(kb: KnowledgeBase) -> dict[str, Any]:
    """Sizes, the share of linked steps, the threshold, and the run that made the file."""
    figures = kb.records(FIGURES)[0]
    run = kb.records("SELECT * FROM runs ORDER BY run_id DESC LIMIT 1")[0]
    share = figures["linked_steps"] / max(1, figures["steps"])
    return {
        "file": f"{kb.path} ({kb.path.stat().st_size / 1e6:.1f} MB)",
        **figures,
        "share_of_steps_linked": f"{share:.1%}",
        "threshold": kb.threshold,
        "thresholds_by_beta": ", ".join(f"{beta}: {value:g}" for beta, value in kb.thresholds.items()),
        "encoder": kb.meta["encoder"],
        "built_at": kb.meta["built_at"],
        "built_with": f"howtree {run['version']}",
    }
