"""Pairs that a model was trained on are counted and left out of its evaluation, unless they are asked for."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from support.command import Run
from support.shared import made_once

from linking.gold.links import read_gold, split_of
from linking.measure.trained import trained_on

THINGS = ("car", "bike", "wall", "shirt", "window", "oven", "garden", "boat", "cat", "piano", "roof", "floor")
VERBS = {"Wash": "Scrub", "Repair": "Mend", "Paint": "Colour", "Sell": "Find a buyer for", "Draw": "Sketch"}


def write_files(folder: Path) -> Path:
    """gold.jsonl with 120 paraphrases made by hand, two steps a goal, and titles.txt."""
    pairs = [
        (f"{said} {word} {thing}", f"{verb} a {thing.title()}")
        for verb, said in VERBS.items()
        for thing in THINGS
        for word in ("the", "your")
    ]
    random.Random(0).shuffle(pairs)
    lines = "".join(json.dumps({"step": step, "goal": goal}) + "\n" for step, goal in pairs)
    (folder / "gold.jsonl").write_text(lines, encoding="utf-8")
    (folder / "titles.txt").write_text("\n".join(sorted({goal for _, goal in pairs})), encoding="utf-8")
    return folder


FILES = ("--gold", "gold.jsonl", "--goals", "titles.txt")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gold, pool, and a copy of the packaged model with a reranker fitted to them."""
    from support.command import within

    def make(folder: Path) -> Path:
        write_files(folder)
        done = within("train", "reranker", *FILES, "--encoder", "howtree-retriever", "-o", "mine", cwd=folder)
        assert done.returncode == 0, done.stderr
        return folder

    return made_once(tmp_path_factory, "trained", make)


def measure(run: Run, home: Path, *options: str) -> tuple[dict, str]:
    done = run("evaluate", "linking", *FILES, "--models", "mine", "--format", "json", *options, cwd=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_shipped_model_is_fitted_anew_in_a_copy(home: Path) -> None:
    made = {path.name for path in (home / "mine").iterdir()}
    assert {"delta.safetensors", "model.json", "reranker.json", "precedents.npz", "decision.json"} <= made
    reranker = json.loads((home / "mine" / "reranker.json").read_text(encoding="utf-8"))
    assert "gold.jsonl" in json.dumps(reranker)


def test_pairs_that_were_trained_on_are_counted_and_left_out(run: Run, home: Path) -> None:
    part = split_of(read_gold(home / "gold.jsonl").steps)
    held = int((part == "dev").sum())
    assert 0 < held < 30
    found, said = measure(run, home)
    assert found["tally"]["pairs"] == held and found["tally"]["pairs left out, trained on"] == 120 - held
    assert f"mine was trained on {120 - held}" in said and "--include-trained" in said
    everything, said = measure(run, home, "--include-trained")
    assert everything["tally"]["pairs"] == 120 and f"mine was trained on {120 - held}" in said
    tenth, said = measure(run, home, "--dev")
    assert tenth["rows"][0]["recall@1"] == found["rows"][0]["recall@1"] and "trained on" not in said


def test_links_that_are_new_to_the_model_stay_whatever_their_hash_says(home: Path) -> None:
    gold = read_gold(home / "gold.jsonl")
    others = type(gold)(
        [f"Think of the {step.split()[-1]} {i}" for i, step in enumerate(gold.steps)], gold.goals
    )
    assert (split_of(others.steps) == "train").any()
    assert not trained_on(others, str(home / "mine")).any()
    assert not trained_on(gold, "howtree-retriever").any() and not trained_on(gold, "all-MiniLM-L6-v2").any()


def test_nothing_left_to_measure_is_an_error_that_says_what_to_do(
    run: Run, home: Path, tmp_path: Path
) -> None:
    gold = read_gold(home / "gold.jsonl")
    lines = (home / "gold.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line, part in zip(lines, split_of(gold.steps), strict=True) if part == "train"]
    (tmp_path / "gold.jsonl").write_text("".join(kept), encoding="utf-8")
    (tmp_path / "titles.txt").write_text((home / "titles.txt").read_text(encoding="utf-8"), encoding="utf-8")
    done = run("evaluate", "linking", *FILES, "--models", home / "mine", cwd=tmp_path)
    assert done.returncode == 1 and "nothing is left to measure" in done.stderr
    assert "--include-trained" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.real
def test_all_of_the_real_training_is_known_and_hardly_anything_else(real_data: Path) -> None:
    gold = read_gold(real_data / "gold" / "step_goal_train.jsonl")
    some = type(gold)(gold.steps[::7], gold.goals[::7])
    known, part = trained_on(some, "howtree-retriever"), split_of(some.steps)
    assert known[part != "dev"].all() and known[part == "dev"].mean() < 0.02
