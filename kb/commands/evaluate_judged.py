"""`howtree evaluate linking --judged`: measure the links of ordinary steps on people's grades."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer import echo

from howtree.errors import BadUsage
from howtree.progress import say, warn
from kb.commands.options import open_kb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.store import KnowledgeBase
    from linking.gold.judged import Judged
    from linking.measure.judged_parts import Candidates, JudgedStep

DEFAULT_THRESHOLD = 0.5
"""Of predictions, which bring none."""


def measure(
    judged: Path,
    kb: Path | None,
    predictions: Sequence[Path],
    threshold: float | None,
    output: Path | None,
    form: str,
) -> None:
    """Measure a knowledge base, or rankings made elsewhere, on judged links, and print the figures.

    Raises:
        BadUsage: it is not one of the two.
        BadInput: a file cannot be read, or they do not belong together.
    """
    from linking.gold.judged import read_judged
    from linking.measure.judged_parts import by_step
    from linking.measure.judged_report import measure_judged, printed, write_judged

    if (kb is None) == (len(predictions) != 1):
        raise BadUsage(
            "--judged measures a knowledge base (--kb) or one file of rankings (--predictions): name one"
        )
    links, read = read_judged(judged)
    say(read.line())
    steps = by_step(links)
    if kb is not None:
        steps, said, tally, used = _of_kb(kb, links, steps, threshold)
    else:
        steps, said, tally, used = _of_predictions(predictions[0], steps, threshold)
    found = measure_judged(
        steps,
        said,
        used,
        {"judged": judged, "kb": kb, "predictions": predictions[0] if predictions else None},
    )
    found.tally.update(tally)
    if output is not None:
        write_judged(found, (kb or predictions[0]).stem, output)
    say("; ".join(f"{name}: {count:,}" for name, count in found.tally.items()))
    if output is not None:
        say(f"written to {output}")
    echo(printed(found, form), nl=False)


Measured = tuple[list["JudgedStep"], list["Candidates"], dict[str, int], float]
"""The steps that are measured, what is said of them, what was left out, and the threshold."""


def _of_kb(kb: Path, links: Sequence[Judged], steps: list[JudgedStep], threshold: float | None) -> Measured:
    """What a knowledge base says of judged steps, at its own threshold if none is given."""
    from kb.exchange.judged_links import read_said

    with open_kb(kb) as base:
        learnt = _learnt(base, links)
        said = read_said(base, steps)
        used = base.threshold if threshold is None else threshold
        return said.steps, said.candidates, said.tally | learnt, used


def _learnt(base: KnowledgeBase, links: Sequence[Judged]) -> dict[str, int]:
    """How many links the verifier of a knowledge base was trained on, as far as its folder tells; warns of them."""
    from kb.exchange.judged_links import verifier_of
    from linking.gold.judged import learnt_by

    folder = verifier_of(base)
    learnt = 0 if folder is None else int(learnt_by(links, folder).sum())
    if not learnt:
        return {}
    warn(
        f"Of the {len(links):,} judged links the verifier of {base.path} was trained on {learnt:,}: figures on those "
        "say what it remembers, not how it links. Figures out of fold are in its model card."
    )
    return {"judged links that the verifier was trained on": learnt}


def _of_predictions(path: Path, steps: list[JudgedStep], threshold: float | None) -> Measured:
    """What a file of rankings says of judged steps."""
    from linking.measure.predictions import predictions_of_judged

    said = predictions_of_judged(path, steps)
    return steps, said, {}, DEFAULT_THRESHOLD if threshold is None else threshold
