"""The build that names no encoder: the best one that ships, the same links each time."""

from __future__ import annotations

import re
from pathlib import Path

from support.command import ROOT, SAMPLE, Run
from test_docs import blocks

from kb.store import KnowledgeBase
from linking.encode.encoder import LARGE_ENCODER, SMALL_ENCODER

EDGES = "SELECT parent_id, step_id, child_id, probability FROM edges ORDER BY ALL"


def test_it_takes_the_best_encoder_and_links_alike_each_time(
    run: Run, default_kb_path: Path, sample_kb_path: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.duckdb"
    assert run("build", SAMPLE, "-o", again, HOWTREE_ENCODER="").returncode == 0
    with KnowledgeBase(default_kb_path) as first, KnowledgeBase(again) as second:
        assert first.meta["encoder"] == LARGE_ENCODER
        edges = first.query(EDGES).fetchall()
        assert edges == second.query(EDGES).fetchall() != []
    with KnowledgeBase(sample_kb_path) as small:
        assert small.meta["encoder"] == SMALL_ENCODER
        assert small.query(EDGES).fetchall() != edges


def test_what_ships_stays_small() -> None:
    shipped = sum(path.stat().st_size for path in (ROOT / "linking" / "models").rglob("*"))
    assert 1e6 < shipped <= 40e6


def test_the_tree_of_the_readme_is_a_part_of_the_real_one(run: Run, default_kb_path: Path) -> None:
    shown = [
        line for block in blocks(ROOT / "README.md", "text") for line in block.splitlines() if "─" in line
    ]
    root = next(block for block in blocks(ROOT / "README.md", "text") if "─" in block).splitlines()[0]
    real = run("tree", root, "--depth", 9, "--kb", default_kb_path).stdout.splitlines()
    without_figures = [re.sub(r"\[[\d.]+ ", "[", line) for line in real]
    assert len(shown) >= 5
    for line in shown:
        assert re.sub(r"\[[\d.]+ ", "[", line) in without_figures
