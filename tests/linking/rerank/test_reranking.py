"""Late interaction and the reranker: the formula, exactness, and lists brought up to date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from howtree.errors import BadInput
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import ModelFolder
from linking.encode.heads import TokenHead
from linking.encode.packaged import BASE_ENCODER
from linking.encode.tokens import AS_GOAL, AS_STEP, VECTOR_SCALE, Tokens, as_integers
from linking.model import Model
from linking.rerank.features import features_of
from linking.rerank.late import coverages
from linking.rerank.linear import LinearLists, LinearReranker
from linking.rerank.precedents import Precedents, joined
from linking.retrieve.lists import GoalLists, ListFiles, positions_in
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import VectorStore, hash_texts

GOALS = ["Wash a Car", "Paint a Wall", "Boil Eggs", "Peel Carrots", "Clean a House", "Wash Carrots"]
STEPS = [
    "Scrub the car",
    "Wash and peel the carrots",
    "Cook the eggs in boiling water",
    "Tidy up your home",
    "Never boil eggs",
]


def made_up(lengths: list[int], seed: int) -> Tokens:
    """Tokens of texts of these lengths, drawn at random."""
    dice = np.random.default_rng(seed)
    vectors = dice.normal(size=(sum(lengths), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = dice.random((sum(lengths), 2)).astype(np.float32) * 3
    return Tokens(*as_integers(vectors, weights), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def by_hand(steps: Tokens, s: int, goals: Tokens, g: int) -> tuple[float, float]:
    """The two coverages of one pair, word by word."""
    of_s = range(steps.starts[s], steps.starts[s + 1])
    of_g = range(goals.starts[g], goals.starts[g + 1])
    if not of_s or not of_g:
        return 0.0, 0.0
    same = {
        (i, j): int(steps.vectors[i].astype(int) @ goals.vectors[j].astype(int)) / VECTOR_SCALE**2
        for i in of_s
        for j in of_g
    }
    u = {j: int(goals.weights[j, AS_GOAL]) for j in of_g}
    v = {i: int(steps.weights[i, AS_STEP]) for i in of_s}
    goal = sum(u[j] * max(same[i, j] for i in of_s) for j in of_g) / sum(u.values())
    step = sum(v[i] * max(same[i, j] for j in of_g) for i in of_s) / sum(v.values())
    return goal, step


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.lists(st.integers(0, 5), min_size=1, max_size=6),
    st.integers(0, 99),
)
def test_coverages_are_the_formula(step_lengths: list[int], goal_lengths: list[int], seed: int) -> None:
    steps, goals = made_up(step_lengths, seed), made_up(goal_lengths, seed + 1)
    every = np.tile(np.append(np.arange(len(goals)), -1), (len(steps), 1))
    of_goal, of_step = coverages(steps, np.arange(len(steps)), goals, every)
    for s in range(len(steps)):
        for g in range(len(goals)):
            assert (of_goal[s, g], of_step[s, g]) == pytest.approx(by_hand(steps, s, goals, g), abs=1e-12)
        assert of_goal[s, -1] == of_step[s, -1] == 0


def test_a_pair_scores_the_same_in_any_company() -> None:
    dice = np.random.default_rng(0)
    steps = made_up(dice.integers(1, 40, 60).tolist(), 1)
    goals = made_up(dice.integers(1, 20, 200).tolist(), 2)
    lists = dice.integers(0, 200, (60, 50))
    together = np.stack(coverages(steps, np.arange(60), goals, lists))
    for s in (0, 17, 59):
        for k in (0, 31):
            alone = np.stack(coverages(steps, np.array([s]), goals, lists[s : s + 1, k : k + 1]))
            assert (alone[:, 0, 0] == together[:, s, k]).all()


def test_tokens_are_picked_joined_saved_and_loaded(tmp_path: Path) -> None:
    tokens = made_up([2, 0, 3, 1], 5)
    again = Tokens.joined([tokens.picked(np.array([0, 1])), tokens.picked(np.array([2, 3]))])
    again.save(tmp_path / "tokens.npz")
    again = Tokens.load(tmp_path / "tokens.npz")
    assert (again.vectors == tokens.vectors).all() and (again.starts == tokens.starts).all()
    swapped = tokens.picked(np.array([3, 0]))
    assert (swapped.vectors == tokens.vectors[[5, 0, 1]]).all() and swapped.lengths.tolist() == [1, 2]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """The packaged encoder with a head that has learnt nothing."""
    base = load_encoder(BASE_ENCODER)
    torch.manual_seed(0)
    return SentenceEncoder(
        "with head", base.model, base.weights_digest, head=TokenHead(base.dimension).eval()
    )


def test_words_are_compared_and_not_the_marks_around_them(encoder: SentenceEncoder) -> None:
    vectors, tokens = encoder.encode_tokens(["Wash a Car", "", "Wash a Car"])
    assert tokens is not None
    assert tokens.lengths.tolist() == [3, 0, 3]
    assert (vectors == encoder.encode(["Wash a Car", "", "Wash a Car"])).all()
    assert (tokens.vectors[:3] == tokens.vectors[3:]).all()


PRECEDENTS = {"Scrub the car": "Wash a Car", "Wash the vehicle": "Wash a Car", "Cook the eggs": "Boil Eggs"}


def precedents(encoder: SentenceEncoder, links: dict[str, str] | None = None) -> Precedents:
    """Those of some links, of steps to goals."""
    links = PRECEDENTS if links is None else links
    return Precedents.of(hash_texts(list(links.values())), encoder.encode(list(links)))


def stages(folder: Path, encoder: SentenceEncoder, goals: list[str], habit: float = 1.0) -> LinearLists:
    """The lists of `STEPS` over some goals, reranked; `habit` is the weight of the links to "Wash a Car"."""
    goal_store, step_store = VectorStore(folder / "goals"), VectorStore(folder / "steps")
    rows = goal_store.add(goals, encoder)
    step_store.add(STEPS, encoder)
    retriever = Retriever(folder / "lists", goal_store, step_store, rows, 4)
    retriever.update()
    reranker = LinearReranker((10.0, 5.0, 5.0, habit, 10.0, -3.0), precedents(encoder))
    ranked = reranker.over(folder / "reranked", retriever, 3)
    ranked.compared = ranked.update()  # type: ignore[attr-defined]
    return ranked


def test_lists_brought_up_to_date_equal_new_ones(tmp_path: Path, encoder: SentenceEncoder) -> None:
    new = stages(tmp_path / "new", encoder, GOALS)
    stages(tmp_path / "grown", encoder, GOALS[:4])
    grown = stages(tmp_path / "grown", encoder, GOALS)
    assert 0 < grown.compared < new.compared  # type: ignore[attr-defined]
    again = stages(tmp_path / "grown", encoder, GOALS)
    assert again.compared == 0  # type: ignore[attr-defined]
    rows = np.arange(len(STEPS))
    for a, b in ((new, grown), (new, again)):
        left, right = a.lists(rows), b.lists(rows)
        assert (a.goals.hashes[left.goals] == b.goals.hashes[right.goals]).all()
        assert (left.deciding == right.deciding).all() and (left.scores == right.scores).all()


def test_lists_are_in_the_order_of_the_reranker(tmp_path: Path, encoder: SentenceEncoder) -> None:
    ranked = stages(tmp_path, encoder, GOALS, habit=1_000)
    rows = np.arange(len(STEPS))
    before, after = ranked.retriever.lists(rows), ranked.lists(rows)
    assert after.reranked is not None and (np.diff(after.reranked, axis=1) <= 0).all()
    liked = ranked.goals.rows(hash_texts(["Wash a Car"]))[0]
    retrieved = (before.goals == liked).any(axis=1)
    assert (after.goals[retrieved, 0] == liked).all()
    assert (before.goals[retrieved, 0] != liked).any()  # the cosine alone would have put another first


def test_known_pairs_are_found_again() -> None:
    old = np.array([[4, 2, -1], [0, 1, 2], [7, 8, -1]])
    goals = np.array([[2, 7, 4], [9, 2, -1], [7, 8, -1]])
    assert positions_in(goals, old).tolist() == [[1, -1, 0], [-1, 2, -1], [0, 1, -1]]
    assert positions_in(goals[:, :2], old).tolist() == [[1, -1], [-1, 2], [0, 1]]


def test_lists_on_disk_are_gathered_from_any_parts_in_any_order(tmp_path: Path) -> None:
    files, parts = ListFiles(tmp_path), [np.arange(3), np.arange(3, 5)]
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    for number, part in enumerate(parts):
        assert files.stale(2, "these") == [0, 1][number:] and files.load(number) is None
        files.save(number, "these", values=values[part], others=-values[part][:, :1])
    assert files.stale(2, "these") == [] and files.stale(2, "those") == [0, 1]
    found, others = files.gather(parts, np.array([4, 0, 3, 0]), ["values", "others"])
    assert found.tolist() == [[8, 9], [0, 1], [6, 7], [0, 1]] and others.tolist() == [[-8], [0], [-6], [0]]


def test_precedents_widen_lists_and_tell_the_nearest() -> None:
    lists = GoalLists(
        np.array([[4, 2, -1], [0, 1, 2]]), np.array([[0.9, 0.8, -np.inf], [0.7, 0.6, 0.5]], np.float32)
    )
    near = GoalLists(
        np.array([[2, 7, 2, 7], [-1, 9, 0, -1]]),
        np.array([[0.9, 0.6, 0.5, 0.4], [0.9, 0.8, 0.3, 0.2]], np.float32),
    )
    goals, similar = joined(lists, near)
    assert goals.tolist() == [[4, 2, -1, -1, 7, -1, -1], [0, 1, 2, -1, 9, -1, -1]]
    assert similar == pytest.approx(np.array([[0, 0.9, 0, 0, 0.6, 0, 0], [0.3, 0, 0, 0, 0.8, 0, 0]]))
    features = features_of(lists.scores, *np.zeros((3, 2, 3)), similar[:, :3], np.zeros((2, 3), bool))
    assert features[..., 4] == pytest.approx(np.array([[0, 0.1, 0], [0, 0, 0]]))


@pytest.mark.parametrize("goals", [GOALS, GOALS[1:], GOALS[3:]])
def test_the_features_are_those_counted_by_hand(
    tmp_path: Path, encoder: SentenceEncoder, goals: list[str]
) -> None:
    ranked = stages(tmp_path, encoder, goals)
    lists, features = ranked.features(np.arange(len(STEPS)))
    steps, links = encoder.encode(STEPS), {step: goal for step, goal in PRECEDENTS.items() if goal in goals}
    of_precedent = steps @ encoder.encode(list(PRECEDENTS)).T
    title_of = dict(zip(hash_texts(goals).tolist(), goals, strict=True))
    for s in range(len(STEPS)):
        for place in np.flatnonzero(lists.goals[s] >= 0):
            goal = title_of[int(ranked.goals.hashes[lists.goals[s, place]])]
            cosine = float(steps[s] @ encoder.encode([goal])[0])
            own = [of_precedent[s, i] for i, step in enumerate(PRECEDENTS) if links.get(step) == goal]
            similar = max(own, default=0)
            expected = [cosine, similar**2 * np.log1p(len(own)), similar - cosine if own else 0]
            assert features[s, place, 5] == STEPS[s].startswith("Never")
            assert features[s, place, [0, 3, 4]] == pytest.approx(np.maximum(expected, [-1, 0, 0]), abs=0.01)


def test_a_reranker_is_read_as_it_was_written(tmp_path: Path, encoder: SentenceEncoder) -> None:
    weights, folder = (10.0, 5.0, 4.5, 0.5, 2.0, -3.0), ModelFolder(tmp_path)
    reranker = LinearReranker(weights, precedents(encoder), "weights", "made up")
    reranker.save(folder)
    again = LinearReranker.load(folder)
    assert again.digest == reranker.digest and again.weights == reranker.weights
    known = again.links(hash_texts(["Wash a Car", "Fly a Kite"]))
    assert known.tolist() == pytest.approx([np.log(3), 0])
    kept = (again.precedents.vectors(np.arange(3)) * precedents(encoder).vectors(np.arange(3))).sum(axis=1)
    assert kept == pytest.approx(1)


@pytest.mark.parametrize("harm", ["weight", "links", "missing"])
def test_a_changed_reranker_is_refused(tmp_path: Path, encoder: SentenceEncoder, harm: str) -> None:
    weights = (10.0, 5.0, 4.5, 0.5, 2.0, -3.0)
    LinearReranker(weights, precedents(encoder), "weights").save(ModelFolder(tmp_path))
    if harm == "weight":
        text = (tmp_path / "reranker.json").read_text(encoding="utf-8")
        (tmp_path / "reranker.json").write_text(text.replace("4.5", "4.6"), encoding="utf-8")
    elif harm == "links":
        precedents(encoder, {"Let it fly": "Fly a Kite"}).save(tmp_path / "precedents.npz")
    else:
        (tmp_path / "precedents.npz").unlink()
    with pytest.raises(BadInput, match=r"restore|fit it again"):
        LinearReranker.load(ModelFolder(tmp_path))


def test_an_encoder_without_a_head_has_no_reranker() -> None:
    assert Model.load(BASE_ENCODER).reranker is None
