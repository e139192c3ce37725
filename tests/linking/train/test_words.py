"""`howtree train words`: word vectors whose sums are like the vectors that an encoder gives whole texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.gold import small_gold

from kb.meaning.encoder import WordEncoder, read_words, unit, words_of
from linking.encode.encoder import load_encoder
from linking.gold.examples import training_part
from linking.train.words import WordRecipe, main_axes, train_words, words_in

RECIPE = WordRecipe(dimension=16, words=60, least=2, batch=64, pairs=32)
OWN = ["zebra", "ab", "naïve"]
Trained = tuple[WordEncoder, WordEncoder, WordEncoder]


def texts_of() -> list[str]:
    """The steps and titles that are learnt from."""
    gold, pool = small_gold()
    return list(dict.fromkeys([*gold.steps, *pool]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Words as they are after two epochs, after sixty, and after sixty again."""
    gold, texts, model = small_gold()[0], texts_of(), load_encoder()
    vectors = np.asarray(model.encode(texts), np.float32)
    made = []
    for epochs in (2, 60, 60):
        path = tmp_path_factory.mktemp("words") / "words.npz"
        recipe = replace(RECIPE, epochs=epochs)
        train_words(texts, vectors, training_part(gold), model, OWN, words_of, recipe, path)
        made.append(read_words(path))
    return made[0], made[1], made[2]


def test_the_commonest_words_get_vectors_and_then_the_encoders_own() -> None:
    texts = ["Wash a car", "Wash a boat", "Wash an oven"]
    words, shares = words_in(texts, OWN, words_of, RECIPE)
    assert words == [
        "wash",
        "a",
        "zebra",
    ]  # "ab" is short, "naïve" no plain letters, the others are in one text
    assert shares.tolist() == pytest.approx([3 / 5, 2 / 5, 0])
    assert words_in(texts, OWN, words_of, replace(RECIPE, words=1))[0] == ["wash"]


def test_the_main_axes_keep_what_is_longest() -> None:
    dice = np.random.default_rng(0)
    vectors = np.asarray(dice.normal(size=(50, 6)) * [1, 9, 1, 1, 8, 1], np.float32)
    axes = main_axes(vectors, 2)
    assert np.abs(axes[[1, 4]]).sum() > 10 * np.abs(axes[[0, 2, 3, 5]]).sum()


def test_texts_come_to_be_like_the_encoders_and_steps_like_their_goals(trained: Trained) -> None:
    gold, pool = small_gold()
    vectors = np.asarray(load_encoder().encode(texts_of()), np.float32)
    wanted = unit(vectors @ main_axes(vectors, RECIPE.dimension))
    few, many = (float((words.encode(texts_of()) * wanted).sum(axis=1).mean()) for words in trained[:2])
    assert many > max(few, 0.8)
    nearest = (trained[1].encode(gold.steps) @ trained[1].encode(pool).T).argmax(axis=1)
    assert np.mean([pool[place] == goal for place, goal in zip(nearest, gold.goals, strict=True)]) > 0.9


def test_the_same_seed_gives_the_same_vectors(trained: Trained) -> None:
    assert trained[1].rows == trained[2].rows and "zebra" in trained[1].rows
    assert (trained[1].vectors == trained[2].vectors).all() and trained[1].dimension == RECIPE.dimension
