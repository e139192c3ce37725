"""Whether the steps of plans meet people's sub-tasks: tests/benchmarks/plan_depth.py on tasks of our own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.plan_depth import ALONE, CHANCE, DEEP, NEARBY, SHALLOW, WAYS, Task, read, shares, steps_of

from kb.store import KnowledgeBase
from linking.encode.encoder import load_encoder
from linking.encode.folder import SMALL_ENCODER


@pytest.fixture
def lists(sample_kb: KnowledgeBase) -> dict[str, list[str]]:
    return steps_of(sample_kb, "Host a Dinner Party", None)


def test_depth_opens_goals_and_the_others_are_no_longer(lists: dict[str, list[str]]) -> None:
    assert 0 < len(lists[SHALLOW]) < len(lists[DEEP]) == len(lists[NEARBY])
    assert lists[ALONE] == lists[NEARBY][: len(lists[ALONE])]
    assert set(lists[SHALLOW]) <= set(lists[DEEP])


def test_a_sub_task_is_met_by_its_words_or_its_meaning(
    sample_kb: KnowledgeBase, lists: dict[str, list[str]]
) -> None:
    deep = next(step for step in lists[DEEP] if step not in lists[SHALLOW] + lists[NEARBY])
    task = Task("Host a Dinner Party", [lists[SHALLOW][0], deep, "file the taxes of a company"])
    found = shares(sample_kb, load_encoder(SMALL_ENCODER), task, {**lists, CHANCE: ["Paint a fence."]})
    by_way = {way: np.round(3 * each).tolist() for way, each in zip(WAYS, found, strict=True)}
    assert by_way[DEEP] == [2, 2] and by_way[CHANCE] == [0, 0]
    assert by_way[SHALLOW] <= by_way[DEEP]


def test_nothing_fits_some_tasks_and_both_forms_are_read(sample_kb: KnowledgeBase, tmp_path: Path) -> None:
    assert steps_of(sample_kb, "file the taxes of a company", None) == {}
    lines = [
        {"goal": "a", "steps": ["b", "c"]},
        {"title": "d", "methods": [{"name": "", "steps": ["e"]}, {"name": "", "steps": ["f"]}]},
        {"goal": "a", "steps": ["again"]},
        {"goal": "none", "steps": [], "methods": []},
    ]
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert list(read(path)) == [Task("a", ["b", "c"]), Task("d", ["e", "f"])]
