"""`howtree train verifier`: train what reads a step in its place and decides which candidate is right."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from howtree.errors import stoppable
from howtree.extras import needs
from howtree.files import WORK_SUFFIX
from howtree.progress import say
from kb.commands.options import Device, DeviceOption
from kb.commands.train_output import refuse_before_work, refuse_shipped

if TYPE_CHECKING:
    from linking.train.verifier.recipe import VerifierRecipe

JudgedFile = Annotated[
    Path, typer.Option(help="Judged links, JSON Lines (docs/linking.md#training-a-verifier).")
]
ArticlesOption = Annotated[
    list[Path],
    typer.Option(
        "--articles",
        readable=False,
        metavar="SOURCE",
        help="Files or folders of the articles that the links were judged in, as for build; may be repeated.",
    ),
]


class Context(StrEnum):
    """Whose context a verifier reads, besides the step and the candidate's title."""

    both = "both"
    step = "step"
    candidate = "candidate"
    none = "none"


def verifier(
    judged: JudgedFile,
    articles: ArticlesOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write the verifier to.")],
    gold: Annotated[
        Path | None,
        typer.Option(help='JSON Lines of {"step": text, "goal": title} for the first course.'),
    ] = None,
    goals: Annotated[
        Path | None,
        typer.Option(
            help="Titles, one per line: the pool of the gold, and of pairs by rule [default: those of the articles]."
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="The encoder whose candidates it is to verify, with its reranker and decision [default: "
            "HOWTREE_ENCODER, else howtree-retriever]."
        ),
    ] = "",
    start: Annotated[
        str,
        typer.Option(
            help="The encoder whose weights it starts from: all-MiniLM-L6-v2 or one trained from it."
        ),
    ] = "howtree-retriever",
    language: Annotated[str, typer.Option(help="Language of the articles.")] = "en",
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for what is done already [default: beside the verifier, VERIFIER.work]."),
    ] = None,
    context: Annotated[Context, typer.Option(help="Whose context it reads.")] = Context.both,
    grades: Annotated[
        bool, typer.Option(help="Learn the grades of judged links, or only which of them are right.")
    ] = True,
    lists: Annotated[int, typer.Option(min=0, help="Gold lists in the first course, at most.")] = 12_000,
    rules: Annotated[
        int, typer.Option(min=0, help="Pairs made by rule in the first course, at most.")
    ] = 20_000,
    first_epochs: Annotated[int, typer.Option(min=1, help="Epochs of the first course.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs over the judged links.")] = 3,
    precision: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The share of the links that are to be right: sets the threshold, out of fold [default: the threshold "
            "that is best by F0.25].",
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, help="Folds of the articles; each is measured by a model of the others.")
    ] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order, of dropout and of all draws.")] = 0,
    final_fifth: Annotated[
        bool, typer.Option("--final-fifth", help="Also measure the fifth of the articles that is kept apart.")
    ] = False,
    device: DeviceOption = Device.auto,
) -> None:
    """Train a verifier on judged links; a run that was stopped goes on after its last whole epoch.

    Example: howtree train verifier --judged judged.jsonl --articles articles.jsonl --gold gold.jsonl --goals titles.txt
    -o my-verifier, then: howtree build articles.jsonl --reranker my-verifier
    """
    needs("build", "training")
    from kb.build.articles import articles_of
    from linking.gold.judged import read_judged
    from linking.gold.links import check_gold, read_pool
    from linking.gold.settle import read_settled
    from linking.model import Model
    from linking.train.verifier.articles import Articles
    from linking.train.verifier.figures import lines_of
    from linking.train.verifier.train import Material, refuse_taken, train_verifier

    folder = work or output.with_name(output.name + WORK_SUFFIX)
    refuse_shipped(output)
    refuse_taken(output)
    refuse_before_work(output.parent, folder)
    links, tally = read_judged(judged)
    say(tally.line())
    pairs = None
    if gold is not None:
        pairs, settled = read_settled(gold)
        say(settled.line())
    pool = None if goals is None else read_pool(goals)
    model = Model.load(encoder, device=device.value)
    recipe = recipe_of(context, grades, lists, rules, first_epochs, epochs, precision, folds, seed)
    source = ", ".join(
        [f"{judged.name} ({tally.pairs:,} judged links)", *([] if gold is None else [gold.name])]
    )
    with (
        stoppable(f"what is done is kept in {folder}: the same command goes on from there"),
        articles_of(articles, folder / "articles", language) as (known, steps),
    ):
        titles = pool or list(dict.fromkeys(known.texts))
        if pairs is not None:
            check_gold(pairs, titles)
        material = Material(links, pairs, titles, Articles(known, steps), source)
        figures = train_verifier(material, model, start, output, folder, recipe, final_fifth)
    typer.echo("\n".join(lines_of(figures)))
    say(f"Wrote {output}. Use it: howtree build SOURCE --reranker {output}")


def recipe_of(
    context: Context,
    grades: bool,
    lists: int,
    rules: int,
    first_epochs: int,
    epochs: int,
    precision: float | None,
    folds: int,
    seed: int,
) -> VerifierRecipe:
    """The recipe that the options ask for."""
    from linking.train.verifier.recipe import VerifierRecipe

    usual = VerifierRecipe()
    return replace(
        usual,
        first=replace(usual.first, epochs=first_epochs, seed=seed),
        second=replace(usual.second, epochs=epochs, seed=seed),
        lists=lists,
        rules=rules,
        context=context.value,
        graded=grades,
        precision=precision,
        folds=folds,
    )
