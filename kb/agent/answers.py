"""What the tools answer. Each answer says whether it was cut (`truncated`) and has the handles to go on.

No slots: the SDK would take the descriptors of slots for defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kb.alternatives import Alternative


@dataclass(frozen=True)
class Hit:
    """A goal that fits a question."""

    key: str
    goal: str
    score: float
    reason: str
    alternatives: list[Alternative]
    """Equal goals of other sites, any of which would do."""


@dataclass(frozen=True)
class Hits:
    """The goals that fit, best first."""

    goals: list[Hit]
    truncated: bool


@dataclass(frozen=True)
class Procedure:
    """A goal's tree as text: a line a step, a linked step with `#step_id -> goal [probability source]`."""

    key: str
    goal: str
    text: str
    truncated: bool
    next_line: int | None = None
    """Where the text goes on."""


@dataclass(frozen=True)
class Use:
    """A goal that another is a part of."""

    key: str
    goal: str
    distance: int


@dataclass(frozen=True)
class Uses:
    """Where a goal is used, nearest first."""

    goals: list[Use]
    truncated: bool


@dataclass(frozen=True)
class Rows:
    """The answer to a query."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
