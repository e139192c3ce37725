"""`howtree evaluate linking --judged`: figures counted by hand, bad files named, rankings made elsewhere alike."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import Run
from support.schemas import checked
from support.small_kb import article, small_kb

from kb.store import KnowledgeBase
from linking.gold.judged import CHOSEN, Judged, read_judged
from linking.measure.judged import Sample, area_under_roc, at_threshold, precision_at
from linking.measure.judged_parts import (
    Candidates,
    JudgedStep,
    Outcomes,
    area,
    auc_of,
    by_step,
    calibration_error,
    calibration_of,
    levels_of,
    part_at,
    parts_of,
)
from linking.measure.judged_report import measure_judged
from linking.measure.reliability import error_of, reliability
from linking.pair import Place

CAR, TAP, OVEN = "Wash a Car", "Open a Tap", "Clean an Oven"


def judged(step: str, goal: str, grade: object, **fields: Any) -> dict[str, Any]:
    """A judged link as a file has it."""
    place = {
        "article": CAR,
        "method": "",
        "before": "",
        "after": "",
        "method_number": None,
        "step_number": None,
    }
    drawn = {"draw": "random", "stratum": "near", "weight": 2.0}
    return {"step": step, "goal": goal, "grade": grade, **drawn, **place, **fields}


def write(path: Path, *records: dict[str, Any] | str) -> Path:
    """JSON Lines; a string is written as it is."""
    lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def step(name: str, stratum: str = "all", weight: float = 1.0, **grades: int) -> JudgedStep:
    return JudgedStep(Place(name, "Article " + name[0]), (None, None), stratum, weight, grades)


def said(first: str | None, **probability: float) -> Candidates:
    return Candidates(probability, first, max(probability.values(), default=0.0))


STEPS = [
    step("a1", "chosen", 1, x=3, y=2),
    step("a2", "chosen", 1, x=0, y=2),
    step("b1", "low", 10, x=2),
    step("b2", "low", 10, x=1),
    step("c1", "selected", x=3),
]
SAID = [
    said("x", x=0.9, y=0.1),
    said("x", x=0.8, y=0.3),
    said("z", x=0.6),
    said("x", x=0.2),
    said("x", x=0.9),
]


def test_the_figures_are_those_counted_by_hand() -> None:
    outcomes = Outcomes(STEPS, SAID)
    every = part_at("all", outcomes, outcomes.weights(), outcomes.drawn, 0.5)
    assert (every.steps, every.stands_for) == (4, 22)
    assert every.linked.value == pytest.approx(100 * 12 / 22, abs=1e-3)
    assert every.precision.value == pytest.approx(100 * 11 / 12, abs=1e-3)
    assert every.exact.value == pytest.approx(100 / 12, abs=1e-3)
    assert every.helpful.value == pytest.approx(1000 / 12, abs=1e-3)
    assert every.findable.value == pytest.approx(1200 / 22, abs=1e-3)
    assert every.found.value == pytest.approx(1100 / 12, abs=1e-3)
    assert every.f_half.value == pytest.approx(1100 / 12, abs=1e-3)  # precision and found are equal here
    assert every.right_of_1000.value == pytest.approx(500, abs=1e-3)
    assert every.not_judged.value == pytest.approx(1000 / 12, abs=1e-3)  # "z" of the step b1
    names = [(part.name, part.steps) for part in parts_of(outcomes, outcomes.weights(), 0.5)]
    assert names == [("all", 4), ("chosen", 2), ("low", 2), ("selected", 1)]
    nothing = part_at("all", outcomes, outcomes.weights(), outcomes.drawn, 0.95)
    assert nothing.linked.value == 0 and nothing.precision.value is None and nothing.found.value == 0


def test_levels_are_at_the_highest_threshold_that_gives_the_right_links() -> None:
    found = measure_judged(STEPS, SAID, 0.5, {})
    assert {part.threshold for part in found.levels} == {0.9}
    outcomes = Outcomes(STEPS, SAID)
    assert [part.threshold for part in levels_of(outcomes, outcomes.weights(), (45, 46, 500, 501))] == [
        0.9,
        0.6,
        0.6,
    ]
    assert [len(found.curve), found.curve[0].threshold, found.curve[-1].threshold] == [100, 0.01, 1]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    dice = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        steps = [step(f"{chr(97 + n // 5)}{n}", x=2 if dice.random() < 0.6 else 0) for n in range(120)]
        outcomes = Outcomes(steps, [said("x", x=0.9)] * len(steps))
        precision = part_at("all", outcomes, outcomes.weights(), outcomes.drawn, 0.5).precision
        assert precision.low is not None and precision.high is not None
        held += precision.low <= 60 <= precision.high
    assert held >= 50


def test_calibration_error_is_that_of_the_bins_and_area_that_of_all_couples() -> None:
    dice = np.random.default_rng(0)
    probability, weights = np.round(dice.random(80), 1) * 0.99, dice.random(80) + 0.1
    right = dice.random(80) < probability
    found = calibration_error(weights[None, :], probability, right)
    assert found.value == pytest.approx(error_of(reliability(probability, right, weight=weights)), abs=1e-4)
    couples = [
        (
            weights[i] * weights[j],
            1.0 if probability[i] > probability[j] else 0.5 * (probability[i] == probability[j]),
        )
        for i, j in itertools.product(np.flatnonzero(right), np.flatnonzero(~right))
    ]
    expected = sum(weight * won for weight, won in couples) / sum(weight for weight, _ in couples)
    assert area(weights[None, :], probability, right)[0] == pytest.approx(expected)


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    """Three articles; "Rinse it." twice in one; candidates as a build leaves them."""
    import duckdb

    articles = [
        article(f"How to {CAR}", "Fill a bucket.", "Rinse it.", "Scrub the car.", "Rinse it.", "Rinse it."),
        article(TAP, "Turn it."),
        article(OVEN, "Scrub it."),
    ]
    path = small_kb(tmp_path, articles)
    with duckdb.connect(str(path)) as session:
        ids = dict(session.execute("SELECT goal, article_id FROM articles").fetchall())
        of_car = "SELECT step_id FROM steps WHERE article_id = ? ORDER BY step_id"
        fill, rinse, scrub, again, _ = (row[0] for row in session.execute(of_car, [ids[CAR]]).fetchall())
        for step_id, rank, goal, probability in (
            (fill, 1, TAP, 0.8),
            (fill, 2, OVEN, 0.1),
            (rinse, 1, TAP, 0.6),
            (again, 1, TAP, 0.55),
            (scrub, 1, OVEN, 0.3),
        ):
            session.execute(
                "INSERT INTO candidates VALUES (?, ?, ?, 0.5, NULL, ?, NULL)",
                [step_id, rank, ids[goal], probability],
            )
    return path


LINKS = [
    judged("Fill a bucket.", TAP, 3, after="Rinse it."),
    judged("Fill a bucket.", OVEN, 0, after="Rinse it."),
    judged(
        "Rinse it.", TAP, 1, method_number=1, step_number=2, before="Fill a bucket.", after="Scrub the car."
    ),
    judged("Scrub the car.", OVEN, 2, stratum="low", weight=10, before="Rinse it.", after="Rinse it."),
    judged("Rinse it.", TAP, 2, before="Scrub the car.", after="Rinse it."),
]


def test_a_knowledge_base_is_measured_by_the_command(run: Run, tmp_path: Path, kb: Path) -> None:
    gone = (
        judged("Dry it.", TAP, 3, after="Wax it."),
        judged("Scrub the car.", "Fly a Kite", 0, stratum="low", weight=10),
    )
    gone[1].update(before="Rinse it.", after="Rinse it.")
    file = write(tmp_path / "judged.jsonl", *LINKS, *gone)
    arguments = ("evaluate", "linking", "--judged", file, "--kb", kb)
    done = run(*arguments, "--format", "json", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "1 of 5 judged steps are not in" in done.stderr and "'Dry it.' of 'Wash a Car'" in done.stderr
    assert "1 judged goals are not in" in done.stderr and "Fly a Kite" in done.stderr
    found = checked(done.stdout, "evaluate-judged")
    every, near, low = found["parts"]
    assert (every["name"], every["steps"], every["stands_for"], every["threshold"]) == ("all", 4, 16, 0.5)
    assert every["precision"]["value"] == pytest.approx(
        200 / 3, abs=1e-3
    )  # filled and rinsed again, not rinsed
    assert near["linked"]["value"] == 100 and low["linked"]["value"] == 0 and low["findable"]["value"] == 100
    assert every["found"]["value"] == pytest.approx(100 * 4 / 14, abs=1e-3)
    assert found["tally"]["judged steps not in the knowledge base"] == 1
    assert json.loads((tmp_path / "out" / "figures.json").read_text(encoding="utf-8")) == found
    for name in ("curves.png", "reliability.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    lower = json.loads(run(*arguments, "--threshold", 0.2, "--format", "json").stdout)
    assert lower["parts"][0]["found"]["value"] == 100
    assert (
        "precision" in run(*arguments).stdout
        and "| steps |" in run(*arguments, "--format", "markdown").stdout
    )


def test_rankings_made_elsewhere_give_the_same_figures(run: Run, tmp_path: Path, kb: Path) -> None:
    file = write(tmp_path / "judged.jsonl", *LINKS[:2], LINKS[3])
    predictions = write(
        tmp_path / "mine.jsonl",
        {"article": CAR, "step": "Fill a bucket.", "goals": [TAP, None, OVEN], "scores": [0.8, 0.1, 0.1]},
        {"article": CAR, "step": "Scrub the car.", "goals": [OVEN], "scores": [0.3]},
    )
    theirs, ours = (
        json.loads(
            run("evaluate", "linking", "--judged", file, *what, "--threshold", 0.5, "--format", "json").stdout
        )
        for what in (("--predictions", predictions), ("--kb", kb))
    )
    for each in (theirs, ours):
        del each["reliability"]["before"], each["inputs"]
        each["tally"] = {name: n for name, n in each["tally"].items() if "not in the" not in name}
    assert theirs == ours
    bad = write(
        tmp_path / "bad.jsonl", {"article": CAR, "step": "Fill a bucket.", "goals": [TAP], "scores": [7]}
    )
    done = run("evaluate", "linking", "--judged", file, "--predictions", bad)
    assert done.returncode == 1 and "score from 0 to 1" in done.stderr
    strange = write(
        tmp_path / "strange.jsonl", {"article": CAR, "step": "Fly", "goals": [TAP], "scores": [1]}
    )
    done = run("evaluate", "linking", "--judged", file, "--predictions", strange)
    assert done.returncode == 1 and "none is a judged step" in done.stderr


WITHOUT_CONTEXT = {name: value for name, value in LINKS[0].items() if name != "before"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "holds no judged links"),
        (["{"], "judged.jsonl:1"),
        ([judged("Fill", TAP, 4)], "the grade 4 is unknown: it is 0 (unhelpful), 1 (related)"),
        ([WITHOUT_CONTEXT], "judged.jsonl:1: 'before' is missing"),
        ([judged("Fill", TAP, 2), judged("Fill", TAP, 1)], "grade the same step and goal 2 and 1"),
        (
            [judged("Fill", TAP, 2), judged("Fill", OVEN, 1, weight=3)],
            "a step stands for one number of steps",
        ),
        ([judged("Fly", TAP, 2)], "none of the 1 judged steps is in"),
    ],
)
def test_a_bad_file_is_named(run: Run, tmp_path: Path, kb: Path, records: list, message: str) -> None:
    file = write(tmp_path / "judged.jsonl", *records)
    done = run("evaluate", "linking", "--judged", file, "--kb", kb)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_without_a_random_draw_every_step_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [judged("Fill", TAP, 2, draw="selected"), judged("Fill", OVEN, 0, draw="selected")]
    (read,) = by_step(read_judged(write(tmp_path / "judged.jsonl", *lines))[0])
    assert (read.stratum, read.weight, read.grades) == ("all", 1.0, {TAP: 2, OVEN: 0})
    assert "every step counts once" in capsys.readouterr().err


def test_a_linker_s_scores_of_pairs_give_the_same_figures_as_in_training() -> None:
    dice = np.random.default_rng(5)
    links = [
        Judged(
            Place(f"step {n // 3}", f"Article {n // 6}"),
            f"Goal {n % 3}",
            int(dice.integers(0, 4)),
            rank=n % 3 + 1,
            stratum=CHOSEN if n // 3 % 2 else "low",
            weight=1.0 if n // 3 % 2 else 7.5,
        )
        for n in range(360)
    ]
    score = dice.permutation(np.arange(1, 361)) / 361
    steps = by_step(links)
    candidates = [
        Candidates({f"Goal {k}": float(score[3 * i + k]) for k in range(3)}, None, 1.0)
        for i in range(len(steps))
    ]
    outcomes, sample = Outcomes(steps, candidates), Sample.of(links)
    weights, expected = outcomes.weights()[:1], at_threshold(sample, score, 0.6)
    every = part_at("all", outcomes, weights, outcomes.drawn, 0.6)
    for ours, theirs in (
        (every.precision, 100 * expected["precision"]),
        (every.exact, 100 * expected["exact"]),
        (every.found, 100 * expected["recall"]),
        (every.right_of_1000, expected["right"]),
        (calibration_of(outcomes, weights, 0.6)["links"], expected["ECE chosen"]),
        (calibration_of(outcomes, weights, 0.6)["candidates from 0.2 on"], expected["ECE from 0.2"]),
        (levels_of(outcomes, weights, [27])[0].precision, 100 * precision_at(sample, score, 27)),
        (auc_of(outcomes, weights)["candidates"], area_under_roc(sample.right, score)),
    ):
        assert ours.value == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--kb", "kb.duckdb", "--predictions", "p.jsonl"],
        ["--kb", "kb.duckdb", "--dev"],
        ["--kb", "kb.duckdb", "--gold", "gold.jsonl"],
        ["--predictions", "p.jsonl", "--predictions", "q.jsonl"],
    ],
)
def test_what_does_not_go_together_is_wrong_usage(run: Run, arguments: list[str]) -> None:
    done = run("evaluate", "linking", "--judged", "judged.jsonl", *arguments)
    assert done.returncode == 2 and "--judged" in done.stderr and "Traceback" not in done.stderr
    assert run("evaluate", "linking", "--kb", "kb.duckdb", "--threshold", 0.5).returncode == 2


def test_verdicts_of_a_drawn_plan_come_back_as_judged_links(run: Run, tmp_path: Path, kb: Path) -> None:
    import csv

    import duckdb

    with duckdb.connect(str(kb)) as session:
        first = "SELECT s.article_id, step_id, c.article_id, probability, 'model', NULL FROM candidates c JOIN steps s "
        first += "USING (step_id) WHERE rank = 1 AND probability"
        session.execute(f"INSERT INTO edges {first} >= 0.5")
        session.execute(f"INSERT INTO guesses {first} < 0.5")
    plan = tmp_path / "plan.csv"
    sample = ("review", "sample", "--strata", "--candidates", 2, "-o", plan, "--kb", kb)
    assert run(*sample).returncode == 0
    rows = list(csv.DictReader(plan.open(encoding="utf-8")))
    assert sorted((row["step_text"], row["goal_title"]) for row in rows) == [
        ("Fill a bucket.", OVEN),
        ("Fill a bucket.", TAP),
        ("Rinse it.", TAP),
        ("Rinse it.", TAP),
        ("Scrub the car.", OVEN),
    ]
    assert not {"stratum", "probability", "rank"} & rows[0].keys()
    two = run(*sample[:-2], "--size", 2, "--kb", kb)
    assert two.returncode == 0
    drawn = {row["step_text"] for row in csv.DictReader(plan.open(encoding="utf-8"))}
    assert "Scrub the car." in drawn and len(drawn) == 2  # one of the near misses, one of those linked
    grades = {"Fill a bucket.": "exact", "Rinse it.": "related", "Scrub the car.": "helpful"}
    for row in rows:
        row["verdict"] = (
            "unhelpful" if row["goal_title"] == OVEN and row["step"] == "1" else grades[row["step_text"]]
        )
    with plan.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in rows if row["step"] != "4")
    assert run("review", "add", "--file", plan, "--who", "ann", "--kb", kb).returncode == 0
    written = tmp_path / "said.jsonl"
    assert run("review", "export", "--judged", "-o", written, "--kb", kb).returncode == 0
    steps = {each.place.step: each for each in by_step(read_judged(written)[0])}
    assert {name: (each.stratum, each.weight) for name, each in steps.items()} == {
        "Fill a bucket.": ("chosen", 1.5),  # two of three linked steps were judged
        "Rinse it.": ("chosen", 1.5),
        "Scrub the car.": ("near", 1.0),
    }
    assert steps["Fill a bucket."].grades == {TAP: 3, OVEN: 0} and steps["Scrub the car."].grades == {OVEN: 2}
    found = json.loads(run("evaluate", "linking", "--judged", written, "--kb", kb, "--format", "json").stdout)
    assert found["parts"][0]["precision"]["value"] == 50
    with KnowledgeBase(kb) as base:
        from kb.review.strata import judged_links

        assert len(list(judged_links(base))) == 4
    assert run("review", "sample", "--candidates", 2, "--kb", kb).returncode == 2
