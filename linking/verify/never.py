"""What is never a link, whatever a model says: a goal that is the article again, and a step that is no action.

English only: titles and steps of other languages are hardly ever met by these rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from linking.arrays import ArticleIds, Flags
from linking.candidates import Goals, StepBatch
from linking.pair import Pair
from linking.verify.across import Across
from linking.verify.words import stem

COUNTER = re.compile(
    r"\s*(?:\(?\b\d+ (?:easy |simple |different )?(?:ways?|steps?|methods?|tips)\)?|\(?\d+\)?)\s*$", re.I
)
"""What is at the end of a title to tell it from an equal one, or to count what it holds."""
ARTICLES = frozenset(("a", "an", "the", "your", "my", "some"))
ALIKE = tuple(
    frozenset(stem(word) for word in group.split())
    for group in (
        "make create build construct prepare craft do",
        "cook make prepare",
        "bake make",
        "draw sketch make",
        "clean wash",
        "remove eliminate delete",
        "choose select pick",
        "buy purchase",
        "fix repair mend",
        "begin start",
        "stop quit",
        "find locate",
        "keep store preserve",
        "dress wear",
        "call phone telephone",
        "become be",
        "get obtain",
    )
)
"""First words of titles (stems) that name the same purpose."""
NO_ACTION = re.compile(
    r"(?:(?:and |now |then )?(?:please )?(?:enjoy(?: (?:it|them|yourself|your \w+))?|"
    r"(?:you(?:'|’)?re|you are|it(?:'|’)?s) (?:all |now )?(?:done|finished|ready|set)|"
    r"(?:all |now )?(?:done|finished|complete)|that(?:'|’)?s (?:it|all)|congratulations|good luck|have fun|voil[aà]|"
    r"the end|bon app[eé]tit)\b[\s\W]*)+$",
    re.I,
)
"""Steps that only say that one is at the end."""


def never(pair: Pair) -> bool:
    """Whether the goal can never be right for the step."""
    return is_no_action(pair.place.step) or is_again(pair.place.article, pair.candidate.title)


class Never:
    """Finds what is never a link among the candidates of one language's steps."""

    def __init__(self, goals: Goals) -> None:
        self.goals, self.across = goals, Across(goals)
        self._rest = numbered([bare(title)[1:] for title in goals.texts])
        """Of each goal: equal for those that are alike but for their first word."""

    def refused(self, batch: StepBatch, candidates: pa.Table) -> pa.Table:
        """Candidates of `CANDIDATE_SCHEMA` with probability 0 for those that are never links, each at its rank."""
        step, article, probability = (
            candidates.column(name).to_numpy() for name in ("step_id", "article_id", "probability")
        )
        at = np.searchsorted(batch.ids, step)
        gone = np.array([is_no_action(text) for text in batch.texts], bool)[at]
        gone |= self.again(batch.article_ids[at], article)
        gone |= self.across.unnamed(batch, at, article)
        if not gone.any():
            return candidates
        kept = np.where(gone, np.float32(0), probability)
        return candidates.set_column(
            candidates.schema.get_field_index("probability"), "probability", pa.array(kept)
        )

    def again(self, articles: ArticleIds, candidates: ArticleIds) -> Flags:
        """Whether each candidate is the goal of the step's article again; all [n]."""
        a, b = (np.searchsorted(self.goals.ids, ids) for ids in (articles, candidates))
        found = np.asarray(self._rest[a] == self._rest[b])
        for i in np.flatnonzero(found).tolist():
            found[i] = is_again(self.goals.texts[a[i]], self.goals.texts[b[i]])
        return found


def numbered(values: Sequence[tuple[str, ...]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A number for each value, the same for equal ones."""
    known: dict[tuple[str, ...], int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def is_no_action(step: str) -> bool:
    """Whether a step asks for nothing: "You're done!", "Enjoy.", a number or a mark without a word."""
    return bool(NO_ACTION.fullmatch(step.strip())) or not any(letter.isalpha() for letter in step)


def is_again(article: str, goal: str) -> bool:
    """Whether a goal is an article's own: equal titles but for a counter, an article or a synonym."""
    a, b = bare(article), bare(goal)
    if not a or not b:
        return False
    return a == b or (is_alike(a[0], b[0]) and len(a) > 1 and a[1:] == b[1:])


def is_alike(a: str, b: str) -> bool:
    """Whether two stems of verbs name the same purpose."""
    return a == b or any(a in group and b in group for group in ALIKE)


@lru_cache(100_000)
def bare(title: str) -> tuple[str, ...]:
    """The words of a title without endings, articles and a counter."""
    words = re.findall(r"[^\W_]+", COUNTER.sub("", title).lower())
    return tuple(stem(word) for word in words if word not in ARTICLES)
