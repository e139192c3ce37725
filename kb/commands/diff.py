"""`howtree diff`: what changed between two knowledge bases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadUsage


def register(app: typer.Typer) -> None:
    """Add the verb `diff`."""
    app.command()(diff)


def diff(
    old: Annotated[Path, typer.Argument(help="The older knowledge base.")],
    new: Annotated[Path, typer.Argument(help="The newer knowledge base.")],
    output_format: Annotated[
        str, typer.Option("--format", help="text, or json: one object per change, all of them.")
    ] = "text",
    limit: Annotated[int, typer.Option(min=0, help="Number of changes of each kind that text shows.")] = 20,
) -> None:
    """Show which articles and links were added, removed or changed.

    Example: howtree diff before.duckdb kb.duckdb
    """
    if output_format not in ("text", "json"):
        raise BadUsage(f"--format is text or json, not {output_format!r}")
    from kb.exchange.diff import diff as compare
    from kb.exchange.diff import in_words

    for name, rows in compare(old, new):
        if output_format == "json":
            for row in rows:
                print(json.dumps({"change": name, **row}, ensure_ascii=False))
            continue
        print(f"{len(rows):,} {name}")
        for row in rows[:limit]:
            print(f"    {in_words(name, row)}")
        if len(rows) > limit > 0:
            print(f"    ... {len(rows) - limit:,} more; all: --format json")
