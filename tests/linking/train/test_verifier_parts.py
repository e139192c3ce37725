"""The parts of a verifier's training: losses, what is dropped, rules, and the judgement's fit."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier
from support.verifiers import random_cross_encoder

from howtree.errors import BadInput
from linking.gold.judged import Judged
from linking.measure.judged import Sample
from linking.pair import Candidate, Pair, Place
from linking.train.verifier.course import (
    RIGHT,
    UNKNOWN,
    WRONG,
    Course,
    GoldList,
    GradedPair,
    best_loss,
    graded_loss,
    targets_of,
    yes_or_no,
)  # fmt: skip
from linking.train.verifier.figures import threshold_at
from linking.train.verifier.forest import grow_forest
from linking.train.verifier.judgement import Links, fit_judgement, out_of_fold
from linking.train.verifier.rules import Titles, may_be_alike, pairs_by_rule
from linking.train.verifier.training import NO_LINK, Training
from linking.verify.features import NAMES
from linking.verify.kinds import load_module
from linking.verify.words import stem

WHOLE = Pair(
    Place("Open the gas line", "Use a Gas Stove", "Lighting It", "Turn the knob", "Strike a match"),
    Candidate("Install a Gas Line", ("Planning",), ("Call the utility", "Dig a trench")),
)


def test_unknown_grades_teach_nothing() -> None:
    logits = torch.tensor([[0.3, -1.0, 2.0], [0.1, 0.2, 0.3]])
    targets = torch.tensor([targets_of(2), WRONG])
    weight = torch.tensor([1.0, 0.5])
    no, yes = (lambda x: math.log1p(math.exp(x))), (lambda x: math.log1p(math.exp(-x)))
    expected = (yes(0.3) + yes(-1.0) + no(2.0) + 0.5 * (no(0.2) + no(0.3))) / (3 + 2 * 0.5)
    assert float(graded_loss(logits, targets, weight)) == pytest.approx(expected, rel=1e-5)
    assert [math.isnan(t) for t in yes_or_no(RIGHT)] == [True, False, True]
    nothing = torch.tensor([[UNKNOWN] * 3])
    assert float(graded_loss(logits[:1], nothing, weight[:1])) == 0


def test_the_best_of_a_list_is_a_softmax() -> None:
    scores = torch.tensor([[1.0, 0.5, -torch.inf], [0.0, 2.0, 1.0]])
    expected = (
        -math.log(math.e / (math.e + math.exp(0.5))) - math.log(math.e**2 / (1 + math.e + math.e**2))
    ) / 2
    assert float(best_loss(scores, torch.tensor([0, 1]))) == pytest.approx(expected)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_cross_encoder(tmp_path_factory.mktemp("tiny") / "tiny")


def training_of(tiny: Path, folder: Path, **course: object) -> Training:
    module, reader, _ = load_module(str(tiny))
    return Training(module, reader, replace(Course(), **course), folder, "Tiny")  # type: ignore[arg-type]


def test_each_part_of_the_context_is_dropped_by_itself_and_sides_as_a_whole(
    tiny: Path, tmp_path: Path
) -> None:
    training, dice = training_of(tiny, tmp_path, drop=0.25, bare=0.15), random.Random(0)
    seen = [training._thinned(WHOLE, dice) for _ in range(4_000)]
    assert {pair.place.step for pair in seen} == {WHOLE.place.step}
    assert {pair.candidate.title for pair in seen} == {WHOLE.candidate.title}
    kept = 0.75 * 0.85
    for part in ("article", "method", "before", "after"):
        assert np.mean([bool(getattr(pair.place, part)) for pair in seen]) == pytest.approx(kept, abs=0.03)
    for part in ("methods", "first"):
        assert np.mean([bool(getattr(pair.candidate, part)) for pair in seen]) == pytest.approx(
            kept, abs=0.03
        )
    both = np.mean([bool(pair.place.before) and bool(pair.place.after) for pair in seen])
    assert both == pytest.approx(0.75**2 * 0.85, abs=0.03)
    whole = training_of(tiny, tmp_path, drop=0, bare=0)
    assert whole._thinned(WHOLE, dice) == WHOLE


def test_a_goal_that_is_taken_out_makes_no_link_right(tiny: Path, tmp_path: Path) -> None:
    each = GoldList(
        Place("Wash it"), Candidate("Wash a Car"), tuple(Candidate(f"Goal {i}") for i in range(9))
    )
    training, dice = training_of(tiny, tmp_path, taken_out=0.25, others=5), random.Random(0)
    drawn = [training._drawn(each, dice) for _ in range(1_000)]
    assert np.mean([right == NO_LINK for _, right in drawn]) == pytest.approx(0.25, abs=0.05)
    for pairs, right in drawn:
        titles = [pair.candidate.title for pair in pairs]
        assert len(set(titles)) == len(titles) == 5 + (right == 0) and ("Wash a Car" in titles) == (
            right == 0
        )
    unlinked = replace(each, right=None)
    assert all(training._drawn(unlinked, dice)[1] == NO_LINK for _ in range(20))


def examples() -> tuple[list[GradedPair], list[GoldList]]:
    graded = [
        GradedPair(Pair(Place(f"Wash the {thing}"), Candidate(f"{verb} a {thing.title()}")), targets)
        for thing in ("car", "cat", "boat", "wall")
        for verb, targets in (("Wash", RIGHT), ("Sell", WRONG))
    ]
    others = tuple(Candidate(f"Sell a {thing}") for thing in ("Car", "Cat"))
    return graded, [GoldList(Place("Scrub the car"), Candidate("Wash a Car"), others)] * 3


def test_a_stopped_training_ends_with_the_same_weights(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded, lists = examples()
    whole = training_of(tiny, tmp_path / "whole", epochs=3, rate=1e-2, batch=4)
    before = {name: tensor.clone() for name, tensor in whole.module.state_dict().items()}
    whole.run(graded, lists)
    parts = training_of(tiny, tmp_path / "parts", epochs=3, rate=1e-2, batch=4)
    epoch = parts._epoch

    def stopped(number: int, *arguments: object) -> float:
        if number == 2:
            raise KeyboardInterrupt
        return epoch(number, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(parts, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        parts.run(graded, lists)
    again = training_of(tiny, tmp_path / "parts", epochs=3, rate=1e-2, batch=4)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["epoch-2.pt"]
    again.run(graded, lists)
    found = again.module.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in whole.module.state_dict().items())
    assert any(not torch.equal(tensor, found[name]) for name, tensor in before.items())


TITLES = [
    "Wash a Car",
    "Wash a Dog",
    "Install a Gas Line",
    "Open a Gas Line",
    "Make Seasoned Salt",
    "Sell a Car",
]


def test_rules_find_what_looks_right_and_is_not() -> None:
    titles, dice = Titles(TITLES), random.Random(0)
    assert titles.wrong(Place("Wash the car", "Clean a Garage"), dice) == {
        "action": "Sell a Car", "object": "Wash a Dog", "itself": "Clean a Garage",
    }  # fmt: skip
    assert titles.wrong(Place("Open the gas line"), dice) == {"action": "Install a Gas Line"}
    assert titles.wrong(Place("Season the soup with salt"), dice) == {"product": "Make Seasoned Salt"}
    assert titles.repeated(Place("Wash the car.")) == "Wash a Car"
    assert titles.repeated(Place("Wash the car.", "Wash Your Car")) == ""
    for nothing in ("", "Serve", "the"):
        assert titles.wrong(Place(nothing), dice) == {} and titles.repeated(Place(nothing)) == ""


def test_actions_that_may_mean_the_same_are_no_negatives() -> None:
    assert may_be_alike(stem("clean"), stem("washing")) and not may_be_alike(stem("sell"), stem("wash"))
    assert "action" not in Titles(["Clean a Car"]).wrong(Place("Wash the car"), random.Random(0))


def test_rules_give_at_most_what_is_asked_and_leave_judged_articles_out() -> None:
    places = [Place(f"Wash the car {i}", "Clean a Garage" if i % 2 else "Judged") for i in range(20)]
    found = pairs_by_rule(places, Titles(TITLES), Candidate, 10, 0, {"Judged"})
    assert len(found) == 10 and {each.pair.place.article for each in found} == {"Clean a Garage"}
    assert all(each.targets[1:] == (0, 0) for each in found)
    assert found == pairs_by_rule(places, Titles(TITLES), Candidate, 10, 0, {"Judged"})
    assert pairs_by_rule([Place("Serve")], Titles(TITLES), Candidate, 10, 0) == []


def test_the_forest_is_that_of_the_library() -> None:
    dice = np.random.default_rng(0)
    x = np.round(dice.normal(size=(300, 6)), 4)
    right = x[:, 0] + x[:, 1] > 0.5
    model = ExtraTreesClassifier(200, min_samples_leaf=5, max_features=0.4, random_state=0)
    model.fit(x.astype(np.float32), right)
    share = np.clip(model.predict_proba(x.astype(np.float32))[:, 1], 0.002, 0.998)
    assert np.allclose(grow_forest(x, right).logits(x), np.log(share / (1 - share)), atol=1e-4)


def made_up_links(n: int = 300) -> Links:
    """Links whose grade follows the second logit and the step's words in the goal."""
    dice = np.random.default_rng(1)
    features, logits = dice.normal(size=(n, len(NAMES))), dice.normal(size=(n, 3))
    signal = logits[:, 1] + features[:, NAMES.index("goal_in_step")] + 0.3 * dice.normal(size=n)
    grade = np.digitize(signal, [-1, 0.5, 1.5])
    weight = np.where(dice.random(n) < 0.7, dice.uniform(1, 20, n), 0.0)
    products = dice.normal(size=(n, 8))
    return Links(dice.integers(-1, 3, n), grade, weight, features, products, logits, logits)


