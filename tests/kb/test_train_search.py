"""`howtree train search`: weights of the search by questions whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.command import ROOT, Run

from howtree.errors import BadInput
from kb.beside import beside
from kb.meaning.fit import FILE, SUFFIX, fits_of, read_fits
from kb.meaning.learn import gate_weights, order_weights
from kb.search import search
from kb.store import KnowledgeBase

QUESTIONS = ROOT / "data" / "eval" / "questions.jsonl"


def test_weights_beside_a_knowledge_base_count_for_it(run: Run, own_sample_kb: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    tuning = [line for line in lines if line["half"] == "tuning"]
    answered, others = (
        [line for line in tuning if bool(line["goals"]) is kind][::18] for kind in (True, False)
    )
    queries = tmp_path / "queries.jsonl"
    queries.write_text("".join(json.dumps(line) + "\n" for line in answered + others), encoding="utf-8")
    assert run("train", "search", "--kb", own_sample_kb, "--queries", queries).returncode == 0
    with KnowledgeBase(own_sample_kb) as kb:
        found = fits_of(kb)
        assert found != read_fits(FILE)
        assert all(weight >= 0 for weight in (*found.model.titled[:4], *found.model.titled[6:]))
        assert found.model.gate[-1] == 0  # one knowledge base says nothing of its size
        firsts = [(hits or [None])[0] for hits in (search(kb, line["question"]) for line in answered)]
        assert sum(hit is not None for hit in firsts) >= len(answered) / 2


def test_a_file_of_other_things_beside_it_is_refused(own_sample_kb: Path) -> None:
    beside(own_sample_kb, SUFFIX).write_text('{"words": {}}', encoding="utf-8")
    with KnowledgeBase(own_sample_kb) as kb, pytest.raises(BadInput, match="no weights of the search"):
        search(kb, "how do I clean my oven")


def test_what_belongs_together_is_given_together(run: Run, sample_kb_path: Path) -> None:
    command = ["train", "search", "--kb", sample_kb_path, "--queries", QUESTIONS]
    assert run(*command, "--queries", QUESTIONS).returncode == 2
    assert run(*command, "--stay", "1.5").returncode == 2


def test_no_weight_says_that_the_more_alike_goal_is_the_wrong_one() -> None:
    draws = np.random.default_rng(0)
    lists = []
    for _ in range(200):
        parts = draws.normal(size=(5, 7))
        worth = 3 * parts[:, 6] - 2 * parts[:, 0] - 2 * parts[:, 4]  # words speak against it, which cannot be
        lists.append((parts, np.arange(5) == worth.argmax()))
    weights = order_weights(lists)
    assert weights[0] == 0 and weights[4] < 0 < weights[6]


def test_the_bar_keeps_the_wished_share_out_and_rises_with_the_number_of_goals() -> None:
    draws, size = np.random.default_rng(0), np.repeat([0.0, 2.0], 400)
    right = np.tile([0.0, 1.0], 400)
    signals = draws.normal(size=(800, 5)) + right[:, None] * [2, 0, 0, 0, 0] + size[:, None] * [1, 0, 0, 0, 0]
    signals[:, -1] = size
    weights, bar = gate_weights(signals, right, (size > 0).astype(np.int64), [0.9, 0.7])
    shown = signals @ weights > bar
    shares = [1 - shown[(size == each) & (right == 0)].mean() for each in (0.0, 2.0)]
    assert shares == pytest.approx([0.9, 0.7], abs=0.02) and weights[-1] < 0
