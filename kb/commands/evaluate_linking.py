"""`howtree evaluate linking` and `compare`: measure the linker on gold links, and compare two runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, echo

from howtree.errors import BadUsage
from howtree.progress import say
from howtree.tables import as_json
from kb.commands.options import Device, DeviceOption, Format, open_kb

if TYPE_CHECKING:
    from linking.measure.ranking import Task


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
            "--kb", help="Instead of both: a knowledge base; its hyperlinks are the gold, its goals the pool."
        ),
    ] = None,
    language: Annotated[
        str,
        Option("--language", help="With --kb: the language to measure [default: the one with most links]."),
    ] = "",
    place: Annotated[
        LinkPlace | None, Option("--place", help="With --kb: only links in this place [default: all].")
    ] = None,
    train: Annotated[
        Path | None,
        Option("--train", help="Gold that was trained on: its goals are seen, the others unseen."),
    ] = None,
    models: Annotated[
        list[str] | None,
        Option(
            "--models",
            help="bm25, default (what a build uses), or the name or folder of an encoder; repeat, or separate by "
            "commas [default: bm25, all-MiniLM-L6-v2, default].",
        ),
    ] = None,
    dev: Annotated[
        bool,
        Option(
            "--dev",
            help="Measure only the hashed tenth that is never trained on: of the steps, with --kb of the articles.",
        ),
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
    """Measure how well steps find their goals: R@1, R@10, R@30, and "no link".

    Example: howtree evaluate linking --gold gold.jsonl --goals titles.txt --train train.jsonl -o results/
    """
    from tempfile import TemporaryDirectory

    from linking.measure.evaluate import MODELS, evaluate
    from linking.measure.report import figures_of, printed, write_results

    if kb is not None and gold is None and goals is None:
        task = _task_of_kb(kb, language, place, train, dev)
    elif kb is None and gold is not None and goals is not None and not language and place is None:
        task = _task_of_files(gold, goals, train, dev)
    else:
        raise BadUsage(
            "give --gold and --goals, or --kb with --language and --place where wanted, and not some of both"
        )
    names = [name for part in models or MODELS for name in part.split(",") if name]
    with TemporaryDirectory() as scratch:
        measured = evaluate(task, names, work or Path(scratch), device.value)
    found = figures_of(task, measured, {"gold": gold, "goals": goals, "kb": kb, "train": train})
    if output is not None:
        write_results(task, measured, found, output)
    say("; ".join(f"{name}: {count}" for name, count in found.tally.items() if count is not None))
    if output is not None:
        say(f"written to {output}")
    echo(printed(found, form.value), nl=False)


def _task_of_files(gold: Path, goals: Path, train: Path | None, dev: bool) -> Task:
    """Gold and pool from files."""
    from linking.gold.links import dev_part, read_gold, read_pool
    from linking.measure.ranking import Task

    pairs = dev_part(read_gold(gold)) if dev else read_gold(gold)
    return Task.of(pairs, read_pool(goals), read_gold(train) if train else None)


def _task_of_kb(kb: Path, language: str, place: LinkPlace | None, train: Path | None, dev: bool) -> Task:
    """Gold and pool from a knowledge base; with `dev` the goals of its other articles are the seen ones."""
    from kb.exchange.editor_links import dev_articles, read_editor_links
    from linking.gold.links import read_gold
    from linking.measure.ranking import Task

    with open_kb(kb) as base:
        links = read_editor_links(base, language, place.value if place else "")
    say(f"{len(links.gold.steps):,} hyperlinks of {links.language} steps lead to goals of {kb}")
    if not dev:
        return Task.of(links.gold, links.pool, read_gold(train) if train else None, links.own)
    measured, others = dev_articles(links)
    return Task.of(measured.gold, links.pool, read_gold(train) if train else others.gold, measured.own)


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
