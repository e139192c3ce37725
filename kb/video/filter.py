"""The filter: hill climbing over a goal's steps on the train videos, which keeps those that lower their mean
rank.

Start from the goal alone. Each round adds every step not yet taken to those taken, and keeps the one with
which the goal's train videos rank best (of a tie the first), as long as their mean rank falls; at most 15
rounds; nothing is taken back. Nothing is drawn at random, so the same input gives the same steps with any
number of workers.

Each step is scored once, as a vector over the videos; a round is then one addition a step. And only the
videos that can be among the best 200 of some query of the round are looked at: adding a step lowers no score,
so the 200th best score of the steps taken is a floor that others must reach even with the greatest gain any
step gives them. Rounding keeps the order of numbers, so this leaves out no video wrongly, ties included.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from howtree.files import digest_of
from howtree.progress import progress
from kb.video.index import DEPTH, MISS, Floats, Index, Positions, on_grid, ranked
from kb.video.queries import Goal, QueryForm

ROUNDS = 15
BLOCK_BYTES = 256 * 2**20
"""Step vectors beyond this size are not kept but scored anew each round, so a goal of 10,000 steps fits."""


@dataclass(frozen=True, slots=True)
class Climb:
    """What the filter took for one goal."""

    chosen: tuple[int, ...] = ()
    """Positions in the goal's list of steps, in the order in which they were taken."""
    mean_ranks: tuple[float, ...] = ()
    """Mean rank of the train videos: of the goal alone, then after each step taken."""


