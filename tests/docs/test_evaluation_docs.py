"""docs/evaluation.md: its commands run in order, and its record is one."""

from __future__ import annotations

import csv
import json
import shlex
from itertools import cycle
from pathlib import Path

from support.command import ROOT, Run
from support.pages import blocks

from linking.gold.judged import read_judged

PAGE = ROOT / "docs" / "evaluation.md"


def test_its_commands_run_in_order(run: Run, own_sample_kb: Path) -> None:
    home = own_sample_kb.parent
    (home / "data").symlink_to(ROOT / "data")
    predicted, judged = blocks(PAGE, "json")
    (home / "one.jsonl").write_text(judged, encoding="utf-8")
    assert read_judged(home / "one.jsonl")[1].pairs == 1
    pairs = {json.loads(predicted)["step"]: "Wash a Car", "Take off the wheel.": "Remove a Bicycle Wheel"}
    gold = (json.dumps({"step": step, "goal": goal}) for step, goal in pairs.items())
    (home / "gold.jsonl").write_text("\n".join(gold), encoding="utf-8")
    (home / "titles.txt").write_text("\n".join([*pairs.values(), "Clean a Car Seat"]), encoding="utf-8")
    (home / "mine.jsonl").write_text(predicted, encoding="utf-8")
    commands = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        if "--file plan.csv" in command:
            fill_in(home / "plan.csv")
        done = run(*shlex.split(command)[1:], cwd=home)
        assert done.returncode == 0 and (done.stdout or done.stderr), f"{command}\n{done.stderr}"


def fill_in(plan: Path) -> None:
    """Judge the rows of a plan, with each of the grades."""
    with plan.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, grade in zip(rows, cycle(("exact", "helpful", "related", "unhelpful"))):
        row["verdict"] = grade
    with plan.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
