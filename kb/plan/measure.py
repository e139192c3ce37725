"""Does it help that a plan opens the goals of its steps? People's own sub-tasks, met by a step of the plan or not.

Of each task whose goal fits, lists of steps are compared: the plans of depth 1 and 2, and, at the length of the latter,
the first steps of the article alone and those of the article and of the goals nearest in meaning. The plan of another
task tells what is met by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.errors import NotFound
from howtree.progress import progress
from howtree.tables import Table, as_json
from kb.meaning.encoder import stems, word_encoder
from kb.meaning.goals import GoalVectors
from kb.meaning.measure import Interval, interval
from kb.meaning.model import encoders
from kb.plan.draw import as_json as plan_as_json
from kb.plan.plan import plan
from kb.plan.tasks import Task
from kb.plan.wish import Wish
from kb.store import KnowledgeBase
from kb.tree import goals

NEAR = 0.6
"""The cosine, by the encoder that made the links, from which a step meets a sub-task."""
MOST_STEPS = 50
"""Of a plan."""
NEARBY_GOALS = 6
REMEMBERED = 100_000
"""Texts whose vectors are kept."""
SHALLOW, DEEP = "plan of depth 1", "plan of depth 2"
ALONE, NEARBY, CHANCE = "article, as long", "article and near ones, as long", "another task's plan"
WAYS = (SHALLOW, DEEP, ALONE, NEARBY, CHANCE)
ALL, OPENED = "all that fit", "depth 2 opens a goal"

Lists = Mapping[str, list[str]]
"""The steps of each way, as texts."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one way to list steps, over some tasks of a file."""

    tasks: str
    """All that fit, or those of which depth 2 opens a goal."""
    way: str
    count: int
    """Tasks."""
    sub_tasks: int
    steps: float
    """How many a task has on average."""
    words: Interval
    """The share of a task's sub-tasks that a step meets by its words, in percent."""
    words_less: Interval
    """How much more the plan of depth 2 meets, in percent of the sub-tasks."""
    meaning: Interval
    meaning_less: Interval


def measured(kb: KnowledgeBase, tasks: Sequence[Task], threshold: float | None, seed: int) -> list[Row]:
    """The figures of each way, for all tasks whose goal fits and for those of which depth 2 opens a goal."""
    planned = {
        task: steps_of(kb, task.goal, threshold) for task in progress(tasks, "Planning", len(tasks), "tasks")
    }
    fitting = [task for task in tasks if planned[task]]
    lists = {
        task: {**planned[task], CHANCE: planned[fitting[place - 1]][DEEP]}
        for place, task in enumerate(fitting)
    }
    met_of = {
        task: shares(kb, task, lists[task]) for task in progress(fitting, "Comparing", len(fitting), "tasks")
    }
    opened = [task for task in fitting if len(lists[task][DEEP]) > len(lists[task][SHALLOW])]
    groups = {ALL: fitting, OPENED: opened}
    return [
        _row(name, way, some, lists, met_of, seed)
        for name, some in groups.items()
        if some
        for way in WAYS
        if way is not CHANCE or len(fitting) > 1
    ]


def _row(
    name: str,
    way: str,
    tasks: Sequence[Task],
    lists: Mapping[Task, Lists],
    met_of: Mapping[Task, NDArray[np.float64]],
    seed: int,
) -> Row:
    own = np.array([met_of[task][WAYS.index(way)] for task in tasks])
    less = np.array([met_of[task][WAYS.index(DEEP)] for task in tasks]) - own
    figures = [interval(values[:, kind], seed) for kind in (0, 1) for values in (own, less)]
    steps = float(np.mean([len(lists[task][way]) for task in tasks]))
    return Row(name, way, len(tasks), sum(len(task.parts) for task in tasks), round(steps, 1), *figures)


def steps_of(kb: KnowledgeBase, goal: str, threshold: float | None = None) -> dict[str, list[str]]:
    """The steps of each way but chance's; none where no goal fits."""
    try:
        deep = plan(kb, Wish(goal, depth=2, max_steps=MOST_STEPS, threshold=threshold), plan_as_json)
    except NotFound:
        return {}
    vectors = GoalVectors.of(kb)
    near = (
        vectors.best(vectors.cosines(word_encoder().encode([goal])[0]), NEARBY_GOALS)
        if len(vectors.ids)
        else []
    )
    found = list(dict.fromkeys([deep.found.article_id, *near]))
    fetched = goals(kb, found)
    whole = [[step.text for method in fetched[each].methods for step in method.steps] for each in found]
    length = len(deep.steps)
    return {
        SHALLOW: [part.text for part in deep.tree.parts],
        DEEP: [part.text for part in deep.steps],
        ALONE: whole[0][:length],
        NEARBY: list(chain.from_iterable(whole))[:length],
    }


def shares(kb: KnowledgeBase, task: Task, lists: Lists) -> NDArray[np.float64]:
    """The share of sub-tasks that a step of each way meets by its words, and by its meaning, [len(WAYS), 2].

    By words: one step has at least half of the sub-task's content words, inflections aside. By meaning: the cosine
    with one step is `NEAR` or more.
    """
    texts = list(dict.fromkeys(chain(task.parts, *(lists[way] for way in WAYS))))
    spelt = kb.query("SELECT t, content_words(t) FROM (SELECT unnest(?) AS t)", [texts]).fetchall()
    words = {text: stems(found) for text, found in spelt}
    return np.array(
        [np.mean([_met(part, lists[way], words) for part in task.parts], axis=0) for way in WAYS], np.float64
    )


def _met(part: str, steps: Sequence[str], words: Mapping[str, frozenset[str]]) -> tuple[bool, bool]:
    """Whether a step meets a sub-task by its words, and by its meaning."""
    asked = words[part]
    by_words = bool(asked) and any(2 * len(asked & words[step]) >= len(asked) for step in steps)
    return by_words, any(float(_vector(part) @ _vector(step)) >= NEAR for step in steps)


@lru_cache(REMEMBERED)
def _vector(text: str) -> NDArray[np.float32]:
    """The vector of a step, without its full stop, as goals have none."""
    return np.asarray(encoders()[1].encode([" ".join(text.split()).rstrip(" .!:;,") or text])[0], np.float32)


def printed(files: Mapping[str, Sequence[Row]], form: str, about: dict[str, Any]) -> str:
    """The figures as "text", "markdown" or "json"; `files` has the rows of each file, `about` the rest of the JSON."""
    if form == "json":
        return as_json(about)
    return "\n".join(_table(name, rows, form) for name, rows in files.items())


def _table(name: str, rows: Sequence[Row], form: str) -> str:
    header = ["tasks", "steps of", "n", "sub-tasks", "steps", "by words", "depth 2 less this", "by meaning",
              "depth 2 less this"]  # fmt: skip
    cells = [
        [
            row.tasks, row.way, f"{row.count:,}", f"{row.sub_tasks:,}", f"{row.steps:.1f}",
            row.words.text, "" if row.way == DEEP else row.words_less.text,
            row.meaning.text, "" if row.way == DEEP else row.meaning_less.text,
        ]
        for row in rows
    ]  # fmt: skip
    title = f"{name}: sub-tasks met, in % of a task's, 95% intervals by bootstrap over tasks"
    if not rows:
        return f"{name}: no goal fits any of the tasks\n"
    table = Table(title, header, cells, names=2)
    return f"{title}\n\n{table.as_markdown() if form == 'markdown' else table.as_text()}"


def as_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values."""
    return [asdict(row) for row in rows]
