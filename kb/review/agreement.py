"""What reviews show: how far people agree, how right the model's links are, and pairs to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import sqrt
from statistics import NormalDist
from typing import Any

from kb.review.judging import BINS
from kb.review.overlay import majority, most_votes, placed_reviews
from kb.review.reviews import GRADES, Review
from kb.store import KnowledgeBase

SCALE = {"unhelpful": 0, "related": 1, "helpful": 2, "exact": 3}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree who graded the same step and goal."""

    people: int
    models: int
    """Reviewers named model:NAME, who are in no other figure."""
    shared: int
    """Pairs of step and goal that at least two people graded."""
    alpha: float | None
    """Krippendorff's alpha of the four grades, ordinal; None where it is not defined."""
    alpha_link: float | None
    """The same of "a link" (exact, helpful) against "no link" (related, unhelpful), nominal."""


@dataclass(frozen=True, slots=True)
class LinkPrecision:
    """How many of the model's links of one range of probability people hold for right."""

    low: float
    high: float
    """The range of probability; `high` belongs to the next, but for 1."""
    links: int
    """The model's best candidates in the range, chosen or not."""
    judged: int
    right: int
    precision: float | None
    interval: tuple[float, float] | None
    """Wilson's interval of 95%."""


def agreement(reviews: Sequence[Review]) -> Agreement:
    """Krippendorff's alpha over the latest grade of each person for each step and goal."""
    grades: dict[tuple[Any, ...], dict[str, int]] = {}
    for review in reviews:
        if review.verdict in GRADES and review.by_person:
            unit = (review.article, review.method, review.step, review.text_hash, review.goal)
            grades.setdefault(unit, {})[review.who] = SCALE[review.verdict]
    shared = [graded for graded in grades.values() if len(graded) > 1]
    people = sorted({who for graded in shared for who in graded})
    return Agreement(
        len({review.who for review in reviews if review.by_person}),
        len({review.who for review in reviews if not review.by_person}),
        len(shared),
        alpha([[graded.get(who) for graded in shared] for who in people], "ordinal"),
        alpha(
            [[None if who not in graded else int(graded[who] >= 2) for graded in shared] for who in people],
            "nominal",
        ),
    )


def alpha(table: Sequence[Sequence[int | None]], level: str) -> float | None:
    """Krippendorff's alpha of a table of people (rows) and units (columns); None where all grades are the same.

    1 - (n - 1) sum(o_ck d_ck) / sum(n_c n_k d_ck): o_ck counts the pairs of grades c, k that two people gave one unit,
    each weighing 1 / (people of the unit - 1), n_c the grades c, d is their `distance` (Krippendorff 2011, "Computing
    Krippendorff's Alpha-Reliability").

    Args:
        table: the grades, None where somebody gave none.
        level: "nominal" or "ordinal".
    """
    units = [[value for value in unit if value is not None] for unit in zip(*table, strict=True)]
    weights: dict[tuple[int, int], float] = {}
    counts: Counter[int] = Counter()
    for unit in units:
        if len(unit) > 1:
            counts.update(unit)
            for c, k in permutations(unit, 2):
                weights[c, k] = weights.get((c, k), 0.0) + 1 / (len(unit) - 1)
    if len(counts) < 2:
        return None
    observed = sum(weight * distance(c, k, counts, level) for (c, k), weight in weights.items())
    expected = sum(counts[c] * counts[k] * distance(c, k, counts, level) for c, k in permutations(counts, 2))
    return 1 - (counts.total() - 1) * observed / expected


def distance(c: int, k: int, counts: Mapping[int, int], level: str) -> float:
    """How far two grades are apart, squared: 1 if nominal; if ordinal, how many grades given are between them."""
    if level == "nominal" or c == k:
        return float(c != k)
    between = sum(count for grade, count in counts.items() if min(c, k) <= grade <= max(c, k))
    return float((between - (counts[c] + counts[k]) / 2) ** 2)


def by_step(kb: KnowledgeBase) -> dict[int, list[Review]]:
    """The reviews that count, of each step in the order written."""
    steps: dict[int, list[Review]] = {}
    for step_id, review in placed_reviews(kb.cursor(), kb.log):
        steps.setdefault(step_id, []).append(review)
    return steps


def decisions(kb: KnowledgeBase) -> Iterator[tuple[int, str, float, str | None, str]]:
    """The steps that people reviewed and the model linked, as the file has them, with what people decide.

    Yields:
        step id, key of the model's goal, probability, the goal's key decided (kb.review.overlay.NO_LINK for none, None
        where votes are even), and the step's text.
    """
    steps = by_step(kb)
    rows = kb.query(
        """
        SELECT e.step_id, a.key, e.probability, step_text(s.headline, s.body)
        FROM (SELECT unnest($ids) AS step_id) JOIN machine_links e USING (step_id) JOIN steps s USING (step_id)
        JOIN articles a ON a.article_id = e.child_id
        WHERE e.source = 'model'
        ORDER BY e.step_id
        """,
        {"ids": list(steps)},
    ).fetchall()
    for step_id, key, probability, text in rows:
        yield step_id, key, probability, majority(steps[step_id], key), text


