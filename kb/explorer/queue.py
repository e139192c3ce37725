"""Which link a person judges next, and the step and goal that it joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kb.explorer import answers
from kb.explorer.address import MAX_WORDS, path, spelt
from kb.review.reviews import text_hash
from kb.store import KnowledgeBase

# The machine's own links, below what people decided: `machine_links` has those of the file, and its guesses.
ORDERS = {
    "Least sure first": "TRUE ORDER BY abs(e.probability - $threshold), e.step_id",
    "Chosen links at random": "e.chosen ORDER BY hash(e.step_id)",
    "Steps without a link at random": "NOT e.chosen ORDER BY hash(e.step_id)",
    "Judged by others": "e.step_id IN (SELECT step_id FROM verdicts "
    "WHERE who <> $who AND is_person(who)) ORDER BY hash(e.step_id)",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A step and the goal that the machine would link it to: are they the same procedure?"""

    step_id: int
    article_id: int
    article: str
    """Key of the article that holds the step."""
    goal: str
    method: int
    number: int
    text: str
    body: str
    bullets: list[str]
    child_id: int
    child: str
    """Key of the article of the machine's goal."""
    child_goal: str
    probability: float
    chosen: bool
    source: str

    @property
    def name(self) -> str:
        """What the address calls it: the article's key and the step's place, which outlive a new build."""
        return f"{self.article}~{spelt(((self.method, self.number),))}"

    @property
    def seen(self) -> str:
        """The hash of the text that the person saw."""
        return text_hash(self.text)


QUESTION = """
SELECT s.step_id, s.article_id, a.key, a.goal, s.method_number, s.step_number,
       step_text(s.headline, s.body), CASE WHEN s.headline = '' THEN '' ELSE s.body END, s.bullets,
       e.child_id, c.key, c.goal, e.probability, e.chosen, e.source
FROM steps s
JOIN articles a USING (article_id)
JOIN machine_links e ON e.step_id = s.step_id AND e.parent_id = s.article_id
JOIN articles c ON c.article_id = e.child_id
"""


def question(kb: KnowledgeBase, name: str) -> Question | None:
    """The question that an address names, None where there is no such step or nothing was weighed for it."""
    article, place = parsed(name)
    return _first(
        kb,
        f"{QUESTION} WHERE a.key = $article AND s.method_number = $method AND s.step_number = $number",
        {"article": article, "method": place[0], "number": place[1]},
    )


def parsed(name: str) -> tuple[str, tuple[int, int]]:
    """A question's name as the key of the article and the place of the step.

    Raises:
        ValueError: it is not one.
    """
    article, _, place = name.rpartition("~")
    places = path(place)
    if not article or len(name) > MAX_WORDS or len(places) != 1:
        raise ValueError(name)
    return article, places[0]


def checked(name: str) -> str:
    """`name` where it is one.

    Raises:
        ValueError: it is not one.
    """
    parsed(name)
    return name


def upcoming(kb: KnowledgeBase, who: str, order: str, skipped: int = 0) -> Question | None:
    """The first question of a queue that `who` has not answered, after `skipped` others."""
    parameters: dict[str, Any] = {"who": who, "skipped": skipped}
    if "$threshold" in ORDERS[order]:
        parameters["threshold"] = kb.threshold
    found = answers.rows(
        kb,
        "SELECT e.step_id FROM machine_links e WHERE e.source = 'model' AND e.step_id NOT IN "
        "(SELECT step_id FROM verdicts WHERE who = $who AND step_id IS NOT NULL) "
        f"AND {ORDERS[order]} LIMIT 1 OFFSET $skipped",
        parameters,
    )
    return _first(kb, f"{QUESTION} WHERE s.step_id = $step", {"step": found[0][0]}) if found else None


def _first(kb: KnowledgeBase, sql: str, parameters: dict[str, Any]) -> Question | None:
    found = answers.rows(kb, sql, parameters)
    return Question(*found[0]) if found else None
