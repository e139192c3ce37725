"""The candidates of each step as a table: what the knowledge base keeps of the lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from linking.arrays import ArticleIds, Flags, Floats, Positions, Rows, StepIds
from linking.pair import Candidate, Candidates, Place, Places
from linking.rerank.decide import Decision
from linking.retrieve.lists import GoalLists

CANDIDATE_SCHEMA = pa.schema(
    {
        "step_id": pa.int64(),
        "rank": pa.int32(),
        "article_id": pa.int64(),
        "retrieval_score": pa.float32(),
        "rerank_score": pa.float32(),
        "probability": pa.float32(),
        "relation": pa.string(),
    }
)


Mentions = tuple[Positions, ArticleIds]
"""Pairs of a step, by its position in a batch, and an article that an editor mentions in it; both [m]."""


Asked = tuple[frozenset[str], ...] | None
"""Sets of names, all of one of which must be named. None where nothing must be; empty where nothing would do."""


@dataclass(frozen=True, slots=True)
class Sites:
    """Where n articles are from, in the order of `Goals.ids`, and what tells their products apart.

    Within a site a title need not say what it is about: "Send files" in the help of one program. Whoever comes from
    another site has to be told, and so has the linker."""

    number: Positions
    """Of each article's site, the same for those of one, [n]."""
    own: list[frozenset[str]]
    """The words of its site's name: its steps are about that without a word of it."""
    asked: list[Asked]
    """What a step of another site, or its article, must name to lead there."""


@dataclass(frozen=True, slots=True)
class Goals:
    """The goals to link to. `ids` are article ids, ascending, shape [n]; `texts` what the encoder reads."""

    ids: ArticleIds
    texts: list[str]
    about: Candidates | None = None
    """Gives the articles of some ids, for what reads more than their titles."""
    groups: ArticleIds | None = None
    """By article, the same number for those whose goals are equal, [n]; without it each is alone."""
    sites: Sites | None = None
    """Where each is from; without it all are of one site."""

    def candidates(self, ids: ArticleIds) -> list[Candidate]:
        """What is known of these articles, in their order."""
        if self.about is not None:
            return self.about(ids)
        return [Candidate(self.texts[i]) for i in np.searchsorted(self.ids, ids)]


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Some steps to link: step ids, ascending, the ids of their articles, and texts, all of one length."""

    ids: StepIds
    article_ids: ArticleIds
    texts: list[str]
    about: Places | None = None
    """Gives the steps at some positions in their places, for what reads more than their texts."""
    mentions: Callable[[], Mentions] | None = None
    """Gives what editors mention in these steps by hyperlinks that do not say what the step is."""

    def mentioned(self, positions: Positions, articles: ArticleIds) -> Flags:
        """Whether an editor mentions each article in the step at each position; all [n]."""
        steps, goals = (np.empty(0, np.int64),) * 2 if self.mentions is None else self.mentions()
        span = max(articles.max(initial=0), goals.max(initial=0)) + 1
        return np.asarray(np.isin(positions * span + articles, steps * span + goals))

    def places(self, positions: Positions) -> list[Place]:
        """What is known of the steps at these positions, in their order."""
        return [Place(self.texts[i]) for i in positions] if self.about is None else self.about(positions)


class ArticlesOfGoal:
    """Which articles have the goal text of a row: nearly always one, but titles can be equal."""

    def __init__(self, article_ids: ArticleIds, goal_rows: Rows, groups: ArticleIds | None = None) -> None:
        self._articles, self._groups = article_ids, groups
        self._ids = article_ids[np.lexsort((article_ids, goal_rows))]
        self._count = np.bincount(goal_rows, minlength=1)
        self._first = np.cumsum(self._count) - self._count

    def spread(self, goal_rows: Rows) -> tuple[Positions, ArticleIds]:
        """For each article of each goal row: the position in `goal_rows`, and the article's id; none for row -1."""
        count = np.where(goal_rows < 0, 0, self._count[goal_rows])
        position = np.repeat(np.arange(len(goal_rows)), count)
        within = np.arange(len(position)) - np.repeat(np.cumsum(count) - count, count)
        return position, self._ids[self._first[goal_rows[position]] + within]

    def are_equal(self, one: ArticleIds, other: ArticleIds) -> Flags:
        """Whether two articles are one, or their goals are equal; all [n]."""
        return np.asarray(self._group(one) == self._group(other))

    def _group(self, articles: ArticleIds) -> ArticleIds:
        """The group of each article; itself where it is in none."""
        if self._groups is None:
            return articles
        at = np.minimum(np.searchsorted(self._articles, articles), len(self._articles) - 1)
        return np.where(self._articles[at] == articles, self._groups[at], articles)


def candidate_table(
    batch: StepBatch, lists: GoalLists, articles_of: ArticlesOfGoal, decision: Decision, k: int
) -> pa.Table:
    """The first `k` candidates of each step as rows of `CANDIDATE_SCHEMA`, but for its own article and its equals.

    Higher score first, then the smaller article id. What an editor mentions in the step counts as if its score were
    higher (`linking.rerank.decide.MENTIONED`), also for whether it is among the first.
    """
    depth = lists.goals.shape[1]
    position, article = articles_of.spread(lists.goals.ravel())
    step = position // depth if depth else position
    score, cosine = lists.deciding.ravel()[position], lists.scores.ravel()[position]
    foreign = ~articles_of.are_equal(article, batch.article_ids[step])
    step, article, score, cosine = step[foreign], article[foreign], score[foreign], cosine[foreign]
    article = smaller_first(step, score, article)
    mentioned, weighed = batch.mentioned(step, article), score
    if mentioned.any():
        weighed = decision.with_prior(score, mentioned)
        order = np.lexsort((-weighed, step))
        article, score, cosine, weighed = article[order], score[order], cosine[order], weighed[order]
    rank = np.arange(len(step)) - np.searchsorted(step, step, side="left")
    kept = rank < k
    step, article, score, cosine, rank = step[kept], article[kept], score[kept], cosine[kept], rank[kept]
    grid = np.full((len(batch.ids), k), -np.inf)
    grid[step, rank] = weighed[kept]
    probability = decision.probabilities(grid)[step, rank] if len(step) else np.empty(0)
    return pa.table(
        {
            "step_id": batch.ids[step],
            "rank": (rank + 1).astype(np.int32),
            "article_id": article,
            "retrieval_score": cosine.astype(np.float32),
            "rerank_score": pa.nulls(len(step), pa.float32())
            if lists.reranked is None
            else score.astype(np.float32),
            "probability": probability.astype(np.float32),
            "relation": pa.nulls(len(step), pa.string()),
        },
        schema=CANDIDATE_SCHEMA,
    )


def most_probable_first(table: pa.Table) -> pa.Table:
    """The candidates of each step, of `CANDIDATE_SCHEMA`, in the order of their probabilities; equals as they were."""
    step, rank, probability = (table.column(name).to_numpy() for name in ("step_id", "rank", "probability"))
    order = np.lexsort((rank, -probability, step))
    return table.take(order).set_column(1, "rank", table.column("rank")).cast(CANDIDATE_SCHEMA)


def smaller_first(step: Positions, score: Floats, article: ArticleIds) -> ArticleIds:
    """The articles of lists that are in order of their scores, those of equal score now by their ids. All [n]."""
    group = np.cumsum(np.diff(step, prepend=-1).astype(bool) | np.diff(score, prepend=np.nan).astype(bool))
    same = group[1:] == group[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    article = article.copy()
    article[tied] = article[tied][np.lexsort((article[tied], group[tied]))]
    return article
