"""The evaluation of the linker as people and programs read it: tables beside the paper's figures, files, curves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from howtree.extras import required
from howtree.files import digest_of_file, write_json, written_aside
from howtree.tables import Table, as_json, percent, whole
from howtree.version import __version__
from linking.measure.evaluate import Measured, taken_out
from linking.measure.figures import Comparison, CurvePoint, Difference, LinkingFigures, NoLink, Row
from linking.measure.ranking import Task
from linking.measure.reliability import draw_reliability
from linking.measure.significance import CUTS, mcnemar

PAPER = (
    ("paper: BM25", 30.5, 51.6, 61.1, None),
    ("paper: SP", 35.8, 64.4, 72.5, None),
    ("paper: SBERT", 30.6, 53.3, 63.4, None),
    ("paper: SP + DeBERTa-large, no context", 52.4, None, None, None),
    ("paper: SP + DeBERTa-large, context", 55.4, 71.9, 72.5, None),
    ("paper: the same + no link", 50.4, 71.6, None, 64.5),
)
"""Zhou et al., ACL 2022 (arXiv 2203.07264): R@1, R@10, R@30 and unlinkable recall on its own test set, 110k goals."""

SHOWN = 5
"""Goals named for each step in steps.jsonl."""


def figures_of(
    task: Task, measured: Sequence[Measured], inputs: dict[str, Path | None], left_out: int = 0
) -> LinkingFigures:
    """Everything that was measured; `left_out` pairs were not, since a model was trained on them."""
    gold = task.gold
    return LinkingFigures(
        rows=[row for each in measured for row in each.rows],
        significance=[
            mcnemar((a.name, b.name), a.lists.ranks, b.lists.ranks)
            for a, b in itertools.combinations(measured, 2)
        ],
        curves={each.name: each.curve for each in measured if each.curve},
        reliability={each.name: bins for each in measured if (bins := each.reliability)},
        tally={
            "pairs": len(gold.steps),
            "steps": len(set(gold.steps)),
            "pairs of steps with several goals": sum(len(goals) > 1 for goals in task.right),
            "pairs whose goal is outside the pool": int((task.positions < 0).sum()),
            "pairs with a seen goal": None if task.seen is None else int(task.seen.sum()),
            "pairs whose goal is taken out": sum(taken_out(step) for step in gold.steps),
            "pairs left out, trained on": left_out or None,
            "titles": len(task.titles),
        },
        inputs={name: digest_of_file(path) for name, path in inputs.items() if path is not None},
        version=__version__,
    )


def printed(found: LinkingFigures, form: str, paper: bool = False) -> str:
    """The figures as "text", "markdown" or "json"; the tables with the paper's rows where these are asked for."""
    if form == "json":
        return as_json(found.to_dict())
    tables = [recall_table(found, paper), no_link_table(found), cost_table(found), significance_table(found)]
    return "\n".join(f"{table.title}\n\n{drawn(table, form)}" for table in tables if table.rows)


def drawn(table: Table, form: str) -> str:
    """A table without its title as "text" or "markdown"."""
    return table.as_markdown() if form == "markdown" else table.as_text()


def recall_table(found: LinkingFigures, paper: bool) -> Table:
    """Recall in the paper's shape; its own figures, which are of other pairs and another pool, below ours if wanted."""
    keys = [f"recall@{cut}" for cut in CUTS]
    parts = ["", "seen_", "unseen_"] if any("seen_recall@1" in row.recalls for row in found.rows) else [""]
    columns = [part + key for part in parts for key in keys]
    names = [f"{part.strip('_')} R@{cut}".strip() for part in parts for cut in CUTS]
    rows = [
        [row.model, *(percent(row.recalls.get(column)) for column in columns), percent(row.unlinkable_recall)]
        for row in found.rows
    ]
    blank = [""] * (len(columns) - len(keys))
    if paper:
        rows += [[name, *map(percent, recall), *blank, percent(last)] for name, *recall, last in PAPER]
    title = f"Recall in % of {found.tally['pairs']:,} gold pairs among {found.tally['titles']:,} titles"
    return Table(title, ["model", *names, "unlinkable"], rows)


def no_link_table(found: LinkingFigures) -> Table:
    """The decision at its threshold, and without mercy."""
    header = ["model", "threshold", "link precision", "unlinkable recall", "ECE before", "ECE after"]
    header += ["no-link precision", "no-link recall", "no-link F1"]
    title = "No link (the last three with the gold goals of a hashed half of the steps taken out)"
    rows = [no_link_cells(row, row.no_link) for row in found.rows if row.no_link is not None]
    return Table(title, header, rows)


