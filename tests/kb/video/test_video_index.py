"""BM25 score vectors and rankings of the video evaluation, against hand-made numbers and a naive scorer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.video_samples import NaiveBm25, naive_ranks

from kb.video.corpus import Split
from kb.video.index import DEPTH, Bm25Index, ranked, ranks_of

words = st.sampled_from(["egg", "pan", "fry", "the", "Öl", "salt", "don't", "2", "x_y"])
texts = st.lists(st.lists(words, max_size=12).map(" ".join), min_size=1, max_size=8)


def index_of(*documents: str) -> Bm25Index:
    return Bm25Index.of(Split("train", [f"v{n:05}" for n in range(len(documents))], list(documents), {}))


def test_bm25_as_computed_by_hand() -> None:
    # 3 documents of 3, 2 and 4 words (mean 3); "egg" is in two: idf = ln(1 + 1.5 / 2.5) = 0.470004.
    # First: 1 / (1 + 1.2) = 0.454545; second: 2 / (2 + 1.2 * (0.25 + 0.75 * 2 / 3)) = 0.689655.
    scores = index_of("fry the egg", "Egg egg", "boil water now, please").scores(["egg"])
    assert scores == pytest.approx(np.array([[0.213638, 0.324140, 0.0]]), abs=5e-7)


@given(documents=texts, queries=texts)
def test_scores_agree_with_a_naive_scorer(documents: list[str], queries: list[str]) -> None:
    scores, naive = index_of(*documents).scores(queries), NaiveBm25(documents)
    for row, query in zip(scores, queries, strict=True):
        assert row == pytest.approx(np.array(naive.scores(query)), abs=1e-8)


@given(documents=texts, parts=texts)
def test_the_vector_of_a_query_is_the_sum_of_the_vectors_of_its_parts_to_the_bit(
    documents: list[str], parts: list[str]
) -> None:
    index = index_of(*documents)
    vectors = index.scores(parts)
    joined = index.scores([" ".join(parts)])[0]
    assert joined.tolist() == vectors.sum(axis=0).tolist()
    assert joined.tolist() == vectors[::-1].sum(axis=0).tolist()


def test_a_repeated_word_counts_each_time() -> None:
    once, twice = index_of("egg", "pan pan").scores(["egg", "egg EGG"])
    assert twice[0] == 2 * once[0] > 0


def test_words_are_letters_and_digits_of_any_script() -> None:
    index = index_of("Käse, ÖL & 2 Eier", "卵 を 焼く")
    assert (index.scores(["käse", "öl", "eier!", "2", "卵"]) > 0).tolist() == [[True, False]] * 4 + [
        [False, True]
    ]


@pytest.mark.parametrize("documents", [[""], ["", "  ", "?!"]])
def test_videos_without_a_word_score_zero(documents: list[str]) -> None:
    assert not index_of(*documents).scores(["egg", ""]).any()


def test_a_video_without_text_stays_in_the_index() -> None:
    scores = index_of("egg", "").scores(["egg"])
    assert scores[0].tolist() == pytest.approx(NaiveBm25(["egg", ""]).scores("egg"), abs=1e-9)


def test_an_empty_query_and_an_unknown_word_find_nothing() -> None:
    assert [len(ranked(row)) for row in index_of("egg", "pan").scores(["", "?", "unheard"])] == [0, 0, 0]


def test_ties_go_by_video_id() -> None:
    scores = index_of("egg pan", "pan egg egg", "egg pan", "pan egg").scores(["egg"])[0]
    assert ranked(scores).tolist() == [1, 0, 2, 3]


def test_ties_at_the_200th_place_go_by_video_id() -> None:
    scores = np.ones(DEPTH + 50)
    scores[240] = 2.0
    order = ranked(scores)
    assert order.tolist() == [240, *range(DEPTH - 1)]
    assert ranks_of([0, DEPTH - 2, DEPTH - 1, 240], order).tolist() == [2, DEPTH, 201, 1]


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=500))
def test_ranks_agree_with_a_full_sort(values: list[float]) -> None:
    ids = [f"v{n:05}" for n in range(len(values))]
    relevant = range(len(values))
    assert ranks_of(relevant, ranked(np.array(values))).tolist() == naive_ranks(values, ids, relevant)
