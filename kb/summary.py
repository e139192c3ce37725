"""A knowledge base in a few figures, and the run that made it."""

from __future__ import annotations

import json
from typing import Any

from kb.store import KnowledgeBase

FIGURES = """
SELECT (SELECT count(*) FROM articles) AS goals,
       (SELECT count(*) FROM steps) AS steps,
       (SELECT count(*) FROM candidates) AS candidates,
       (SELECT count(*) FROM edges) AS linked_steps,
       (SELECT count(*) FROM edges WHERE source = 'editor') AS linked_by_editors,
       (SELECT count(DISTINCT child_id) FROM edges) AS goals_linked_to,
       (SELECT count(*) FROM skipped) AS skipped_records
"""
MADE_OF = ("encoder_digest", "reranker_digest", "decision_digest", "verifier_digest", "predictions_digest",
           "reviews_digest")  # fmt: skip
"""What a file may be made of beside its sources, as its meta names it."""
LANGUAGES = "SELECT language, count(*) AS n FROM articles GROUP BY language ORDER BY n DESC, language"


def summary(kb: KnowledgeBase) -> dict[str, Any]:
    """Sizes, the share of linked steps, thresholds, digests of what it was made of, and the last run, for programs."""
    figures = kb.records(FIGURES)[0]
    return {
        "file": str(kb.path),
        "bytes": kb.path.stat().st_size,
        **figures,
        "languages": dict(kb.query(LANGUAGES).fetchall()),
        "share_of_steps_linked": figures["linked_steps"] / max(1, figures["steps"]),
        "threshold": kb.threshold,
        "thresholds_by_beta": kb.thresholds,
        "encoder": kb.meta["encoder"],
        "built_at": kb.meta["built_at"],
        "sources": json.loads(kb.meta["sources"]),
        **{name: kb.meta[name] for name in MADE_OF if name in kb.meta},
        "run": last_run(kb),
    }


def last_run(kb: KnowledgeBase) -> dict[str, Any]:
    """The row of `runs` of the build that made the file, its JSON unpacked and its times as ISO 8601 in UTC."""
    row = kb.records("SELECT * FROM runs ORDER BY run_id DESC LIMIT 1")[0]
    times = {
        name: f"{row[name].isoformat(timespec='seconds')}+00:00" for name in ("started_at", "finished_at")
    }
    parts = {name: json.loads(row[name]) for name in ("inputs", "models", "parameters", "tally")}
    return {**row, **times, **parts}


def in_words(facts: dict[str, Any]) -> dict[str, str]:
    """A summary as people read it, line by line."""
    shown = {
        **facts,
        "file": f"{facts['file']} ({facts['bytes'] / 1e6:.1f} MB)",
        "languages": ", ".join(f"{name} {count:,}" for name, count in facts["languages"].items()),
        "share_of_steps_linked": f"{facts['share_of_steps_linked']:.1%}",
        "thresholds_by_beta": ", ".join(f"{beta}: {v:g}" for beta, v in facts["thresholds_by_beta"].items()),
        "sources": ", ".join(f"{path} ({digest})" for path, digest in facts["sources"].items()),
        "built_with": f"howtree {facts['run']['version']}",
    }
    del shown["bytes"], shown["run"]
    return {
        name.replace("_", " "): f"{value:,}" if isinstance(value, int) else str(value)
        for name, value in shown.items()
    }