class StepVectors:
    """The score vectors of a list of steps, scored once where they fit into memory."""

    def __init__(self, index: Index, texts: Sequence[str], block_bytes: int = BLOCK_BYTES) -> None:
        self.index, self.texts = index, texts
        self.block = max(1, block_bytes // max(1, 8 * len(index.ids)))
        self.kept = index.scores(texts) if len(texts) <= self.block else None

    def __len__(self) -> int:
        return len(self.texts)

    def one(self, position: int) -> Floats:
        """The vector of one step: shape (videos,)."""
        row: Floats = (
            self.kept[position] if self.kept is not None else self.index.scores([self.texts[position]])[0]
        )
        return row

    def blocks(self, positions: Sequence[int], videos: Positions) -> Iterator[tuple[Sequence[int], Floats]]:
        """The vectors of the steps at `positions`, in parts: some positions with a matrix (positions,
        videos).
        """
        for start in range(0, len(positions), self.block):
            part = positions[start : start + self.block]
            if self.kept is not None:
                yield part, self.kept[np.ix_(np.array(part), videos)]
            else:
                yield part, self.index.scores([self.texts[position] for position in part])[:, videos]

    def total(self, positions: Sequence[int], probabilities: Sequence[float] | None = None) -> Floats:
        """The sum of some vectors, each times its probability where these are given: shape (videos,)."""
        result: Floats = np.zeros(len(self.index.ids))
        for number, position in enumerate(positions):
            row = self.one(position)
            result += row if probabilities is None else on_grid(probabilities[number] * row)
        return result


def climb(
    goal: Floats,
    steps: StepVectors,
    candidates: Sequence[int],
    weight: float,
    relevant: Sequence[int],
    probabilities: Sequence[float] | None = None,
) -> Climb:
    """Choose among the `candidates` (positions in `steps`) the steps that lower the mean rank of `relevant`.

    `goal` holds BM25(goal) of every video, `relevant` the positions of the goal's videos, `probabilities` a
    factor for each candidate. Without a relevant video no rank can fall and nothing is chosen.
    """
    if not relevant:
        return Climb()
    factor = dict(zip(candidates, probabilities, strict=True)) if probabilities is not None else None
    is_relevant = np.zeros(len(goal), dtype=bool)
    is_relevant[list(relevant)] = True
    ceiling = np.zeros(len(goal))
    for part, rows in steps.blocks(candidates, np.arange(len(goal))):
        np.maximum(ceiling, _scaled(rows, part, factor).max(axis=0), out=ceiling)

    taken = np.zeros(len(goal))
    chosen: list[int] = []
    left = list(candidates)
    sums = [_rank_sum(goal, is_relevant, len(relevant))]
    for _ in range(min(len(candidates), ROUNDS)):
        can_rank = _can_rank(goal, taken, ceiling, weight)
        base, so_far, hit = goal[can_rank], taken[can_rank], is_relevant[can_rank]
        best, best_sum = -1, sums[-1]
        for part, rows in steps.blocks(left, can_rank):
            gains = _scaled(rows, part, factor)
            for position, gain in zip(part, gains, strict=True):
                rank_sum = _rank_sum(base + weight * (so_far + gain), hit, len(relevant))
                if rank_sum < best_sum:
                    best, best_sum = position, rank_sum
        if best < 0:
            break
        row = steps.one(best)
        taken += row if factor is None else on_grid(factor[best] * row)
        chosen.append(best)
        left.remove(best)
        sums.append(best_sum)
    return Climb(tuple(chosen), tuple(rank_sum / len(relevant) for rank_sum in sums))


def _scaled(rows: Floats, part: Sequence[int], factor: dict[int, float] | None) -> Floats:
    """The vectors times the factors of their steps, put back on the grid where sums are exact."""
    if factor is None:
        return rows
    return on_grid(np.array([[factor[position]] for position in part]) * rows)


def _can_rank(goal: Floats, taken: Floats, ceiling: Floats, weight: float) -> Positions:
    """Positions of the videos that one more step could put among the best 200."""
    now = goal + weight * taken
    floor = np.partition(now, -DEPTH)[-DEPTH] if len(now) > DEPTH else 0.0
    then = goal + weight * (taken + ceiling)
    return np.flatnonzero((then >= floor) & (then > 0))


def _rank_sum(scores: Floats, is_relevant: np.ndarray[tuple[int], np.dtype[np.bool_]], total: int) -> int:
    """The sum of the ranks of `total` relevant videos; one that is not ranked counts 201."""
    places = np.flatnonzero(is_relevant[ranked(scores)])
    return int(places.sum()) + len(places) + MISS * (total - len(places))


# --- over all goals ---

Variant: TypeAlias = tuple[int, bool, float]
"""What a climb depends on beside its goal: depth, by probability, weight."""


def variant(form: QueryForm) -> Variant:
    """The climb that a form needs."""
    return form.depth, form.by_probability, form.weight


@dataclass(frozen=True, slots=True)
class Task:
    """The climbs of one goal: its steps are scored once for all of them."""

    goal: Goal
    relevant: tuple[int, ...]
    variants: tuple[Variant, ...]


def climbs_of(index: Index, task: Task) -> dict[Variant, Climb]:
    """All climbs of one goal."""
    deepest = max(depth for depth, _, _ in task.variants)
    steps = task.goal.down_to(deepest)
    vectors = StepVectors(index, [step.text for step in steps])
    goal = index.scores([task.goal.text])[0]
    result = {}
    for depth, by_probability, weight in task.variants:
        below = task.goal.down_to(depth)
        probabilities = [step.probability for step in below] if by_probability else None
        result[depth, by_probability, weight] = climb(
            goal, vectors, range(len(below)), weight, task.relevant, probabilities
        )
    return result


_index: Index


def _keep(index: Index) -> None:
    """Give a worker process the index, once."""
    global _index
    _index = index


def _work(task: Task) -> dict[Variant, Climb]:
    return climbs_of(_index, task)


def climb_all(
    index: Index,
    train_digest: str,
    goals: Sequence[Goal],
    relevant: dict[str, list[int]],
    forms: Sequence[QueryForm],
    workers: int,
    kept: Path,
) -> tuple[dict[tuple[str, Variant], Climb], int]:
    """The climbs of all goals for all filtered forms, and how many of them were found in `kept`.

    Every goal's climbs are appended to `kept` (JSON Lines) when they are done. A later run takes them from
    there, as long as the train videos, the goal's steps and the form are the same; half a line from a kill is
    passed over.
    """
    variants = sorted({variant(form) for form in forms if form.filtered})
    known = _read(kept)
    result: dict[tuple[str, Variant], Climb] = {}
    tasks = []
    for goal in goals:
        videos = tuple(relevant.get(goal.key, ()))
        missing = []
        for each in variants:
            if (found := known.get(_identity(train_digest, goal, videos, each))) is not None:
                result[goal.key, each] = found
            else:
                missing.append(each)
        if missing:
            tasks.append(Task(goal, videos, tuple(missing)))
    reused = len(result)
    with kept.open("a", encoding="utf-8") as file:
        for task, climbs in progress(_run(index, tasks, workers), "filter", len(tasks), "goals"):
            for each, done in climbs.items():
                result[task.goal.key, each] = done
                line = {
                    "identity": _identity(train_digest, task.goal, task.relevant, each),
                    "goal": task.goal.text,
                    "chosen": done.chosen,
                    "mean_ranks": done.mean_ranks,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
    return result, reused


def _run(index: Index, tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, dict[Variant, Climb]]]:
    """The tasks as they finish, in this process or in several."""
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, climbs_of(index, task)
        return
    # Started afresh rather than forked: DuckDB's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(tasks))
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_keep, initargs=(index,))
    try:
        pending = {pool.submit(_work, task): task for task in tasks}
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _identity(train_digest: str, goal: Goal, relevant: Sequence[int], each: Variant) -> str:
    """Changes with anything that a climb depends on."""
    depth, by_probability, _ = each
    parts = [train_digest, goal.text, repr(each), repr(tuple(relevant)), f"{DEPTH} {ROUNDS}"]
    for step in goal.down_to(depth):
        parts += [step.text, repr(step.probability) if by_probability else ""]
    return digest_of(*parts)


def _read(kept: Path) -> dict[str, Climb]:
    """Identity -> climb, from an earlier run; lines that are not whole are passed over."""
    known: dict[str, Climb] = {}
    if not kept.exists():
        return known
    text = kept.read_text(encoding="utf-8", errors="replace")
    for line in text.split("\n"):  # a goal may hold other ends of lines
        try:
            record = json.loads(line)
            known[record["identity"]] = Climb(tuple(record["chosen"]), tuple(record["mean_ranks"]))
        except (ValueError, KeyError, TypeError):
            continue
    if text and not text.endswith("\n"):  # the next line must not join the half one
        with kept.open("a", encoding="utf-8") as file:
            file.write("\n")
    return known
