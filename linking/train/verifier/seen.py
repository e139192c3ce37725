"""Judged links as a build of the articles sees them: their pairs, and their features among each step's candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from linking.arrays import Flags, Floats, Positions, StepIds
from linking.candidates import StepBatch
from linking.gold.judged import Judged
from linking.model import Model
from linking.pair import Pair
from linking.pipeline import Linker, LinkTally
from linking.rerank.linear import LinearLists
from linking.retrieve.mend import mend
from linking.text import step_text
from linking.train.verifier.articles import Articles
from linking.verify.features import NAMES
from linking.verify.table import PairFeatures, Table


@dataclass(frozen=True, slots=True)
class Seen:
    """Judged links [n] as a build sees them."""

    pairs: list[Pair]
    listed: Flags
    """Whether the goal is among the step's candidates; what is not is never linked, and its features are 0."""
    step: Positions
    """Numbers of the steps."""
    rank: Positions
    """From 0."""
    probability: Floats
    """Of the decision."""
    features: Floats
    """[n, 38]"""
    products: Floats
    """[n, 2 d]"""


def seen(judged: Sequence[Judged], articles: Articles, model: Model, work: Path) -> Seen:
    """Link the judged steps to the goals of the articles, and look where the judged goals are.

    Raises:
        BadInput: the model lacks a part that features come from, or hardly any judged goal is among the candidates.
    """
    if model.decision is None or model.reranker is None:
        raise BadInput(
            f"a verifier is fitted beside a reranker and a decision, and {model.encoder.name} has none: name an "
            "encoder of howtree train retriever"
        )
    pairs = pairs_of(judged, articles)
    batch, step = batch_of(judged, pairs, articles)
    context = context_of(pairs)
    mend(work / "links")
    linker = Linker(work / "links", model)
    tally = LinkTally(steps=len(batch.ids))
    ranked, articles_of = linker.ranked(articles.goals, lambda: [batch, context], tally)
    if not isinstance(ranked, LinearLists):
        raise BadInput("a verifier is fitted beside the reranker of howtree train retriever, not another one")
    table = Table.of(batch, linker.table(batch, ranked, articles_of))
    at = rows_of(table, step, np.array([articles.id_of(link.goal) for link in judged], np.int64))
    listed = at >= 0
    if listed.sum() < max(1, len(judged) // 2):
        raise BadInput(
            f"only {int(listed.sum())} of {len(judged)} judged goals are among their steps' candidates: give the "
            "articles that the links were judged in with --articles"
        )
    found, rows = PairFeatures(linker.decision, linker.goals, linker.steps, ranked), at[listed]
    some, few = found.of(batch, table, rows, [pairs[i] for i in np.flatnonzero(listed)])
    features, products = np.zeros((len(judged), len(NAMES))), np.zeros((len(judged), few.shape[1]))
    features[listed], products[listed] = some, few
    probability, rank = np.zeros(len(judged)), np.full(len(judged), len(table.step), np.int64)
    probability[listed], rank[listed] = table.probability[rows], table.rank[rows]
    return Seen(pairs, listed, step, rank, probability, features, products)


def pairs_of(judged: Sequence[Judged], articles: Articles) -> list[Pair]:
    """The pairs of judged links, the goals as articles."""
    candidates = articles.candidates([link.goal for link in judged])
    return [Pair(link.place, candidate) for link, candidate in zip(judged, candidates, strict=True)]


def batch_of(
    judged: Sequence[Judged], pairs: Sequence[Pair], articles: Articles
) -> tuple[StepBatch, Positions]:
    """The judged steps, each once, as a build has them, and the number of each link's step."""
    first: dict[tuple[str, int | None, int | None, str], int] = {}
    for i, link in enumerate(judged):
        first.setdefault(link.step, i)
    order = list(first.values())
    number = {link: n for n, link in enumerate(first)}
    places = [pairs[i].place for i in order]
    own = np.array([articles.id_of(place.article) for place in places], np.int64)
    ids: StepIds = np.arange(len(order), dtype=np.int64)
    batch = StepBatch(
        ids, own, [step_text(place.step) for place in places], lambda at: [places[i] for i in at]
    )
    return batch, np.array([number[link.step] for link in judged], np.int64)


def context_of(pairs: Sequence[Pair]) -> StepBatch:
    """The texts around judged links, which the features compare with: neighbours, and first steps of candidates."""
    texts = {step_text(text) for pair in pairs for text in (pair.place.before, pair.place.after) if text}
    texts |= {step_text(text) for pair in pairs for text in pair.candidate.first}
    nothing = np.full(len(texts), -1, np.int64)
    return StepBatch(nothing, nothing, sorted(texts))


def rows_of(table: Table, step: Positions, article: Positions) -> Positions:
    """Where the candidates of some steps and articles [n] are in the table; -1 where they are not there."""
    row = {key: i for i, key in enumerate(zip(table.step.tolist(), table.article.tolist(), strict=True))}
    return np.array([row.get(key, -1) for key in zip(step.tolist(), article.tolist(), strict=True)], np.int64)
