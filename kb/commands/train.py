"""`howtree train`: fit the linker to gold links."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from howtree.errors import BadInput, BadUsage, stoppable
from howtree.extras import needs
from howtree.files import WORK_SUFFIX
from howtree.progress import say
from kb.commands.options import Device, DeviceOption
from kb.commands.train_cross_encoder import (
    Around,
    AroundOption,
    ArticlesOption,
    BatchOption,
    CrossEncoderOption,
    EpochsOption,
    JudgedOption,
    LanguageOption,
    OthersOption,
    RateOption,
    SeedOption,
    train_cross_encoder,
)
from kb.commands.train_output import refuse_before_work, refuse_shipped
from kb.commands.train_search import search
from kb.commands.train_verifier import verifier
from kb.commands.train_words import words

if TYPE_CHECKING:
    from linking.train.decision import DecisionReport

GoldFile = Annotated[
    Path, typer.Option(help='JSON Lines of {"step": text, "goal": title or null, "not": [titles]}.')
]
PoolFile = Annotated[
    Path, typer.Option(help="The pool of titles, one per line; the gold goals are among them.")
]

trainers = typer.Typer(help="Fit a part of the linker to gold links (step -> goal).", no_args_is_help=True)


trainers.command()(search)
trainers.command()(verifier)
trainers.command()(words)


def register(app: typer.Typer) -> None:
    """Add the verb `train` with its parts."""
    app.add_typer(trainers, name="train")


@trainers.command()
def decision(
    gold: GoldFile,
    goals: PoolFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the decision (JSON).")],
    encoder: Annotated[str, typer.Option(help="Name or folder of a sentence-transformers model.")] = "",
    work: Annotated[Path | None, typer.Option(help="Folder for vectors; kept, so a rerun is fast.")] = None,
    beta: Annotated[
        float,
        typer.Option(
            min=0.01, max=100, help="The default threshold is the best by F-beta; above 1 favours recall."
        ),
    ] = 0.5,
) -> None:
    """Fit how scores become probabilities, and the default threshold.

    Example: howtree train decision --gold gold.jsonl --goals titles.txt -o decision.json
    """
    needs("build", "training")
    from linking.encode.encoder import load_encoder
    from linking.gold.links import check_gold, read_pool
    from linking.gold.settle import read_settled
    from linking.model import Model
    from linking.train.decision import train_decision

    if output.is_dir():
        raise BadInput(
            f"{output} is a folder, and the decision is one file: give -o {output / 'decision.json'}"
        )
    folder = work or output.with_name(output.name + WORK_SUFFIX)
    refuse_before_work(output.parent, folder)
    (pairs, tally), pool = read_settled(gold), read_pool(goals)
    say(tally.line())
    check_gold(pairs, pool)
    trained = load_encoder(encoder)
    reranker_beside = Model.of(trained, with_decision=False).reranker
    source = f"{gold.name}, {len(pairs.steps)} pairs, {trained.name}"
    result = train_decision(
        pairs,
        pool,
        trained,
        folder,
        source,
        reranker_beside,
        trained_on_gold=reranker_beside is not None,
        beta=beta,
    )
    result.decision.save(output)
    say(sentence_of(result))
    say(f"Wrote {output}.")


@trainers.command()
def retriever(
    gold: GoldFile,
    goals: PoolFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write the model to.")],
    encoder: Annotated[
        str, typer.Option(help="Name or folder of the model to start from [default: all-MiniLM-L6-v2].")
    ] = "",
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for checkpoints [default: beside the model, MODEL.work]."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order of the pairs and of dropout.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs with negatives from the batch alone.")] = 1,
    hard_epochs: Annotated[
        int | None,
        typer.Option(
            min=0, help="More epochs, with mined hard negatives too [default: 2; 1 for all-mpnet-base-v2]."
        ),
    ] = None,
    negatives: Annotated[int, typer.Option(min=1, help="Hard negatives for each step in each epoch.")] = 7,
    runs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Runs, each with the next seed; their weights are averaged [default: 2; 1 for all-mpnet-base-v2].",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=2, help="Pairs in a batch.")] = 64,
    device: DeviceOption = Device.auto,
) -> None:
    """Fine-tune the encoder with its reranker; a run that was stopped goes on after its last whole epoch.

    Example: howtree train retriever --gold gold.jsonl --goals titles.txt -o my-encoder,
    then: howtree build data/sample --encoder my-encoder
    """
    needs("build", "training")
    from linking.encode.packaged import BASE_ENCODER, LARGE_BASE
    from linking.gold.links import read_pool
    from linking.gold.settle import read_settled
    from linking.train.recipe import LARGE, Recipe
    from linking.train.retriever import refuse_foreign, train_retriever

    folder = work or output.with_name(output.name + WORK_SUFFIX)
    refuse_shipped(output)
    refuse_foreign(output)
    refuse_before_work(output.parent, folder)
    (pairs, tally), pool = read_settled(gold), read_pool(goals)
    say(tally.line())
    recipe = LARGE if encoder == LARGE_BASE else Recipe()
    recipe = replace(
        recipe,
        seed=seed,
        epochs=epochs,
        hard_epochs=recipe.hard_epochs if hard_epochs is None else hard_epochs,
        negatives=negatives,
        runs=runs or recipe.runs,
        batch=batch,
    )
    with stoppable(f"whole epochs are kept in {folder}: the same command goes on from there"):
        result = train_retriever(
            pairs,
            pool,
            encoder or BASE_ENCODER,
            output,
            folder,
            recipe,
            f"{gold.name}, {len(pairs.steps)} pairs",
            device.value,
        )
    say(sentence_of(result))
    say(f"Wrote {output}. Use it: howtree build SOURCE --encoder {output}")


@trainers.command()
def reranker(
    gold: GoldFile,
    goals: PoolFile,
    encoder: Annotated[
        str,
        typer.Option(
            help="Folder of a model that `howtree train retriever` wrote; with -o also a shipped one. With "
            "--cross-encoder: what gives the lists that it learns to order [default: as for build]."
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder to write the model to [default: the folder that it comes from]."
        ),
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for vectors [default: beside the model, MODEL.work].")
    ] = None,
    links: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of the weight of editors' habits: 1 for known goals, 0 for new ones."
        ),
    ] = 0.5,
    device: DeviceOption = Device.auto,
    cross_encoder: CrossEncoderOption = "",
    context: AroundOption = Around.none,
    judged: JudgedOption = None,
    articles: ArticlesOption = None,
    language: LanguageOption = "en",
    epochs: EpochsOption = 3,
    rate: RateOption = 2e-5,
    batch: BatchOption = 8,
    others: OthersOption = 7,
    seed: SeedOption = 0,
) -> None:
    """Fit the reranker of a trained encoder again, and its decision; both are written to the model's folder, or with
    -o beside a copy of the encoder. With --cross-encoder train a CrossEncoder, for build --reranker.

    Example: howtree train reranker --gold gold.jsonl --goals titles.txt --encoder my-encoder
    """
    needs("build", "training")
    if cross_encoder:
        course = {"epochs": epochs, "rate": rate, "lists": batch, "others": others, "seed": seed}
        links_and_articles = judged, articles or [], language
        train_cross_encoder(
            cross_encoder, gold, goals, encoder, output, work, context, links_and_articles, course, device
        )
        return
    from linking.encode.folder import ModelFolder
    from linking.encode.packaged import BASES
    from linking.gold.links import read_pool
    from linking.gold.settle import read_settled
    from linking.train.retriever import refit, refuse_foreign

    if not encoder:
        raise BadUsage(
            "give --encoder, whose reranker is fitted again, or --cross-encoder, to train one of those"
        )
    written = output or Path(encoder)
    if encoder in BASES:
        raise BadUsage(
            f"{encoder} is untrained and has no reranker to fit: train one with howtree train retriever, or name one "
            "that was trained"
        )
    if not ModelFolder.of(encoder).is_model:
        raise BadInput(
            f"{encoder} is no folder of a model: train one with howtree train retriever -o {encoder}"
        )
    refuse_shipped(written)
    if output is not None:
        refuse_foreign(output)
    folder = work or written.with_name(written.name + WORK_SUFFIX)
    refuse_before_work(written if output is None else written.parent, folder)
    (pairs, tally), pool = read_settled(gold), read_pool(goals)
    say(tally.line())
    result = refit(
        pairs, pool, encoder, written, folder, f"{gold.name}, {len(pairs.steps)} pairs", links, device.value
    )
    say(sentence_of(result))
    say(f"Wrote the reranker and the decision to {written}.")


def sentence_of(result: DecisionReport) -> str:
    """The figures of a fitted decision in a sentence."""
    return (
        f"On the {result.held_out:,} pairs held out: calibration error {result.error_before:.3f} before, "
        f"{result.error_after:.3f} after; at probability {result.decision.threshold}: precision "
        f"{result.precision:.1%}, recall {result.recall:.1%}, unlinkable recall {result.unlinkable_recall:.1%}."
    )
