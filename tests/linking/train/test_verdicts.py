"""What people say reaches every trainer: steps without a goal, rejected goals, and lines that contradict each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from support.command import Run as RunCommand
from support.gold import SMALL, THINGS, small_gold

from linking.encode.encoder import load_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.examples import Examples
from linking.gold.links import Gold, split_of
from linking.gold.settle import read_settled
from linking.rerank.decide import Decision
from linking.text import step_text
from linking.train.decision import train_decision
from linking.train.fine_tuning import Run
from linking.train.recipe import NONE, unlinked_loss
from linking.train.reranker import fit_weights
from linking.train.retriever import train_retriever
from linking.train.verifier.articles import Articles
from linking.train.verifier.course import GoldList
from linking.train.verifier.lists import gold_lists

CAR, BOAT, BREAD = "Wash a Car", "Wash a Boat", "Bake Bread"


def gold_file(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lines", "pairs", "rejected", "counted"),
    [
        ([{"goal": CAR}, {"goal": BOAT}], [CAR, BOAT], set(), {}),
        ([{"goal": CAR}, {"goal": CAR}], [CAR, CAR], set(), {"repeated": 1}),
        ([{"goal": None, "not": [CAR]}], [""], {CAR}, {"unlinked": 1, "rejected": 1}),
        ([{"goal": CAR, "not": [BOAT]}], [CAR], {BOAT}, {"rejected": 1}),
        ([{"goal": CAR}, {"goal": None, "not": [CAR]}], [""], {CAR}, {"overruled": 1}),  # a person beats an editor
        ([{"goal": CAR, "not": []}, {"goal": BOAT, "not": [CAR]}], [BOAT], set(), {"disputed": 1}),
        ([{"goal": CAR}, {"goal": None, "not": [CAR], "models": ["model:m"]}], [CAR], set(), {"both": 1}),
        ([{"goal": CAR, "not": [], "models": ["model:m"]}, {"goal": None, "not": [CAR]}], [""], {CAR},
         {"overruled": 1}),
        ([{"goal": CAR}, {"goal": None}], [CAR], set(), {"both": 1}),
        ([{"goal": CAR}, {"step": "Wash it!", "goal": None, "not": [CAR]}], [""], {CAR}, {"overruled": 1}),
    ],
)  # fmt: skip
def test_lines_that_contradict_are_settled(
    tmp_path: Path,
    lines: list[dict[str, object]],
    pairs: list[str],
    rejected: set[str],
    counted: dict[str, int],
) -> None:
    gold, tally = read_settled(
        gold_file(tmp_path / "gold.jsonl", *({"step": "Wash it.", **line} for line in lines))
    )
    assert gold.goals == pairs
    assert gold.rejected.get("Wash it", frozenset()) == rejected
    found = {name: getattr(tally, name) for name in ("repeated", "overruled", "disputed", "both")}
    assert found == {name: counted.get(name, 0) for name in found}
    for name, count in counted.items():
        assert getattr(tally, name) == count


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({}, True),
        ({"place": "body", "anchor": "car"}, False),
        ({"place": "headline", "anchor": "Wash it."}, True),
        ({"anchor_in_headline": False, "anchor": "car"}, False),
        ({"anchor_in_headline": True, "anchor": "Wash it."}, True),
    ],
)
def test_hyperlinks_that_only_mention_a_goal_are_no_gold(
    tmp_path: Path, said: dict[str, object], kept: bool
) -> None:
    lines = {"step": "Wash it.", "goal": "Drive a Car", **said}, {"step": "Bake it", "goal": BREAD}
    gold, tally = read_settled(gold_file(tmp_path / "gold.jsonl", *lines))
    assert gold.goals == ["Drive a Car"] * kept + [BREAD] and tally.mentions == (not kept)
    assert ("only mention a goal" in tally.line()) == (not kept)


def test_an_unknown_place_is_named(run: RunCommand, tmp_path: Path) -> None:
    gold_file(tmp_path / "gold.jsonl", {"step": "Wash it", "goal": CAR, "place": "footer"})
    (tmp_path / "goals.txt").write_text(f"{CAR}\n", encoding="utf-8")
    done = run("train", "decision", "--gold", "gold.jsonl", "--goals", "goals.txt", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1 and "gold.jsonl:1: expected" in done.stderr


@pytest.mark.parametrize("wrong", ["Wash a Car", [3], {"a": 1}])
@pytest.mark.parametrize("trainer", ["decision", "retriever"])
def test_a_list_of_rejected_titles_that_is_none_is_named(
    run: RunCommand, tmp_path: Path, trainer: str, wrong: object
) -> None:
    gold_file(tmp_path / "gold.jsonl", {"step": "Wash it", "goal": CAR, "not": wrong})
    (tmp_path / "goals.txt").write_text(f"{CAR}\n", encoding="utf-8")
    done = run("train", trainer, "--gold", "gold.jsonl", "--goals", "goals.txt", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1 and "gold.jsonl:1: expected" in done.stderr and "Traceback" not in done.stderr


def test_the_loss_of_a_step_without_a_goal_is_the_formula() -> None:
    cosines = np.random.default_rng(0).uniform(-1, 1, (3, 5))
    expected = np.log(1 + np.exp(4 * (cosines - NONE)).sum(axis=1)).mean()
    assert float(unlinked_loss(torch.tensor(cosines), 4.0)) == pytest.approx(expected)


def small_run(folder: Path, rejected: dict[str, frozenset[str]]) -> Run:
    steps, goals, lone = ["Wash it", "Bake it"], [CAR, BREAD], ["Enjoy it"]
    also = [frozenset((goal,)) for goal in goals]
    examples = Examples(steps, goals, also, lone, rejected)
    pool = [CAR, "Wash a Car Today", BREAD, BOAT]
    return Run(load_encoder(precision="float32"), examples, Gold(steps, goals), pool, folder, SMALL)


def test_a_rejected_goal_is_always_a_negative(tmp_path: Path) -> None:
    near = "Wash a Car Today"
    before, after = (
        small_run(tmp_path, each) for each in ({}, {"Wash it": frozenset((near, "Not in the Pool"))})
    )
    assert before.may_be_right([0], [CAR, near])[0, 1]  # a near-duplicate is masked
    assert not after.may_be_right([0], [CAR, near])[0, 1]
    mined = [np.array([2, 3]), np.array([3]), np.array([0])]
    for seed in range(5):
        assert 1 in after.drawn([0], mined, np.random.default_rng(seed))[0]
    drawn = [1 in before.drawn([0], [np.array([2, 3])], np.random.default_rng(seed))[0] for seed in range(5)]
    assert not any(drawn)


def test_steps_without_a_goal_are_in_every_round(tmp_path: Path) -> None:
    run = small_run(tmp_path, {"Enjoy it": frozenset((BOAT,))})
    assert sorted(next(run.batches(np.random.default_rng(0)))) == [0, 1, 2]
    assert run.drawn([2], [np.empty(0, np.int64)] * 3, np.random.default_rng(0))[0, 0] == 3
    hard = np.array([[1, 3], [0, 3], [0, 3]])
    for rows, lists in (([0, 1, 2], hard), ([2], hard[2:]), ([0, 1, 2], None)):
        run.gradient(rows, lists)
        gradient = sum(
            float(p.grad.abs().sum()) for p in run.encoder.model.parameters() if p.grad is not None
        )
        assert gradient > 0
    with torch.no_grad():
        pairs, lone, both = (float(run.loss(rows, hard[rows])) for rows in ([0, 1], [2], [0, 1, 2]))
    assert min(pairs, lone, both) >= 0 and lone > 0


def test_training_takes_steps_without_a_goal_away_from_goals(run: RunCommand, tmp_path: Path) -> None:
    gold, pool = small_gold()
    lone = [f"Look at the {thing} for the {time} time" for thing in ("car", "bike", "wall", "boat", "cat", "roof")
            for time in ("first", "second", "third", "fourth", "fifth", "sixth")]  # fmt: skip
    rejected = {step: frozenset(("Wash a Car",)) for step in lone}
    told = Gold(gold.steps + lone, gold.goals + [""] * len(lone), rejected)
    part = split_of(lone)

    def nearest(folder: Path) -> float:
        encoder = load_encoder(str(folder))
        held = [step for step, of in zip(lone, part, strict=True) if of != "train"]
        return float((encoder.encode(held) @ encoder.encode(pool).T).max(axis=1).mean())

    for name, data in (("without", gold), ("with", told)):
        train_retriever(
            data,
            pool,
            BASE_ENCODER,
            tmp_path / name,
            tmp_path / f"{name}.work",
            SMALL,
            "made up",
        )
    assert (part != "train").sum() > 2
    assert nearest(tmp_path / "with") < nearest(tmp_path / "without") - 0.05
    assert "36 steps" not in (tmp_path / "without" / "README.md").read_text(encoding="utf-8")
    assert "steps without a goal" in (tmp_path / "with" / "README.md").read_text(encoding="utf-8")

    (tmp_path / "goals.txt").write_text("\n".join(pool), encoding="utf-8")
    pairs = [{"step": step, "goal": goal} for step, goal in zip(gold.steps, gold.goals, strict=True)]
    nulls = [{"step": step, "goal": None, "not": ["Wash a Car", "Fly to the Moon"]} for step in lone]
    weights = {}
    for name, lines in (("pairs", pairs), ("nulls", [*pairs, *nulls])):
        shutil.copytree(tmp_path / "without", tmp_path / name)
        gold_file(tmp_path / "gold.jsonl", *lines)
        done = run(
            "train",
            "reranker",
            "--gold",
            "gold.jsonl",
            "--goals",
            "goals.txt",
            "--encoder",
            name,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        files = [
            json.loads((tmp_path / name / f"{part}.json").read_text()) for part in ("reranker", "decision")
        ]
        weights[name] = files
    assert "36 steps without a goal, 72 rejected pairs" in done.stderr
    assert "1 rejected goals are not among the titles of the pool" in done.stderr
    assert weights["pairs"][0]["weights"] != weights["nulls"][0]["weights"]
    assert "120 pairs" in weights["pairs"][1]["fitted_on"] and "156 pairs" in weights["nulls"][1]["fitted_on"]


def test_the_decision_takes_steps_without_a_goal_for_no_link(tmp_path: Path) -> None:
    gold, pool = small_gold()
    encoder = load_encoder()
    lone = [
        f"Look at the {thing} from the {side}"
        for thing in THINGS
        for side in ("left", "right", "top", "back")
    ]
    told = Gold(gold.steps + lone, gold.goals + [""] * len(lone))
    plain, informed = (train_decision(each, pool, encoder, tmp_path, "made up") for each in (gold, told))
    cosines = encoder.encode([step_text(step) for step in lone]) @ encoder.encode(pool).T

    def linked(decision: Decision) -> float:
        return float(decision.probabilities(np.sort(cosines, axis=1)[:, ::-1]).max(axis=1).mean())

    assert informed.held_out > plain.held_out
    assert linked(informed.decision) < linked(plain.decision)


def test_the_lists_of_a_cross_encoder_hold_what_people_said(tmp_path: Path) -> None:
    gold, pool = small_gold()
    (step,) = [s for s, part in zip(gold.steps, split_of(gold.steps), strict=True) if part == "train"][:1]
    lone = next(text for i in range(99) if split_of([text := f"Look up {i}"])[0] == "train")
    rejected = {step: frozenset(("Bake Bread",)), lone: frozenset(("Wash a Cat", "Not in the Pool"))}
    told, encoder = Gold([*gold.steps, lone], [*gold.goals, ""], rejected), load_encoder()

    def listed(no_link: bool) -> dict[str, GoldList]:
        found = gold_lists(told, pool, encoder, Articles(), tmp_path, 999, 0, no_link=no_link)
        return {each.place.step: each for each in found}

    with_none, without = listed(True), listed(False)
    assert with_none.keys() - without.keys() == {lone} and with_none[lone].right is None
    assert with_none[lone].others[0].title == "Wash a Cat"
    assert with_none[step].others[0].title == "Bake Bread" == without[step].others[0].title


def test_what_people_rejected_counts_twice_in_the_reranker() -> None:
    dice = np.random.default_rng(1)
    features = dice.normal(size=(40, 6, 5))
    positions, there, seen = np.zeros(40, np.int64), np.ones((40, 6), bool), dice.random(40) < 0.5
    features[:, 0, 0] += 1
    rejected = np.zeros((40, 6), bool)
    plain = fit_weights(features, positions, there, seen)
    assert fit_weights(features, positions, there, seen, rejected=rejected) == plain
    rejected[:, 1] = True
    features[:, 1, 1] += 1  # what is rejected has much of feature 1, which is so to weigh less
    told = fit_weights(features, positions, there, seen, rejected=rejected)
    assert told[1] < fit_weights(features, positions, there, seen)[1]


def test_steps_without_a_goal_hold_the_reranker_back() -> None:
    """Where a feature is as high in lists without a right goal, it says less of what is right."""
    dice = np.random.default_rng(2)
    features = dice.normal(size=(60, 6, 5))
    features[:30, 0, 0] += 2
    features[:30, 0, 1] += 2
    features[30:, 0, 1] += 2  # feature 1 is high in the first goal of lists without a right one, too
    positions = np.where(np.arange(60) < 30, 0, -1)
    there, seen = np.ones((60, 6), bool), np.arange(60) % 2 == 0
    told = fit_weights(features, positions, there, seen)
    plain = fit_weights(features[:30], positions[:30], there[:30], seen[:30])
    assert len(told) == len(plain) == 5
    assert told[1] < plain[1]
