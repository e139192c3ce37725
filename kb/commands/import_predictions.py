"""`howtree import-predictions`: links that were made elsewhere -> a knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree.progress import say


def register(app: typer.Typer) -> None:
    """Add the verb `import-predictions`."""
    app.command("import-predictions")(import_predictions)


def import_predictions(
    predictions: Annotated[Path, typer.Argument(help="The paper's wikihow_prediction.json, plain or gzip.")],
    articles: Annotated[
        list[Path],
        typer.Option("--articles", help="The paper's wikihow.json, or any other copy of the articles."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The knowledge base to write.")] = Path(
        "kb.duckdb"
    ),
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Lowest probability of a chosen link.")
    ] = 0.5,
) -> None:
    """Make a knowledge base from articles and from predictions made elsewhere, without any model.

    Example: howtree import-predictions wikihow_prediction.json --articles wikihow.json -o paper.duckdb
    """
    from kb.exchange.predictions import import_predictions as read

    tally = read(predictions, articles, output, threshold)
    for line in tally.lines():
        say(line)
    say(f"Wrote {output}.")
