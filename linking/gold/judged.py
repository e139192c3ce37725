"""Judged links: pairs of a step in its place and a goal, each graded by a reader, and how they are split by article."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput
from linking.arrays import Flags, Hashes, Positions
from linking.encode.folder import ModelFolder
from linking.pair import Place
from linking.retrieve.vectors import hash_texts
from linking.text import clean, goal_text, step_text

UNHELPFUL, RELATED, HELPFUL, EXACT = range(4)
"""The grades, in ascending order. A link is right from helpful on."""
APART = 0.2
"""The share of articles that is kept apart for a last look."""
CONTEXT = ("article", "method", "before", "after")
"""What a line says of the step's place, besides its text."""
CHOSEN = "chosen"
"""The stratum of steps that the build had linked."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged link."""

    place: Place
    goal: str
    grade: int
    at: tuple[int | None, int | None] = (None, None)
    """Numbers of method and step: they tell apart steps of an article that have the same text."""
    rank: int | None = None
    """Of the goal among the candidates of the build that it was drawn from."""
    stratum: str = ""
    """What that build said of the step; "" where it was not drawn at random."""
    weight: float = 0.0
    """How many steps of that build the draw represents; 0 where it was not drawn at random."""

    @property
    def is_right(self) -> bool:
        """Whether the goal is exact or helpful."""
        return self.grade >= HELPFUL

    @property
    def step(self) -> tuple[str, int | None, int | None, str]:
        """What tells its step from others."""
        return self.place.article, *self.at, self.place.step


@dataclass(slots=True)
class JudgedTally:
    """What a file of judged links holds."""

    pairs: int = 0
    repeated: int = 0
    """Lines that say what another has said, left out."""

    def line(self) -> str:
        """The tally for people."""
        repeated = f"; {self.repeated:,} lines repeat another and are left out" if self.repeated else ""
        return f"{self.pairs:,} judged links{repeated}."


def read_judged(path: Path) -> tuple[list[Judged], JudgedTally]:
    """Read judged links from JSON Lines, in their order, each pair once.

    Raises:
        BadInput: the file cannot be read, holds none, a line is no judged link, its grade is none of 0 to 3, a part of
            its context or the weight of a random draw is missing, or two lines grade one pair differently.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read judged links from {path}: {error}") from error
    found: dict[tuple[Any, ...], tuple[Judged, int]] = {}
    tally = JudgedTally()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        judged = judged_of(line, f"{path}:{number}")
        first, at = found.setdefault((*judged.step, judged.place, judged.goal), (judged, number))
        tally.repeated += at != number
        if first.grade != judged.grade:
            raise BadInput(
                f"{path}:{at} and {path}:{number} grade the same step and goal {first.grade} and {judged.grade}: "
                "keep one of the lines"
            )
    if not found:
        raise BadInput(f"{path} holds no judged links")
    tally.pairs = len(found)
    return [judged for judged, _ in found.values()], tally


def judged_of(line: str, where: str) -> Judged:
    """The judged link of a line; `where` it is, for messages.

    Raises:
        BadInput: it is none.
    """
    try:
        record = json.loads(line)
        texts = {name: clean(text_of(record[name])) for name in ("step", *CONTEXT, "goal")}
        at = number_of(record.get("method_number")), number_of(record.get("step_number"))
        rank, grade = number_of(record.get("rank")), record["grade"]
    except KeyError as error:
        raise BadInput(
            f'{where}: {error.args[0]!r} is missing: a judged link has "step", "goal", "grade" and its context, '
            f'{", ".join(map(repr, CONTEXT))} ("" where there is none)'
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{where} is no judged link: {error}") from error
    if isinstance(grade, bool) or grade not in (UNHELPFUL, RELATED, HELPFUL, EXACT):
        raise BadInput(
            f"{where}: the grade {grade!r} is unknown: it is 0 (unhelpful), 1 (related), 2 (helpful) or 3 (exact)"
        )
    for name in ("step", "article", "goal"):
        if not texts[name]:
            raise BadInput(f"{where}: {name!r} is empty")
    goal, place = texts.pop("goal"), Place(**texts)
    if record.get("draw") != "random":
        return Judged(place, goal, int(grade), at, rank)
    return Judged(place, goal, int(grade), at, rank, *draw_of(record, where))


def draw_of(record: dict[str, Any], where: str) -> tuple[str, float]:
    """Stratum and weight of a random draw.

    Raises:
        BadInput: they are missing or make no sense.
    """
    stratum, weight = record.get("stratum"), record.get("weight")
    if not isinstance(stratum, str) or not stratum:
        raise BadInput(f"{where}: a random draw needs its stratum")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
        raise BadInput(
            f"{where}: a random draw needs its weight, the number of steps that it represents, not {weight!r}"
        )
    return stratum, float(weight)


def text_of(value: Any) -> str:
    """A text as it is.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def number_of(value: Any) -> int | None:
    """A whole number or nothing.

    Raises:
        TypeError: it is something else.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{value!r} is no whole number")
    return value


def folds_of(judged: Sequence[Judged], folds: int) -> Positions:
    """The fold of each link, [n], from 0 on, -1 where its article is kept apart."""
    mark = np.array([mark_of(link.place.article) for link in judged])
    return np.where(mark < APART, -1, np.minimum(folds - 1, (mark - APART) / (1 - APART) * folds)).astype(
        np.int64
    )


def mark_of(title: str) -> float:
    """A number in [0, 1) from a hash of the title's letters and digits."""
    digest = hashlib.sha256(bare(title).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def bare(title: str) -> str:
    """The letters and digits of a title, in lower case."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def pair_hashes(judged: Sequence[Judged]) -> Hashes:
    """What tells each judged link from others wherever its step is: hashes of the texts of step and goal, [n]."""
    return hash_texts([f"{step_text(link.place.step)}\n{goal_text(link.goal)}" for link in judged])


def keep_learnt(judged: Sequence[Judged], folder: ModelFolder) -> None:
    """Write beside a verifier which links it was trained on, 8 bytes each."""
    np.save(folder.learnt, np.unique(pair_hashes(judged)))


def learnt_by(judged: Sequence[Judged], folder: ModelFolder) -> Flags:
    """Which links the verifier in a folder was trained on, [n]; none where it does not say.

    Raises:
        BadInput: what it says cannot be read.
    """
    if not folder.learnt.exists():
        return np.zeros(len(judged), bool)
    try:
        learnt = np.load(folder.learnt)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{folder.learnt} cannot be read ({error}): restore the file") from error
    return np.isin(pair_hashes(judged), learnt)


def grades_of(judged: Sequence[Judged]) -> NDArray[np.int64]:
    """The grades, [n]."""
    return np.array([link.grade for link in judged], np.int64)