def precision(kb: KnowledgeBase) -> list[LinkPrecision]:
    """The precision of the model's links by tenths of probability.

    A link is right where people decide for its goal, wrong where they decide for another or none.
    """
    links = dict(
        kb.query(
            "SELECT least(floor(probability::DOUBLE * $bins), $bins - 1)::INTEGER, count(*) FROM machine_links "
            "WHERE source = 'model' GROUP BY 1",
            {"bins": BINS},
        ).fetchall()
    )
    judged: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for _, key, probability, decided, _ in decisions(kb):
        if decided is not None:
            place = min(int(probability * BINS), BINS - 1)
            judged[place] += 1
            right[place] += decided == key
    return [
        LinkPrecision(
            place / BINS,
            (place + 1) / BINS,
            links.get(place, 0),
            judged[place],
            right[place],
            right[place] / judged[place] if judged[place] else None,
            wilson(right[place], judged[place]) if judged[place] else None,
        )
        for place in range(BINS)
    ]


def wilson(right: int, judged: int) -> tuple[float, float]:
    """Wilson's score interval of 95% for `right` out of `judged` (Wilson 1927), judged > 0."""
    z = NormalDist().inv_cdf(0.975)
    share, spread = right / judged, z * z / judged
    centre = share + spread / 2
    half = z * sqrt(share * (1 - share) / judged + spread / (4 * judged))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


def weighted_precision(parts: Sequence[LinkPrecision]) -> float | None:
    """Precision over all ranges, each weighing by its number of links; None without judgements."""
    known = [part for part in parts if part.precision is not None]
    total = sum(part.links for part in known)
    return sum(part.links * (part.precision or 0) for part in known) / total if total else None


PAIRS = """
SELECT step_text(s.headline, s.body) AS step, c.goal AS goal,
       list_sort(list_distinct(list(n.goal) FILTER (n.article_id IS DISTINCT FROM e.child_id))) AS "not"
FROM decided d
JOIN steps s USING (step_id)
LEFT JOIN edges e ON e.step_id = d.step_id
LEFT JOIN articles c ON c.article_id = e.child_id
LEFT JOIN (
    SELECT step_id, goal_id FROM verdicts
    WHERE state = 'current' AND verdict IN ('related', 'unhelpful') AND is_person(who)
    UNION ALL
    SELECT step_id, child_id FROM machine_links
) r ON r.step_id = d.step_id
LEFT JOIN articles n ON n.article_id = r.goal_id
GROUP BY d.step_id, s.headline, s.body, c.goal
ORDER BY d.step_id
"""


JUDGED = """
SELECT step_id, step_text(s.headline, s.body), a.key
FROM (SELECT unnest(?) AS step_id) JOIN steps s USING (step_id)
LEFT JOIN machine_links e USING (step_id) LEFT JOIN articles a ON a.article_id = e.child_id
ORDER BY step_id
"""
TITLES = "SELECT key, goal FROM articles SEMI JOIN (SELECT unnest(?) AS key) USING (key)"


def training_pairs(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """What people decided, one record per step, in the form that `howtree train` reads as gold.

    `step` is the step's text; `goal` the title of its goal, None where people say that it has none; `not` the
    titles that they rejected, which are negatives. Behind them the steps that only models judged (`models_pairs`).
    """
    people = [{**pair, "not": pair["not"] or []} for pair in kb.records(PAIRS)]
    return [*people, *models_pairs(kb)]


def models_pairs(kb: KnowledgeBase) -> Iterator[dict[str, Any]]:
    """What models decide of steps that no person judged: records as those of `training_pairs`, and `models`."""
    steps = {
        step_id: reviews
        for step_id, reviews in by_step(kb).items()
        if not any(review.by_person for review in reviews)
    }
    rows = kb.query(JUDGED, [list(steps)]).fetchall()
    keys = {review.goal for reviews in steps.values() for review in reviews} | {link for *_, link in rows}
    wanted = [key for key in keys if key is not None]
    titles = dict(
        kb.query(
            "SELECT key, goal FROM articles SEMI JOIN (SELECT unnest(?) AS key) USING (key)", [wanted]
        ).fetchall()
    )
    for step_id, text, link in rows:
        decided = most_votes(steps[step_id], link)
        if decided is None:
            continue
        latest = {(review.who, review.goal): review for review in steps[step_id]}.values()
        wrong = {review.goal for review in latest if review.verdict in ("related", "unhelpful")} | {link}
        yield {
            "step": text,
            "goal": titles.get(decided),
            "not": sorted(titles[key] for key in wrong - {decided, None}),
            "models": sorted({review.who for review in steps[step_id]}),
        }
