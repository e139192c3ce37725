"""Gold links: pairs of a step and the goal that an editor linked it to, and the pool that the goals come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput
from howtree.progress import warn
from linking.text import goal_text
from linking.verify.mention import counts_by_itself

OUTSIDE = 0.01
"""Gold with a larger share of goals outside the pool is refused."""


@dataclass(frozen=True, slots=True)
class Gold:
    """Gold links: `steps[i]` is linked to `goals[i]`, an exact title of the pool; "" where it has no goal."""

    steps: list[str]
    goals: list[str]
    rejected: dict[str, frozenset[str]] = field(default_factory=dict)
    """By step, the goals that people rejected for it; both as the models read them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file of gold links."""

    step: str
    goal: str
    """"" where the step has none."""
    rejected: tuple[str, ...] | None = None
    """Titles that people rejected for the step; None in a line that says nothing of it, as editors' links do."""
    by_models: bool = False
    """Whether only models that judge say so."""
    mentions: bool = False
    """Whether it is a hyperlink that only mentions the goal, by its place and anchor (`linking.verify.mention`)."""


def read_gold(path: Path) -> Gold:
    """Read gold links from JSON Lines: {"step": text, "goal": title, or null for a step that has no goal}.

    Every line counts, as it is. What is trained on is settled first (`linking.gold.settle`).

    Raises:
        BadInput: the file cannot be read, a line is no such record, or there are no lines.
    """
    lines = list(read_lines(path))
    return Gold([line.step for line in lines], [line.goal for line in lines])


def read_lines(path: Path) -> Iterator[Line]:
    """Read gold links as `read_gold` does, with what people rejected: "not", a list of titles.

    Raises:
        BadInput: the file cannot be read, a line is no such record, or there are no lines.
    """
    known = False
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read gold links from {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            step, goal = record["step"], record["goal"]
            rejected, models = (titles_of(record.get(name)) for name in ("not", "models"))
            mentions = goal is not None and only_mentions(record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f'{path}:{number}: expected {{"step": text, "goal": title}}') from error
        known = True
        yield Line(str(step), "" if goal is None else str(goal), rejected, bool(models), mentions)
    if not known:
        raise BadInput(f'{path} holds no gold links: give JSON Lines of {{"step": text, "goal": title}}')


def only_mentions(record: dict[str, Any]) -> bool:
    """Whether a line is of a hyperlink whose place is known, and which does not say what its step is.

    The place is "place": "headline", "body" or "bullet", or "anchor_in_headline": true or false.

    Raises:
        ValueError: it is none of these.
    """
    place = record.get("place")
    if place is None and record.get("anchor_in_headline") is not None:
        place = "headline" if record["anchor_in_headline"] else "body"
    if place not in (None, "headline", "body", "bullet"):
        raise ValueError(f"{place!r} is no place")
    if place is None:
        return False
    anchor, language = str(record.get("anchor") or ""), str(record.get("language") or "en")
    return not counts_by_itself(str(record["step"]), place, anchor, str(record["goal"]), language)


def titles_of(value: Any) -> tuple[str, ...] | None:
    """A list of texts, None where there is none.

    Raises:
        TypeError: it is something else.
    """
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r} is no list of texts")
    return tuple(value)


def read_pool(path: Path) -> list[str]:
    """Read the titles that a step may be linked to, one a line; equal lines count once.

    Raises:
        BadInput: the file cannot be read or holds no title.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the pool of titles from {path}: {error}") from error
    pool = list(dict.fromkeys(title for line in lines if (title := line.strip())))
    if not pool:
        raise BadInput(f"{path} holds no titles: give the pool, one title a line")
    return pool


def check_gold(gold: Gold, pool: Sequence[str]) -> None:
    """Tell of gold goals that are no title of the pool; each counts as a miss of every model.

    Raises:
        BadInput: they are more than `OUTSIDE` of the pairs, so gold and pool do not belong together.
    """
    titles = set(pool)
    warn_of_rejected(gold, {goal_text(title) for title in pool})
    outside = [goal for goal in gold.goals if goal and goal not in titles]
    if not outside:
        return
    names = sorted(set(outside))
    told = (
        f"{len(outside)} of {len(gold.goals)} gold pairs name a goal that is not among the {len(titles):,} titles of "
        f"the pool: {', '.join(map(repr, names[:3]))}{', ...' if len(names) > 3 else ''}"
    )
    if len(outside) > OUTSIDE * len(gold.goals):
        raise BadInput(
            f"{told}. Goals are compared by exact title: add them to the pool, or correct the gold"
        )
    warn(f"{told}. They count as missed.")


def warn_of_rejected(gold: Gold, texts: set[str]) -> None:
    """Tell of rejected goals that are no title of the pool: nothing can be learnt from them."""
    outside = sorted({goal for goals in gold.rejected.values() for goal in goals} - texts)
    if outside:
        shown = f"{', '.join(map(repr, outside[:3]))}{', ...' if len(outside) > 3 else ''}"
        warn(f"{len(outside)} rejected goals are not among the titles of the pool and teach nothing: {shown}")


def part_of(gold: Gold, lines: Sequence[int]) -> Gold:
    """Some lines of the gold."""
    return Gold([gold.steps[i] for i in lines], [gold.goals[i] for i in lines], gold.rejected)


def with_goal(gold: Gold) -> Gold:
    """The gold without the steps that have no goal."""
    return part_of(gold, [i for i, goal in enumerate(gold.goals) if goal])


def marks(steps: Sequence[str]) -> NDArray[np.float64]:
    """A number in [0, 1) for each step, from a hash of its text alone. Shape [len(steps)]."""
    hashes = [hashlib.sha256(step.encode("utf-8", "surrogatepass")).digest()[:4] for step in steps]
    return np.array([int.from_bytes(each, "big") / 2**32 for each in hashes])


def in_dev(steps: Sequence[str], share: float = 0.1) -> NDArray[np.bool_]:
    """Whether each step is held out: decided by a hash of its text alone. Shape [len(steps)]."""
    return marks(steps) < share


def dev_part(gold: Gold) -> Gold:
    """The gold of the held-out tenth.

    Raises:
        BadInput: no step belongs to it.
    """
    kept = np.flatnonzero(in_dev(gold.steps)).tolist()
    if not kept:
        raise BadInput(
            f"none of the {len(gold.steps)} gold pairs is in the held-out tenth: measure all of them"
        )
    return part_of(gold, kept)


def split_of(steps: Sequence[str]) -> NDArray[np.str_]:
    """ "dev" (a tenth, for measuring), "calibration" (a twentieth, for the decision) or "train". [len(steps)]."""
    mark = marks(steps)
    return np.where(mark < 0.1, "dev", np.where(mark < 0.15, "calibration", "train"))
