"""Steps by what the build says of them, drawn to be judged, and what people said of them for a measurement.

The strata are those of judged links (docs/evaluation.md): "chosen" steps are linked, "near" ones are not though their
first candidate has a probability of 0.2 or more, "low" from 0.05 on, "none" below. Few steps are chosen, and most of
the right links that are missed are elsewhere, so each stratum is drawn from alike and weighted afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median_low
from typing import Any

from kb.review.agreement import SCALE
from kb.review.judging import PLAN
from kb.review.overlay import placed_reviews
from kb.review.reviews import Review
from kb.store import KnowledgeBase

STRATA = """
WITH strata AS (
    SELECT step_id, CASE WHEN chosen THEN 'chosen' WHEN probability >= 0.2 THEN 'near'
                         WHEN probability >= 0.05 THEN 'low' ELSE 'none' END AS stratum
    FROM machine_links WHERE source = 'model'
)
"""
"""The steps that the model weighed goals for; steps with an editor's link are not the model's to judge."""
DRAWN = """, drawn AS (
    SELECT step_id, stratum,
           row_number() OVER (PARTITION BY stratum ORDER BY md5($seed || ' ' || step_id), step_id) AS turn
    FROM strata
),
taken AS (
    SELECT d.step_id, c.article_id AS child_id
    FROM (FROM drawn ORDER BY turn, stratum LIMIT $size) d JOIN candidates c USING (step_id)
    WHERE c.rank <= $candidates
),
"""
JUDGED = """
SELECT s.step_id, step_text(s.headline, s.body) AS step, a.goal AS article, coalesce(m.name, '') AS method,
       coalesce(step_text(b.headline, b.body), '') AS before, coalesce(step_text(n.headline, n.body), '') AS after,
       s.method_number, s.step_number, g.key AS goal_key, g.goal, t.stratum
FROM (SELECT unnest($steps::BIGINT[]) AS step_id, unnest($goals::VARCHAR[]) AS goal_key) r
JOIN strata t USING (step_id)
JOIN steps s USING (step_id)
JOIN articles a USING (article_id)
JOIN articles g ON g.key = r.goal_key
LEFT JOIN methods m ON (m.article_id, m.method_number) = (s.article_id, s.method_number)
LEFT JOIN steps b ON (b.article_id, b.method_number, b.step_number) = (s.article_id, s.method_number, s.step_number - 1)
LEFT JOIN steps n ON (n.article_id, n.method_number, n.step_number) = (s.article_id, s.method_number, s.step_number + 1)
ORDER BY s.step_id, g.key
"""


def sample_strata(kb: KnowledgeBase, size: int, candidates: int, seed: int = 0) -> list[dict[str, Any]]:
    """A plan of `size` steps, as many of each stratum as there are, up to equal shares, with their first candidates.

    The same seed gives the same plan. Neither stratum nor rank nor probability is in it, for they would sway the judge.
    """
    return kb.records(STRATA + DRAWN + PLAN, {"seed": str(seed), "size": size, "candidates": candidates})


def judged_links(kb: KnowledgeBase) -> Iterator[dict[str, Any]]:
    """What people said of the model's candidates, a record for each step and goal, as `linking.gold.judged` reads it.

    Of several people the middle grade counts, the lower of two. A step stands for as many steps of its stratum as
    there are for each judged one, which holds where `sample_strata` drew them.
    """
    grades = graded(placed_reviews(kb.cursor(), kb.log))
    pairs = {"steps": [step for step, _ in grades], "goals": [goal for _, goal in grades]}
    rows = kb.records(STRATA + JUDGED, pairs)
    steps = dict(kb.query(f"{STRATA} SELECT stratum, count(*) FROM strata GROUP BY ALL").fetchall())
    judged = Counter({row["step_id"]: row["stratum"] for row in rows}.values())
    for row in rows:
        grade = grades[row.pop("step_id"), row.pop("goal_key")]
        weight = steps[row["stratum"]] / judged[row["stratum"]]
        yield {**row, "grade": grade, "draw": "random", "weight": weight}


def graded(reviews: Iterable[tuple[int, Review]]) -> dict[tuple[int, str], int]:
    """The grade of each step and goal: of each person's latest the middle one."""
    latest: dict[tuple[int, str], dict[str, int]] = {}
    for step_id, review in reviews:
        if review.goal is not None:
            grade = SCALE.get(review.verdict, SCALE["exact"])  # "another goal" names the right one
            latest.setdefault((step_id, review.goal), {})[review.who] = grade
    return {pair: median_low(given.values()) for pair, given in latest.items()}
