"""`howtree info`: what a knowledge base holds and how it was made."""

from __future__ import annotations

import json

import typer

from kb.commands.options import JsonFlag, KbOption, Shape, ShapeOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `info`."""
    app.command()(info)


def info(shape: ShapeOption = Shape.text, as_json: JsonFlag = False, kb: KbOption = None) -> None:
    """Show what a knowledge base holds and how it was made.

    Example: howtree info --kb kb.duckdb
    """
    from kb.summary import in_words, summary

    with open_kb(kb) as base:
        facts = summary(base)
    if as_json or shape is Shape.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    words = in_words(facts)
    width = max(map(len, words))
    for name, value in words.items():
        print(f"{name:<{width}}  {value}")
