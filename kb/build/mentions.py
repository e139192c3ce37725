"""Editors' hyperlinks from steps to goals here: which say what their step is, and which only mention a goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from linking.arrays import StepIds
from linking.candidates import Mentions
from linking.text import step_text
from linking.verify.mention import counts_by_itself
from linking.verify.never import is_again, is_no_action

BATCH = 20_000
LINKS = """
SELECT h.step_id, h.link_number, h.target_id, s.headline, CASE WHEN s.headline = '' THEN s.body[:2000] ELSE '' END,
       h.place, h.anchor, a.goal, t.goal, a.language
FROM kb.hyperlinks h
JOIN kb.steps s USING (step_id)
JOIN kb.articles a ON a.article_id = s.article_id
JOIN kb.articles t ON t.article_id = h.target_id
LEFT JOIN kb.alternatives own ON own.article_id = s.article_id
LEFT JOIN kb.alternatives equal ON equal.article_id = h.target_id AND equal.group_id = own.group_id
WHERE h.target_id <> s.article_id AND equal.group_id IS NULL AND h.step_id BETWEEN $first AND $last
ORDER BY h.step_id, h.link_number
"""


@dataclass(frozen=True, slots=True)
class SetLink:
    """A hyperlink from a step to another goal that is here."""

    step_id: int
    link_number: int
    target_id: int
    is_link: bool
    """Whether it says what the step is; else it only mentions a goal."""


def set_links(session: duckdb.DuckDBPyConnection, first: int = 0, last: int = 2**62) -> Iterator[SetLink]:
    """The hyperlinks of the steps from `first` to `last`, in their order."""
    cursor = session.cursor().execute(LINKS, {"first": first, "last": last})
    while rows := cursor.fetchmany(BATCH):
        for step_id, number, target_id, *said in rows:
            yield SetLink(step_id, number, target_id, says_what_the_step_is(*said))


def says_what_the_step_is(
    headline: str, body: str, place: str, anchor: str, article: str, goal: str, language: str
) -> bool:
    """Whether a hyperlink of a step counts by itself. A step without a headline is its first sentence."""
    text = step_text(headline, body)
    if not headline and place == "body" and anchor in text:
        place = "headline"
    if is_no_action(text) or is_again(article, goal):
        return False
    return counts_by_itself(text, place, anchor, goal, language)


def mark_own_links(session: duckdb.DuckDBPyConnection) -> None:
    """Make the table `own_links` of the session: the hyperlinks that count by themselves."""
    own = [(link.step_id, link.link_number) for link in set_links(session) if link.is_link]
    steps, numbers = ([each[i] for each in own] for i in (0, 1))
    columns = [pa.array(steps, pa.int64()), pa.array(numbers, pa.int32())]
    session.register("marked", pa.table(columns, ["step_id", "link_number"]))
    session.execute("CREATE OR REPLACE TEMP TABLE own_links AS FROM marked")
    session.unregister("marked")


def mentions_in(session: duckdb.DuckDBPyConnection, ids: StepIds) -> Mentions:
    """What editors mention in the steps with these ids, which ascend."""
    if not len(ids):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    links = [link for link in set_links(session, int(ids[0]), int(ids[-1])) if not link.is_link]
    steps = np.array([link.step_id for link in links], np.int64)
    goals = np.array([link.target_id for link in links], np.int64)
    here = np.isin(steps, ids)  # those of other languages lie between
    return np.searchsorted(ids, steps[here]), goals[here]
