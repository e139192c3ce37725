"""`howtree check`: check that a knowledge base holds together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kb.commands.options import Shape, ShapeOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `check`."""
    app.command()(check)


def check(
    kb: Annotated[
        Path | None, typer.Argument(help="The knowledge base [default: HOWTREE_KB, else kb.duckdb here].")
    ] = None,
    goals: Annotated[
        int, typer.Option(min=0, help="Number of goals whose tree in Python is compared with SQL's.")
    ] = 20,
    shape: ShapeOption = Shape.text,
) -> None:
    """Check every invariant of a knowledge base; if one is broken, say which and exit with code 1.

    Example: howtree check kb.duckdb
    """
    from howtree.errors import BadInput
    from kb.check import INVARIANTS, broken

    with open_kb(kb) as base:
        found = broken(base, goals)
    if shape is Shape.json:
        facts = {"file": str(base.path), "invariants": len(INVARIANTS), "trees": goals, "broken": found}
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        print(*found, sep="\n", end="\n" if found else "")
    if found:
        raise BadInput(
            f"{base.path} does not hold together: {len(found)} invariants are broken; build it again"
        )
    if shape is Shape.text:
        print(
            f"{base.path} holds together: {len(INVARIANTS)} invariants, and {goals} trees by Python and SQL alike"
        )
