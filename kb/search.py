"""Finding goals: by name, exactly, and by a question in people's own words, best first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadUsage, NotFound
from kb.alternatives import Alternative, alternatives, once
from kb.meaning.encoder import word_encoder
from kb.meaning.fit import best_first, fits_of, with_titles
from kb.meaning.goals import GoalVectors
from kb.meaning.weigh import Weighed, weighed
from kb.store import KnowledgeBase

_OCCASION = re.compile(r"\b(before|because|so that|until)\b.*", re.IGNORECASE | re.DOTALL)
MOST_GOALS = 30
"""Of an answer."""
MOST_CHARACTERS = 1_000
"""Characters of a question; search_hits in search.sql refuses more, too."""


@dataclass(frozen=True, slots=True)
class FoundGoal:
    """A goal that a search found."""

    article_id: int
    goal: str
    score: float
    """How likely it is asked for, from 0 to 1; by words alone, the share of the question that it covers."""
    words: tuple[str, ...] = ()
    """The words of the title that were asked for; none where the goal was found by meaning."""
    step: str | None = None
    """The step or thing of the goal that has others of the question's words; by meaning, the step most like it."""
    alternatives: tuple[Alternative, ...] = ()
    """The other articles of an equal goal, by site; they are not found apart from it."""

    @property
    def reason(self) -> str:
        """Why it was found, e.g. 'title: clean, oven; step: "Heat the oven."'."""
        title = ["title: " + ", ".join(self.words)] if self.words else []
        return "; ".join(title + ([f'step: "{self.step}"'] if self.step else []))


def search(kb: KnowledgeBase, words: str, limit: int = 20, model: bool = True) -> list[FoundGoal]:
    """The goals that a question asks for by its words or its meaning, best first, at most 30, equal ones once.

    Meaning is that of word vectors and, unless `model` is false, of the encoder that made the links where that is
    installed; its first question loads it.

    Of a knowledge base without vectors of goals the words alone count, and so they do, without that encoder, for a
    question of which few words have a vector, as one in another language than English.

    Raises:
        BadUsage: the question is too long.
        BadInput: the encoder's weights have changed.
    """
    by_words = search_by_words(kb, words, MOST_GOALS)
    asked = spelt(main_words(kb, words), by_words)
    goals = compared(kb, words, asked, by_words, model)
    total = len(GoalVectors.of(kb).ids)
    mostly_strange = 2 * len(word_encoder().known(asked)) <= len(asked)
    if not goals or (mostly_strange and goals[0].likeness.model is None):
        return by_words[:limit]
    hits = {hit.article_id: hit for hit in by_words}
    found = [
        _found(each, score, hits.get(each.article_id))
        for each, score in best_first(fits_of(kb), goals, len(asked), total)
    ]
    if not found:  # by words that have no vector, such as names, a goal may be found all the same
        strange = {word for word in asked if not word_encoder().known([word])}
        found = [hit for hit in by_words if mostly_strange or strange & set(hit.words)]
    named = [hit for hit in by_words if hit.goal.lower() == plain(words)]
    others = [hit for hit in found if hit.goal.lower() != plain(words)]
    return grouped(kb, [*named, *others])[: min(limit, MOST_GOALS)]


def compared(
    kb: KnowledgeBase,
    question: str,
    asked: Sequence[str],
    by_words: Sequence[FoundGoal],
    model: bool,
) -> list[Weighed]:
    """The goals that may be meant, with how alike they and the question are; none without words or vectors to compare.

    Args:
        kb: the knowledge base.
        question: as it was asked.
        asked: its content words.
        by_words: the goals that share words with it.
        model: whether the encoder that made the links has a say, where it is installed.
    """
    if not asked or not len(GoalVectors.of(kb).ids):
        return []
    vector = _by_model(kb, question) if model else None
    goals = weighed(kb, asked, {hit.article_id: hit.score for hit in by_words}, vector)
    if vector is None or not goals:
        return goals
    from kb.meaning.model import title_cosines

    return with_titles(fits_of(kb).model, goals, partial(title_cosines, as_text(question)))


