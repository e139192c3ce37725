"""The hill-climbing filter of the video evaluation, against the definition carried out word for word."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.video_samples import NaiveBm25, naive_filter

from kb.video.corpus import Split
from kb.video.filter import ROUNDS, Climb, StepVectors, climb, climb_all
from kb.video.index import Bm25Index
from kb.video.queries import FORMS, Goal, QueryStep

VOCABULARY = [f"w{number}" for number in range(40)]


def made_up(seed: int, videos: int = 230, goals: int = 4, steps: int = 9) -> tuple[Split, list[Goal]]:
    """Videos and goals of random words, rare and frequent ones, more videos than are ranked."""
    random = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(VOCABULARY) + 1)

    def text(length: int) -> str:
        return " ".join(random.choice(VOCABULARY, length, p=share / share.sum()))

    ids = [f"v{number:03}" for number in range(videos)]
    relevant: dict[str, list[int]] = {f"goal {number}": [] for number in range(goals)}
    for position in range(videos):
        relevant[f"goal {position % goals}"].append(position)
    split = Split("train", ids, [text(random.integers(1, 25)) for _ in ids], relevant)
    made = [
        Goal(key, text(2), 1, tuple(QueryStep(n, text(3), 1 + n // 4, 0.5 + n / 20) for n in range(steps)))
        for key in relevant
    ]
    return split, made


def climbed(split: Split, goal: Goal, weight: float = 0.5, block_bytes: int = 2**28) -> Climb:
    index = Bm25Index.of(split)
    vectors = StepVectors(index, [step.text for step in goal.steps], block_bytes)
    base = index.scores([goal.text])[0]
    return climb(base, vectors, range(len(goal.steps)), weight, split.relevant[goal.key])


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), weight=st.sampled_from([0.1, 0.5, 2.0]))
def test_the_filter_chooses_what_its_definition_says(seed: int, weight: float) -> None:
    split, (goal, *_) = made_up(seed)
    naive = naive_filter(
        NaiveBm25(split.texts),
        split.ids,
        goal.text,
        [step.text for step in goal.steps],
        weight,
        split.relevant[goal.key],
    )
    assert list(climbed(split, goal, weight).chosen) == naive


def test_the_mean_rank_falls_with_every_step_taken() -> None:
    split, goals = made_up(1)
    for goal in goals:
        found = climbed(split, goal)
        assert len(found.mean_ranks) == len(found.chosen) + 1 > 1
        assert list(found.mean_ranks) == sorted(set(found.mean_ranks), reverse=True)


def test_vectors_scored_anew_give_the_same_as_vectors_kept() -> None:
    split, (goal, *_) = made_up(2)
    assert climbed(split, goal, block_bytes=1) == climbed(split, goal) != Climb()


@pytest.mark.parametrize(("weight", "chosen"), [(0.2, (1,)), (0.1, (1, 2)), (0.05, ())])
def test_the_first_of_equal_steps_is_taken_and_a_repeated_one_again(
    weight: float, chosen: tuple[int]
) -> None:
    # The last video must pass three better ones: one "egg" is enough at 0.2, two are needed at 0.1.
    texts = ["x x x", "x x", "x filler", "x egg with a few more words in it"]
    split = Split("train", ["a", "b", "c", "d"], texts, {"g": [3]})
    steps = tuple(QueryStep(n, text, 1) for n, text in enumerate(["unheard", "egg", "egg", "egg"]))
    assert climbed(split, Goal("g", "x", 1, steps), weight).chosen == chosen


def test_at_most_fifteen_steps_are_taken() -> None:
    words = [f"u{number}" for number in range(20)]
    texts = [*words, *(f"x n{number}" for number in range(20))]  # each step lifts one relevant video
    split = Split("train", [f"v{n:02}" for n in range(40)], texts, {"g": list(range(20))})
    goal = Goal("g", "x", 1, tuple(QueryStep(n, word, 1) for n, word in enumerate(words)))
    assert len(climbed(split, goal, 9.0).chosen) == ROUNDS == 15


def test_a_goal_without_train_videos_or_steps_chooses_nothing() -> None:
    split = Split("train", ["a"], ["x y"], {"g": [0], "h": []})
    assert climbed(split, Goal("g", "x")).chosen == ()
    assert climbed(split, Goal("h", "x", 1, (QueryStep(1, "y", 1),))) == Climb()


def test_ten_thousand_steps() -> None:
    split, (goal, *_) = made_up(3)
    random = np.random.default_rng(0)
    steps = tuple(QueryStep(n, " ".join(random.choice(VOCABULARY, 3)), 1) for n in range(10_000))
    many = Goal(goal.key, goal.text, 1, steps)
    found = climbed(split, many)
    assert 0 < len(found.chosen) <= ROUNDS
    assert found.mean_ranks[-1] < climbed(split, goal).mean_ranks[0]
    index = Bm25Index.of(split)
    texts = [step.text for step in steps]
    in_blocks = StepVectors(index, texts, block_bytes=8 * 230 * 999).total(range(10_000))
    assert in_blocks.tolist() == index.scores([" ".join(texts)])[0].tolist()  # one query of 30,000 words


@pytest.fixture
def all_goals(tmp_path: Path) -> tuple[Split, list[Goal], Path]:
    return *made_up(5), tmp_path / "filter.jsonl"


def run(all_goals: tuple[Split, list[Goal], Path], workers: int = 1) -> tuple[dict, int]:
    split, goals, kept = all_goals
    return climb_all(Bm25Index.of(split), split.digest, goals, split.relevant, FORMS, workers, kept)


def test_workers_change_nothing(all_goals: tuple[Split, list[Goal], Path], tmp_path: Path) -> None:
    alone, _ = run(all_goals)
    together, reused = run((*all_goals[:2], tmp_path / "other.jsonl"), workers=2)
    assert reused == 0
    assert together == alone
    assert {key for key, _ in alone} == {goal.key for goal in all_goals[1]}


def test_what_a_killed_run_finished_is_not_done_again(all_goals: tuple[Split, list[Goal], Path]) -> None:
    whole, reused = run(all_goals)
    assert reused == 0
    kept = all_goals[2]
    lines = kept.read_text(encoding="utf-8").splitlines()
    kept.write_text(
        "\n".join(lines[:7]) + "\n" + lines[7][:40], encoding="utf-8"
    )  # killed within the 8th line
    assert run(all_goals) == (whole, 7)
    assert run(all_goals) == (whole, len(whole))


def test_kept_climbs_are_not_used_for_other_videos_or_steps(
    all_goals: tuple[Split, list[Goal], Path],
) -> None:
    run(all_goals)
    split, goals, kept = all_goals
    others = [Goal(goal.key, goal.text, 1, goal.steps[::-1]) for goal in goals]
    assert run((split, others, kept))[1] == 0
    split.texts[0] += " w1"
    assert run((split, goals, kept))[1] == 0


def test_a_kept_line_says_which_steps_were_taken(all_goals: tuple[Split, list[Goal], Path]) -> None:
    whole, _ = run(all_goals)
    lines = [json.loads(line) for line in all_goals[2].read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(whole)
    assert {line["goal"] for line in lines} == {goal.text for goal in all_goals[1]}
    assert all(len(line["mean_ranks"]) == len(line["chosen"]) + 1 for line in lines)
