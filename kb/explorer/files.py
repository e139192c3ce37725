"""The files beside the pages that browsers get: styles, scripts, the icon."""

from __future__ import annotations

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def text_of(name: str) -> str:
    """The text of one of them."""
    return (HERE / name).read_text(encoding="utf-8")
