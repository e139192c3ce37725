"""`howtree tree`: print the procedure tree below a goal."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from howtree.errors import BadUsage
from howtree.streams import drawn
from kb.commands.options import KbOption, open_kb

FORMATS = {
    "text": "as_text",
    "json": "",
    "markdown": "as_checklist",
    "dot": "as_dot",
    "mermaid": "as_mermaid",
}  # functions of kb.draw
LISTS = {"text": "as_list", "json": "", "markdown": "as_shopping_list"}  # functions of kb.things


def register(app: typer.Typer) -> None:
    """Add the verb `tree`."""
    app.command()(tree)


def tree(
    goal: Annotated[str, typer.Argument(help='A title (case and "How to" do not matter), a slug or an id.')],
    depth: Annotated[int, typer.Option(min=1, max=50, help="Levels of goals to open.")] = 3,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest probability of a link [default: as built].")
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(min=0, help="Instead: the threshold of the best F-beta: 0.25, 0.5, 1 or 2."),
    ] = None,
    output_format: Annotated[
        str, typer.Option("--format", help="text, json, markdown (a checklist), dot (Graphviz) or mermaid.")
    ] = "text",
    things: Annotated[
        bool,
        typer.Option(
            "--things", help="Instead of the tree, what all its goals need: text, json or markdown."
        ),
    ] = False,
    kb: KbOption = None,
) -> None:
    """Print the procedure tree below a goal.

    Example: howtree tree "Host a Dinner Party" --depth 4
    Example: howtree tree "Host a Dinner Party" --things --format markdown
    """
    if output_format not in FORMATS:
        raise BadUsage(f"--format is one of {', '.join(FORMATS)}, not {output_format!r}")
    if things and output_format not in LISTS:
        raise BadUsage(f"with --things --format is one of {', '.join(LISTS)}, not {output_format!r}")
    if beta is not None and threshold is not None:
        raise BadUsage("--threshold and --beta both say which links are followed: give one of them")
    from kb import draw
    from kb import things as shopping
    from kb.search import goal_id
    from kb.tree import tree as grow

    with open_kb(kb) as base, base.steady():
        if beta is not None:
            threshold = base.threshold_for(beta)
        root = grow(base, goal_id(base, goal), depth, threshold)
        needs = shopping.needs(base, root) if things else []
    if output_format == "json":
        shown = shopping.to_dict(root, needs) if things else root.to_dict()
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    elif things:
        print(drawn(getattr(shopping, LISTS[output_format])(root, needs)))
    else:
        print(drawn(getattr(draw, FORMATS[output_format])(root)))
