"""Laying people's verdicts over the edges of a knowledge base: a person beats an editor, an editor the model.

The file is not touched. A session's view `edges` is made of the file's edges, without the steps that people decided,
and of a small table of their links; its view `guesses` is the file's without those steps. The table `verdicts` of the
session holds every review with the ids it speaks of, those that were baked into the file first. `machine_links` are
the file's edges and guesses, as if nobody had decided.

How several verdicts become one link: one person, one vote for a step; the choice with the most votes wins; where
votes are even the machine's link stays as it is. What a person's own reviews amount to says `choice`. A model
that judges (`model:NAME`) has no vote: its reviews are in `verdicts`, and decide nothing. A review that names an
article of another site as earlier versions did, by its title or by its address without the query, is placed by the
text of its step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from kb.review.reviews import CONFIRMING, Log, Review, Verdict

NO_LINK = ""
"""The choice that a step has no goal; a goal's key is never empty."""


def choice(reviews: Iterable[Review], link: str | None) -> str | None:
    """What one person's reviews of one step, in order, say that it is linked to.

    Of each goal the person's latest grade counts. The choice is the goal graded highest ("exact" and "another
    goal" before "helpful"), the latest of equals; "no link" where that was said after every such grade, or where
    the link to decide on was graded "related" or "unhelpful" and no other goal is chosen.

    Args:
        reviews: of one person and one step, oldest first.
        link: the key of the goal that the step is linked to without people's verdicts, None where it has none.

    Returns:
        the key of a goal, NO_LINK, or None where the person said nothing that decides.
    """
    grades: dict[str, Verdict] = {}
    for review in reviews:
        if review.goal is None:
            grades = {goal: v for goal, v in grades.items() if v not in CONFIRMING}
            grades[NO_LINK] = review.verdict
        else:
            grades.pop(review.goal, None)
            grades[review.goal] = review.verdict
            if review.verdict in CONFIRMING:
                grades.pop(NO_LINK, None)
    for level in (("exact", "another goal"), ("helpful",)):
        chosen = [goal for goal, verdict in grades.items() if verdict in level]
        if chosen:
            return chosen[-1]
    if NO_LINK in grades or grades.get(link or NO_LINK) in ("related", "unhelpful"):
        return NO_LINK
    return None


def majority(reviews: Iterable[Review], link: str | None) -> str | None:
    """What people decide for one step: one person, one vote; the choice with the most votes wins.

    Models have no vote.

    Args:
        reviews: of one step, oldest first.
        link: as in `choice`.

    Returns:
        the key of a goal, NO_LINK, or None where nobody decides or the votes are even: the machine's link stays.
    """
    return most_votes((review for review in reviews if review.by_person), link)


def most_votes(reviews: Iterable[Review], link: str | None) -> str | None:
    """The choice with the most votes, as in `majority`, of whoever judged."""
    people: dict[str, list[Review]] = {}
    for review in reviews:
        people.setdefault(review.who, []).append(review)
    votes: dict[str, int] = {}
    for own in people.values():
        chosen = choice(own, link)
        if chosen is not None:
            votes[chosen] = votes.get(chosen, 0) + 1
    most = max(votes.values(), default=0)
    winners = [chosen for chosen, count in votes.items() if count == most]
    return winners[0] if len(winners) == 1 else None


