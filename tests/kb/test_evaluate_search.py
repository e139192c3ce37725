"""`howtree evaluate search`: figures of answers that are known beforehand, and of the real search."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import ir_measures
import pytest
from support.command import Run
from support.schemas import checked

from kb.meaning.measure import Question, interval, measured
from kb.search import goal_id
from kb.store import KnowledgeBase


@dataclass
class Hit:
    article_id: int


def test_figures_are_those_of_an_independent_library(sample_kb: KnowledgeBase) -> None:
    answers = {"a": [1, 2, 3], "b": [4, 5, 6, 7, 8, 9], "c": [], "d": [2, 1]}
    right = {"a": {1, 3}, "b": {9}, "c": {1}, "d": {1}}
    questions = [Question(text, frozenset(goals), True) for text, goals in right.items()]
    (row,) = [
        row
        for row in measured(sample_kb, "x", lambda _, text, n: [Hit(i) for i in answers[text]], questions)
        if row.questions == "all"
    ]
    run = [
        ir_measures.ScoredDoc(q, str(i), -place) for q, ids in answers.items() for place, i in enumerate(ids)
    ]
    qrels = [ir_measures.Qrel(q, str(i), 1) for q, ids in right.items() for i in ids]
    same = {"ndcg@10": ir_measures.nDCG @ 10, "r@1": ir_measures.Success @ 1, "r@5": ir_measures.Success @ 5}
    oracle = ir_measures.calc_aggregate(same.values(), qrels, run)
    for name, measure in same.items():
        assert row.figures[name].value == pytest.approx(100 * oracle[measure], abs=0.06)
    assert row.figures["nothing"].value == 25


def test_an_interval_holds_the_mean_and_narrows() -> None:
    import numpy as np

    few, many = (interval(np.array([1.0, 0.0] * n), 0) for n in (5, 500))
    assert few.low < 50 == few.value < few.high
    assert many.high - many.low < few.high - few.low


def test_the_command_prints_a_row_a_kind(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    lines = [
        {"question": "how do I clean my oven", "goals": ["Clean-an-Oven"], "half": "report"},
        {
            "question": "which bleach gets dirt out of the loo",
            "goals": ["Clean a Bathroom"],
            "half": "report",
        },
        {"question": "how do I file my taxes", "goals": [], "half": "report"},
        {"question": "left out", "goals": [], "half": "tuning"},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    command = ["evaluate", "search", "--queries", path, "--half", "report", "--kb", sample_kb_path]
    value = checked(run(*command, "--format", "json").stdout, "evaluate-search")
    assert value["questions"] == 3
    found = {(row["way"], row["questions"]): row["figures"] for row in value["rows"]}
    assert found["words", "shared words"]["r@1"]["value"] == 100
    assert found["words", "unanswerable"]["nothing"]["value"] == 100
    assert found["words and meaning", "all"]["r@1"]["value"] >= 50
    assert "| words | all | 2 |" in run(*command, "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no questions"),
        ("[]", "line 1"),
        ('{"question": "x"}', "line 1"),
        ('{"question": "x", "goals": ["No-Such-Goal"]}', "No-Such-Goal"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    run: Run, sample_kb_path: Path, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    done = run("evaluate", "search", "--queries", path, "--kb", sample_kb_path)
    assert done.returncode == 1 and said in done.stderr


def test_every_goal_of_our_questions_is_in_the_sample(sample_kb: KnowledgeBase) -> None:
    from support.command import ROOT

    questions = (ROOT / "data" / "eval" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    goals = {goal for line in questions for goal in json.loads(line)["goals"]}
    assert len(questions) == 584 and all(goal_id(sample_kb, goal) for goal in goals)
