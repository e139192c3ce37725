"""How good the search is: questions in people's words whose goals are known, and some that nothing answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput
from howtree.tables import Table, as_json
from kb.meaning.encoder import stems
from kb.search import content_words, named_goal
from kb.store import KnowledgeBase

CUT = 10
"""Goals of an answer that are looked at."""
RESAMPLES = 2_000

Find = Callable[[KnowledgeBase, str, int], Sequence[Any]]
"""A search: the goals found for a question, best first, each with an `article_id`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the goals that answer it; none where the knowledge base has no answer."""

    text: str
    goals: frozenset[int]
    """Of equal goals, which are found once, the group."""
    shares_words: bool
    """Whether it has a content word of the title of one of its goals, inflections aside."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share in percent with the bounds of its bootstrap interval of 95%."""

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """E.g. "86.7 (76.7-96.7)"."""
        return f"{self.value:.1f} ({self.low:.1f}-{self.high:.1f})"


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one way to search, for one kind of questions."""

    way: str
    questions: str
    """all, shared words, no shared word, or unanswerable."""
    count: int
    figures: dict[str, Interval]
    """nDCG@10, R@1 and R@5 (a right goal is first, among five) and the share that finds nothing, in percent."""


def read_questions(kb: KnowledgeBase, path: Path, half: str | None) -> list[Question]:
    """The questions of a file of JSON Lines with `question`, `goals` (slugs, keys or titles) and, if wished, `half`.

    Raises:
        BadInput: the file cannot be read, a line is no question, or one names a goal that is not here.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    found = [
        _question(kb, line, f"{path}, line {number}", half)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    questions = [each for each in found if each is not None]
    if not questions:
        raise BadInput(f"{path} has no questions" + (f' of the half "{half}"' if half else ""))
    return questions


def _question(kb: KnowledgeBase, line: str, where: str, half: str | None) -> Question | None:
    try:
        value = json.loads(line)
        text, names = value["question"], value["goals"]
        if not isinstance(text, str) or not all(isinstance(name, str) for name in names):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise BadInput(f'{where}: a question is like {{"question": "...", "goals": ["A-Slug"]}}') from None
    if half is not None and value.get("half") != half:
        return None
    ids = [named_goal(kb, name) for name in names]
    if missing := [name for name, each in zip(names, ids, strict=True) if each is None]:
        raise BadInput(f"{where}: {kb.path} has no goal {missing[0]!r}")
    titles = kb.query(
        "SELECT coalesce(group_id, article_id), goal FROM articles LEFT JOIN alternatives USING (article_id) "
        "WHERE article_id IN (SELECT unnest(?))",
        [ids],
    ).fetchall()
    asked = stems(content_words(kb, text))
    shares = any(asked & stems(content_words(kb, title)) for _, title in titles)
    return Question(text, frozenset(goal for goal, _ in titles), shares)


def measured(
    kb: KnowledgeBase, way: str, find: Find, questions: Sequence[Question], seed: int = 0
) -> list[Row]:
    """The figures of one way to search, for each kind of questions that there is."""
    group = dict(kb.query("SELECT article_id, group_id FROM alternatives").fetchall())
    answers = [
        [group.get(hit.article_id, hit.article_id) for hit in find(kb, each.text, CUT)] for each in questions
    ]
    pairs = list(zip(questions, answers, strict=True))
    kinds = {
        "all": [pair for pair in pairs if pair[0].goals],
        "shared words": [pair for pair in pairs if pair[0].goals and pair[0].shares_words],
        "no shared word": [pair for pair in pairs if pair[0].goals and not pair[0].shares_words],
        "unanswerable": [pair for pair in pairs if not pair[0].goals],
    }
    return [Row(way, kind, len(some), figures_of(some, seed)) for kind, some in kinds.items() if some]


def figures_of(pairs: Sequence[tuple[Question, list[int]]], seed: int) -> dict[str, Interval]:
    """The figures of some questions with the goals found for each."""
    values: dict[str, Sequence[float]] = {"nothing": [not found for _, found in pairs]}
    if pairs[0][0].goals:
        ranks = [
            [place for place, each in enumerate(found) if each in question.goals] for question, found in pairs
        ]
        values = {
            "ndcg@10": [
                gain(each) / gain(range(min(CUT, len(question.goals))))
                for each, (question, _) in zip(ranks, pairs, strict=True)
            ],
            "r@1": [0 in each for each in ranks],
            "r@5": [bool(each) and each[0] < 5 for each in ranks],
            **values,
        }
    return {name: interval(np.asarray(each, np.float64), seed) for name, each in values.items()}


def gain(places: Sequence[int]) -> float:
    """Discounted cumulative gain of right goals at these places, from 0 (Järvelin and Kekäläinen 2002)."""
    return float(sum(1 / np.log2(place + 2) for place in places))


def interval(values: NDArray[np.float64], seed: int) -> Interval:
    """The mean in percent, with the percentile interval of the bootstrap over questions."""
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return Interval(*(round(100 * float(each), 1) for each in (values.mean(), low, high)))


def printed(rows: Sequence[Row], form: str, about: dict[str, Any]) -> str:
    """The figures as "text", "markdown" or "json"."""
    if form == "json":
        return as_json({**about, "rows": [asdict(row) for row in rows]})
    names = ("ndcg@10", "r@1", "r@5", "nothing")
    cells = [
        [
            row.way,
            row.questions,
            f"{row.count:,}",
            *(row.figures[name].text if name in row.figures else "" for name in names),
        ]
        for row in rows
    ]
    header = ["search", "questions", "n", "nDCG@10", "R@1", "R@5", "nothing found"]
    table = Table(
        f"Search in % of {about['questions']:,} questions, 95% intervals by bootstrap", header, cells, names=2
    )
    return f"{table.title}\n\n{table.as_markdown() if form == 'markdown' else table.as_text()}"
