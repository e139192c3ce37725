"""`howtree train`: fit the linker to gold links."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree import BadInput, say

trainers = typer.Typer(help="Fit a part of the linker to gold links (step -> goal).", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb `train` with its parts."""
    app.add_typer(trainers, name="train")


@trainers.command()
def decision(
    gold: Annotated[Path, typer.Option(help='JSON Lines of {"step": text, "goal": title}.')],
    goals: Annotated[
        Path, typer.Option(help="The pool of titles, one a line; the gold goals are among them.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the decision (JSON).")],
    encoder: Annotated[str, typer.Option(help="Name or folder of a sentence-transformers model.")] = "",
    work: Annotated[Path | None, typer.Option(help="Folder for vectors; kept, so a rerun is quick.")] = None,
) -> None:
    """Fit how scores become probabilities, and the default threshold.

    Example: howtree train decision --gold gold.jsonl --goals titles.txt -o decision.json
    """
    from linking.encoder import DEFAULT_ENCODER, load_encoder
    from linking.train import read_gold, train_decision

    pairs = read_gold(gold)
    try:
        pool = [line.strip() for line in goals.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the pool of titles from {goals}: {error}") from error
    model = load_encoder(encoder or DEFAULT_ENCODER)
    folder = work or output.with_suffix(".work")
    result = train_decision(
        pairs, pool, model, folder, f"{gold.name}, {len(pairs.steps)} pairs, {model.name}"
    )
    result.decision.save(output)
    say(
        f"Fitted on 90% of {len(pairs.steps):,} pairs; on the {result.held_out:,} held out: calibration error "
        f"{result.error_before:.3f} before, {result.error_after:.3f} after; at probability "
        f"{result.decision.threshold}: precision {result.precision:.1%}, recall {result.recall:.1%}, "
        f"unlinkable recall {result.unlinkable_recall:.1%}."
    )
    say(f"Wrote {output}.")
