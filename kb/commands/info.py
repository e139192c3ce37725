"""`howtree info`: what a knowledge base holds and how it was made."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from kb.commands.options import KbOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `info`."""
    app.command()(info)


def info(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    kb: KbOption = None,
) -> None:
    """Show what a knowledge base holds and how it was made.

    Example: howtree info --kb kb.duckdb
    """
    from kb.summary import summary

    with open_kb(kb) as base:
        facts = summary(base)
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False, default=str))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        print(f"{name.replace('_', ' '):<{width}}  {shown}")
