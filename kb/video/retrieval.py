"""The evaluation by video retrieval (section 6 of Zhou et al., ACL 2022): do a goal's steps, and the steps of
the goals these are linked to, help to find the goal's videos by their captions?

Videos and goals are read, each split is indexed, the filter chooses steps on train, every query form is run
on every split, measured and compared; all is written to one directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from howtree.errors import BadInput
from howtree.progress import progress, warn
from kb.video.corpus import Split, VideoSet
from kb.video.figures import (
    Chosen,
    ChosenStep,
    Comparison,
    GoalFigures,
    Row,
    Tried,
    Unanswered,
    VideoFigures,
)
from kb.video.filter import Climb, StepVectors, Variant, climb_all, variant
from kb.video.index import K1, TOKEN_PATTERN, B, Bm25Index, Floats, Index
from kb.video.measures import Ranking, measures_of, paired_test, write_qrels, write_run
from kb.video.queries import FORMS, Goal, QueryForm, tally_of

COMPARED = (
    ("L1", "L0"),
    ("L2", "L1"),
    ("L2-prob", "L2"),
    ("FIL-L1", "L0"),
    ("FIL-L1", "L1"),
    ("FIL-L2", "FIL-L1"),
    ("FIL-L2-prob", "FIL-L1"),
    ("FIL-L2-prob", "FIL-L2"),
    ("FIL-L3", "FIL-L2"),
)
"""Which query forms are tested against each other: the first is expected to rank better."""
WEIGHTS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""The weights of the steps that are tried on dev."""
TUNED = " tuned"


@dataclass(slots=True)
class _Bench:
    """One split with what was scored on it, so that a part is never scored twice."""

    split: Split
    index: Index
    goals: list[Goal]
    """Those with a video in this split."""

    def rankings(self, forms: Sequence[QueryForm], chosen: ChosenPositions) -> dict[str, list[Ranking]]:
        """Form name -> one ranking a goal."""
        result: dict[str, list[Ranking]] = {form.name: [] for form in forms}
        for goal in progress(self.goals, f"queries on {self.split.name}", unit="goals"):
            steps = {form.name: tuple(chosen(goal, form)) for form in forms}
            needed = sorted({position for positions in steps.values() for position in positions})
            vectors = StepVectors(self.index, [goal.steps[position].text for position in needed])
            column = {position: number for number, position in enumerate(needed)}
            base = self.index.scores([goal.text])[0]
            totals: dict[tuple[Any, ...], Floats] = {}
            for form in forms:
                taken = steps[form.name]
                if (key := (form.by_probability, taken)) not in totals:
                    factors = [goal.steps[position].probability for position in taken]
                    totals[key] = vectors.total(
                        [column[position] for position in taken], factors if form.by_probability else None
                    )
                scores = base + form.weight * totals[key]
                ranking = Ranking.of(goal.key, scores, self.split.ids, self.split.relevant[goal.key])
                result[form.name].append(ranking)
        return result


ChosenPositions = Callable[[Goal, QueryForm], Sequence[int]]
"""The positions of the steps that a form searches a goal with."""


def evaluate(
    videos: VideoSet,
    goals: list[Goal],
    output: Path,
    *,
    forms: Sequence[QueryForm] = FORMS,
    weights: Sequence[float] = WEIGHTS,
    workers: int = 1,
    seed: int = 0,
    make_index: Callable[[Split], Index] = Bm25Index.of,
    engine: str = "bm25s",
) -> VideoFigures:
    """Run the query forms on every split and write runs, qrels, goals and figures to `output`.

    `weights` are tried on dev for every form with steps, and the best of each is added as a form of its own
    ("L1 tuned"); an empty list leaves the tuning out. `seed` draws the resamples of the significance tests.
    Raises BadInput where `output` cannot be a directory.
    """
    found, clock = VideoFigures(queries=tally_of(goals)), _Clock()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"cannot write to {output}: {error.strerror}. Name another directory with -o."
        ) from None
    benches = {}
    for name, split in progress(videos.splits.items(), "index", unit="splits"):
        benches[name] = _Bench(
            split, make_index(split), [goal for goal in goals if goal.key in split.relevant]
        )
    found.seconds["index"] = clock.lap()

    tried = [form.at(weight, f"@{weight:g}") for form in forms if form.depth for weight in weights]
    tried = tried if "dev" in benches else []
    climbs, found.tally["climbs taken from an earlier run"] = _climbs(
        benches.get("train"), goals, [*forms, *tried], workers, engine, output / "filter.jsonl"
    )
    found.tally["climbs"] = len(climbs)
    found.seconds["filter"] = clock.lap()

    def chosen(goal: Goal, form: QueryForm) -> Sequence[int]:
        if form.filtered:
            return climbs[goal.key, variant(form)].chosen if climbs else ()
        return range(len(goal.down_to(form.depth)))

    found.tuning, best = _tuned(benches.get("dev"), forms, tried, chosen)
    found.seconds["tuning"] = clock.lap()

    forms = [*forms, *best]
    by_goal = {goal.key: GoalFigures(goal.text, goal.article_id, len(goal.steps)) for goal in goals}
    for bench in benches.values():
        rankings = bench.rankings(forms, chosen)
        _measure(bench, forms, rankings, found, seed)
        _write_trec(bench, rankings, output)
        for form in forms:
            for ranking in rankings[form.name]:
                ranks = by_goal[ranking.goal].ranks.setdefault(bench.split.name, {})
                ranks[form.name] = ranking.ranks.tolist()
    for goal in goals:
        by_goal[goal.key].chosen.update(
            (form.name, _chosen_steps(goal, climbs[goal.key, variant(form)]))
            for form in forms
            if form.filtered and climbs
        )
    found.goals = list(by_goal.values())
    found.tally["queries that find nothing"] = len(found.unanswered)
    _count_chosen(goals, forms, climbs, found.queries)
    found.seconds["queries"] = clock.lap()
    return found


