"""`howtree export`: a knowledge base in formats that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadUsage
from howtree.progress import say
from kb.commands.options import KbOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `export`."""
    app.command()(export)


def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write; a folder for parquet and paper.")
    ],
    form: Annotated[
        str, typer.Option("--format", help="parquet, articles, json, edges, paper, graphml or missing-links.")
    ] = "parquet",
    depth: Annotated[int, typer.Option(min=1, max=10, help="Levels of goals that json opens.")] = 3,
    kb: KbOption = None,
) -> None:
    """Write the knowledge base, including people's verdicts, in another format.

    Example: howtree export --format graphml -o kb.graphml
    """
    from kb.exchange.export import WRITERS
    from kb.exchange.export import export as write

    if form not in WRITERS:
        raise BadUsage(f"--format is one of {', '.join(WRITERS)}, not {form!r}")
    with open_kb(kb) as base:
        count = write(base, form, output, depth)
    say(f"Wrote {count:,} records to {output}.")
