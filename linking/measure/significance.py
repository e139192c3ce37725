"""Whether two models find another share of the gold goals, in one run or in the per-step files of two runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from howtree.extras import required
from linking.arrays import Flags, Ranks
from linking.measure.figures import Comparison, Difference

CUTS = (1, 10, 30)


def mcnemar(models: tuple[str, str], first: Ranks, second: Ranks) -> Comparison:
    """McNemar's exact test at each cut, two-sided, for the ranks of the same gold goals under two models.

    Of the steps that one model alone finds, each would be expected to find half. Source: McNemar (1947),
    Psychometrika 12, in its exact binomial form. Without such steps p is 1.

    Args:
        models: the names of the two.
        first, second: rank of each gold goal from 1, shape [n], n > 0.

    Returns:
        the two at each cut of `CUTS`.
    """
    stats = required("scipy.stats", "eval", "a test of significance")

    at: dict[int, Difference] = {}
    for cut in CUTS:
        a, b = first <= cut, second <= cut
        wins, losses = int((a & ~b).sum()), int((b & ~a).sum())
        at[cut] = Difference(
            100 * float(a.mean()),
            100 * float(b.mean()),
            100 * (wins - losses) / len(a),
            wins,
            losses,
            float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0,
        )
    return Comparison(models, len(first), at)


@dataclass(frozen=True, slots=True)
class Steps:
    """The per-step file of a run."""

    path: Path
    pairs: list[tuple[str, str]]
    """Step and gold goal, in the file's order."""
    seen: Flags | None
    """Whether training links another step to the goal, shape [n]; None where the run had no training file."""
    ranks: dict[str, Ranks]
    """For each model the rank of each gold goal, shape [n]."""


def read_steps(run: Path) -> Steps:
    """Read `steps.jsonl` of a results folder, or such a file.

    Raises:
        BadInput: there is no such file, or a line of it is no record of a pair.
    """
    path = run / "steps.jsonl" if run.is_dir() else run
    pairs: list[tuple[str, str]] = []
    seen: list[bool | None] = []
    ranks: dict[str, list[int]] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"cannot read {path}: {error}. Give the folder that howtree evaluate linking -o wrote"
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            pairs.append((record["step"], record["goal"]))
            seen.append(record["seen"])
            found = {name: int(model["rank"]) for name, model in record["models"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{path}:{number}: no record of howtree evaluate linking: measure again"
            ) from error
        if pairs[1:] and found.keys() != ranks.keys():
            raise BadInput(f"{path}:{number}: names other models than the lines before: measure again")
        for name, rank in found.items():
            ranks.setdefault(name, []).append(rank)
    if not pairs:
        raise BadInput(f"{path} holds no steps: measure again with howtree evaluate linking -o")
    known = None if None in seen else np.array(seen, bool)
    return Steps(path, pairs, known, {name: np.array(each, np.int64) for name, each in ranks.items()})


def compare(a: Steps, b: Steps, models: Sequence[str] = ()) -> list[Comparison]:
    """Compare two runs over the same gold pairs, over all of them and, where run `a` knows, over seen and unseen goals.

    Args:
        a, b: the runs.
        models: one of each run; without it each model that both have, or the only one of each.

    Returns:
        for each couple of models and each part ("all", "seen", "unseen") that has pairs what `mcnemar` says.

    Raises:
        BadInput: the runs measured other pairs, or have no such models.
    """
    if a.pairs != b.pairs:
        raise BadInput(
            f"{a.path} and {b.path} do not hold the same pairs in the same order ({len(a.pairs):,} and "
            f"{len(b.pairs):,} pairs): measure both on the same gold, both with --dev or both without; where one "
            "leaves out pairs that its models were trained on, --include-trained keeps them"
        )
    parts = {"all": np.ones(len(a.pairs), bool)}
    if a.seen is not None:
        parts |= {"seen": a.seen, "unseen": ~a.seen}
    return [
        replace(mcnemar(couple, a.ranks[couple[0]][of], b.ranks[couple[1]][of]), part=part)
        for couple in couples(a, b, models)
        for part, of in parts.items()
        if of.any()
    ]


def couples(a: Steps, b: Steps, models: Sequence[str]) -> list[tuple[str, str]]:
    """Which model of run `a` is compared with which of run `b`.

    Raises:
        BadInput: a run has no such model, or none is named and no model is in both.
    """
    if models:
        for steps, name in zip((a, b), models, strict=True):
            if name not in steps.ranks:
                raise BadInput(f"{steps.path} has no model {name!r}. It has: {', '.join(steps.ranks)}")
        return [(models[0], models[1])]
    common = [(name, name) for name in a.ranks if name in b.ranks]
    if not common and len(a.ranks) == len(b.ranks) == 1:
        common = [(next(iter(a.ranks)), next(iter(b.ranks)))]
    if not common:
        raise BadInput(
            f"{a.path} has the models {', '.join(a.ranks)}, {b.path} has {', '.join(b.ranks)}: no model is in "
            "both. Name the two to compare: --models A,B"
        )
    return common
