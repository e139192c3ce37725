"""`howtree train reranker --cross-encoder`: its options, and what it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from howtree.errors import BadUsage, stoppable
from howtree.files import WORK_SUFFIX
from howtree.progress import say
from kb.commands.options import Device
from kb.commands.train_output import refuse_before_work, refuse_shipped

if TYPE_CHECKING:
    from linking.train.verifier.articles import Articles

PANEL = "With --cross-encoder"


class Around(StrEnum):
    """What is read around a step."""

    goal = "goal"
    neighbours = "neighbours"
    both = "both"
    none = "none"


CrossEncoderOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=PANEL,
        help="Name or folder of any transformer: train a CrossEncoder of sentence-transformers from it, to -o.",
    ),
]
AroundOption = Annotated[
    Around,
    typer.Option(
        rich_help_panel=PANEL,
        help="What it reads around a step: goal (its article's, and the method) or neighbours (the steps beside it).",
    ),
]
JudgedOption = Annotated[
    Path | None, typer.Option(rich_help_panel=PANEL, help="Judged links to learn from, too (JSON Lines).")
]
ArticlesOption = Annotated[
    list[Path] | None,
    typer.Option(
        rich_help_panel=PANEL,
        readable=False,
        metavar="SOURCE",
        help="Articles that say what is around a step and in a candidate, as for build; may be repeated.",
    ),
]
LanguageOption = Annotated[str, typer.Option(rich_help_panel=PANEL, help="Language of the articles.")]
EpochsOption = Annotated[int, typer.Option(min=1, rich_help_panel=PANEL, help="Epochs.")]
RateOption = Annotated[
    float, typer.Option(min=1e-8, max=1, rich_help_panel=PANEL, help="Highest learning rate.")
]
BatchOption = Annotated[int, typer.Option(min=1, rich_help_panel=PANEL, help="Lists in a batch.")]
OthersOption = Annotated[
    int, typer.Option(min=1, rich_help_panel=PANEL, help="Goals in a list besides the right one.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, rich_help_panel=PANEL, help="Seed of the order, of dropout and of all draws.")
]


def train_cross_encoder(
    base: str,
    gold: Path,
    goals: Path,
    encoder: str,
    output: Path | None,
    work: Path | None,
    context: Around,
    judged_and_articles: tuple[Path | None, Sequence[Path], str],
    course: dict[str, Any],
    device: Device,
) -> None:
    """Train a CrossEncoder from `base`; `judged_and_articles` are both, and the language of the latter.

    Raises:
        BadUsage: -o is missing or names a model that ships, or nothing says what is around a step.
        BadInput: a file or a model cannot be read, `output` exists, or there is too little gold.
    """
    from linking.gold.judged import read_judged
    from linking.gold.links import check_gold, read_pool
    from linking.gold.settle import read_settled
    from linking.model import Model
    from linking.train.cross_encoder import USUAL, parts_read, train_cross_encoder
    from linking.train.verifier.train import refuse_taken

    judged, articles, language = judged_and_articles
    if output is None:
        raise BadUsage("--cross-encoder trains a new model: give the folder to write it to, -o")
    if context is not Around.none and not articles:
        raise BadUsage(
            f"--context {context.value} needs the articles of the steps, for gold links are without: give --articles"
        )
    folder = work or output.with_name(output.name + WORK_SUFFIX)
    refuse_shipped(output)
    refuse_taken(output)
    refuse_before_work(output.parent, folder)
    (pairs, tally), pool = read_settled(gold), read_pool(goals)
    say(tally.line())
    check_gold(pairs, pool)
    links = [] if judged is None else read_judged(judged)[0]
    model = replace(Model.load(encoder, device=device.value), verifier=None)
    with (
        stoppable(f"whole epochs are kept in {folder}: the same command goes on from there"),
        articles_in(articles, folder, language) as known,
    ):
        figures = train_cross_encoder(
            base,
            pairs,
            links,
            pool,
            known,
            model,
            output,
            folder,
            parts_read(context.value, bool(articles)),
            replace(USUAL, **course),
            f"{gold.name}, {len(pairs.steps)} pairs" + (f", {len(links)} judged links" if links else ""),
        )
    if figures is not None:
        say(figures.line())
    say(f"Wrote {output}. Use it: howtree build SOURCE --reranker {output}")


@contextmanager
def articles_in(sources: Sequence[Path], work: Path, language: str) -> Iterator[Articles]:
    """The articles of sources; none where there are none."""
    from kb.build.articles import articles_of
    from linking.train.verifier.articles import Articles

    if not sources:
        yield Articles()
        return
    with articles_of(sources, work / "articles", language) as (goals, steps):
        yield Articles(goals, steps)
