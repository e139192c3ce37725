"""The figures on real videos: L0 against a naive scorer, and all against the floors in data/eval/video.json.

Skips without HOWTREE_REAL_DATA. Queries of a goal's own steps need no linker; those that follow links are held on
a knowledge base of video/articles.jsonl and the quarter of wikiHow's articles that tests/support/real.py writes.
`python tests/kb/video/test_video_real.py KB`, with the path of such a knowledge base, measures anew and writes the
floors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.video_samples import NaiveBm25, make_kb, naive_ranks

from howtree.files import digest_of_file, read_json, write_json
from kb.store import KnowledgeBase
from kb.video.corpus import read_videos
from kb.video.queries import FORMS, goals_with_steps
from kb.video.retrieval import evaluate

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
FLOORS = Path(__file__).parents[3] / "data" / "eval" / "video.json"
INPUTS = ("video/videos.jsonl.gz", "video/articles.jsonl", "articles/wikihow.jsonl.gz")
KEPT = ("mean_rank", "mean_rank_per_goal", "recall@10", "precision@10")
SLACK = {"goals alone": 1e-6, "with links": 0.05}
"""Figures without links are the same everywhere; a link more or less may follow from other processors."""

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="HOWTREE_REAL_DATA does not name the real data")
pytestmark = [pytest.mark.real, needs_data]

Figures = dict[str, dict[str, dict[str, float]]]


def figures(base: Path, names: tuple[str, ...], output: Path) -> Figures:
    """Split -> query -> the figures that are pinned, at the paper's weights."""
    videos = read_videos(DATA / INPUTS[0])
    forms = [form for form in FORMS if form.name in names]
    with KnowledgeBase(base) as opened:
        goals = goals_with_steps(opened, videos.goals, max(form.depth for form in forms))
    result: Figures = {}
    for row in evaluate(videos, goals, output, forms=forms, weights=()).rows:
        found = row.to_dict()
        result.setdefault(row.split, {})[row.query] = {name: found[name] for name in KEPT}
    return result


def without_links(folder: Path) -> Figures:
    """The figures of L0, L1 and FIL-L1 on a knowledge base of the dishes alone."""
    articles = {}
    for line in (DATA / INPUTS[1]).read_text(encoding="utf-8").splitlines():
        article = json.loads(line)
        articles[article["title"]] = [step for method in article["methods"] for step in method["steps"]]
    return figures(make_kb(folder / "kb.duckdb", articles), ("L0", "L1", "FIL-L1"), folder / "out")


def with_links(base: Path, folder: Path) -> Figures:
    """The figures of the queries that follow links, on the knowledge base `base`."""
    return figures(base, ("L2", "FIL-L2", "FIL-L3"), folder / "out")


def hold(found: Figures, name: str) -> None:
    """Compare with the floors: ranks may not be higher, recall and precision not lower."""
    floors = read_json(FLOORS)
    digests = {each: digest_of_file(DATA / each) for each in INPUTS}
    assert floors["inputs"] == digests, "the data are others than the floors were measured on: measure anew"
    for split, queries in floors[name].items():
        for query, pinned in queries.items():
            for measure, value in pinned.items():
                ours = found[split][query][measure]
                worse = ours / value - 1 if "rank" in measure else 1 - ours / value
                assert worse <= SLACK[name], f"{split} {query} {measure}: {ours} is worse than {value}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return without_links(tmp_path_factory.mktemp("video"))


def test_l0_agrees_with_a_naive_scorer_to_the_digit(found: Figures) -> None:
    videos = read_videos(DATA / INPUTS[0])
    for name, split in videos.splits.items():
        bm25 = NaiveBm25(split.texts)
        ranks = [
            naive_ranks(bm25.scores(videos.goals[key]), split.ids, relevant)
            for key, relevant in split.relevant.items()
        ]
        hits = [sum(rank <= 10 for rank in each) for each in ranks]
        naive = {
            "mean_rank": np.mean([rank for each in ranks for rank in each]),
            "mean_rank_per_goal": np.mean([np.mean(each) for each in ranks]),
            "recall@10": np.mean([hit / len(each) for hit, each in zip(hits, ranks, strict=True)]),
            "precision@10": np.mean(hits) / 10,
        }
        assert found[name]["L0"] == pytest.approx(naive, rel=1e-12)


def test_figures_without_links_hold(found: Figures) -> None:
    hold(found, "goals alone")
    assert found["train"]["FIL-L1"]["mean_rank"] < found["train"]["L0"]["mean_rank"]


def test_figures_with_links_hold(real_kb_path: Path, tmp_path: Path) -> None:
    hold(with_links(real_kb_path, tmp_path), "with links")


def pin(base: Path) -> dict[str, Any]:
    """Measure all figures for the floors."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        return {
            "inputs": {each: digest_of_file(DATA / each) for each in INPUTS},
            "goals alone": without_links(Path(one)),
            "with links": with_links(base, Path(two)),
        }


if __name__ == "__main__":
    write_json(FLOORS, pin(Path(sys.argv[1])))
