"""`howtree review`: people's verdicts on links."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadUsage
from howtree.progress import say, warn
from kb.commands.options import JsonFlag, KbOption, Shape, ShapeOption, open_kb

reviewers = typer.Typer(
    help="Judge links; a verdict counts at once, and beats the model and editors.", no_args_is_help=True
)
WhoOption = Annotated[
    str, typer.Option(envvar=["HOWTREE_WHO", "USER"], help="Name or handle of the person who judges.")
]

LIST = """
SELECT v.review_id AS id, v.state, v.judged_at, v.who, v.verdict, v.step_id,
       step_text(s.headline, s.body) AS step, g.goal, v.note
FROM verdicts v
LEFT JOIN steps s USING (step_id)
LEFT JOIN articles g ON g.article_id = v.goal_id
WHERE true
"""


def register(app: typer.Typer) -> None:
    """Add the verb `review` with its parts."""
    app.add_typer(reviewers, name="review")


@reviewers.command()
def add(
    step_id: Annotated[int | None, typer.Argument(help="The step, e.g. as `howtree sql` shows it.")] = None,
    verdict: Annotated[
        str, typer.Argument(help="exact, helpful, related, unhelpful, 'no link' or 'another goal'.")
    ] = "",
    goal: Annotated[
        str,
        typer.Argument(
            help="The goal that is judged [default: the one the step is linked to], or the right one."
        ),
    ] = "",
    who: WhoOption = "",
    note: Annotated[str, typer.Option(help="Anything to remember.")] = "",
    plan: Annotated[
        Path | None, typer.Option("--file", help="Instead: a plan of `howtree review sample` with verdicts.")
    ] = None,
    kb: KbOption = None,
) -> None:
    """Say what a link is worth: it counts at once in every tree, view and query.

    Example: howtree review add 12 "another goal" "Clean an Oven" --who ann
    """
    if (step_id is None) == (plan is None):
        raise BadUsage("name a step, a verdict and a goal, or a judged plan with --file")
    if plan is not None:
        add_plan(plan, who, kb)
        return
    from kb.review.judging import machine_link, review_of
    from kb.review.reviews import append
    from kb.search import goal_id

    assert step_id is not None
    with open_kb(kb) as base:
        named = goal_id(base, goal) if goal else None
        if not goal and verdict not in ("no link", "another goal"):
            named = machine_link(base, step_id)
        review = review_of(base, step_id, verdict, named, who, note)  # type: ignore[arg-type]
        saved = append(base.reviews_path, review)
        back = shlex.join(["howtree", "review", "undo", saved, "--who", who, "--kb", str(base.path)])
        say(f"Saved review {saved} in {base.reviews_path}. To take it back: {back}")
        if not review.by_person:
            say(f"{review.who} is a model: its verdict is kept and exported, and changes no link.")


def add_plan(plan: Path, who: str, kb: Path | None) -> None:
    """Add the reviews of a judged plan; rows that are not reviews are reported and counted."""
    from kb.review.judging import read_plan
    from kb.review.reviews import append

    saved = wrong = 0
    with open_kb(kb) as base:
        for review in read_plan(plan, who):
            if isinstance(review, str):
                warn(review)
                wrong += 1
            else:
                append(base.reviews_path, review)
                saved += 1
        say(f"{saved:,} reviews saved in {base.reviews_path}, {wrong:,} rows left out.")
    if wrong:
        raise typer.Exit(1)


@reviewers.command("list")
def show(
    who: Annotated[str | None, typer.Option(help="Only reviews of this person.")] = None,
    state: Annotated[
        str | None, typer.Option(help="current, superseded, stale (the step has changed) or 'goal gone'.")
    ] = None,
    output_format: Annotated[
        str, typer.Option("--format", help="table, csv or json (one object per line).")
    ] = "table",
    kb: KbOption = None,
) -> None:
    """List the reviews, oldest first, each with its id and whether it still counts.

    Example: howtree review list --who ann
    """
    if output_format not in ("table", "csv", "json"):
        raise BadUsage(f"--format is table, csv or json, not {output_format!r}")
    from kb.query.results import Fetched, write_rows
    from kb.store import literal

    conditions = "".join(
        f" AND v.{column} = {literal(value)}" for column, value in (("who", who), ("state", state)) if value
    )
    with open_kb(kb) as base:
        query = f"{LIST} {conditions} ORDER BY v.judged_at, v.review_id"
        write_rows(Fetched(base.query(query)), output_format, None)


@reviewers.command()
def undo(
    review_id: Annotated[str, typer.Argument(help="The id that `howtree review list` shows.")],
    who: WhoOption = "",
    kb: KbOption = None,
) -> None:
    """Take a review back; the file keeps both lines.

    Example: howtree review undo 5f0c2a9be1d34477 --who ann
    """
    from kb.review.reviews import undo as take_back

    with open_kb(kb) as base:
        review = take_back(base.reviews_path, review_id, who)
    say(
        f"Took back {review.verdict!r} of {review.who} on step {review.method}.{review.step} of {review.article}."
    )


@reviewers.command()
def sample(
    size: Annotated[int, typer.Option(min=1, help="Links to judge; with --strata steps.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same links.")] = 0,
    output: Annotated[Path, typer.Option("-o", "--output", help="The plan to write (CSV).")] = Path(
        "plan.csv"
    ),
    strata: Annotated[
        bool,
        typer.Option(
            "--strata",
            help="Draw steps instead: as many linked ones as near misses, unlikely ones and the rest.",
        ),
    ] = False,
    candidates: Annotated[
        int, typer.Option(min=1, help="With --strata: how many of each step's first candidates to judge.")
    ] = 1,
    kb: KbOption = None,
) -> None:
    """Draw links of the model to judge, the same number from every tenth of probability, or steps by --strata.

    Fill in the columns `verdict` and `note`, then: howtree review add --file plan.csv --who NAME

    Example: howtree review sample --size 100 --seed 1 -o plan.csv

    Example: howtree review sample --strata --candidates 3 --size 100 -o plan.csv
    """
    from kb.review.judging import sample as draw
    from kb.review.judging import write_plan
    from kb.review.strata import sample_strata

    if candidates > 1 and not strata:
        raise BadUsage("--candidates goes with --strata; without it each link is judged alone")
    with open_kb(kb) as base:
        plan = sample_strata(base, size, candidates, seed) if strata else draw(base, size, seed)
    write_plan(plan, output)
    say(f"Wrote {len(plan):,} links to {output}. Give several people a copy each to see how far they agree.")


@reviewers.command()
def agreement(
    shape: ShapeOption = Shape.text,
    as_json: JsonFlag = False,
    kb: KbOption = None,
) -> None:
    """Show how far people agree, and how precise the model's links are by probability.

    Example: howtree review agreement
    """
    from dataclasses import asdict

    from kb.review.agreement import agreement as agree
    from kb.review.agreement import precision, weighted_precision

    with open_kb(kb) as base:
        among, parts = agree(base.log.reviews), precision(base)
    overall = weighted_precision(parts)
    if as_json or shape is Shape.json:
        shown = {
            "agreement": asdict(among),
            "precision": [asdict(part) for part in parts],
            "overall": overall,
        }
        print(json.dumps(shown, indent=2))
        return
    models = f"; {among.models} models, which do not count" if among.models else ""
    print(f"{among.people} people; {among.shared:,} pairs of step and goal graded by two or more{models}")
    print(
        f"Krippendorff's alpha: {number(among.alpha)} of the four grades, {number(among.alpha_link)} of link or not"
    )
    print("probability    links  judged  right  precision  95% interval")
    for part in parts:
        low, high = part.interval or (None, None)
        print(
            f"{part.low:.1f} to {part.high:.1f}  {part.links:>9,} {part.judged:>7,} {part.right:>6,} "
            f"{number(part.precision):>10}  {number(low)} to {number(high)}"
        )
    print(f"all, each range by its number of links: {number(overall)}")


def number(value: float | None) -> str:
    """A figure with three digits, or a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


