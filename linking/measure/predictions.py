"""Rankings that were made elsewhere, measured like those of the linker."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.progress import progress, warn
from linking.measure.evaluate import Measured, curve, row_of, share
from linking.measure.judged_parts import Candidates, JudgedStep
from linking.measure.ranking import Lists, Task
from linking.measure.significance import CUTS
from linking.pipeline import CANDIDATES
from linking.text import clean

EXPECTED = (
    '{"step": text, "goals": [titles, best first; null for "no link"], "scores": [numbers, may be missing]}'
)
NAMED = 3
"""Titles named in a warning."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What somebody's linker says of a step."""

    goals: tuple[str | None, ...]
    """Best first; None is "no link"."""
    scores: tuple[float, ...] | None = None

    @property
    def titles(self) -> list[str]:
        """The goals without "no link"."""
        return [goal for goal in self.goals if goal is not None]

    @property
    def linked(self) -> bool:
        """Whether the step is linked to the first goal: "no link" does not come first."""
        return bool(self.goals) and self.goals[0] is not None

    @property
    def best_score(self) -> float:
        """Of the first goal; 0 where there is none."""
        said = zip(self.goals, self.scores or (), strict=False)
        return next((score for goal, score in said if goal is not None), 0.0)

    @property
    def has_probabilities(self) -> bool:
        """Whether the scores can be probabilities."""
        return self.scores is not None and all(0 <= score <= 1 for score in self.scores)


NOTHING = Prediction(())
"""Of a step that the file does not name: no goal is found."""


def read_predictions(path: Path, with_article: bool = False) -> dict[tuple[str, str], Prediction]:
    """Read JSON Lines of `EXPECTED` by article and step; the article, a title, is "" unless they come `with_article`.

    Raises:
        BadInput: the file cannot be read, a line is no such record or contradicts another, or there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read predictions from {path}: {error}") from error
    found: dict[tuple[str, str], Prediction] = {}
    for number, line in enumerate(progress(lines, "Reading predictions", len(lines), "lines"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            prediction = prediction_of(record)
            step = str(record["step"])
            of = (clean(str(record["article"])), clean(step)) if with_article else ("", step)
        except (ValueError, KeyError, TypeError) as error:
            what = f"the field {error} is missing" if isinstance(error, KeyError) else error
            raise BadInput(f"{path}:{number}: {what}. Expected {EXPECTED}") from error
        if found.setdefault(of, prediction) != prediction:
            raise BadInput(
                f"{path}:{number}: ranks other goals for {of[1]!r} than a line before: keep one of them"
            )
    if not found:
        raise BadInput(f"{path} holds no predictions: give JSON Lines of {EXPECTED}")
    return found


def prediction_of(record: dict[str, Any]) -> Prediction:
    """The prediction of a record.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    goals, scores = record["goals"], record.get("scores")
    if not isinstance(goals, list) or not all(goal is None or isinstance(goal, str) for goal in goals):
        raise ValueError("goals are no list of titles and nulls")
    if len(set(goals)) < len(goals):
        raise ValueError("a goal is ranked twice")
    if scores is None:
        return Prediction(tuple(goals))
    numbers = tuple(float(score) for score in scores)
    if len(numbers) != len(goals):
        raise ValueError(f"{len(goals)} goals have {len(numbers)} scores")
    if not all(map(math.isfinite, numbers)) or any(first < second for first, second in pairwise(numbers)):
        raise ValueError("scores do not fall from the first goal to the last")
    return Prediction(tuple(goals), numbers)


def measure_predictions(task: Task, path: Path) -> Measured:
    """The figures of the rankings in a file, under the file's name.

    A step that the file does not name has found nothing. Scores from 0 to 1 in all lines are taken as probabilities,
    which gives the curve and the reliability.

    Raises:
        BadInput: the file is no file of predictions, or names none of the steps.
    """
    said = {step: prediction for (_, step), prediction in read_predictions(path).items()}
    told = tell_missing(task, said, path)
    lists = lists_of(task, told)
    name = path.stem
    measured = Measured(name, lists, None, [row_of(name, task, lists.ranks, {})])
    if any(None in prediction.goals for prediction in told):
        linked = np.array([prediction.linked for prediction in told])
        ranks = np.where(linked | (lists.ranks > 1), lists.ranks, 2)  # an unlinked step has no first goal
        row = row_of(f"{name} + no link", task, ranks, {})
        measured.rows.append(replace(row, unlinkable_recall=share(~linked[lists.ranks > CANDIDATES])))
    if all(prediction.has_probabilities for prediction in said.values()):
        measured.probability = np.array([prediction.best_score for prediction in told])
        measured.curve = curve(measured.probability, lists.ranks)
    return measured


