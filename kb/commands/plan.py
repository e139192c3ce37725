"""`howtree plan`: a checklist for what somebody wants to do."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option, Typer

from howtree.streams import drawn
from kb.commands.options import Format, KbOption, open_kb
from kb.plan.wish import CHARACTERS_PER_TOKEN, LEAST_TOKENS, Rule


def register(app: Typer) -> None:
    """Add the verb `plan`."""
    app.command()(plan)


def plan(
    words: Annotated[
        list[str],
        Argument(metavar="WORDS...", help="What you want to do, in your own words, or a goal's title."),
    ],
    by: Annotated[
        Rule | None,
        Option(
            "--by",
            help="How one of several methods, and of equal articles, is chosen: asked for, things at hand, the one "
            "found, surest links, fewest steps [default: the first of asked, hand, found, fewest that tells them "
            "apart].",
        ),
    ] = None,
    have: Annotated[list[str] | None, Option("--have", help="A thing at hand; may be repeated.")] = None,
    without: Annotated[
        list[str] | None, Option("--without", help="A thing to do without; may be repeated.")
    ] = None,
    depth: Annotated[int, Option(min=1, max=10, help="Levels of goals to open.")] = 3,
    max_steps: Annotated[int, Option(min=1, max=1000, help="Most steps of the whole plan.")] = 50,
    max_tokens: Annotated[
        int | None,
        Option(
            min=LEAST_TOKENS,
            help=f"Most tokens of the plan as printed, counted as characters / {CHARACTERS_PER_TOKEN}.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        Option(min=0, max=1, help="Lowest probability of a link that is opened [default: as built]."),
    ] = None,
    form: Annotated[Format, Option("--format", help="text, markdown (a checklist) or json.")] = Format.text,
    kb: KbOption = None,
) -> None:
    """Make a checklist for what you want to do: the goal that fits, its steps, and the goals that they are.

    Example: howtree plan clean my oven before guests come --max-tokens 500
    Example: howtree plan "Host a Dinner Party" --without vinegar --format markdown
    """
    from kb.plan import draw
    from kb.plan.plan import plan as make
    from kb.plan.wish import Wish

    written = {"text": draw.as_text, "markdown": draw.as_markdown, "json": draw.as_json}[form.value]
    wish = Wish(
        " ".join(words), by, tuple(have or ()), tuple(without or ()), depth, max_steps, max_tokens, threshold
    )
    with open_kb(kb) as base, base.steady():
        text = written(make(base, wish, written))
    print(text if form is Format.json else drawn(text))
