"""The evaluation as people and programs read it: tables shaped like the paper's Table 3, with its figures beside
ours, files, and the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from howtree.files import digest_of_file, write_json, written_aside
from howtree.tables import Table, as_json
from howtree.version import __version__
from kb.video.figures import Comparison, Row, Tried, VideoFigures
from kb.video.filter import ROUNDS
from kb.video.index import DEPTH, K1, TOKEN_PATTERN, B
from kb.video.measures import CUTS

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
    "95%: the interval of the difference by the bootstrap over goals.",
    "A tuned row has the weight that is best on dev, so its dev figures flatter it.",
)


def tables_of(found: VideoFigures) -> list[Table]:
    """The tables of a report."""
    header = ["set", "query", "w", *(f"R/P@{cut}" for cut in CUTS), "MR pairs", "MR goals"]
    header += [*(f"paper @{cut}" for cut in CUTS), "paper MR"]
    result = [_table("Video retrieval", header, [_figures(row) for row in found.rows])]
    if found.tuning:
        weights = sorted({each.weight for each in found.tuning})
        title = "Mean rank on dev by weight of the steps (* the best)"
        result.append(
            _table(title, ["query", *(f"{weight:g}" for weight in weights)], _by_query(found.tuning))
        )
    title = "Paired tests of the mean rank (difference below 0: the first query is better)"
    header = [
        "set",
        "queries",
        "difference",
        "95%",
        "goals better/equal/worse",
        "p randomisation",
        "p Wilcoxon",
    ]
    result.append(_table(title, header, [_test(pair) for pair in found.significance]))
    queries = [[name, f"{value:g}"] for name, value in found.queries.items()]
    result.append(_table("What the knowledge base gives to the queries", ["", "value"], queries))
    return result


def as_text(found: VideoFigures) -> str:
    """The report as aligned plain text."""
    parts = [f"{table.title}\n\n{table.as_text(ruled=True)}" for table in tables_of(found)]
    return "\n".join([*parts, "\n".join(NOTES)]) + "\n"


def as_markdown(found: VideoFigures) -> str:
    """The report as Markdown tables."""
    parts = [f"## {table.title}\n\n{table.as_markdown(aligned=False)}" for table in tables_of(found)]
    return "\n".join([*parts, "\n\n".join(NOTES)]) + "\n"


def _table(title: str, header: list[str], rows: list[list[str]]) -> Table:
    return Table(title, header, rows, names=2)


def _figures(row: Row) -> list[str]:
    of_row = row.measures
    ours = [f"{100 * each.recall:.1f}/{100 * each.precision:.1f}" for each in of_row.at.values()]
    means = [f"{of_row.mean_rank:.2f}", f"{of_row.mean_rank_per_goal:.2f}"]
    weight = f"{row.weight:g}" if row.weight else "-"
    paper = PAPER.get((row.split, row.query), ("",) * (len(CUTS) + 1))
    return [row.split, row.query, weight, *ours, *means, *paper]


def _by_query(tuning: Sequence[Tried]) -> list[list[str]]:
    table: dict[str, list[str]] = {}
    for each in sorted(tuning, key=lambda each: each.weight):
        mark = "*" if each.best else ""
        table.setdefault(each.query, [each.query]).append(f"{each.dev_mean_rank:.2f}{mark}")
    return list(table.values())


def _test(pair: Comparison) -> list[str]:
    test = pair.test
    return [
        pair.split,
        f"{pair.query} v. {pair.against}",
        f"{test.difference:+.2f}",
        f"{test.low:+.2f} to {test.high:+.2f}",
        f"{test.goals_better}/{test.goals_equal}/{test.goals_worse}",
        _probability(test.p_randomisation),
        _probability(test.p_wilcoxon),
    ]


def _probability(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def write_results(found: VideoFigures, manifest: dict[str, Any], output: Path) -> dict[str, str]:
    """Write figures, goals and manifest to `output`, each aside and renamed; return the figures by format."""
    figures = {
        "json": as_json(found.to_dict()),
        "markdown": as_markdown(found),
        "text": as_text(found),
    }
    goals = "".join(json.dumps(asdict(goal), ensure_ascii=False) + "\n" for goal in found.goals)
    files = dict(zip(("results.json", "results.md", "results.txt"), figures.values(), strict=True))
    for name, text in {**files, "goals.jsonl": goals}.items():
        with written_aside(output / name) as aside:
            aside.write_text(text, encoding="utf-8")
    write_json(output / "manifest.json", manifest)
    return figures


def manifest_of(
    inputs: dict[str, Path | None], parameters: dict[str, Any], found: VideoFigures
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
        "tally": found.tally,
        "seconds": found.seconds,
    }
