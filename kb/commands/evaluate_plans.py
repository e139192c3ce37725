"""`howtree evaluate plans`: how many of the sub-tasks that people name the steps of plans meet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option, echo

from kb.commands.options import Format, KbOption, open_kb


def plans(
    tasks: Annotated[
        list[Path],
        Option(
            "--tasks",
            help="JSON Lines of tasks with their steps, plain or .gz; may be given again (docs/evaluation.md).",
        ),
    ],
    threshold: Annotated[
        float | None,
        Option(
            "--threshold",
            min=0,
            max=1,
            help="Open links of at least this probability instead of those chosen.",
        ),
    ] = None,
    most: Annotated[
        int | None, Option("--most", min=2, help="Draw at most so many tasks of a file [default: all].")
    ] = None,
    seed: Annotated[int, Option("--seed", help="Seed of the draw and of the intervals.")] = 0,
    form: Annotated[Format, Option("--format", help="How the figures are printed.")] = Format.text,
    kb: KbOption = None,
) -> None:
    """Plan tasks whose sub-tasks people named: how many of these a step meets, with and without opened goals.

    Example: howtree evaluate plans --kb kb.duckdb --tasks complex-tasks.jsonl.gz --tasks dishes.jsonl
    """
    from howtree.extras import needs
    from howtree.files import digest_of_file
    from howtree.progress import say
    from kb.plan.measure import ALL, Row, as_rows, measured, printed
    from kb.plan.tasks import drawn, read_tasks

    needs("build", "howtree evaluate plans")
    read = [read_tasks(path) for path in tasks]
    rows: dict[str, list[Row]] = {}
    files = []
    with open_kb(kb) as base:
        for path, (found, tally) in zip(tasks, read, strict=True):
            asked = drawn(found, most, seed)
            rows[str(path)] = measured(base, asked, threshold, seed)
            tally["planned"] = len(asked)
            tally["fit"] = next((row.count for row in rows[str(path)] if row.tasks == ALL), 0)
            say(f"{path}: " + "; ".join(f"{count:,} {what}" for what, count in tally.items()))
            files.append(
                {"tasks": digest_of_file(path), "tally": dict(tally), "rows": as_rows(rows[str(path)])}
            )
    about = {"threshold": threshold, "most": most, "seed": seed, "files": files}
    echo(printed(rows, form.value, about), nl=False)
