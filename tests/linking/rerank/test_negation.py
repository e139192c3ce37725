"""Steps that say what not to do: how they are known, and what a build links them to."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Run
from support.contents import rows
from support.reading import lines, simple

from linking.rerank.negation import averting, negated, opposed


@pytest.mark.parametrize(
    "step",
    [
        "Don't wash the car",
        "Do not wash it",
        "Don’t panic",
        "AVOID sugar",
        "Never run",
        "Make sure not to spill",
        "Not yet",
    ],
)
def test_a_step_that_forbids_is_negated(step: str) -> None:
    assert negated([step]).tolist() == [True]


@pytest.mark.parametrize(
    "step",
    [
        "Wash the car",
        "Don't forget to wash it",
        "Never hesitate to ask",
        "Note the date",
        "Nevertheless",
        "",
        "Nicht waschen",
    ],
)
def test_other_steps_are_not(step: str) -> None:
    assert negated([step]).tolist() == [False]


def test_a_goal_is_opposed_where_the_step_forbids_and_the_goal_averts_nothing() -> None:
    goals = ["Quit Smoking", "Smoke a Pipe", "Live Without Sugar", "Knot a Tie", "Deal with Stress"]
    averts = averting(goals)
    assert averts.tolist() == [True, False, True, False, True]
    found = opposed(["Don't smoke", "Smoke"], averts[[[0, 1, 3], [0, 1, 3]]])
    assert found.tolist() == [[False, True, True], [False, False, False]]


GOALS = ["Drink Alcohol", "Quit Drinking Alcohol", "Wash a Car", "Peel Carrots", "Tie a Tie", "Paint a Wall"]


def test_a_build_links_a_negated_step_to_a_goal_that_averts(run: Run, tmp_path: Path) -> None:
    steps = ["Avoid drinking alcohol", "Drink some alcohol", "Do not wash the car"]
    articles = [simple(goal, "Take your time over it") for goal in GOALS]
    source = lines(tmp_path / "articles.jsonl", *articles, simple("Look After Yourself", *steps))
    kb = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", kb)
    assert done.returncode == 0, done.stderr
    sql = """SELECT s.headline, a.goal, e.chosen FROM best_links e JOIN steps s USING (step_id)
             JOIN articles a ON a.article_id = e.child_id"""
    links = {step: (goal, chosen) for step, goal, chosen in rows(kb, sql)}
    assert links["Avoid drinking alcohol"][0] == "Quit Drinking Alcohol"
    assert links["Drink some alcohol"] == ("Drink Alcohol", True)
    assert links["Do not wash the car"] == ("Wash a Car", False)
