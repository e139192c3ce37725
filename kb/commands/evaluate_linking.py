"""`howtree evaluate linking` and `compare`: measure the linker on gold links, and compare two runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, echo

from howtree.errors import BadUsage
from howtree.progress import say
from howtree.tables import as_json
from kb.commands.evaluate_judged import measure as measure_judged
from kb.commands.options import Device, DeviceOption, Format, open_kb

if TYPE_CHECKING:
    from linking.measure.trained import Links


class LinkPlace(StrEnum):
    """Where in a step a hyperlink is."""

    headline = "headline"
    body = "body"
    bullet = "bullet"


def linking(
    gold: Annotated[
        Path | None, Option("--gold", help='JSON Lines of {"step": text, "goal": title}.')
    ] = None,
    goals: Annotated[Path | None, Option("--goals", help="The pool of titles, one per line.")] = None,
    kb: Annotated[
        Path | None,
        Option(
            "--kb",
            help="Instead of both: a knowledge base; its hyperlinks that say what a step is are the gold, its goals "
            "the pool.",
        ),
    ] = None,
    judged: Annotated[
        Path | None,
        Option(
            "--judged",
            help="With --kb or --predictions: JSON Lines of judged links; measures the links of ordinary steps "
            "(docs/evaluation.md).",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        Option(
            "--threshold",
            min=0,
            max=1,
            help="With --judged: the probability from which on a step is linked [default: that of the knowledge "
            "base; 0.5 for --predictions].",
        ),
    ] = None,
    language: Annotated[
        str,
        Option("--language", help="With --kb: the language to measure [default: the one with most links]."),
    ] = "",
    place: Annotated[
        LinkPlace | None, Option("--place", help="With --kb: only links in this place [default: all].")
    ] = None,
    mentions: Annotated[
        bool,
        Option(
            "--mentions",
            help="With --kb: take also hyperlinks that only mention a goal, as what a step uses, for gold.",
        ),
    ] = False,
    train: Annotated[
        Path | None,
        Option("--train", help="Gold that was trained on: its goals are seen, the others unseen."),
    ] = None,
    models: Annotated[
        list[str] | None,
        Option(
            "--models",
            help="bm25, default (what a build uses), or the name or folder of an encoder; repeat, or separate by "
            "commas [default: bm25, all-MiniLM-L6-v2, default; none with --predictions].",
        ),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        Option(
            "--predictions",
            help='Rankings made elsewhere: JSON Lines of {"step": text, "goals": [titles, best first; null for "no '
            'link"], "scores": [numbers, may be missing]}; repeat for several.',
        ),
    ] = None,
    dev: Annotated[
        bool,
        Option(
            "--dev",
            help="Measure only the hashed tenth that is never trained on: of the steps, with --kb of the articles.",
        ),
    ] = False,
    include_trained: Annotated[
        bool,
        Option(
            "--include-trained",
            help="Measure also pairs that a model was trained on; otherwise they are counted and left out.",
        ),
    ] = False,
    paper: Annotated[
        bool,
        Option("--paper", help="Show the paper's figures too, which are of other pairs and another pool."),
    ] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", help="Folder for figures, ranks of each step and pictures.")
    ] = None,
    work: Annotated[
        Path | None, Option("--work", help="Folder for vectors of the pool; kept, so a rerun is fast.")
    ] = None,
    device: DeviceOption = Device.auto,
    form: Annotated[Format, Option("--format", help="How the figures are printed.")] = Format.text,
) -> None:
    """Measure how well steps find their goals: R@1, R@10, R@30, and "no link"; with --judged, how right the links are.

    Example: howtree evaluate linking --gold gold.jsonl --goals titles.txt --train train.jsonl -o results/

    Example: howtree evaluate linking --judged judged.jsonl --kb kb.duckdb -o results/
    """
    if judged is not None:
        if (
            gold
            or goals
            or language
            or place
            or mentions
            or train
            or models
            or dev
            or include_trained
            or paper
        ):
            raise BadUsage("--judged goes with --kb or --predictions, --threshold, -o and --format alone")
        _refuse_before_work(output, work)
        measure_judged(judged, kb, predictions or (), threshold, output, form.value)
        return
    if threshold is not None:
        raise BadUsage("--threshold goes with --judged; without it each model's own decision is measured")
    from tempfile import TemporaryDirectory

    from linking.measure.evaluate import MODELS, evaluate
    from linking.measure.predictions import measure_predictions
    from linking.measure.report import figures_of, printed, write_results
    from linking.measure.trained import without_trained

    if kb is not None and gold is None and goals is None:
        links = _links_of_kb(kb, language, place, mentions, train, dev)
    elif kb is None and gold is not None and goals is not None and not (language or place or mentions):
        links = _links_of_files(gold, goals, train, dev)
    else:
        raise BadUsage(
            "give --gold and --goals, or --kb with --language, --place and --mentions where wanted, not some of both"
        )
    _refuse_before_work(output, work)
    if len({path.stem for path in predictions or ()}) < len(predictions or ()):
        raise BadUsage("two files of --predictions have one name, and rows are named after them: rename one")
    names = [name for part in models or ([] if predictions else MODELS) for name in part.split(",") if name]
    links, left_out = without_trained(links, _unheld(names, gold, dev), device.value, include_trained)
    task = links.task()
    with TemporaryDirectory() as scratch:
        measured = [measure_predictions(task, path) for path in predictions or ()]
        measured += evaluate(task, names, work or Path(scratch), device.value)
    inputs = {"gold": gold, "goals": goals, "kb": kb, "train": train}
    inputs |= {f"predictions {path.stem}": path for path in predictions or ()}
    found = figures_of(task, measured, inputs, left_out)
    if output is not None:
        write_results(task, measured, found, output, paper)
    say("; ".join(f"{name}: {count}" for name, count in found.tally.items() if count is not None))
    if output is not None:
        say(f"written to {output}")
    echo(printed(found, form.value, paper), nl=False)


def _refuse_before_work(output: Path | None, work: Path | None) -> None:
    """See that what is measured in minutes can be written."""
    from howtree.extras import needs
    from howtree.files import refuse_unwritable

    if output is not None:
        needs("eval", "a folder of figures with pictures")
    for folder in (output, work):
        if folder is not None:
            refuse_unwritable(folder)


def _unheld(names: list[str], gold: Path | None, dev: bool) -> list[str]:
    """The encoders that may have been trained on what is measured: none if it is the tenth by the hash of the step."""
    from linking.encode.folder import default_encoder
    from linking.measure.evaluate import DEFAULT

    if gold is not None and dev:
        return []
    return [default_encoder() if name == DEFAULT else name for name in dict.fromkeys(names)]


def _links_of_files(gold: Path, goals: Path, train: Path | None, dev: bool) -> Links:
    """Gold and pool from files."""
    from linking.gold.links import dev_part, read_gold, read_pool
    from linking.measure.trained import Links

    pairs = dev_part(read_gold(gold)) if dev else read_gold(gold)
    return Links(pairs, read_pool(goals), read_gold(train) if train else None)


def _links_of_kb(
    kb: Path, language: str, place: LinkPlace | None, mentions: bool, train: Path | None, dev: bool
) -> Links:
    """Gold and pool from a knowledge base; with `dev` the goals of its other articles are the seen ones."""
    from kb.exchange.editor_links import dev_articles, read_editor_links
    from linking.gold.links import read_gold
    from linking.measure.trained import Links

    with open_kb(kb) as base:
        links = read_editor_links(base, language, place.value if place else "", mentions)
    say(f"{len(links.gold.steps):,} hyperlinks of {links.language} steps lead to goals of {kb}")
    if not dev:
        return Links(links.gold, links.pool, read_gold(train) if train else None, links.own)
    measured, others = dev_articles(links)
    return Links(measured.gold, links.pool, read_gold(train) if train else others.gold, measured.own)


def compare(
    first: Annotated[
        Path, Argument(metavar="RUN_A", help="Folder that howtree evaluate linking -o wrote.", readable=False)
    ],
    second: Annotated[Path, Argument(metavar="RUN_B", help="Another one, on the same gold.", readable=False)],
    models: Annotated[
        str,
        Option(
            "--models",
            help="Model A of the first run and B of the second, as A,B [default: every model of both runs].",
        ),
    ] = "",
    form: Annotated[Format, Option("--format", help="How the figures are printed.")] = Format.text,
) -> None:
    """Compare two runs of the linking evaluation step by step: differences in points, with p values.

    Example: howtree evaluate compare before/ after/
    """
    from linking.measure.report import comparison_table, drawn
    from linking.measure.significance import compare as compare_runs
    from linking.measure.significance import read_steps

    named = [name.strip() for name in models.split(",") if name.strip()]
    if len(named) not in (0, 2):
        raise BadUsage(f"--models {models}: name two, one of each run, parted by a comma")
    found = compare_runs(read_steps(first), read_steps(second), named)
    if form is Format.json:
        echo(as_json([pair.to_dict() for pair in found]), nl=False)
    else:
        echo(drawn(comparison_table(found), form.value), nl=False)
