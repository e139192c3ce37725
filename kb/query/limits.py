"""Where a query is stopped, and what is said then."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Where a query is stopped. Each message names the option of `howtree sql` that allows more."""

    seconds: float = 60.0
    rows: int = 100_000
    memory: int = 800
    """MB that it may use."""
    size: int = 1_000
    """MB of its answer, as Arrow has it."""

    @property
    def late(self) -> str:
        """Said when the time is over."""
        return f"the query was stopped after {self.seconds:g} seconds: narrow it, or {more('--timeout')}"

    @property
    def too_many(self) -> str:
        """Said when there are more rows."""
        return f"stopped after {self.rows:,} rows: add a LIMIT, or {more('--limit')}"

    @property
    def too_hungry(self) -> str:
        """Said when it needs more memory."""
        needed = f"it needs more than {self.memory:,} MB of memory"
        return f"the query was stopped: {needed}; narrow it, or {more('--memory')}"

    @property
    def too_large(self) -> str:
        """Said when the answer is larger."""
        return (
            f"stopped after {self.size:,} MB of answer: ask for fewer or shorter columns, or {more('--size')}"
        )


def more(option: str) -> str:
    """The advice to allow more."""
    return f"allow more with {option} of howtree sql"
