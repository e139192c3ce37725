"""How well goals fit a question, by the words and by the meaning of their titles and steps together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from kb.meaning.encoder import WordEncoder, word_encoder, words_of
from kb.meaning.goals import MODEL, GoalVectors, goal_vector
from kb.store import KnowledgeBase

NEAR = 50
"""Goals nearest in meaning that are weighed, beside those that share words."""
HEAD = 0.85
"""The weight of a title's words before those that say with what or where it is done."""
_MANNER = re.compile(r"(.) (\(|(with|without|using|in|on|for|from|at|by|when|if|after|before|as|while)\b).*")


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the fit of a goal rests on."""

    words: float
    """The score of the search by words; 0 where it does not find the goal."""
    meaning: float
    """The cosine of the question and the goal, as its title and the mean of its steps."""
    told: float
    """The share of the question's words that the title or a step has or means."""
    asked: float
    """The share of the title's words that the question has or means."""
    missed: float
    """How much of the word of the question that fits worst neither the title nor a step has or means."""
    untitled: float
    """The same of the title alone."""
    model: float | None = None
    """The cosine by the encoder that made the links; None where that is not installed."""
    title: float | None = None
    """The cosine of the question and the title by the packaged encoder, which the other was trained from; None where it
    was not read."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A goal with how well it fits."""

    article_id: int
    goal: str
    likeness: Likeness
    step: str | None
    """The step that is most like the question."""


def weighed(
    kb: KnowledgeBase,
    words: Sequence[str],
    by_words: Mapping[int, float],
    by_model: NDArray[np.float32] | None = None,
) -> list[Weighed]:
    """The goals that share words with a question and those nearest in meaning, each with its likeness.

    Args:
        kb: the knowledge base.
        words: the content words of the question.
        by_words: the goals that the search by words finds, with their scores.
        by_model: the question's vector by the encoder that made the links, where that is installed.
    """
    question = _Question.of(words)
    vectors = GoalVectors.of(kb)
    ids = {*by_words, *vectors.best(vectors.cosines(question.vector), NEAR)}
    cosines: dict[int, float] | None = None
    if by_model is not None:
        others = GoalVectors.of(kb, MODEL)
        all_cosines = others.cosines(by_model)
        ids |= set(others.best(all_cosines, NEAR))
        cosines = others.of_goals(sorted(ids), all_cosines)
    return [
        question.with_goal(
            article_id,
            goal,
            [step for step in steps if step],
            by_words.get(article_id, 0.0),
            None if cosines is None else cosines.get(article_id, 0.0),
        )
        for article_id, goal, steps in _fetched(kb, sorted(ids))
    ]


def _fetched(kb: KnowledgeBase, ids: Sequence[int]) -> list[tuple[int, str, list[str | None]]]:
    """Ids, titles and step texts of goals."""
    return kb.query(
        """
        WITH ids AS MATERIALIZED (SELECT unnest($ids) AS article_id),
        texts AS (  -- step_text, but a body is read only where there is no headline
            SELECT article_id, step_id, headline AS text
            FROM steps SEMI JOIN ids USING (article_id) WHERE headline <> ''
            UNION ALL
            SELECT article_id, step_id, body FROM steps SEMI JOIN ids USING (article_id) WHERE headline = ''
        )
        SELECT article_id, any_value(goal), list(text[:300] ORDER BY step_id)
        FROM ids JOIN articles USING (article_id) LEFT JOIN texts USING (article_id)
        GROUP BY article_id ORDER BY article_id
        """,
        {"ids": list(ids)},
    ).fetchall()


@dataclass(frozen=True, slots=True)
class _Question:
    """A question as it is compared with goals."""

    encoder: WordEncoder
    rows: list[int]
    """Of its words that have a vector."""
    weights: NDArray[np.float32]
    """Of all its words, those without a vector last: they weigh as much as the others do, and no goal means them."""
    vector: NDArray[np.float32]

    @classmethod
    def of(cls, words: Sequence[str]) -> _Question:
        encoder = word_encoder()
        rows = encoder.known(words)
        weights = encoder.lengths[rows]
        unknown = np.full(len(words) - len(rows), weights.mean() if len(rows) else 1, np.float32)
        return cls(encoder, rows, np.concatenate([weights, unknown]), encoder.encode([" ".join(words)])[0])

    def with_goal(
        self, article_id: int, goal: str, steps: list[str], by_words: float, by_model: float | None
    ) -> Weighed:
        """The likeness of a goal."""
        title, *told = rows = [self.encoder.known(words_of(text)) for text in (goal, *steps)]
        in_title, in_all = self._met(title), self._met(sorted({*title, *chain.from_iterable(told)}))
        head = self.encoder.known(words_of(_MANNER.sub(r"\1", goal.lower())))
        vectors = self.encoder.vectors_of(rows)
        likeness = Likeness(
            by_words,
            float(goal_vector(vectors[0], vectors[1:]) @ self.vector),
            _mean(in_all, self.weights),
            HEAD * self._asked(head) + (1 - HEAD) * self._asked(title),
            float((self.weights * (1 - in_all)).max() / self.weights.max()),
            float((self.weights * (1 - in_title)).max() / self.weights.max()),
            by_model,
        )
        best = steps[int((vectors[1:] @ self.vector).argmax())] if steps else None
        return Weighed(article_id, goal, likeness, best)

    def _asked(self, words: list[int]) -> float:
        """The share of a title's words that the question has or means."""
        return _mean(self._likest(words, self.rows), self.encoder.lengths[words])

    def _met(self, given: Sequence[int]) -> NDArray[np.float32]:
        """How much of each word of the question some words have or mean, from 0 to 1."""
        known = self._likest(self.rows, given)
        return np.concatenate([known, np.zeros(len(self.weights) - len(known), np.float32)])

    def _likest(self, asked: Sequence[int], given: Sequence[int]) -> NDArray[np.float32]:
        """The cosine of each word in `asked` with the word in `given` that is most like it, from 0 to 1."""
        if not asked or not given:
            return np.zeros(len(asked), np.float32)
        directions = self.encoder.directions
        return np.asarray(np.clip((directions[asked] @ directions[given].T).max(axis=1), 0, 1), np.float32)


def _mean(shares: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    return float((shares * weights).sum() / weights.sum()) if len(weights) else 0.0
