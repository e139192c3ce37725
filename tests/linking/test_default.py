"""The build that names no encoder: the one whose weights an install brings."""

from __future__ import annotations

import re
from pathlib import Path

from support.command import ROOT, SAMPLE, Run
from support.pages import blocks
from support.weights import needs_large

from kb.store import KnowledgeBase
from linking.encode.folder import LARGE_ENCODER, SMALL_ENCODER

EDGES = "SELECT parent_id, step_id, child_id, probability FROM edges ORDER BY ALL"
GUESSES = EDGES.replace("FROM edges", "FROM guesses")


def test_it_takes_the_smaller_encoder(sample_kb_path: Path) -> None:
    with KnowledgeBase(sample_kb_path) as kb:
        assert kb.meta["encoder"] == SMALL_ENCODER
        assert kb.query(EDGES).fetchall() != []


@needs_large
def test_the_larger_encoder_links_in_its_own_way(run: Run, tmp_path: Path) -> None:
    pages, guesses = sorted(SAMPLE.glob("*.html"))[::6], {}
    for encoder in (LARGE_ENCODER, SMALL_ENCODER):
        output = tmp_path / f"{encoder}.duckdb"
        assert run("build", *pages, "-o", output, HOWTREE_ENCODER=encoder).returncode == 0
        with KnowledgeBase(output) as kb:
            assert kb.meta["encoder"] == encoder
            guesses[encoder] = kb.query(GUESSES).fetchall()
    assert [] != guesses[LARGE_ENCODER] != guesses[SMALL_ENCODER] != []


def test_what_ships_stays_small() -> None:
    shipped = sum(path.stat().st_size for path in (ROOT / "linking" / "models").rglob("*"))
    assert 1e6 < shipped <= 64e6


def test_the_tree_of_the_readme_is_a_part_of_the_real_one(run: Run, sample_kb_path: Path) -> None:
    shown = [
        line for block in blocks(ROOT / "README.md", "text") for line in block.splitlines() if "─" in line
    ]
    root = next(block for block in blocks(ROOT / "README.md", "text") if "─" in block).splitlines()[0]
    real = run("tree", root, "--depth", 9, "--kb", sample_kb_path).stdout.splitlines()
    without_figures = [re.sub(r"\[[\d.]+ ", "[", line) for line in real]
    assert len(shown) >= 5
    for line in shown:
        assert re.sub(r"\[[\d.]+ ", "[", line) in without_figures
