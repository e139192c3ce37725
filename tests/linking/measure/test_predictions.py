"""`howtree evaluate linking --predictions`: rankings made elsewhere, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import Run
from support.schemas import checked

GOLD = [
    ("Wash it", "Wash a Car"),
    ("Bake it", "Bake Bread"),
    ("Paint it", "Paint a Wall"),
    ("Fly it", "Fly a Kite"),
    ("Sell it", "Sell a Car"),
]
FILES = (
    "evaluate",
    "linking",
    "--gold",
    "gold.jsonl",
    "--goals",
    "titles.txt",
    "--predictions",
    "mine.jsonl",
)


def write(folder: Path, *predictions: dict[str, Any] | str) -> None:
    """Gold, pool and predictions; a string is written as it is."""
    gold = (json.dumps({"step": step, "goal": goal}) for step, goal in GOLD)
    (folder / "gold.jsonl").write_text("\n".join(gold), encoding="utf-8")
    (folder / "titles.txt").write_text("\n".join(goal for _, goal in GOLD), encoding="utf-8")
    lines = (line if isinstance(line, str) else json.dumps(line) for line in predictions)
    (folder / "mine.jsonl").write_text("\n".join(lines), encoding="utf-8")


def test_rankings_with_no_link_are_counted_by_hand(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        {"step": "Wash it", "goals": ["Wash a Car", None, "Sell a Car"]},
        {"step": "Bake it", "goals": [None, "Bake Bread"]},
        {"step": "Paint it", "goals": ["Wash a Car", "Visit the Moon", "Paint a Wall"]},
        {"step": "Fly it", "goals": [None]},
        {"step": "Nobody asked", "goals": ["Wash a Car"]},
    )
    done = run(*FILES, "--format", "json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plain, no_link = checked(done.stdout, "evaluate-linking")["rows"]
    assert (plain["model"], no_link["model"]) == ("mine", "mine + no link")
    assert [plain[f"recall@{cut}"] for cut in (1, 10, 30)] == [40, 60, 60]
    assert [no_link[f"recall@{cut}"] for cut in (1, 10, 30)] == [20, 60, 60]
    assert no_link["unlinkable_recall"] == 100  # of the two steps whose goal is not ranked neither is linked
    assert "says nothing of 1 of the 5 steps" in done.stderr and "'Visit the Moon'" in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "steps.jsonl").read_text().splitlines()]
    assert [line["models"]["mine"]["rank"] for line in lines] == [1, 1, 3, 31, 31]
    assert not (tmp_path / "out" / "curves.png").exists()
    again = run("evaluate", "compare", "out", "out", cwd=tmp_path)
    assert again.returncode == 0 and "mine" in again.stdout


def test_scores_that_are_probabilities_give_the_curve(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        *[
            {"step": step, "goals": [goal, "Wash a Car"][:1], "scores": [0.9 if step < "P" else 0.2]}
            for step, goal in GOLD
        ],
    )
    done = run(*FILES, "--format", "json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (row,) = found["rows"]
    assert row["recall@1"] == 100
    at_half = found["curves"]["mine"][50]
    assert at_half["threshold"] == 0.5 and at_half["recall@1"] == 40 and at_half["precision"] == 100
    assert (tmp_path / "out" / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_predictions_beside_a_model_are_compared_with_it(run: Run, tmp_path: Path) -> None:
    write(tmp_path, {"step": "Wash it", "goals": ["Wash a Car"]})
    found = json.loads(run(*FILES, "--models", "bm25", "--format", "json", cwd=tmp_path).stdout)
    assert [row["model"] for row in found["rows"]] == ["mine", "bm25"]
    assert found["significance"][0]["models"] == ["mine", "bm25"]


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ([], 1, "holds no predictions"),
        (["{"], 1, "mine.jsonl:1"),
        ([{"step": "Wash it"}], 1, "mine.jsonl:1: the field 'goals' is missing"),
        ([{"step": "Wash it", "goals": "Wash a Car"}], 1, "no list of titles"),
        ([{"step": "Wash it", "goals": ["A", "A"]}], 1, "ranked twice"),
        ([{"step": "Wash it", "goals": ["A", "B"], "scores": [1]}], 1, "2 goals have 1 scores"),
        ([{"step": "Wash it", "goals": ["A", "B"], "scores": [0.1, 0.2]}], 1, "do not fall"),
        (
            [{"step": "Wash it", "goals": ["A"]}, {"step": "Wash it", "goals": []}],
            1,
            "mine.jsonl:2: ranks other",
        ),
        ([{"step": "Wash them", "goals": ["Wash a Car"]}], 1, "none is a step of the gold"),
    ],
)
def test_bad_predictions_are_named(run: Run, tmp_path: Path, lines: list, code: int, message: str) -> None:
    write(tmp_path, *lines)
    done = run(*FILES, cwd=tmp_path)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_written_is_said_before_the_work(run: Run, tmp_path: Path) -> None:
    write(tmp_path, {"step": "Wash it", "goals": ["Wash a Car"]})
    (tmp_path / "taken").write_text("", encoding="utf-8")
    for option in ("-o", "--work"):
        done = run(*FILES, "--models", "all-MiniLM-L6-v2", option, "taken/out", cwd=tmp_path)
        assert done.returncode == 1 and "cannot write to taken/out" in done.stderr
        assert "Reading predictions" not in done.stderr and "Traceback" not in done.stderr
    twice = run(*FILES, "--predictions", tmp_path / "elsewhere" / "mine.jsonl", cwd=tmp_path)
    assert twice.returncode == 2 and "rename one" in twice.stderr