def test_the_judgement_is_calibrated_and_tells_exact_from_helpful() -> None:
    links = made_up_links()
    scores = out_of_fold(links)
    judgement = fit_judgement(links, scores)
    worth = judgement.worth(links.features, links.products)
    probability, exact = judgement.of_read(links.logits.astype(np.float32), worth, links.features)
    right = links.right
    assert probability[right].mean() > 0.75 > 0.25 > probability[~right].mean()
    assert (exact == (links.grade == 3))[right].mean() > 0.75
    slope, offset = judgement.platt
    out = 1 / (1 + np.exp(-(slope * scores.both + offset)))
    drawn = links.weight > 0
    mean = np.average(out[drawn], weights=links.weight[drawn])
    assert mean == pytest.approx(np.average(right[drawn], weights=links.weight[drawn]), abs=0.01)


def test_a_link_is_scored_without_its_fold() -> None:
    links = made_up_links()
    here = links.fold == 1
    turned = replace(links, grade=np.where(here, 3 - links.grade, links.grade))
    before, after = out_of_fold(links), out_of_fold(turned)
    assert np.array_equal(before.worth[here], after.worth[here])
    assert not np.array_equal(before.worth[~here], after.worth[~here])


def test_links_that_nothing_can_be_fitted_on_are_named() -> None:
    links = made_up_links()
    scores = out_of_fold(links)
    for change, message in (
        ({"weight": np.zeros(len(links.fold))}, "drawn at random"),
        ({"grade": np.minimum(links.grade, 2)}, "no exact ones or no helpful ones"),
    ):
        with pytest.raises(BadInput, match=message):
            fit_judgement(replace(links, **change), scores)
    with pytest.raises(BadInput, match="all right or all wrong"):
        out_of_fold(replace(links, grade=np.zeros(len(links.fold), np.int64)))


def test_the_threshold_of_a_precision_is_the_lowest_that_has_it() -> None:
    right = [True] * 24 + [False] * 4 + [True] * 4 + [False] * 8
    links = [
        Judged(Place(f"Step {i}", "Article"), "Goal", 3 * each, weight=1.0 + (i == 30))
        for i, each in enumerate(right)
    ]
    probability = np.linspace(0.9, 0.12, len(links))
    sample = Sample.of(links)
    for precision in (0.7, 0.8, 0.88, 0.9, 1.0):
        threshold = threshold_at(sample, probability, precision)
        assert threshold is not None
        cut = probability >= threshold
        share = sample.weight[cut & sample.right].sum() / sample.weight[cut].sum()
        counts = range(int(cut.sum()) + 1, len(links) + 1)
        lower = [(sample.weight * sample.right)[:n].sum() / sample.weight[:n].sum() for n in counts]
        assert share >= precision and all(each < precision for each in lower)
    assert threshold_at(sample, -probability, 0.99) is None
    assert threshold_at(Sample.of(links[:10]), probability[:10], 0.5) is None
