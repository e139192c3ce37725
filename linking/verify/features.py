"""The numbers beside the cross-encoder: what retrieval, the reranker, the words and the vectors say of a pair.

None of them looks at other steps of the build, so an incremental build equals a full one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from linking.arrays import Floats, Numbers, Vectors
from linking.pair import Candidate, Pair, Place
from linking.verify.words import MAKES_STEMS, USES_STEMS, stems

OF_LISTS = (
    *("lone", "log_p", "p", "cosine", "goal_coverage", "step_coverage", "habit", "precedent", "opposed"),
    *("log_rank", "gap"),
)
"""Of the lists and the reranker."""
OF_VECTORS = (
    *("goal_article", "step_article", "goal_before", "goal_after", "best_goal_step", "mean_goal_step"),
    "better_elsewhere",
)
"""Cosines of texts."""
OF_WORDS = (
    *("step_words", "goal_words", "goal_in_step", "step_in_goal", "first_same", "goal_first_in_step"),
    *(
        "object_in_step",
        "step_first_in_goal",
        "object_equal",
        "goal_in_article",
        "article_in_goal",
        "has_steps",
    ),
    *("uses_product", "goal_makes", "step_makes", "first_known", "order_kept", "same_article"),
    *("goal_first_in_article", "clauses"),
)
NAMES = (*OF_LISTS, *OF_VECTORS, *OF_WORDS)
"""The features in their order."""
LEAST_LOG = -12.0
WIDEST_GAP = 8.0


@dataclass(frozen=True, slots=True)
class Listed:
    """What the lists say of n pairs: each [n]."""

    score: Floats
    """Of the reranker."""
    others: Floats
    """log of the sum of exp(score / T) over the other candidates of the list and "no link"."""
    best_other: Floats
    """The best score among the other candidates; -inf where there is none."""
    rank: Floats
    """From 1."""
    reranked_by: Numbers
    """The reranker's features (`linking.rerank.features`), [n, 6], the cosine first."""

    def features(self, temperature: float, bias: float) -> Floats:
        """Columns `OF_LISTS`.

        lone: log odds of the pair against "no link" alone; log_p, p: of the decision; gap: log odds against the best
        other candidate; and the reranker's features by their names.
        """
        logit = self.score / temperature
        log_p = logit - np.logaddexp(logit, self.others)
        gap = np.clip(logit - self.best_other / temperature, -WIDEST_GAP, WIDEST_GAP)
        first = np.stack([logit - bias / temperature, np.maximum(log_p, LEAST_LOG), np.exp(log_p)], axis=1)
        return np.concatenate([first, self.reranked_by, np.log(self.rank)[:, None], gap[:, None]], axis=1)


@dataclass(frozen=True, slots=True)
class Vectored:
    """The unit vectors of n pairs' texts, each [n, d], zeros for texts that are not known."""

    step: Vectors
    goal: Vectors
    article: Vectors
    before: Vectors
    after: Vectors
    first: Sequence[Vectors]
    """Of each candidate's first steps, [any, d]."""

    def features(self) -> Floats:
        """Columns `OF_VECTORS`.

        best and mean_goal_step are cosines of the step with the candidate's first steps; better_elsewhere is how much
        nearer the goal is to the step before or after than to the step.
        """
        pairs = (
            (self.goal, self.article),
            (self.step, self.article),
            (self.goal, self.before),
            (self.goal, self.after),
        )
        columns = [cosines(a, b) for a, b in pairs]
        # Not @, whose order of additions depends on where the rows are in memory, and so on the size of a batch.
        near = [np.einsum("md,d->m", some, step) for some, step in zip(self.first, self.step, strict=True)]
        columns += [np.array([some.max(initial=0.0) if len(some) else 0.0 for some in near], np.float64)]
        columns += [np.array([some.mean() if len(some) else 0.0 for some in near], np.float64)]
        elsewhere = np.maximum(columns[2], columns[3]) - cosines(self.goal, self.step)
        return np.stack([*columns, np.maximum(elsewhere, 0)], axis=1)

    def products(self) -> Floats:
        """Products and differences of step and goal, [n, 2 d], scaled so that each is about 1."""
        root = np.sqrt(self.step.shape[1])
        step, goal = self.step.astype(np.float64), self.goal.astype(np.float64)
        return np.concatenate([root * step * goal, 0.7 * root * np.abs(step - goal)], axis=1)


def cosines(a: Vectors, b: Vectors) -> Floats:
    """Of n pairs of unit vectors, [n]; each summed in the same order."""
    return np.asarray(np.einsum("nd,nd->n", a, b).astype(np.float64))


def word_features(pairs: Iterable[Pair]) -> Floats:
    """Columns `OF_WORDS`, [n, 20]."""
    rows = [of_words(pair.place, pair.candidate) for pair in pairs]
    return np.array(rows, np.float64).reshape(len(rows), len(OF_WORDS))


def of_words(place: Place, candidate: Candidate) -> list[float]:
    """The numbers from words alone, in the order of `OF_WORDS`."""
    step, goal, article = (
        stems(text) if text else () for text in (place.step, candidate.title, place.article)
    )
    in_step, in_goal, in_article = set(step), set(goal), set(article)
    thing = goal[1:] or goal
    places = [step.index(word) for word in goal if word in in_step]
    uses, makes = bool(set(step[:1]) & USES_STEMS), bool(set(goal[:1]) & MAKES_STEMS)
    step_makes = bool(set(step[:1]) & MAKES_STEMS)
    return [
        float(np.log1p(len(step))),
        float(np.log1p(len(goal))),
        share(goal, in_step),
        share(step, in_goal),
        float(step[:1] == goal[:1]),
        float(bool(goal) and goal[0] in in_step),
        share(thing, in_step),
        float(bool(step) and step[0] in in_goal),
        float(set(step[1:]) == set(thing)),
        share(goal, in_article),
        share(article, in_goal),
        float(bool(candidate.first)),
        float(uses and makes) * share(thing, in_step),
        float(makes),
        float(step_makes),
        float(step_makes or uses),
        float(places == sorted(places)) * min(1.0, len(places)),
        float(bool(article) and in_article == in_goal),
        float(bool(goal) and goal[0] in in_article),
        float(len(re.findall(r",| and | or | then ", place.step))),
    ]


def share(some: Sequence[str], of: set[str]) -> float:
    """The share of some words that are among others."""
    return sum(word in of for word in some) / max(1, len(some))