def no_link_cells(row: Row, no_link: NoLink) -> list[str]:
    """A row of `no_link_table`."""
    return [
        row.model,
        f"{no_link.threshold:.3f}",
        percent(no_link.precision),
        percent(row.unlinkable_recall),
        f"{no_link.calibration_error_before:.3f}",
        f"{no_link.calibration_error:.3f}",
        *map(percent, astuple(no_link.goal_taken_out)),
    ]


def cost_table(found: LinkingFigures) -> Table:
    """Speeds and sizes. Peak memory is the process's so far, so it never falls from row to row."""
    rows = [
        [
            row.model,
            *(whole(row.steps_per_second.get(stage)) for stage in ("encode", "retrieve")),
            whole(row.weights_mb),
            whole(row.peak_memory_mb),
        ]
        for row in found.rows
        if row.steps_per_second
    ]
    header = ["model", "encode steps/s", "retrieve steps/s", "weights MB", "peak memory MB so far"]
    return Table("Cost", header, rows)


def significance_table(found: LinkingFigures) -> Table:
    """Differences between models, in points, with p."""
    rows = [
        [" - ".join(pair.models), *(in_points(pair.at[cut]) for cut in CUTS)] for pair in found.significance
    ]
    header = ["pair", *(f"R@{cut}" for cut in CUTS)]
    return Table("Differences in points (exact McNemar test)", header, rows)


def comparison_table(compared: Sequence[Comparison]) -> Table:
    """Two runs beside each other: what `linking.measure.significance.compare` found."""
    rows = [
        [" - ".join(dict.fromkeys(pair.models)), pair.part, str(pair.pairs)]
        + [f"{shares(pair.at[cut])} = {in_points(pair.at[cut])}" for cut in CUTS]
        for pair in compared
    ]
    return Table("", ["model", "goals", "pairs", *(f"R@{cut}" for cut in CUTS)], rows)


def shares(found: Difference) -> str:
    """What the first and the second model find, in percent."""
    return f"{found.first:.1f} - {found.second:.1f}"


def in_points(found: Difference) -> str:
    """The difference of two models in points, with p."""
    return f"{found.difference:+.1f} (p {found.p:.2g})"


def write_results(
    task: Task, measured: Sequence[Measured], found: LinkingFigures, folder: Path, paper: bool = False
) -> None:
    """Write figures.json, tables.md, steps.jsonl; where a decision was measured, curves.png and reliability.png too."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "figures.json", found.to_dict())
    with written_aside(folder / "tables.md") as aside:
        aside.write_text(printed(found, "markdown", paper), encoding="utf-8")
    with written_aside(folder / "steps.jsonl") as aside, aside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in step_lines(task, measured))
    if found.curves:
        draw_curves(found.curves, folder / "curves.png")
        draw_reliability(found.reliability, folder / "reliability.png")


def step_lines(task: Task, measured: Sequence[Measured]) -> Iterable[dict[str, Any]]:
    """One record a gold pair: for each model the rank of the gold goal and the best goals with their scores."""
    for i, (step, goal) in enumerate(zip(task.gold.steps, task.gold.goals, strict=True)):
        yield {
            "step": step,
            "goal": goal,
            "seen": None if task.seen is None else bool(task.seen[i]),
            "models": {
                each.name: {
                    "rank": int(each.lists.ranks[i]),
                    "probability": None if each.probability is None else round(float(each.probability[i]), 6),
                    "best": [
                        {"goal": task.titles[position], "score": round(float(score), 6)}
                        for position, score in zip(
                            each.lists.goals[i, :SHOWN], each.lists.scores[i, :SHOWN], strict=True
                        )
                        if np.isfinite(score)
                    ],
                }
                for each in measured
            },
        }


def draw_curves(curves: dict[str, list[CurvePoint]], path: Path) -> None:
    """Draw R@1 and precision of links against the recall of unlinkable steps, one line a model."""
    required("matplotlib", "eval", "a picture")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for axes, key in zip(figure.subplots(1, 2), ("recall@1", "precision"), strict=True):
        for name, points in curves.items():
            drawn = [
                p for p in map(CurvePoint.to_dict, points) if None not in (p[key], p["unlinkable_recall"])
            ]
            axes.plot([p["unlinkable_recall"] for p in drawn], [p[key] for p in drawn], label=name)
        axes.set(xlabel="recall of unlinkable steps (%)", ylabel=f"{key} (%)", xlim=(0, 100), ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.legend()
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=120)
