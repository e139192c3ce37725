"""`howtree search`: find goals."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from howtree.progress import warn
from kb.commands.options import KbOption, Shape, ShapeOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `search`."""
    app.command()(search)


def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS...", help="A question in your own words; typing errors are forgiven."),
    ],
    semantic: Annotated[
        bool,
        typer.Option("--semantic", help="By meaning, with the encoder of the build, instead of by words."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Goals to show.")] = 20,
    shape: ShapeOption = Shape.text,
    kb: KbOption = None,
) -> None:
    """Find the goals that a question asks for: id, score, goal and why, best first, at most 30.

    Equal goals of several sites are found once: below the best are the others to choose from ("or").

    Example: howtree search how do I clean my oven
    Example: howtree search --semantic "get rid of weeds"
    """
    if semantic:
        from kb.semantic import semantic_search as find
    else:
        from kb.search import nothing_found
        from kb.search import search as find

    question = " ".join(words)
    with open_kb(kb) as base:
        found = find(base, question, limit)
        said = "" if found else nothing_found(base, question)
    for goal in found:
        if shape is Shape.json:
            print(json.dumps(asdict(goal), ensure_ascii=False))
        else:
            why = f"  ({goal.reason})" if goal.reason else ""
            print(f"{goal.article_id:>8}  {goal.score:5.2f}  {goal.goal}{why}")
            for other in goal.alternatives:
                print(f"{'or':>8}  {other.article_id:>5}  {other.goal}, {other.site or 'none'}")
    if not found:
        warn(said)
        raise typer.Exit(1)
