"""The verifier's parts: what it reads, that a pair scores the same in any company, what is never a link, and files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from support.verifiers import drawn_judgement, model_with_verifier

from howtree.errors import BadInput
from linking.encode.encoder import load_encoder
from linking.encode.folder import ModelFolder
from linking.encode.packaged import BASE_ENCODER
from linking.model import Model
from linking.pair import Candidate, Pair, Place
from linking.verify.cross import CrossEncoder
from linking.verify.features import NAMES, OF_WORDS, word_features
from linking.verify.judgement import Judgement, Reads
from linking.verify.never import is_again, is_no_action
from linking.verify.reader import LONGEST, MARKERS, Reader
from linking.verify.verifying import cut, shared

WHOLE = Pair(
    Place("Open the gas line", "Use a Gas Stove", "Lighting It", "Turn the knob", "Strike a match"),
    Candidate(
        "Install a Gas Line", ("Planning", "Piping"), ("Call the utility", "Dig a trench", "Lay the pipe")
    ),
)
BARE = Pair(Place("Serve"), Candidate("Bake a Cake"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_encoder(BASE_ENCODER).model.tokenizer)


def test_each_part_begins_with_a_token_of_its_own(reader: Reader) -> None:
    row = reader.rows([WHOLE])[0]
    marks = [reader.tokenizer.convert_tokens_to_ids(f"[unused{i}]") for i in range(1, 9)]
    assert marks == list(range(2, 10)) and list(reader.markers.values()) == marks
    assert [token for token in row.ids if token in marks] == marks
    assert row.ids[0] == 101 and row.ids[row.left - 1] == row.ids[-1] == 102
    assert row.ids.index(reader.markers["goal"]) == row.left


def test_no_text_gives_a_marker(reader: Reader) -> None:
    for text in (*MARKERS, "[unused1] x", "say [SEP] or [CLS]", "step article goal"):
        row = reader.rows([Pair(Place(text), Candidate(text))])[0]
        assert [t for t in row.ids if t in reader.markers.values()] == [
            reader.markers[n] for n in ("step", "goal")
        ]


def test_empty_parts_are_left_out_and_long_ones_cut(reader: Reader) -> None:
    assert len(reader.rows([BARE])[0].ids) == 1 + 2 + 1 + 5 + 1
    long = "word " * 100
    pair = Pair(Place(long, long, long, long, long), Candidate(long, (long,) * 30, (long,) * 5))
    assert len(reader.rows([pair])[0].ids) == 3 + sum(LONGEST.values()) + len(LONGEST)


def test_a_pair_is_its_text() -> None:
    for pair in (WHOLE, BARE, Pair(Place("“Ü” \n\\"), Candidate("日本"))):
        assert Pair.of(pair.text()) == pair
    assert WHOLE.text() != BARE.text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_with_verifier(tmp_path_factory.mktemp("model") / "model")


def cross_of(folder: Path) -> CrossEncoder:
    model = Model.load(str(folder))
    assert model.verifier is not None
    return model.verifier.cross


def test_a_pair_scores_the_same_in_any_company(folder: Path) -> None:
    cross = cross_of(folder)
    words = ["wash", "the", "old", "car", "slowly", "with", "soap", "and", "water"]
    pairs = [
        Pair(Place(" ".join(words[: 1 + i % 9])), Candidate(" ".join(words[i % 5 :]))) for i in range(40)
    ]
    together = cross.logits([WHOLE, *pairs, BARE])
    assert together.shape == (42, 3) and len(np.unique(together)) > 60
    assert (cross.logits([BARE, WHOLE]) == together[[-1, 0]]).all()
    for i in (1, 17, 40):
        assert (cross.logits([pairs[i - 1]]) == together[i]).all()
    assert (pickle.loads(pickle.dumps(cross)).logits([WHOLE]) == together[0]).all()
    assert cross.logits([]).shape == (0, 3)


def test_a_changed_verifier_is_refused(folder: Path, tmp_path: Path) -> None:
    import shutil

    for name, said in (("judgement.npz", "has changed"), ("delta.safetensors", "have changed")):
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        file = copy / "verifier" / name
        data = bytearray(file.read_bytes())
        data[-3] ^= 1
        file.write_bytes(bytes(data))
        with pytest.raises(BadInput, match=said):
            Model.load(str(copy))
    copy = tmp_path / "other"
    shutil.copytree(folder, copy)
    path = copy / "verifier" / "judgement.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "encoder": "another"}))
    with pytest.raises(BadInput, match="fitted for another encoder or reranker"):
        Model.load(str(copy))
    path.write_text("{}")
    with pytest.raises(BadInput, match="no whole verifier"):
        Model.load(str(copy))


def test_a_judgement_is_saved_and_loaded(tmp_path: Path) -> None:
    before = drawn_judgement("weights", "reranker", Reads(3, 0.1, 0.2))
    before.save(ModelFolder(tmp_path))
    after = Judgement.load(ModelFolder(tmp_path))
    assert (after.reads, after.beside, after.platt) == (before.reads, before.beside, before.platt)
    dice = np.random.default_rng(3)
    features, products, logits = (
        dice.normal(size=(5, 38)),
        dice.normal(size=(5, 768)),
        dice.normal(size=(5, 3)),
    )
    worth = before.worth(features, products)
    assert after.worth(features, products) == pytest.approx(worth, abs=1e-4)
    right, exact = before.of_read(logits, worth, features)
    by_hand = []
    for i, (l1, l2, l3) in enumerate(logits):
        linear = l1 + 2 * l2 + l3 + 0.5 * worth[i] + 0.7 * features[i][0] + features[i][3]
        share = ((0.3 if l2 <= 0 else 0.7) + 0.5) / 2
        by_hand.append(1 / (1 + np.exp(-(linear + np.log(share / (1 - share))))))
    assert right == pytest.approx(by_hand, abs=1e-5)
    again, _ = after.of_read(logits, worth, features)
    assert again == pytest.approx(right, abs=1e-6)
    assert exact.tolist() == [
        2 * l3 - l2 + 0.1 * f[0] >= 0 for (_, l2, l3), f in zip(logits, features, strict=True)
    ]


def test_the_words_of_a_pair() -> None:
    row = dict(zip(OF_WORDS, word_features([WHOLE])[0], strict=True))
    assert row["goal_in_step"] == pytest.approx(2 / 3) and row["object_in_step"] == 1
    assert row["first_same"] == 0 and row["object_equal"] == 1 and row["has_steps"] == 1
    product = Pair(Place("Season with salt and butter"), Candidate("Make Seasoned Salt"))
    assert dict(zip(OF_WORDS, word_features([product])[0], strict=True))["uses_product"] == 1
    assert np.isfinite(word_features([Pair(Place("…"), Candidate("?"))])).all()
    assert len(NAMES) == len(set(NAMES)) == 38


@pytest.mark.parametrize(
    ("article", "goal", "same"),
    [
        ("Make Pancakes", "Make Pancakes 2", True),
        ("Make Pancakes", "Make the Pancakes (3 Ways)", True),
        ("Make Pancakes", "Cook Pancakes", True),
        ("Wash a Car", "Clean Your Car", True),
        ("Make Pancakes", "Make Waffles", False),
        ("Make Pancakes", "Eat Pancakes", False),
        ("Make", "Cook", False),
        ("", "", False),
        ("Get a Dog", "Get Rid of a Dog", False),
    ],
)
def test_a_goal_that_is_the_article_again(article: str, goal: str, same: bool) -> None:
    assert is_again(article, goal) is is_again(goal, article) is same


@pytest.mark.parametrize(
    ("step", "none"),
    [
        ("Enjoy!", True),
        ("You're done.", True),
        ("You’re finished! Enjoy your cake!", True),
        ("Voilà!", True),
        ("3.", True),
        ("", True),
        ("Enjoy the cake with a cup of tea", False),
        ("Serve.", False),
        ("Set the table", False),
        ("Stop when you are done", False),
    ],
)
def test_a_step_that_is_no_action(step: str, none: bool) -> None:
    assert is_no_action(step) is none


def test_what_was_looked_at_less_closely_comes_after() -> None:
    step = np.array([0, 0, 0, 0, 1, 1, 2])
    closeness = np.array([2, 1, 2, 0, 1, 0, 0])
    probability = np.array([0.2, 0.9, 0.4, 0.8, 0.1, 0.3, 0.05])
    assert cut(step, closeness, probability).tolist() == [0.2, 0.2, 0.4, 0.2, 0.1, 0.1, 0.05]
    assert len(cut(*np.empty((3, 0), np.int64))) == 0


def test_the_goals_of_a_step_share_what_the_first_leaves() -> None:
    step = np.array([0, 0, 0, 1, 1, 3])
    found = shared(step, np.array([0.8, 0.3, 0.1, 0.4, 0.5, 1.0]))
    assert found == pytest.approx([0.8, 0.15, 0.05, 0.4, 0.5, 1.0])
    equal = shared(np.zeros(2, np.int64), np.array([0.9, 0.9]))
    assert equal.tolist() == [0.5, 0.5] and len(shared(np.empty(0, np.int64), np.empty(0))) == 0
