"""What a build reads of its own tables to link it: the goals, and the steps in their places, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any

import duckdb
import numpy as np

from kb.build.mentions import mentions_in
from kb.build.products import read_sites
from linking.arrays import ArticleIds, Positions
from linking.candidates import Goals, StepBatch
from linking.pair import FIRST_STEPS, METHODS, Candidate, Place
from linking.text import clean, goal_text, step_text

STEPS_PER_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as it is read."""

    step_id: int
    article_id: int
    method: int
    headline: str
    instead: str
    """The beginning of its body, where it has no headline."""

    @property
    def shown(self) -> str:
        """The step as a person reads it."""
        return clean(self.headline) or step_text("", self.instead)


def read_goals(session: duckdb.DuckDBPyConnection, language: str) -> Goals:
    """The goals of one language."""
    rows = session.execute(
        "SELECT article_id, goal, coalesce(group_id, article_id) "
        "FROM articles LEFT JOIN alternatives USING (article_id) WHERE language = ? ORDER BY article_id",
        [language],
    ).fetchall()
    ids, texts = np.array([row[0] for row in rows], np.int64), [goal_text(row[1]) for row in rows]
    groups = np.array([row[2] for row in rows], np.int64)
    about = partial(candidates_of, session, ids, texts)
    return Goals(ids, texts, about, groups, read_sites(session, language))


def candidates_of(
    session: duckdb.DuckDBPyConnection, ids: ArticleIds, titles: list[str], wanted: ArticleIds
) -> list[Candidate]:
    """The wanted articles with their methods and first steps; `ids` and `titles` are those of all."""
    methods = lists_of(session, "methods", "name", "method_number", METHODS, wanted)
    steps = lists_of(session, "steps", "headline", "step_id", FIRST_STEPS, wanted)
    return [
        Candidate(titles[at], methods.get(article, ()), steps.get(article, ()))
        for at, article in zip(np.searchsorted(ids, wanted).tolist(), wanted.tolist(), strict=True)
    ]


def lists_of(
    session: duckdb.DuckDBPyConnection, table: str, text: str, order: str, most: int, wanted: ArticleIds
) -> dict[int, tuple[str, ...]]:
    """By article, the first texts of a table that are not empty."""
    rows = session.cursor().execute(
        f"""
        SELECT article_id, list({text} ORDER BY {order})[:{most}]
        FROM kb.{table} SEMI JOIN (SELECT unnest(?::BIGINT[]) AS article_id) USING (article_id)
        WHERE {text} <> '' GROUP BY article_id
        """,
        [wanted.tolist()],
    )
    return {article: tuple(map(clean, texts)) for article, texts in rows.fetchall()}


def read_steps(session: duckdb.DuckDBPyConnection, language: str) -> Iterator[StepBatch]:
    """The steps of one language in batches, in the order of their ids."""
    cursor = session.cursor().execute(
        """
        SELECT step_id, article_id, method_number, headline, CASE WHEN headline = '' THEN body[:2000] ELSE '' END
        FROM kb.steps JOIN kb.articles USING (article_id) WHERE language = ? ORDER BY step_id
        """,
        [language],
    )
    last: list[StepRow] = []
    for rows, after in pairwise(chain(batches(cursor), [[]])):
        ids = np.array([row.step_id for row in rows], np.int64)
        yield StepBatch(
            ids,
            np.array([row.article_id for row in rows], np.int64),
            [step_text(row.headline, row.instead) for row in rows],
            partial(places_of, session, last + rows + after[:1], len(last)),
            partial(mentions_in, session, ids),
        )
        last = rows[-1:]


def batches(cursor: Any) -> Iterator[list[StepRow]]:
    """The rows of a cursor, many at a time."""
    while rows := cursor.fetchmany(STEPS_PER_BATCH):
        yield [StepRow(*row) for row in rows]


def places_of(
    session: duckdb.DuckDBPyConnection, rows: list[StepRow], first: int, wanted: Positions
) -> list[Place]:
    """The steps at positions counted from `rows[first]`, each in its place."""
    articles = sorted({rows[first + i].article_id for i in wanted.tolist()})
    found = session.cursor().execute(
        """
        SELECT article_id, method_number, goal, name
        FROM kb.methods JOIN kb.articles USING (article_id)
        SEMI JOIN (SELECT unnest(?::BIGINT[]) AS article_id) USING (article_id)
        """,
        [articles],
    )
    names = {(row[0], row[1]): (goal_text(row[2]), clean(row[3] or "")) for row in found.fetchall()}

    def neighbour(at: int, other: int) -> str:
        if not 0 <= other < len(rows):
            return ""
        here, there = rows[at], rows[other]
        return there.shown if (here.article_id, here.method) == (there.article_id, there.method) else ""

    def place(at: int) -> Place:
        of = names[rows[at].article_id, rows[at].method]
        return Place(rows[at].shown, *of, neighbour(at, at - 1), neighbour(at, at + 1))

    return [place(at) for at in (first + wanted).tolist()]