def tell_missing(task: Task, said: dict[str, Prediction], path: Path) -> list[Prediction]:
    """The prediction of each gold pair's step, [n]; warns of what does not belong together.

    Raises:
        BadInput: the file names none of the steps.
    """
    steps = set(task.gold.steps)
    if not steps & said.keys():
        raise BadInput(
            f"{path} has predictions for {len(said):,} steps, and none is a step of the gold: steps are compared as "
            "they are written in both files"
        )
    if missing := steps - said.keys():
        warn(f"{path} says nothing of {len(missing):,} of the {len(steps):,} steps: they count as missed.")
    titles = set(task.titles)
    strangers = sorted({goal for step in steps & said.keys() for goal in said[step].titles} - titles)
    if strangers:
        named = ", ".join(map(repr, strangers[:NAMED])) + (", ..." if len(strangers) > NAMED else "")
        warn(
            f"{path} ranks {len(strangers):,} goals that are no title of the pool: {named}. Each keeps its rank."
        )
    return [said.get(step, NOTHING) for step in task.gold.steps]


def lists_of(task: Task, told: list[Prediction]) -> Lists:
    """The lists of predictions [n]; a goal that is not ranked comes behind the pool and behind every cut."""
    behind = max(len(task.titles), *CUTS) + 1
    depth = max(1, *(len(prediction.titles) for prediction in told))
    goals, scores = np.full((len(told), depth), -1, np.int64), np.full((len(told), depth), -np.inf)
    ranks = np.full(len(told), behind, np.int64)
    positions = {title: i for i, title in enumerate(task.titles)}
    for i, (prediction, gold) in enumerate(zip(told, task.gold.goals, strict=True)):
        said = prediction.scores or tuple(-float(place) for place in range(len(prediction.goals)))
        kept = [(goal, score) for goal, score in zip(prediction.goals, said, strict=True) if goal is not None]
        for place, (goal, score) in enumerate(kept):
            if goal in positions:
                goals[i, place], scores[i, place] = positions[goal], score
            if goal == gold and gold in positions:
                ranks[i] = place + 1
    return Lists(goals, scores, ranks)


def predictions_of_judged(path: Path, judged: Sequence[JudgedStep]) -> list[Candidates]:
    """What a file says of judged steps, [n]; each line names the article too.

    Raises:
        BadInput: the file is no file of predictions, has no probabilities, or names none of the steps.
    """
    said = read_predictions(path, with_article=True)
    if not all(prediction.has_probabilities for prediction in said.values()):
        raise BadInput(
            f"{path}: judged links are measured by probabilities: give each goal a score from 0 to 1"
        )
    told = [said.get((step.place.article, step.place.step)) for step in judged]
    known = [prediction for prediction in told if prediction is not None]
    if not known:
        raise BadInput(
            f"{path} has predictions for {len(said):,} steps, and none is a judged step: articles and steps are "
            "compared as they are written in both files"
        )
    if len(known) < len(told):
        warn(
            f"{path} says nothing of {len(told) - len(known):,} of the {len(told):,} judged steps: they get no link."
        )
    return [candidates_of(step, each or NOTHING) for step, each in zip(judged, told, strict=True)]


def candidates_of(step: JudgedStep, prediction: Prediction) -> Candidates:
    """A prediction as what a linker says of a judged step."""
    said = dict(zip(prediction.goals, prediction.scores or (), strict=False))
    return Candidates(
        {goal: said[goal] for goal in step.grades if goal in said},
        next(iter(prediction.titles), None),
        prediction.best_score,
    )
