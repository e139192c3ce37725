"""`howtree sql`: query the knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadUsage
from howtree.progress import warn
from kb.commands.options import KbOption

FORMATS = ("table", "csv", "json", "parquet")


def register(app: typer.Typer) -> None:
    """Add the verb `sql`."""
    app.command()(sql)


def sql(
    query: Annotated[str, typer.Argument(help="One statement that reads, e.g. a SELECT.")],
    output_format: Annotated[
        str, typer.Option("--format", help="table, csv, json (one object per line) or parquet.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; parquet needs one.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Maximum number of rows; a longer result is cut, with exit code 1.")
    ] = 100_000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Maximum number of seconds.")] = 60.0,
    memory: Annotated[int, typer.Option(min=50, max=10**6, help="Maximum memory of the query, in MB.")] = 800,
    size: Annotated[int, typer.Option(min=1, help="Maximum size of the result, in MB.")] = 1_000,
    kb: KbOption = None,
) -> None:
    """Query the knowledge base: read-only, without access to files or network.

    Example: howtree sql "SELECT child, count(*) AS uses FROM links GROUP BY child ORDER BY uses DESC LIMIT 5"
    """
    if output_format not in FORMATS:
        raise BadUsage(f"--format is one of {', '.join(FORMATS)}, not {output_format!r}")
    if output_format == "parquet" and output is None:
        raise BadUsage("--format parquet needs a file to write: -o result.parquet")
    from kb.query.children import Children
    from kb.query.limits import Limits

    limits = Limits(timeout, limit, memory, size)
    with Children(kb, memory=memory) as children:
        from kb.query.ask import running  # what it needs loads while the process of the query starts
        from kb.query.results import write_result

        with running(children, query, limits) as result:
            for note in children.notes:
                warn(note)
            write_result(result, output_format, output)
