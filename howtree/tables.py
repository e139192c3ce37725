"""Tables of figures as people and programs read them: text in columns, Markdown, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """Cells that are text already, under a header; `rows` have its length."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    """How many of the first columns are names, set to the left; numbers are set to the right."""

    def as_text(self, ruled: bool = False) -> str:
        """Columns side by side, without the title; `ruled` draws a line below the header."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        rule = [["-" * width for width in widths]] if ruled else []
        return "".join(self._aligned(row, widths) + "\n" for row in [self.header, *rule, *self.rows])

    def as_markdown(self, aligned: bool = True) -> str:
        """A table for a page, without the title; `aligned` sets its numbers to the right there too."""
        numbers = len(self.header) - self.names
        rule = [*["---"] * self.names, *["---:" if aligned else "---"] * numbers]
        header, *rows = ([cell.replace("|", "\\|") for cell in row] for row in [self.header, *self.rows])
        return "".join(f"| {' | '.join(row)} |\n" for row in [header, rule, *rows])

    def _aligned(self, row: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(self._cells(row, widths)).rstrip()

    def _cells(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            yield cell.ljust(width) if column < self.names else cell.rjust(width)


def as_json(value: Any) -> str:
    """Figures as indented JSON with a line's end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def percent(value: float | None) -> str:
    """A share in percent as text; nothing where there is none."""
    return "" if value is None else f"{value:.1f}"


def whole(value: float | None) -> str:
    """A number without its decimals as text; nothing where there is none."""
    return "" if value is None else f"{value:,.0f}"