OVERLAY_TABLES = """
CREATE TABLE IF NOT EXISTS verdicts (
    review_id VARCHAR, state VARCHAR, step_id BIGINT, parent_id BIGINT, goal_id BIGINT, verdict VARCHAR, who VARCHAR,
    judged_at TIMESTAMP, note VARCHAR
);
CREATE TABLE IF NOT EXISTS decided (step_id BIGINT);
CREATE TABLE IF NOT EXISTS person_edges (
    parent_id BIGINT, step_id BIGINT, child_id BIGINT, probability FLOAT, source VARCHAR, relation VARCHAR
);
CREATE OR REPLACE VIEW machine_links AS
SELECT *, true AS chosen FROM kb.edges UNION ALL SELECT *, false AS chosen FROM kb.guesses;
DELETE FROM verdicts;
DELETE FROM decided;
DELETE FROM person_edges;
INSERT INTO verdicts FROM kb.verdicts;
"""
MACHINE_ALONE = (
    "CREATE OR REPLACE VIEW edges AS FROM kb.edges; CREATE OR REPLACE VIEW guesses AS FROM kb.guesses"
)
PEOPLE_OVER_MACHINE = """
CREATE OR REPLACE VIEW edges AS
FROM kb.edges ANTI JOIN decided USING (step_id)
UNION ALL
FROM person_edges;
CREATE OR REPLACE VIEW guesses AS
FROM kb.guesses ANTI JOIN decided USING (step_id);
"""
PLACES = """
WITH reviewed AS (
    SELECT unnest(range(len($articles))) AS n, unnest($articles) AS key, unnest($methods) AS method_number,
           unnest($steps) AS step_number, unnest($hashes) AS hash, unnest($goals) AS goal_key
),
former AS (
    SELECT article_id, key AS now, language || ':/' || unnest([
        split_part(slug, '?', 1), regexp_replace(trim(goal), '\\s+', '-', 'g')
    ]) AS key
    FROM kb.articles WHERE page_id IS NULL AND (slug LIKE '%/%' OR slug LIKE 'file:%')
),
asked AS (
    SELECT DISTINCT key FROM (SELECT key FROM reviewed UNION ALL SELECT goal_key FROM reviewed)
),
meant AS MATERIALIZED (
    SELECT key, article_id, true AS exact FROM asked JOIN kb.articles USING (key)
    UNION ALL
    SELECT DISTINCT key, article_id, false FROM asked JOIN former USING (key) WHERE key <> now
),
here AS MATERIALIZED (
    SELECT m.key, m.exact, s.article_id, s.step_id, s.method_number, s.step_number,
           text_hash(step_text(s.headline, s.body)) AS hash
    FROM kb.steps s JOIN meant m USING (article_id)
    WHERE m.key IN (SELECT key FROM reviewed)
),
goals_meant AS (
    SELECT key, arg_max(article_id, exact) AS article_id FROM meant GROUP BY key HAVING bool_or(exact) OR count(*) = 1
),
found AS (
    SELECT r.n, h.article_id, h.step_id,
           (h.method_number, h.step_number) = (r.method_number, r.step_number) AS in_place
    FROM reviewed r JOIN here h USING (key, hash)
    QUALIFY h.exact = bool_or(h.exact) OVER (PARTITION BY r.n)
),
placed AS (
    SELECT n, arg_max(article_id, in_place) AS parent_id, arg_max(step_id, in_place) AS step_id
    FROM found GROUP BY n HAVING count(*) FILTER (in_place) = 1 OR count(*) = 1
)
SELECT g.key, p.step_id, p.parent_id, g.article_id, m.key
FROM reviewed r
LEFT JOIN placed p USING (n)
LEFT JOIN goals_meant t ON t.key = r.goal_key
LEFT JOIN kb.articles g ON g.article_id = t.article_id
LEFT JOIN machine_links e ON e.step_id = p.step_id
LEFT JOIN kb.articles m ON m.article_id = e.child_id
ORDER BY r.n
"""


@dataclass(frozen=True, slots=True)
class _PlacedReview:
    """A review with the ids that it speaks of in this knowledge base."""

    review: Review
    step_id: int | None
    """None where the article has no such step any more, or the step's text has changed."""
    parent_id: int | None
    goal_id: int | None
    link: str | None
    """The key of the goal that the machine links the step to, chosen or not."""

    @property
    def state(self) -> str:
        """'current', or why the review does not count: 'stale' (no such step now) or 'goal gone'."""
        if self.step_id is None:
            return "stale"
        return "goal gone" if self.review.goal is not None and self.goal_id is None else "current"