def grouped(kb: KnowledgeBase, hits: Sequence[FoundGoal]) -> list[FoundGoal]:
    """Goals that were found, of each group of equal ones the first, with the others as its alternatives."""
    by_id = {hit.article_id: hit for hit in hits}
    others = alternatives(kb, by_id)
    return [replace(by_id[each], alternatives=others.get(each, ())) for each in once(by_id, others)]


def _found(each: Weighed, score: float, hit: FoundGoal | None) -> FoundGoal:
    """A goal with its reason: the words that it shares, else the step that is most like the question."""
    if hit is None:
        return FoundGoal(each.article_id, each.goal, score, (), each.step)
    return replace(hit, score=score)


def _by_model(kb: KnowledgeBase, question: str) -> NDArray[np.float32] | None:
    """The question's vector by the encoder that made the links; None where that is not installed."""
    from kb.meaning.model import question_vector  # only here what links is needed

    return question_vector(kb, as_text(question))


def main_words(kb: KnowledgeBase, question: str) -> list[str]:
    """The content words of a question without a clause that only says why or by when, where two are left."""
    main = content_words(kb, _OCCASION.sub("", question))
    return main if len(main) > 1 else content_words(kb, question)


def spelt(words: Sequence[str], hits: Sequence[FoundGoal]) -> list[str]:
    """Words without a vector as titles that were found spell them."""
    titles = sorted({word for hit in hits for word in hit.words})
    known = word_encoder().known
    return [word if known([word]) else (get_close_matches(word, titles, 1) or [word])[0] for word in words]


def plain(words: str) -> str:
    """A title in lower case without "How to"."""
    return re.sub(r"^how\s+to\s+", "", words.strip().lower())


def search_by_words(kb: KnowledgeBase, words: str, limit: int = 20) -> list[FoundGoal]:
    """The goals that share words with a question, best first, at most 30, equal ones once; search_hits says how.

    Raises:
        BadUsage: the question is too long.
    """
    if len(words) > MOST_CHARACTERS:
        raise BadUsage(
            f"the question has {len(words):,} characters, {MOST_CHARACTERS:,} is the most: ask for one thing"
        )
    rows = kb.query(
        "SELECT article_id, goal, score, words, step FROM search_hits(?) LIMIT ?", [as_text(words), limit]
    ).fetchall()
    hits = [FoundGoal(each, goal, score, tuple(matched), step) for each, goal, score, matched, step in rows]
    return grouped(kb, hits)


def content_words(kb: KnowledgeBase, question: str) -> list[str]:
    """The words of a question that say what it is about, each once."""
    row = kb.query("SELECT content_words(?)", [as_text(question)]).fetchone()
    return list(row[0]) if row else []


def nothing_found(kb: KnowledgeBase, words: str) -> str:
    """What to tell a person whose question found nothing."""
    if not content_words(kb, words):
        return f"{words!r} has only words that any question has: name what you want to do, and with what."
    return f"No goal fits {words!r}. Try other words, or fewer."


def named_goal(kb: KnowledgeBase, name: str) -> int | None:
    """The id of the goal named by a title (case and "How to" ignored), a slug, a key or an id; else None."""
    row = kb.query("SELECT goal_id(?)", [as_text(name)]).fetchone()
    return int(row[0]) if row and row[0] is not None else None


def goal_id(kb: KnowledgeBase, name: str) -> int:
    """The id of the goal named by a title (case and "How to" ignored), a slug or an id.

    Raises:
        NotFound: there is none; the message suggests the nearest titles.
    """
    named = named_goal(kb, name)
    if named is not None:
        return named
    nearest = search_by_words(kb, name[:MOST_CHARACTERS], 3)
    hint = "; did you mean " + " or ".join(f'"{found.goal}"' for found in nearest) + "?" if nearest else ""
    raise NotFound(f'no goal "{name}" in {kb.path}{hint or ". Try: howtree search WORDS"}')


def as_text(name: str) -> str:
    """A name with "?" in place of what is no text: Python reads bytes that are not UTF-8 as halves of characters."""
    return name.encode("utf-8", "replace").decode()