def _climbs(
    train: _Bench | None, goals: list[Goal], forms: Sequence[QueryForm], workers: int, engine: str, kept: Path
) -> tuple[dict[tuple[str, Variant], Climb], int]:
    if train is None:
        warn("no train videos: the filter has nothing to learn from, so the FIL queries are the goal alone")
        return {}, 0
    digest = f"{engine} {K1} {B} {TOKEN_PATTERN} {train.split.digest}"
    return climb_all(train.index, digest, goals, train.split.relevant, forms, workers, kept)


def _tuned(
    dev: _Bench | None, forms: Sequence[QueryForm], tried: Sequence[QueryForm], chosen: ChosenPositions
) -> tuple[list[Tried], list[QueryForm]]:
    """The mean rank on dev (over pairs) of each form at each weight; and each form at its best, the least of
    a tie.
    """
    if dev is None or not dev.goals or not tried:
        return [], []
    rankings = dev.rankings(tried, chosen)
    mean_ranks = {}
    for form in tried:
        ranks = [rank for ranking in rankings[form.name] for rank in ranking.ranks.tolist()]
        mean_ranks[form.name] = sum(ranks) / len(ranks)
    table: list[Tried] = []
    best: list[QueryForm] = []
    for form in forms:
        kin = [each for each in tried if each.name.split("@")[0] == form.name]
        if not kin:
            continue
        least = min(kin, key=lambda each: (mean_ranks[each.name], each.weight))
        best.append(form.at(least.weight, TUNED))
        table += [Tried(form.name, each.weight, mean_ranks[each.name], each is least) for each in kin]
    return table, best


def _measure(
    bench: _Bench,
    forms: Sequence[QueryForm],
    rankings: dict[str, list[Ranking]],
    found: VideoFigures,
    seed: int,
) -> None:
    """Add the rows of one split: figures, paired tests, and the queries that found nothing."""
    if not bench.goals:
        return
    relevant = {goal.key: bench.split.relevant[goal.key] for goal in bench.goals}
    text = {goal.key: goal.text for goal in bench.goals}
    name = bench.split.name
    for form in forms:
        measures = measures_of(rankings[form.name], relevant, bench.split.ids)
        found.rows.append(Row(name, form.name, form.weight, measures))
        found.unanswered += [
            Unanswered(name, form.name, text[ranking.goal])
            for ranking in rankings[form.name]
            if not ranking.videos
        ]
    for suffix in ("", TUNED):
        for ours, theirs in COMPARED:
            pair = ours + suffix, theirs + (suffix if theirs != "L0" else "")
            if pair[0] in rankings and pair[1] in rankings:
                test = paired_test(rankings[pair[0]], rankings[pair[1]], seed)
                found.significance.append(Comparison(name, *pair, test))


def _write_trec(bench: _Bench, rankings: dict[str, list[Ranking]], output: Path) -> None:
    for folder in ("runs", "qrels"):
        (output / folder).mkdir(exist_ok=True)
    name = bench.split.name
    relevant = {goal.key: bench.split.relevant[goal.key] for goal in bench.goals}
    write_qrels(output / "qrels" / f"{name}.qrels", relevant, bench.split.ids)
    for form, each in rankings.items():
        tag = form.replace(" ", "-")
        write_run(output / "runs" / f"{name}.{tag}.run", each, tag)


def _chosen_steps(goal: Goal, climb: Climb) -> Chosen:
    steps = [goal.steps[i] for i in climb.chosen]
    return Chosen(climb.mean_ranks, [ChosenStep(step.step_id, step.depth, step.text) for step in steps])


def _count_chosen(
    goals: Sequence[Goal],
    forms: Sequence[QueryForm],
    climbs: dict[tuple[str, Variant], Climb],
    queries: dict[str, float],
) -> None:
    """How many steps of each depth the filter took, a goal."""
    for form in forms:
        if not form.filtered or not climbs or form.name.endswith(TUNED):
            continue
        depths = [goal.steps[i].depth for goal in goals for i in climbs[goal.key, variant(form)].chosen]
        for depth in range(1, form.depth + 1):
            queries[f"steps chosen a goal by {form.name} at depth {depth}"] = round(
                depths.count(depth) / len(goals), 2
            )


class _Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def lap(self) -> float:
        now = time.monotonic()
        self.last, passed = now, now - self.last
        return round(passed, 2)
