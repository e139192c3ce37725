"""The files that the paper released, out of a knowledge base and into one.

`wikihow.json` is a list of {"task": goal, "caption": [step, ...], "category": [...]}. `wikihow_prediction.json` is a
list of {"step": text without its final full stop, "pred": {goal: score, ...}}, where the goal "[unused2]" stands for
"unlinkable". Steps are known by their text alone there. Where a text is in several steps, its n-th entry
belongs to the n-th step with it; where there are fewer entries than steps, the first belongs to all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kb.query.results import as_json, opened, records_by_article
from kb.store import KnowledgeBase

UNLINKABLE = "[unused2]"
Record = Callable[[dict[str, Any]], dict[str, Any]]

ARTICLES = """
SELECT a.goal AS task,
       (SELECT list(step_text(s.headline, s.body) ORDER BY s.step_id) FROM steps s
        WHERE s.article_id = a.article_id) AS caption,
       coalesce((SELECT list(c.name ORDER BY c.level) FROM categories c WHERE c.article_id = a.article_id), [])
           AS category
FROM articles a
WHERE a.article_id BETWEEN $first AND $last
ORDER BY a.article_id
"""
PREDICTIONS = """
WITH own AS MATERIALIZED (
    SELECT step_id, step_text(headline, body) AS text FROM steps WHERE article_id BETWEEN $first AND $last
),
weighed AS (
    SELECT step_id, list({'goal': a.goal, 'score': c.probability::DOUBLE} ORDER BY c.rank) AS goals
    FROM candidates c JOIN articles a USING (article_id)
    WHERE step_id BETWEEN (SELECT min(step_id) FROM own) AND (SELECT max(step_id) FROM own)
    GROUP BY step_id
)
SELECT o.text, w.goals FROM own o LEFT JOIN weighed w USING (step_id) ORDER BY o.step_id
"""


def write_paper(kb: KnowledgeBase, folder: Path, depth: int) -> int:
    """Write wikihow.json and wikihow_prediction.json to a folder. Returns the articles and steps written."""
    folder.mkdir(parents=True, exist_ok=True)
    articles = write_list(kb, ARTICLES, folder / "wikihow.json", lambda row: row, "Articles")
    return articles + write_list(
        kb, PREDICTIONS, folder / "wikihow_prediction.json", prediction, "Predictions"
    )


def write_list(kb: KnowledgeBase, sql: str, path: Path, record: Record, label: str) -> int:
    """Write the rows of a query over articles as one JSON list, a record per line. Returns their number."""
    count = 0
    with opened(path) as file:
        file.write("[")
        for row in records_by_article(kb, sql, label):
            file.write((",\n" if count else "\n") + as_json(record(row)))
            count += 1
        file.write("\n]\n")
    return count


def prediction(row: dict[str, Any]) -> dict[str, Any]:
    """A record of wikihow_prediction.json; "unlinkable" has the probability that the goals leave."""
    scores: dict[str, float] = {}
    for goal in row["goals"] or ():
        scores.setdefault(goal["goal"], goal["score"])
    rest = max(0.0, 1 - sum(goal["score"] for goal in row["goals"] or ()))
    return {"step": without_stop(row["text"]), "pred": {**scores, UNLINKABLE: rest}}


def without_stop(text: str) -> str:
    """A step's text as the paper's files name it: with single blanks, without its final full stop."""
    return " ".join(text.split()).removesuffix(".")


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores of a record as probabilities: as they are where they may be ones, else their softmax."""
    if all(0 <= score <= 1 for score in scores.values()) and sum(scores.values()) <= 1.001:
        return dict(scores)
    highest = max(scores.values())
    weights = {goal: math.exp(score - highest) for goal, score in scores.items()}
    total = sum(weights.values())
    return {goal: weight / total for goal, weight in weights.items()}
