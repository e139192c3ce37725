"""The evaluation as people and programs read it: tables shaped like the paper's Table 3, with its figures beside
ours, files, and the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from howtree.files import digest_of_file, write_json, written_aside
from howtree.version import __version__
from kb.video.filter import ROUNDS
from kb.video.index import DEPTH, K1, TOKEN_PATTERN, B
from kb.video.measures import CUTS
from kb.video.retrieval import Outcome

PAPER = {
    ("train", "L0"): ("2.2/89.2", "19.2/78.1", "39.9/66.0", "56.6/48.2", "79.49"),
    ("train", "L1"): ("2.2/88.0", "19.2/78.0", "40.1/66.4", "58.1/49.6", "75.79"),
    ("train", "FIL-L1"): ("2.2/89.9", "20.2/81.7", "43.1/71.2", "63.2/53.8", "66.32"),
    ("train", "FIL-L2"): ("2.2/89.4", "20.3/82.7", "43.9/72.3", "65.0/55.2", "63.38"),
    ("dev", "L0"): ("12.1/81.7", "59.8/42.8", "71.9/20.8", "77.9/11.3", "41.60"),
    ("dev", "L1"): ("11.8/79.7", "61.2/43.9", "74.1/21.4", "80.5/11.6", "36.70"),
    ("dev", "FIL-L1"): ("12.4/83.7", "66.0/47.3", "77.4/22.4", "82.9/12.0", "33.35"),
    ("dev", "FIL-L2"): ("12.5/84.4", "66.1/47.7", "78.0/22.5", "83.3/12.0", "32.30"),
    ("test", "L0"): ("11.4/82.6", "59.2/45.2", "71.8/22.1", "77.8/12.0", "43.11"),
    ("test", "L1"): ("11.2/81.3", "60.4/46.2", "73.8/22.7", "79.9/12.3", "38.19"),
    ("test", "FIL-L1"): ("11.7/85.1", "64.8/49.5", "77.2/23.8", "82.2/12.7", "34.76"),
    ("test", "FIL-L2"): ("11.6/84.5", "65.5/50.0", "77.9/24.0", "82.7/12.7", "34.13"),
}
"""Table 3 of Zhou et al., ACL 2022: recall/precision in % at 1, 10, 25, 50 and the mean rank, on 1,000 goals
of HowTo100M.
"""

NOTES = (
    "R/P: recall and precision in %, averaged over goals. MR pairs: mean rank over (goal, video) pairs, a "
    "video beyond rank 200 counts 201. MR goals: the average of the goals' own mean ranks. "
    "w: weight of the steps.",
    "The paper's figures are on other videos (1,000 goals of HowTo100M); only the differences between "
    "queries compare.",
    "A tuned row has the weight that is best on dev, so its dev figures flatter it.",
)


def tables_of(outcome: Outcome) -> list[tuple[str, list[str], list[list[str]]]]:
    """The tables of a report: title, header, rows, all as text."""
    result = [
        (
            "Video retrieval",
            ["set", "query", "w", *(f"R/P@{cut}" for cut in CUTS), "MR pairs", "MR goals"]
            + [f"paper @{cut}" for cut in CUTS]
            + ["paper MR"],
            [_row(row) for row in outcome.rows],
        )
    ]
    if outcome.tuning:
        weights = sorted({row["weight"] for row in outcome.tuning})
        result.append(
            (
                "Mean rank on dev by weight of the steps (* the best)",
                ["query", *(f"{weight:g}" for weight in weights)],
                _by_query(outcome.tuning),
            )
        )
    result.append(
        (
            "Paired tests of the mean rank (difference below 0: the first query is better)",
            ["set", "queries", "difference", "goals better/equal/worse", "p randomisation", "p Wilcoxon"],
            [_test(row) for row in outcome.significance],
        )
    )
    queries = [[name, f"{value:g}"] for name, value in outcome.queries.items()]
    result.append(("What the knowledge base gives to the queries", ["", "value"], queries))
    return result


def as_text(outcome: Outcome) -> str:
    """The report as aligned plain text."""
    parts = []
    for title, header, rows in tables_of(outcome):
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        lines = [_aligned(row, widths) for row in (header, ["-" * width for width in widths], *rows)]
        parts.append("\n".join([title, "", *lines]))
    return "\n\n".join([*parts, "\n".join(NOTES)]) + "\n"


def as_markdown(outcome: Outcome) -> str:
    """The report as Markdown tables."""
    parts = []
    for title, header, rows in tables_of(outcome):
        rule = ["---"] * len(header)
        lines = ["| " + " | ".join(row) + " |" for row in (header, rule, *rows)]
        parts.append("\n".join([f"## {title}", "", *lines]))
    return "\n\n".join([*parts, "\n\n".join(NOTES)]) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _row(row: dict[str, Any]) -> list[str]:
    ours = [f"{100 * row[f'recall@{cut}']:.1f}/{100 * row[f'precision@{cut}']:.1f}" for cut in CUTS]
    means = [f"{row['mean_rank']:.2f}", f"{row['mean_rank_per_goal']:.2f}"]
    weight = f"{row['weight']:g}" if row["weight"] else "-"
    paper = PAPER.get((row["split"], row["query"]), ("",) * (len(CUTS) + 1))
    return [row["split"], row["query"], weight, *ours, *means, *paper]


def _by_query(tuning: Sequence[dict[str, Any]]) -> list[list[str]]:
    table: dict[str, list[str]] = {}
    for row in sorted(tuning, key=lambda row: row["weight"]):
        mark = "*" if row["best"] else ""
        table.setdefault(row["query"], [row["query"]]).append(f"{row['dev_mean_rank']:.2f}{mark}")
    return list(table.values())


def _test(row: dict[str, Any]) -> list[str]:
    return [
        row["split"],
        f"{row['query']} v. {row['against']}",
        f"{row['difference']:+.2f}",
        f"{row['goals_better']}/{row['goals_equal']}/{row['goals_worse']}",
        _probability(row["p_randomisation"]),
        _probability(row["p_wilcoxon"]),
    ]


def _probability(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def write_results(outcome: Outcome, manifest: dict[str, Any], output: Path) -> dict[str, str]:
    """Write figures, goals and manifest to `output`, each aside and renamed; return the figures by format."""
    figures = {
        "json": json.dumps(outcome.to_dict(), ensure_ascii=False, indent=2) + "\n",
        "markdown": as_markdown(outcome),
        "text": as_text(outcome),
    }
    goals = "".join(json.dumps(goal, ensure_ascii=False) + "\n" for goal in outcome.goals)
    files = dict(zip(("results.json", "results.md", "results.txt"), figures.values(), strict=True))
    for name, text in {**files, "goals.jsonl": goals}.items():
        with written_aside(output / name) as aside:
            aside.write_text(text, encoding="utf-8")
    write_json(output / "manifest.json", manifest)
    return figures


def manifest_of(
    inputs: dict[str, Path | None], parameters: dict[str, Any], outcome: Outcome
) -> dict[str, Any]:
    """What a run was made from: inputs with their digests, versions, parameters, and how long it took."""
    return {
        "version": __version__,
        "inputs": {
            name: {"path": str(path), "sha256": digest_of_file(path)} for name, path in inputs.items() if path
        },
        "libraries": {
            name: metadata.version(name) for name in ("bm25s", "duckdb", "ir-measures", "numpy", "scipy")
        },
        "parameters": {
            "k1": K1,
            "b": B,
            "token_pattern": TOKEN_PATTERN,
            "ranked_videos": DEPTH,
            "filter_rounds": ROUNDS,
            **parameters,
        },
        "tally": outcome.tally,
        "seconds": outcome.seconds,
    }
