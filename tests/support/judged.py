"""Judged links as a file has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def judged_line(step: str, goal: str, grade: int, **more: Any) -> dict[str, Any]:
    """A judged link, selected and not drawn unless `more` says otherwise."""
    context = {"article": "Keep House", "method": "", "before": "", "after": ""}
    return {"step": step, "goal": goal, "grade": grade, "draw": "selected", **context, **more}


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
