"""Queries as people ask them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kb.query.ask import running
from kb.query.children import Children
from kb.query.limits import Limits


def answered(children: Children, sql: str, **limits: Any) -> list[tuple[Any, ...]]:
    """The rows that a query gives, through the fence."""
    with running(children, sql, Limits(**limits)) as result:
        return list(result.rows)


def processes_of(process: int) -> list[int]:
    """The processes of queries that a process has started."""
    started = Path(f"/proc/{process}/task").glob("*/children")
    return [
        int(child)
        for children in started
        for child in children.read_text().split()
        if b"kb.query.inside" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