@reviewers.command()
def bake(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The knowledge base to write; not the one that is read.")
    ],
    kb: KbOption = None,
) -> None:
    """Write a copy of the knowledge base with the verdicts in it, for programs that know DuckDB and not reviews.

    Example: howtree review bake -o kb2.duckdb
    """
    from kb.review.bake import bake as write_baked
    from kb.store import default_path

    states = write_baked(kb or default_path(), output)
    left_out = states.total() - states["current"]
    say(
        f"Wrote {output}: {states['current']:,} reviews are in its links"
        + (
            f"; {left_out:,} do not count any more and are only in its table of verdicts."
            if left_out
            else "."
        )
    )


@reviewers.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON Lines to write.")] = Path("gold.jsonl"),
    judged: Annotated[
        bool,
        typer.Option(
            "--judged",
            help="Write every grade instead, with strata and weights, for `howtree evaluate linking --judged`.",
        ),
    ] = False,
    kb: KbOption = None,
) -> None:
    """Write what people decided as training pairs that `howtree train` reads, or their grades for a measurement.

    One line per step: {"step": text, "goal": title, or null for no link, "not": [rejected titles]}. Steps that only
    models judged follow, with "models".

    Example: howtree review export -o gold.jsonl

    Example: howtree review export --judged -o judged.jsonl
    """
    from kb.query.results import as_json, opened
    from kb.review.agreement import training_pairs
    from kb.review.strata import judged_links

    with open_kb(kb) as base:
        pairs = list(judged_links(base)) if judged else training_pairs(base)
    with opened(output) as file:
        for pair in pairs:
            print(as_json(pair), file=file)
    say(f"Wrote {len(pairs):,} {'judged links' if judged else 'pairs'} to {output}.")
