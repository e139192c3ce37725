"""Video retrieval at the size of HowTo100M: 56,000 videos of 700 words, 1,000 goals; all made up.

Run: python tests/benchmarks/video_scale.py [--videos 56000] [--goals 1000] [--sample 6]
Prints how long the index, all L1 queries and the filter take (the last extrapolated from a sample of goals)
and the peak of memory; and in the same run the naive filter, which scores every query of every round anew:
the ratio to beat.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from kb.video.corpus import Split
from kb.video.filter import ROUNDS, Task, climbs_of
from kb.video.index import MISS, Bm25Index, ranked, ranks_of
from kb.video.queries import Goal, QueryStep

T = TypeVar("T")
WORDS, VOCABULARY = 700, 60_000
TOPIC_WORDS, TOPIC_SHARE = 30, 0.03
STEPS, STEP_WORDS, STEP_TOPIC_WORDS = 10, 8, 3
WEIGHT = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=56_000)
    parser.add_argument("--goals", type=int, default=1_000)
    parser.add_argument("--sample", type=int, default=6, help="goals that the filter is timed on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    split, goals = made_up(options.videos, options.goals, np.random.default_rng(options.seed))
    index, seconds = timed(lambda: Bm25Index.of(split))
    print(f"index of {len(split.ids):,} videos: {seconds:.0f} s, peak memory {peak():.2f} GB")

    def all_l1() -> int:
        found = 0
        for goal in goals:
            base, *steps = index.scores([goal.text, *(step.text for step in goal.down_to(1))])
            found += len(ranked(base + 0.1 * np.sum(steps, axis=0)))
        return found

    _, seconds = timed(all_l1)
    print(f"L1 for {len(goals):,} goals: {seconds:.1f} s")

    sample = goals[:: max(1, len(goals) // options.sample)][: options.sample]
    for depth in (1, 2):
        spent, rounds = 0.0, 0
        for goal in sample:
            task = Task(goal, tuple(split.relevant[goal.key]), ((depth, False, WEIGHT),))
            climbs, seconds = timed(lambda task=task: climbs_of(index, task))
            spent += seconds
            rounds += len(climbs[depth, False, WEIGHT].chosen) + 1
        a_goal = spent / len(sample)
        steps = len(sample[0].down_to(depth))
        print(
            f"filter FIL-L{depth}, {steps} steps and {rounds / len(sample):.1f} rounds a goal: "
            f"{a_goal:.2f} s a goal, extrapolated {a_goal * len(goals) / 60:.1f} min for all on one core"
        )
        goal = sample[0]
        task = Task(goal, tuple(split.relevant[goal.key]), ((depth, False, WEIGHT),))
        climbs, ours = timed(lambda task=task: climbs_of(index, task))
        theirs_chosen, theirs = timed(lambda goal=goal, depth=depth: naive_filter(index, split, goal, depth))
        assert climbs[depth, False, WEIGHT].chosen == theirs_chosen, (
            "the two filters must choose the same steps"
        )
        print(f"  one goal: {ours:.2f} s, naive {theirs:.2f} s, ratio {theirs / ours:.1f}")
    print(f"peak memory {peak():.2f} GB")


def naive_filter(index: Bm25Index, split: Split, goal: Goal, depth: int) -> tuple[int, ...]:
    """The filter by its definition: each query of each round is joined into one text, scored and ranked."""
    steps, relevant = goal.down_to(depth), split.relevant[goal.key]
    chosen: list[int] = []

    def rank_sum(positions: list[int]) -> int:
        text = " ".join(steps[position].text for position in positions)
        base, parts = index.scores([goal.text, text])
        return int(ranks_of(relevant, ranked(base + WEIGHT * parts)).sum())

    best_sum = rank_sum([])
    for _ in range(min(len(steps), ROUNDS)):
        left = [position for position in range(len(steps)) if position not in chosen]
        sums = [rank_sum([*chosen, position]) for position in left]
        if not sums or min(sums) >= best_sum:
            break
        best_sum = min(sums)
        chosen.append(left[sums.index(best_sum)])
    assert best_sum <= MISS * len(relevant)
    return tuple(chosen)


def made_up(videos: int, goals: int, random: np.random.Generator) -> tuple[Split, list[Goal]]:
    """Videos of Zipfian words, a share from a part of their goal's topic; goals with steps at two depths."""
    vocabulary = np.array([f"w{number}" for number in range(VOCABULARY)])
    weights = 1 / np.arange(1, VOCABULARY + 1)
    edges = np.cumsum(weights / weights.sum())

    def words(count: int) -> np.ndarray:
        return np.minimum(np.searchsorted(edges, random.random(count)), VOCABULARY - 1)

    topics = random.integers(200, 6_000, (goals, TOPIC_WORDS))
    texts, relevant = [], {f"goal {number:05}": [] for number in range(goals)}
    for video in range(videos):
        goal = video % goals
        spoken = words(WORDS)
        about = random.random(WORDS) < TOPIC_SHARE
        part = random.choice(topics[goal], TOPIC_WORDS // 3)
        spoken[about] = random.choice(part, about.sum())
        texts.append(" ".join(vocabulary[spoken]))
        relevant[f"goal {goal:05}"].append(video)

    def step(goal: int) -> str:
        chosen = [*random.choice(topics[goal], STEP_TOPIC_WORDS), *words(STEP_WORDS - STEP_TOPIC_WORDS)]
        return " ".join(vocabulary[chosen])

    made = []
    for goal in range(goals):
        own = [QueryStep(number, step(goal), 1) for number in range(STEPS)]
        linked = random.integers(0, goals, STEPS)
        below = [QueryStep(0, step(int(child)), 2, 0.8) for child in linked for _ in range(STEPS)]
        title = " ".join(vocabulary[[topics[goal][0], 0, 1]])
        made.append(Goal(f"goal {goal:05}", title, goal, (*own, *below)))
    ids = [f"video {number:06}" for number in range(videos)]
    return Split("train", ids, texts, relevant), made


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak() -> float:
    """The greatest memory this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