def lay_over(session: duckdb.DuckDBPyConnection, log: Log) -> Counter[str]:
    """Lay the reviews over the edges of a session that `kb.store.attach` opened.

    A step that moved within its article is found again by its text; one whose text has changed is not.

    Returns:
        how many reviews are 'current', 'stale' or name a 'goal gone'.
    """
    session.execute("BEGIN")
    session.execute(OVERLAY_TABLES)
    placed = _placed(session, log.reviews)
    _insert(session, "verdicts", _verdicts(placed))
    decided, edges = _decide([place for place in placed if place.state == "current"])
    _insert(session, "decided", [(step_id,) for step_id in decided])
    _insert(session, "person_edges", edges)
    session.execute(PEOPLE_OVER_MACHINE if decided else MACHINE_ALONE)
    session.execute("COMMIT")
    return Counter(place.state for place in placed)


def placed_reviews(session: duckdb.DuckDBPyConnection, log: Log) -> Iterator[tuple[int, Review]]:
    """The reviews that count, in the order written, each with the id of its step."""
    for place in _placed(session, log.reviews):
        if place.step_id is not None and place.state == "current":
            yield place.step_id, place.review


def _placed(session: duckdb.DuckDBPyConnection, reviews: Sequence[Review]) -> list[_PlacedReview]:
    if not reviews:
        return []
    rows = session.execute(
        PLACES,
        {
            "articles": [review.article for review in reviews],
            "methods": [review.method for review in reviews],
            "steps": [review.step for review in reviews],
            "hashes": [review.text_hash for review in reviews],
            "goals": [review.goal or NO_LINK for review in reviews],
        },
    ).fetchall()
    return [
        _PlacedReview(replace(review, goal=goal) if goal else review, *ids)
        for review, (goal, *ids) in zip(reviews, rows, strict=True)
    ]


def _verdicts(placed: Sequence[_PlacedReview]) -> list[tuple[Any, ...]]:
    """The rows of the table `verdicts`; a review that its writer followed with another of the pair is 'superseded'."""
    latest = {
        (place.review.who, place.step_id, place.goal_id): place
        for place in placed
        if place.state == "current"
    }
    rows = []
    for place in placed:
        review = place.review
        superseded = latest.get((review.who, place.step_id, place.goal_id), place) is not place
        state = "superseded" if superseded else place.state
        ids = place.step_id, place.parent_id, place.goal_id
        rows.append((review.id, state, *ids, review.verdict, review.who, review.judged_at, review.note))
    return rows


def _decide(placed: Iterable[_PlacedReview]) -> tuple[list[int], list[tuple[Any, ...]]]:
    """The steps that people decided, and the edges they chose."""
    steps: dict[int, list[_PlacedReview]] = {}
    for place in placed:
        if place.step_id is not None:
            steps.setdefault(place.step_id, []).append(place)
    decided, edges = [], []
    for step_id, own in steps.items():
        chosen = majority([place.review for place in own], own[0].link)
        if chosen is None:
            continue
        decided.append(step_id)
        if chosen != NO_LINK:
            ids = {place.review.goal: place.goal_id for place in own}
            relation = relation_of(place.review for place in own if place.review.goal == chosen)
            edges.append((own[0].parent_id, step_id, ids[chosen], 1.0, "person", relation))
    return decided, edges


def relation_of(reviews: Iterable[Review]) -> str:
    """'exact' where anybody's latest verdict on a goal that people chose for a step says so, else 'helpful'.

    Args:
        reviews: of the step and the goal, oldest first.
    """
    latest = {review.who: review.verdict for review in reviews if review.by_person}
    return "exact" if {"exact", "another goal"} & set(latest.values()) else "helpful"


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows with one statement: far quicker than one a row."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(f"unnest(${i})" for i in range(1, len(columns) + 1))
        session.execute(f"INSERT INTO {table} SELECT {values}", columns)
