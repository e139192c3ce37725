"""Which goal fits a question best, and whether any does: weights that `learn` fits to questions with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from weakref import WeakKeyDictionary

from howtree.errors import BadInput
from howtree.files import read_json, write_json
from kb.beside import beside
from kb.meaning.weigh import Likeness, Weighed
from kb.store import KnowledgeBase

FILE = Path(__file__).parent / "fits.json"
SUFFIX = ".search.json"
"""What the weights are called that lie beside a knowledge base and count for it alone."""
READ = 8
"""The goals that fit best by all else are those whose titles are read by the packaged encoder, too."""
TAIL = 3.0
"""How far below the best goal the others may be, in log odds."""
LEAST = 1e-3
"""What a title that has all of the question's words may lack of them, by rounding: it fits in any case."""
SHORT, LONG = 2, 5
"""Content words of a question between which its length counts."""
FEW = 100
"""Goals of a knowledge base below which their number does not count."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A regression that says which goal is asked for, and one that says whether any is."""

    first: tuple[float, ...]
    """Weights of a goal's likeness without its title's cosine."""
    titled: tuple[float, ...]
    """The same with it; none where no encoder has a say."""
    gate: tuple[float, ...]
    """Weights of the signals that a question has an answer."""
    bar: float
    """What these must add up to."""

    def of(self, goal: Weighed) -> float:
        """How well a goal fits, in log odds up to what all goals of the question have in common."""
        parts = [part for part in astuple(goal.likeness) if part is not None]
        weights = self.first if goal.likeness.title is None else self.titled
        return float(sum(weight * part for weight, part in zip(weights, parts, strict=True)))

    def ordered(self, goals: Sequence[Weighed]) -> list[Weighed]:
        """Goals by how well they fit, best first, those whose titles were read before the others."""
        return sorted(
            goals,
            key=lambda each: (
                each.likeness.title is None,
                -self.of(each),
                len(each.goal),
                each.article_id,
            ),
        )

    def odds(self, goals: Sequence[Weighed], length: int, total: int) -> float:
        """The log odds that one of the goals answers a question of so many content words, among `total` goals."""
        given = signals(goals, length, total)
        return sum(weight * part for weight, part in zip(self.gate, given, strict=True)) - self.bar


@dataclass(frozen=True, slots=True)
class Fits:
    """What weighs by word vectors alone, and where the encoder that made the links has a say, too."""

    words: Fit
    model: Fit

    def by(self, goals: Sequence[Weighed]) -> Fit:
        """The one for some goals."""
        return self.words if goals[0].likeness.model is None else self.model


def signals(goals: Sequence[Weighed], length: int, total: int) -> list[float]:
    """What tells whether a question has an answer: how near goals come in each respect, and what makes that likelier.

    A long question is like its goal in part only, and of many goals one is more likely to look like anything.
    """
    likeness = [each.likeness for each in goals]
    cosines = [
        max(some)
        for name in ("meaning", "model", "title")
        if (some := [value for each in likeness if (value := getattr(each, name)) is not None])
    ]
    best = [each for each in likeness if each.title is not None] or likeness
    return [
        *cosines,
        max(each.told for each in best),
        min(each.missed for each in best),
        math.log(min(max(length, SHORT), LONG)),
        math.log10(max(total, FEW) / FEW),
    ]


def with_titles(
    fit: Fit, goals: Sequence[Weighed], cosines: Callable[[list[str]], Sequence[float]]
) -> list[Weighed]:
    """The goals, of which the `READ` that fit best have the cosines of their titles.

    Args:
        fit: by its weights without titles goals are the best.
        goals: those that were weighed.
        cosines: gives the cosines of the question and some titles.
    """
    order = fit.ordered(goals)
    found = cosines([each.goal for each in order[:READ]])
    read = [
        replace(each, likeness=replace(each.likeness, title=float(cosine)))
        for each, cosine in zip(order[:READ], found, strict=True)
    ]
    return [*read, *order[READ:]]


def best_first(fits: Fits, goals: Sequence[Weighed], length: int, total: int) -> list[tuple[Weighed, float]]:
    """The goals that fit, best first, each with its score; none where nothing answers the question.

    A title that has all of its words does, however unlike the goal's steps are.

    Args:
        fits: what weighs.
        goals: those that were weighed.
        length: how many content words the question has.
        total: how many goals the knowledge base has.

    Returns:
        with each goal the probability that it is asked for, by odds that are even at the bar for the best.
    """
    if not goals:
        return []
    fit = fits.by(goals)
    odds = fit.odds(goals, length, total)
    if odds < 0 and all(each.likeness.untitled > LEAST for each in goals):
        return []
    order = fit.ordered(goals)
    return [
        (each, round(1 / (1 + math.exp(less - odds)), 4))
        for each, less in zip(order, _behind(fit, order), strict=True)
        if less <= TAIL
    ]


def _behind(fit: Fit, order: Sequence[Weighed]) -> list[float]:
    """How far each goal is behind the first; those whose titles were not read begin where the others end."""
    found: list[float] = []
    for some in ([each for each in order if (each.likeness.title is None) is bare] for bare in (False, True)):
        start = max(found, default=0.0)
        found += [start + fit.of(some[0]) - fit.of(each) for each in some]
    return found


def fits_of(kb: KnowledgeBase) -> Fits:
    """The weights beside a knowledge base, else those that ship; read once for each that is open.

    Raises:
        BadInput: the file beside it holds no such weights.
    """
    if kb not in _held:
        own = beside(kb.path, SUFFIX)
        _held[kb] = read_fits(own if own.exists() else FILE)
    return _held[kb]


def read_fits(path: Path) -> Fits:
    """The weights in a file.

    Raises:
        BadInput: it holds none.
    """
    value = read_json(path)
    try:
        return Fits(_fit(value["words"], 0), _fit(value["model"], 1))
    except (KeyError, TypeError, ValueError):
        raise BadInput(
            f"{path} holds no weights of the search: delete it, or howtree train search again"
        ) from None


def write_fits(path: Path, found: Fits) -> None:
    """Write weights as JSON."""
    write_json(path, asdict(found))


def _fit(value: dict[str, list[float]], models: int) -> Fit:
    """A fit where so many encoders besides the word vectors have a say."""
    first, titled, gate = (tuple(map(float, value[name])) for name in ("first", "titled", "gate"))
    parts = len(fields(Likeness)) - 2 + models
    if (len(first), len(titled), len(gate)) != (parts, models * (parts + 1), 5 + 2 * models):
        raise ValueError
    return Fit(first, titled, gate, float(value["bar"]))  # type: ignore[arg-type]


_held: WeakKeyDictionary[KnowledgeBase, Fits] = WeakKeyDictionary()
