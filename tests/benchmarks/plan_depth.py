"""Does it help that a plan opens the goals of its steps? People's own sub-tasks, met by a step of the plan or not.

Run: python tests/benchmarks/plan_depth.py --kb kb.duckdb --tasks tasks.jsonl.gz [dishes.jsonl ...]
A line of a file has a `goal` (or `title`) and `steps`, or `methods` with steps. Of each task whose goal fits, lists of
steps are compared: the plans of depth 1 and 2, and, at the length of the latter, the first steps of the article alone
and those of the article and of the goals nearest in meaning. A sub-task is met by words where one step has at least
half of its content words, inflections aside, and by meaning where the cosine of one step, by the packaged retriever,
is `NEAR` or more. The plan of another task tells what is met by chance. Intervals: bootstrap over tasks, 95%;
differences are paired.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from howtree.errors import NotFound
from howtree.progress import progress
from kb.meaning.encoder import stems, word_encoder
from kb.meaning.goals import GoalVectors
from kb.meaning.measure import interval
from kb.plan.draw import as_json
from kb.plan.plan import plan
from kb.plan.wish import Wish
from kb.store import KnowledgeBase
from kb.tree import goals
from linking.encode.encoder import Encoder, load_encoder
from linking.encode.folder import SMALL_ENCODER
from linking.text import step_text

NEAR, MOST, NEARBY_GOALS = 0.6, 50, 6
WAYS = (
    "plan of depth 1",
    "plan of depth 2",
    "article, as long",
    "article and near ones, as long",
    "another task's plan",
)
SHALLOW, DEEP, ALONE, NEARBY, CHANCE = WAYS


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody wants to do, with the sub-tasks that people named."""

    goal: str
    parts: list[str]


def main() -> None:
    """Print a line for each file and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kb", type=Path, required=True)
    parser.add_argument("--tasks", type=Path, nargs="+", required=True)
    parser.add_argument("--threshold", type=float, help="least probability of a link; else the links chosen")
    parser.add_argument("--most", type=int, default=10_000, help="tasks that are drawn of a larger file")
    options = parser.parse_args()
    with KnowledgeBase(options.kb) as kb:
        for path in options.tasks:
            report(kb, path, drawn(list(read(path)), options.most), options.threshold)


def report(kb: KnowledgeBase, path: Path, tasks: Sequence[Task], threshold: float | None) -> None:
    """Print the figures of one file."""
    lists = {
        task.goal: steps_of(kb, task.goal, threshold)
        for task in progress(tasks, "Planning", len(tasks), "tasks")
    }
    fitting = [task for task in tasks if lists[task.goal]]
    print(f"\n{path.name}: {len(tasks):,} tasks, for {len(fitting):,} of them a goal fits")
    if len(fitting) < 2:
        return
    opened = [task for task in fitting if len(lists[task.goal][DEEP]) > len(lists[task.goal][SHALLOW])]
    for place, task in enumerate(fitting):
        lists[task.goal][CHANCE] = lists[fitting[place - 1].goal][DEEP]
    encoder = load_encoder(SMALL_ENCODER)
    met_of = {
        task.goal: shares(kb, encoder, task, lists[task.goal])
        for task in progress(fitting, "Comparing", len(fitting), "tasks")
    }
    for name, some in (("all that fit", fitting), ("where depth 2 opens a goal", opened)):
        if some:
            print(f"\n{name}, {len(some):,} tasks, {sum(len(task.parts) for task in some):,} sub-tasks")
            show(some, lists, met_of)


def show(
    tasks: Sequence[Task], lists: dict[str, dict[str, list[str]]], met_of: dict[str, np.ndarray]
) -> None:
    """Print a table: steps, share of sub-tasks met by words and by meaning, each with what depth 2 has more."""
    shares_met = np.array([met_of[task.goal] for task in tasks])
    deep = shares_met[:, [WAYS.index(DEEP)]]
    print("| | steps | by words | depth 2 less this | by meaning | depth 2 less this |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for place, way in enumerate(WAYS):
        steps = np.mean([len(lists[task.goal][way]) for task in tasks])
        own, less = shares_met[:, place], deep[:, 0] - shares_met[:, place]
        cells = [interval(values[:, kind], 0).text for kind in (0, 1) for values in (own, less)]
        print(f"| {way} | {steps:.1f} | " + " | ".join(cells) + " |")


def read(path: Path) -> Iterator[Task]:
    """The tasks of a file of JSON Lines, each goal once."""
    opened = gzip.open if path.suffix == ".gz" else open
    seen: set[str] = set()
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            value: dict[str, Any] = json.loads(line)
            goal = value.get("goal") or value["title"]
            parts = value.get("steps") or [step for each in value["methods"] for step in each["steps"]]
            if goal not in seen and parts:
                seen.add(goal)
                yield Task(goal, parts)


def drawn(tasks: Sequence[Task], most: int) -> list[Task]:
    """At most so many tasks, always the same."""
    return random.Random(0).sample(tasks, min(most, len(tasks)))


def steps_of(kb: KnowledgeBase, goal: str, threshold: float | None) -> dict[str, list[str]]:
    """The steps of each way, as texts; none where no goal fits."""
    try:
        deep = plan(kb, Wish(goal, depth=2, max_steps=MOST, threshold=threshold), as_json)
    except NotFound:
        return {}
    vectors = GoalVectors.of(kb)
    near = vectors.best(vectors.cosines(word_encoder().encode([goal])[0]), NEARBY_GOALS)
    found = list(dict.fromkeys([deep.found.article_id, *near]))
    fetched = goals(kb, found)
    whole = [[step.text for method in fetched[each].methods for step in method.steps] for each in found]
    length = len(deep.steps)
    return {
        SHALLOW: [part.text for part in deep.tree.parts],
        DEEP: [part.text for part in deep.steps],
        ALONE: whole[0][:length],
        NEARBY: [text for texts in whole for text in texts][:length],
    }


def shares(kb: KnowledgeBase, encoder: Encoder, task: Task, lists: dict[str, list[str]]) -> np.ndarray:
    """The share of sub-tasks that a step of each way meets by its words, and by its meaning, [len(WAYS), 2]."""
    steps = [lists[way] for way in WAYS]
    texts = list(dict.fromkeys(chain(task.parts, *steps)))
    spelt = kb.query("SELECT t, content_words(t) FROM (SELECT unnest(?) AS t)", [texts]).fetchall()
    words = {text: stems(found) for text, found in spelt}
    vectors = dict(zip(texts, encoder.encode([step_text(text) for text in texts]), strict=True))
    return np.array(
        [
            [np.mean([met(part, each, words, vectors)[way] for part in task.parts]) for way in (0, 1)]
            for each in steps
        ]
    )


def met(
    part: str, steps: Sequence[str], words: dict[str, frozenset[str]], vectors: dict[str, Any]
) -> tuple[bool, bool]:
    """Whether a step meets a sub-task by its words, and by its meaning."""
    asked = words[part]
    by_words = bool(asked) and any(2 * len(asked & words[step]) >= len(asked) for step in steps)
    return by_words, any(float(vectors[part] @ vectors[step]) >= NEAR for step in steps)


if __name__ == "__main__":
    main()
