"""Short ways to read a source in tests, and to write one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crawl.article import Article, Skip
from crawl.readers.sources import read

PAGES = Path(__file__).parents[1] / "fixtures" / "pages"


def articles(*sources: Path, **options: Any) -> list[Article]:
    return [outcome for outcome in read(sources, **options) if isinstance(outcome, Article)]


def skips(*sources: Path, **options: Any) -> list[tuple[str, str]]:
    """(place within the source, reason) of everything skipped."""
    return [
        (outcome.where.removeprefix(str(sources[0])), outcome.reason)
        for outcome in read(sources, **options)
        if isinstance(outcome, Skip)
    ]


def lines(path: Path, *records: Any) -> Path:
    path.write_text(
        "".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records),
        encoding="utf-8",
    )
    return path


def simple(title: str, *steps: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "methods": [{"name": "", "steps": list(steps) or ["Go."]}], **more}
