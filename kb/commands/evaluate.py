"""`howtree evaluate`: measure the knowledge base and the linker against known answers."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, Typer, echo

from kb.commands.evaluate_linking import compare, linking
from kb.commands.evaluate_plans import plans
from kb.commands.evaluate_search import search
from kb.commands.options import Format, KbOption, open_kb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kb.video.corpus import Split, VideoSet
    from kb.video.figures import VideoFigures
    from kb.video.index import Index
    from kb.video.queries import Goal, QueryForm


NAMED = 20
"""How many of the goals or records left out are named one by one."""


class Engine(StrEnum):
    """What scores the videos."""

    bm25s = "bm25s"
    elasticsearch = "elasticsearch"


def register(app: Typer) -> None:
    """Add the verb."""
    group = Typer(
        no_args_is_help=True, help="Measure the knowledge base and the linker against known answers."
    )
    group.command("linking")(linking)
    group.command("compare")(compare)
    group.command("search")(search)
    group.command("plans")(plans)
    group.command("video")(video)
    group.command("howto100m")(howto100m)
    app.add_typer(group, name="evaluate")


def video(
    videos: Annotated[Path, Option("--videos", help="JSON Lines of videos, plain or .gz.")],
    output: Annotated[
        Path, Option("--output", "-o", help="Directory for figures, runs, qrels and manifest.")
    ],
    kb: KbOption = None,
    engine_url: Annotated[
        str | None, Argument(help="Address of the engine, for --engine elasticsearch.")
    ] = None,
    goals: Annotated[Path | None, Option("--goals", help="Search only these goals, one per line.")] = None,
    trim: Annotated[float, Option("--trim", min=0, help="Seconds to drop at both ends of captions.")] = 0,
    queries: Annotated[
        str, Option("--queries", help="Query forms, separated by commas [default: all].")
    ] = "",
    threshold: Annotated[
        float | None,
        Option("--threshold", help="Follow links of at least this probability instead of the chosen ones."),
    ] = None,
    shuffle: Annotated[
        int | None,
        Option(
            "--shuffle-links", help="As a control: deal out the links' targets at random, with this seed."
        ),
    ] = None,
    tune: Annotated[bool, Option(help="Try weights on dev; each needs a filter run of its own.")] = True,
    weights: Annotated[str, Option("--weights", help="The weights to try, separated by commas.")] = "",
    folds: Annotated[
        int | None,
        Option(
            "--folds",
            min=2,
            help="Deal the videos of train and dev into so many parts, learn from all but one and measure on that one, "
            "all in turn; nothing is tuned.",
        ),
    ] = None,
    seed: Annotated[
        int, Option("--seed", help="Seed of the hashed splits and of the significance tests.")
    ] = 0,
    workers: Annotated[
        int, Option("--workers", min=1, help="Number of processes for the filter.")
    ] = os.cpu_count() or 1,
    engine: Annotated[Engine, Option("--engine", help="What computes BM25.")] = Engine.bm25s,
    form: Annotated[Format, Option("--format", help="How the figures are printed.")] = Format.text,
) -> None:
    """Find the videos of goals by their captions, with and without the steps of the knowledge base.

    Example: howtree evaluate video --kb kb.duckdb --videos videos.jsonl -o results/

    Example: howtree evaluate video --kb kb.duckdb --videos videos.jsonl --folds 5 -o results/
    """
    from functools import partial

    from howtree.errors import BadUsage
    from howtree.files import refuse_unwritable
    from kb.video.corpus import read_goals, read_videos
    from kb.video.folds import evaluate_folds
    from kb.video.queries import Links, goals_with_steps
    from kb.video.report import manifest_of, write_results
    from kb.video.retrieval import WEIGHTS, evaluate

    if folds is not None and weights:
        raise BadUsage("--weights are tuned on dev, and with --folds there is none: give one of the two")
    refuse_unwritable(output)
    forms = _forms(queries)
    tried = _weights(weights) or WEIGHTS
    make_index, engine_name = _engine(engine, engine_url)
    read = read_videos(videos, trim, seed)
    asked, missing = read_goals(goals, read.goals) if goals else (read.goals, [])
    with open_kb(kb) as base:
        with_steps = goals_with_steps(
            base, asked, max(each.depth for each in forms), Links(threshold, shuffle)
        )
    run = (
        partial(evaluate, weights=tried if tune else ())
        if folds is None
        else partial(evaluate_folds, folds=folds)
    )
    found = run(
        read,
        with_steps,
        output,
        forms=forms,
        workers=workers,
        seed=seed,
        make_index=make_index,
        engine=engine_name,
    )
    found.tally = {**_tally(read, with_steps, missing), **found.tally}
    parameters = {
        "trim": trim,
        "seed": seed,
        "threshold": threshold,
        "shuffled_links": shuffle,
        "forms": [each.name for each in forms],
        "weights": list(tried) if tune and folds is None else [],
        "folds": folds,
        "engine": engine_name,
    }
    inputs = {"kb": base.path, "videos": videos, "goals": goals}
    printed = write_results(found, manifest_of(inputs, parameters, found), output)
    _tell(read, with_steps, missing, found, output)
    echo(printed[form.value], nl=False)


def howto100m(
    captions: Annotated[
        Path, Option("--captions", help="raw_caption.json, or a folder of VIDEO_ID.csv files.")
    ],
    videos: Annotated[Path, Option("--videos", help="HowTo100M_v1.csv.")],
    tasks: Annotated[Path, Option("--tasks", help="task_ids.csv.")],
    output: Annotated[Path, Option("--output", "-o", help="The JSON Lines to write.")],
    goals: Annotated[Path | None, Option("--goals", help="Only these goals, one per line.")] = None,
    top: Annotated[int, Option("--top", min=1, help="Keep this many search results per goal.")] = 150,
) -> None:
    """Turn HowTo100M's files into the JSON Lines that `howtree evaluate video` reads.

    Example: howtree evaluate howto100m --captions raw_caption.json --videos HowTo100M_v1.csv
    --tasks task_ids.csv -o videos.jsonl
    """
    from howtree.progress import say
    from kb.video.howto100m import convert

    tally = convert(captions, videos, tasks, output, goals, top)
    say("; ".join(f"{name}: {count}" for name, count in sorted(tally.items())))
    say(f"written to {output}")


def _tally(videos: VideoSet, goals: Sequence[Goal], missing: Sequence[str]) -> dict[str, int]:
    """What was read and what of it can be used."""
    return {
        **{f"videos {name}": count for name, count in sorted(videos.tally.items())},
        **{f"videos in {name}": len(split.ids) for name, split in videos.splits.items()},
        "goals": len(goals),
        "goals without videos": len(missing),
        "goals not in the knowledge base": sum(goal.article_id is None for goal in goals),
        "goals without steps": sum(not goal.steps for goal in goals),
    }


def _tell(
    videos: VideoSet, goals: Sequence[Goal], missing: Sequence[str], found: VideoFigures, output: Path
) -> None:
    """Name what was left out, then the tally."""
    from howtree.progress import say

    strangers = [goal.text for goal in goals if goal.article_id is None]
    silent = [f"{each.goal} ({each.query} on {each.split})" for each in found.unanswered]
    for what, names in (
        ("skipped", videos.skipped),
        ("goal without videos:", missing),
        ("not in the knowledge base, searched without steps:", strangers),
        ("finds nothing:", silent),
    ):
        for name in names[:NAMED]:
            say(f"{what} {name}")
        if len(names) > NAMED:
            say(f"{what} {len(names) - NAMED} more")
    say("; ".join(f"{name}: {count}" for name, count in found.tally.items()))
    say(f"written to {output}")


def _forms(names: str) -> tuple[QueryForm, ...]:
    """The query forms asked for, in their own order."""
    from howtree.errors import BadUsage
    from kb.video.queries import FORMS

    asked = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := asked - {form.name for form in FORMS}:
        known = ", ".join(form.name for form in FORMS)
        raise BadUsage(f"--queries: no form {', '.join(sorted(unknown))}. There are: {known}.")
    return tuple(form for form in FORMS if not asked or form.name in asked)


def _weights(numbers: str) -> tuple[float, ...]:
    """The weights asked for, rising; none where none are named."""
    import math

    from howtree.errors import BadUsage

    try:
        weights = sorted({float(number) for number in numbers.split(",") if number.strip()})
    except ValueError:
        weights = [-1.0]
    if not all(weight >= 0 and math.isfinite(weight) for weight in weights):
        raise BadUsage(f"--weights {numbers}: not a list of numbers from 0 on. Write for instance 0.1,0.5,1.")
    return tuple(weights)


def _engine(engine: Engine, url: str | None) -> tuple[Callable[[Split], Index], str]:
    """What makes the index of a split, and its name in the manifest."""
    from functools import partial

    from howtree.errors import BadUsage
    from howtree.extras import needs
    from kb.video.elasticsearch import ElasticsearchIndex
    from kb.video.index import Bm25Index

    needs("eval", "the evaluation")
    if engine is Engine.bm25s and url is None:
        return Bm25Index.of, "bm25s"
    if engine is Engine.elasticsearch and url is not None:
        return partial(ElasticsearchIndex, url), f"elasticsearch {url}"
    raise BadUsage(
        "--engine elasticsearch and the address of the engine go together, and no other engine has one."
    )
