"""Judging links: reviews made of what a person sees, plans of what to judge, and judged plans read back."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from howtree.errors import BadInput, NotFound
from howtree.streams import csv_cell
from kb.review.reviews import VERDICTS, Review, Verdict, text_hash
from kb.store import KnowledgeBase

BINS = 10
"""Probabilities are looked at in tenths."""
KEYS = ("article", "method", "step", "text_hash", "goal")
"""The columns of a plan that name what is judged; the verdict is about these, whatever the other columns show."""

TENTHS = """
WITH drawn AS (
    SELECT e.step_id, e.child_id, least(floor(e.probability::DOUBLE * $bins), $bins - 1)::INTEGER AS stratum,
           row_number() OVER (PARTITION BY stratum ORDER BY md5($seed || ' ' || e.step_id), e.step_id) AS turn
    FROM machine_links e WHERE e.source = 'model'
),
taken AS (FROM drawn ORDER BY turn, stratum LIMIT $size),
"""
"""The beginning of a query that draws links, `taken` with step_id and child_id; `PLAN` goes on."""

PLAN = """
nearby AS (
    SELECT s.step_id, string_agg(n.headline, ' / ' ORDER BY n.step_number) AS neighbours
    FROM (SELECT DISTINCT step_id FROM taken) JOIN steps s USING (step_id)
    JOIN steps n ON n.article_id = s.article_id AND n.method_number = s.method_number
        AND abs(n.step_number - s.step_number) = 1
    GROUP BY s.step_id
),
opening AS (
    SELECT article_id, string_agg(headline, ' / ' ORDER BY step_number) AS first_steps
    FROM steps WHERE method_number = 1 AND step_number <= 5 AND article_id IN (SELECT child_id FROM taken)
    GROUP BY article_id
)
SELECT a.key AS article, s.method_number AS method, s.step_number AS step,
       text_hash(step_text(s.headline, s.body)) AS text_hash, g.key AS goal, '' AS verdict, '' AS note,
       step_text(s.headline, s.body) AS step_text, g.goal AS goal_title, a.goal AS in_article, n.neighbours,
       o.first_steps AS goal_first_steps, a.url AS article_url, g.url AS goal_url
FROM taken t
JOIN steps s USING (step_id)
JOIN articles a USING (article_id)
JOIN articles g ON g.article_id = t.child_id
LEFT JOIN nearby n ON n.step_id = t.step_id
LEFT JOIN opening o ON o.article_id = t.child_id
ORDER BY md5($seed || '/' || t.step_id), t.step_id, md5($seed || '/' || t.child_id)
"""


def review_of(
    kb: KnowledgeBase, step_id: int, verdict: Verdict, goal_id: int | None, who: str, note: str = ""
) -> Review:
    """The review that `kb.review.reviews.append` adds to `kb.reviews_path`.

    Args:
        kb: the knowledge base that the person sees.
        step_id: the step judged.
        verdict: one of `kb.review.reviews.VERDICTS`.
        goal_id: the goal judged, or the right one with "another goal"; None with "no link".
        who: a name or handle of the person.
        note: anything to remember.

    Raises:
        NotFound: there is no such step or goal.
        BadInput: verdict and goal do not go together, or the goal is the step's own article.
    """
    step = kb.query(
        """
        SELECT a.key, s.method_number, s.step_number, step_text(s.headline, s.body)
        FROM steps s JOIN articles a USING (article_id) WHERE s.step_id = ?
        """,
        [step_id],
    ).fetchone()
    if step is None:
        raise NotFound(f"no step {step_id} in {kb.path}")
    goal = kb.query("SELECT key FROM articles WHERE article_id = ?", [goal_id]).fetchone()
    if goal_id is not None and goal is None:
        raise NotFound(f"no goal {goal_id} in {kb.path}")
    article, method, number, text = step
    return Review(
        article,
        method,
        number,
        text_hash(text),
        verdict,
        goal[0] if goal else None,
        who.strip(),
        note.strip(),
    )


def machine_link(kb: KnowledgeBase, step_id: int) -> int | None:
    """The goal that the build links a step to, chosen or not; None where it weighed none."""
    row = kb.query("SELECT child_id FROM machine_links WHERE step_id = ?", [step_id]).fetchone()
    return int(row[0]) if row else None


def sample(kb: KnowledgeBase, size: int, seed: int = 0) -> list[dict[str, Any]]:
    """A plan of model's links to judge: as many of each tenth of probability as there are, up to equal shares.

    The same seed gives the same plan. The probability is not in it, for it would sway the judge.
    """
    return kb.records(TENTHS + PLAN, {"bins": BINS, "seed": str(seed), "size": size})


def write_plan(plan: list[dict[str, Any]], path: Path) -> None:
    """Write a plan as CSV with empty columns `verdict` and `note` to fill in.

    Raises:
        BadInput: the file cannot be written.
    """
    from kb.query.results import opened

    with opened(path) as file:
        writer = csv.DictWriter(file, plan[0].keys() if plan else KEYS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in plan)


def read_plan(path: Path, who: str) -> Iterator[Review | str]:
    """The reviews in a judged plan, or why a row is not one; rows without a verdict are passed over.

    Raises:
        BadInput: the file cannot be read, or is no plan.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {*KEYS, "verdict"} - set(rows.fieldnames or ())
            if missing:
                raise BadInput(
                    f"{path} has no column {', '.join(sorted(missing))}: fill in a plan of `review sample`"
                )
            for row in rows:
                if (row["verdict"] or "").strip():
                    yield judged(row, who, f"{path}:{rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"cannot read the judged plan {path}: {error}") from error


def judged(row: dict[str, str], who: str, where: str) -> Review | str:
    """The review of one row, or what is wrong with the row."""
    verdict = row["verdict"].strip().lower()
    if verdict not in VERDICTS or verdict == "another goal":
        return f'{where}: the verdict "{verdict}" is none of {", ".join(v for v in VERDICTS if v != "another goal")}'
    goal = None if verdict == "no link" else row["goal"]
    try:
        place = int(row["method"]), int(row["step"])
        return Review(
            row["article"], *place, row["text_hash"], verdict, goal, who, (row.get("note") or "").strip()
        )
    except (ValueError, BadInput) as error:
        return f"{where}: {error}"
