"""docs/evaluation.md: its commands run in order, and its record is one."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from support.command import ROOT, Run
from support.pages import blocks

PAGE = ROOT / "docs" / "evaluation.md"


def test_its_commands_run_in_order(run: Run, own_sample_kb: Path) -> None:
    home = own_sample_kb.parent
    (home / "data").symlink_to(ROOT / "data")
    (predicted,) = blocks(PAGE, "json")[:1]
    pairs = {json.loads(predicted)["step"]: "Wash a Car", "Take off the wheel.": "Remove a Bicycle Wheel"}
    gold = (json.dumps({"step": step, "goal": goal}) for step, goal in pairs.items())
    (home / "gold.jsonl").write_text("\n".join(gold), encoding="utf-8")
    (home / "titles.txt").write_text("\n".join([*pairs.values(), "Clean a Car Seat"]), encoding="utf-8")
    (home / "mine.jsonl").write_text(predicted, encoding="utf-8")
    commands = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        done = run(*shlex.split(command)[1:], cwd=home)
        assert done.returncode == 0 and (done.stdout or done.stderr), f"{command}\n{done.stderr}"
