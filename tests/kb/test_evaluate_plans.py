"""`howtree evaluate plans`: whether the steps of plans meet people's sub-tasks, on tasks of our own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import Run
from support.schemas import checked

from kb.plan.measure import ALONE, CHANCE, DEEP, NEARBY, SHALLOW, WAYS, shares, steps_of
from kb.plan.tasks import Task, drawn, read_tasks
from kb.store import KnowledgeBase

PARTY = {"goal": "Host a Dinner Party", "steps": ["deep clean your whole house", "wind a mechanical watch"]}
OVEN = {"title": "How to Clean an Oven", "methods": [{"name": "", "steps": ["take the oven racks out"]}]}
TAXES = {"goal": "file the taxes of a company", "steps": ["find the form"]}


def written(path: Path, *lines: Any) -> Path:
    text = "\n".join(map(json.dumps, lines)) + "\n\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def lists(sample_kb: KnowledgeBase) -> dict[str, list[str]]:
    return steps_of(sample_kb, "Host a Dinner Party")


def test_the_command_says_what_depth_adds(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    party = written(tmp_path / "party.jsonl.gz", PARTY, OVEN, TAXES, {**PARTY, "steps": ["again"]})
    oven = written(tmp_path / "oven.jsonl", OVEN)
    command = ["evaluate", "plans", "--kb", sample_kb_path, "--tasks", party, "--tasks", oven]
    done = run(*command, "--format", "json")
    first, second = checked(done.stdout, "evaluate-plans")["files"]
    assert first["tally"] == {"read": 4, "repeated": 1, "planned": 3, "fit": 2}
    assert "4 read; 1 repeated; 3 planned; 2 fit" in done.stderr
    rows = {(row["tasks"], row["way"]): row for row in first["rows"]}
    deep = rows["depth 2 opens a goal", DEEP]
    assert deep["count"] == 2 and deep["sub_tasks"] == 3 and deep["words"]["value"] == 75
    assert rows["all that fit", CHANCE]["words"]["value"] < 75
    for row in first["rows"]:
        other = rows[row["tasks"], DEEP]
        assert row["words_less"]["value"] == pytest.approx(
            other["words"]["value"] - row["words"]["value"], abs=0.11
        )
    assert CHANCE not in [row["way"] for row in second["rows"]], "of one task there is no other"


def test_tables_have_a_row_a_way(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "tasks.jsonl", PARTY, OVEN, TAXES)
    done = run("evaluate", "plans", "--kb", sample_kb_path, "--tasks", path, "--format", "markdown")
    assert all(f"| all that fit | {way} | 2 | 3 |" in done.stdout for way in WAYS)
    nothing = written(tmp_path / "taxes.jsonl", TAXES)
    done = run("evaluate", "plans", "--kb", sample_kb_path, "--tasks", nothing)
    assert done.returncode == 0 and "no goal fits any of the tasks" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no tasks"),
        (b'{"goal": "x", "steps": []}', "no tasks"),
        (b'{"goal": "x", "steps": ["y"]}\nnot JSON', "line 2"),
        (b'{"goal": "x"}', "line 1"),
        (b'{"goal": "x", "steps": "yz"}', "line 1"),
        (b'{"goal": "x", "steps": [{"text": "y"}]}', "line 1"),
        (b'{"goal": 3, "steps": ["y"]}', "line 1"),
        (b'["goal", "steps"]', "line 1"),
        (b'{"goal": "\xff", "steps": ["y"]}', "cannot read"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    run: Run, sample_kb_path: Path, tmp_path: Path, text: bytes, said: str
) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(text)
    done = run("evaluate", "plans", "--tasks", path, "--kb", sample_kb_path)
    assert done.returncode == 1 and said in done.stderr and str(path) in done.stderr


def test_a_file_that_is_missing_or_no_gzip_is_said(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"no gzip")
    for path in (broken, tmp_path / "missing.jsonl"):
        done = run("evaluate", "plans", "--tasks", path, "--kb", sample_kb_path)
        assert done.returncode == 1 and f"cannot read {path}" in done.stderr


def test_depth_opens_goals_and_the_others_are_no_longer(lists: dict[str, list[str]]) -> None:
    assert 0 < len(lists[SHALLOW]) < len(lists[DEEP]) == len(lists[NEARBY])
    assert lists[ALONE] == lists[NEARBY][: len(lists[ALONE])]
    assert set(lists[SHALLOW]) <= set(lists[DEEP])


def test_a_sub_task_is_met_by_its_words_or_its_meaning(
    sample_kb: KnowledgeBase, lists: dict[str, list[str]]
) -> None:
    deep = next(step for step in lists[DEEP] if step not in lists[SHALLOW] + lists[NEARBY])
    task = Task("Host a Dinner Party", (lists[SHALLOW][0], deep, "file the taxes of a company"))
    found = shares(sample_kb, task, {**lists, CHANCE: ["Paint a fence."]})
    by_way = {way: np.round(3 * each).tolist() for way, each in zip(WAYS, found, strict=True)}
    assert by_way[DEEP] == [2, 2] and by_way[CHANCE] == [0, 0]
    assert by_way[SHALLOW] <= by_way[DEEP]


def test_both_forms_are_read_each_goal_once(tmp_path: Path) -> None:
    lines = [
        {"goal": "a", "steps": ["b", "c", "b", " "], "sources": []},
        {"title": "d", "methods": [{"name": "", "steps": ["e"]}, {"name": "", "steps": ["f"]}]},
        {"goal": "a", "steps": ["again"]},
        {"goal": "none", "methods": []},
    ]
    tasks, tally = read_tasks(written(tmp_path / "tasks.jsonl", *lines))
    assert tasks == [Task("a", ("b", "c")), Task("d", ("e", "f"))]
    assert tally == {"read": 4, "repeated": 1, "without sub-tasks": 1}
    assert drawn(tasks, 9, 0) == drawn(tasks, None, 0) == tasks and len(drawn(tasks * 5, 3, 1)) == 3
