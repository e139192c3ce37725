"""`howtree evaluate video --folds`: every video is held out once, and ranked as the definition says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import Run
from support.schemas import checked
from support.video_samples import (
    ARTICLES,
    LINKS,
    NaiveBm25,
    make_kb,
    naive_filter,
    naive_ranks,
    sample_videos,
    write_videos,
)

from kb.video.corpus import VideoSet, read_videos
from kb.video.folds import folded
from kb.video.measures import Ranking, paired_test

STEPS = {
    "Bake rye bread": ["Mix rye flour and salt", "Feed the sourdough starter", "Bake for an hour"],
    "mend a bicycle tyre": ["Take the wheel off", "Find the hole under water", "Glue the patch"],
    "Water a cactus": ["Wait until the soil is dry", "Pour lukewarm water"],
}
UNSEEN = {
    "video_id": "t1",
    "goal": "Water a cactus",
    "split": "test",
    "text": "a cactus that nobody may look at",
}


@pytest.fixture
def arguments(tmp_path: Path) -> tuple[Any, ...]:
    """The command on the sample, with a test video beside."""
    kb = make_kb(tmp_path / "kb.duckdb", ARTICLES, LINKS)
    videos = write_videos(tmp_path / "videos.jsonl", [*sample_videos(), UNSEEN])
    options = ("-o", tmp_path / "out", "--workers", 1, "--format", "json")
    return "evaluate", "video", "--kb", kb, "--videos", videos, *options


def naive(fold: VideoSet, goal: str, form: str) -> list[int]:
    """The ranks of a goal's held-out videos by the definition, for L0 and FIL-L1."""
    train, dev = fold.splits["train"], fold.splits["dev"]
    key, steps = goal.casefold(), STEPS[goal] if form == "FIL-L1" else []
    bm25 = NaiveBm25(train.texts)
    taken = naive_filter(bm25, train.ids, goal, steps, 0.5, train.relevant.get(key, []))
    scores = NaiveBm25(dev.texts).scores(goal, [steps[i] for i in taken], 0.5)
    return naive_ranks(scores, dev.ids, dev.relevant.get(key, []))


def test_every_video_is_ranked_where_the_filter_has_not_learnt_from_it(
    run: Run, arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    done = run(*arguments, "--folds", 2)
    assert done.returncode == 0, done.stderr
    found = checked(done.stdout, "evaluate-video")
    rows = {row["query"]: row for row in found["rows"]}
    assert {row["split"] for row in found["rows"]} == {"held out"} and not found["tuning"]
    assert found["tally"]["videos in folds"] == 11 and found["tally"]["videos of test left out"] == 1
    folds = folded(read_videos(tmp_path / "videos.jsonl"), 2, 0)
    lines = (tmp_path / "out" / "goals.jsonl").read_text(encoding="utf-8").splitlines()
    goals = {record["goal"]: record for record in map(json.loads, lines)}
    for form in ("L0", "FIL-L1"):
        ranks = {goal: [rank for fold in folds for rank in naive(fold, goal, form)] for goal in STEPS}
        assert {goal: goals[goal]["ranks"]["held out"][form] for goal in STEPS} == ranks
        pairs = [rank for each in ranks.values() for rank in each]
        assert rows[form]["mean_rank"] == pytest.approx(np.mean(pairs)) and rows[form]["pairs"] == 11
        hits = [
            np.mean([rank <= 1 for rank in each])
            for goal in STEPS
            for fold in folds
            if (each := naive(fold, goal, form))
        ]
        assert rows[form]["recall@1"] == pytest.approx(np.mean(hits))
    tested = {(pair["query"], pair["against"]): pair for pair in found["significance"]}
    assert {("FIL-L2", "FIL-L1"), ("FIL-L2-prob", "FIL-L1")} <= tested.keys()
    for pair in found["significance"]:
        assert pair["low"] <= pair["difference"] <= pair["high"]
    assert (tmp_path / "out" / "fold-2" / "runs" / "dev.FIL-L2.run").exists()
    assert not (tmp_path / "out" / "fold-3").exists()


def test_parts_are_even_and_never_overlap(tmp_path: Path) -> None:
    videos = [
        {"video_id": f"v{n}", "goal": f"goal {n % 7}", "split": ("train", "dev", "test")[n % 3], "text": "x"}
        for n in range(210)
    ]
    videos.append({"video_id": "v0", "goal": "goal 1", "split": "train", "text": "x"})  # of two goals
    read = read_videos(write_videos(tmp_path / "videos.jsonl", videos))
    parts = folded(read, 5, seed=0)
    held = [id_ for part in parts for id_ in part.splits["dev"].ids]
    assert sorted(held) == sorted(f"v{n}" for n in range(210) if n % 3 < 2)
    for part in parts:
        assert not set(part.splits["dev"].ids) & set(part.splits["train"].ids)
        assert 24 <= len(part.splits["dev"].ids) <= 32 and set(part.splits["dev"].relevant) == set(read.goals)
    assert sum(len(own) for part in parts for own in part.splits["dev"].relevant.values()) == 141
    again, other = folded(read, 5, seed=0), folded(read, 5, seed=1)
    assert [part.splits["dev"].ids for part in again] == [part.splits["dev"].ids for part in parts]
    assert [part.splits["dev"].ids for part in other] != [part.splits["dev"].ids for part in parts]


def test_the_interval_of_a_difference_holds_it() -> None:
    dice = np.random.default_rng(0)
    ours = [Ranking(str(n), [], [], dice.integers(1, 50, 4)) for n in range(60)]
    theirs = [Ranking(each.goal, [], [], each.ranks + dice.integers(0, 5, 4)) for each in ours]
    test = paired_test(ours, theirs, seed=0)
    assert test.low < test.difference < test.high < 0
    sums = [(a.ranks - b.ranks).sum() for a, b in zip(ours, theirs, strict=True)]
    width = 2 * 1.96 * np.std(sums) / 4 / np.sqrt(60)
    assert test.high - test.low == pytest.approx(width, rel=0.1)
    same = paired_test(ours, ours, seed=0)
    assert (same.low, same.difference, same.high) == (0, 0, 0)


def test_what_cannot_be_folded_is_said(run: Run, arguments: tuple[Any, ...], tmp_path: Path) -> None:
    few = run(*arguments, "--folds", 50)
    assert few.returncode == 1 and "too few for 50 folds" in few.stderr
    both = run(*arguments, "--folds", 2, "--weights", "0.1")
    assert both.returncode == 2 and "--weights" in both.stderr
    (tmp_path / "taken").write_text("", encoding="utf-8")
    unwritable = run(*arguments, "--folds", 2, "-o", tmp_path / "taken" / "out")
    assert unwritable.returncode == 1 and "cannot write to" in unwritable.stderr
    assert "Traceback" not in few.stderr + both.stderr + unwritable.stderr
