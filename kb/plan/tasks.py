"""Tasks of people with the sub-tasks that they named: what plans are measured on."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from howtree.errors import BadInput

FORM = '{"goal": "...", "steps": ["...", "..."]}'


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody wants to do, with its sub-tasks."""

    goal: str
    parts: tuple[str, ...]


def read_tasks(path: Path) -> tuple[list[Task], Counter[str]]:
    """The tasks of JSON Lines, plain or .gz, each goal once, with the tally of what was read.

    A line has a `goal` (or `title`) and `steps`, or `methods` with steps. Other fields are let be.

    Raises:
        BadInput: the file cannot be read, a line is no task, or there is none.
    """
    tasks: dict[str, Task] = {}
    tally: Counter[str] = Counter()
    for number, line in _lines(path):
        task = _task(line, f"{path}, line {number}")
        tally["read"] += 1
        if not task.parts:
            tally["without sub-tasks"] += 1
        elif task.goal in tasks:
            tally["repeated"] += 1
        else:
            tasks[task.goal] = task
    if not tasks:
        raise BadInput(f"{path} has no tasks with sub-tasks: a line of one is like {FORM}")
    return list(tasks.values()), tally


def drawn(tasks: Sequence[Task], most: int | None, seed: int) -> list[Task]:
    """At most so many tasks, of the same seed always the same."""
    few = most is not None and most < len(tasks)
    return random.Random(seed).sample(tasks, most) if few and most else list(tasks)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, with their numbers."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig") as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error


def _task(line: str, where: str) -> Task:
    try:
        value: dict[str, Any] = json.loads(line)
        goal = value["goal"] if "goal" in value else value["title"]
        parts = (
            value["steps"]
            if "steps" in value
            else [step for way in value["methods"] for step in way["steps"]]
        )
        if not isinstance(parts, list) or not all(isinstance(each, str) for each in (goal, *parts)):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{where}: a task is like {FORM}") from None
    return Task(" ".join(goal.split()), tuple(dict.fromkeys(part for part in parts if part.strip())))
