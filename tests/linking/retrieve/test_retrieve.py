"""Lists of candidates against a plain search, new and updated."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from support.texts import Fixed, texts

from howtree.errors import BadInput
from linking.model import Model
from linking.pipeline import Goals, Linker, StepBatch
from linking.rerank.decide import Decision
from linking.retrieve.index import GoalIndex
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import VectorStore, hash_texts


def test_an_index_refuses_vectors_of_another_model(tmp_path: Path) -> None:
    index = GoalIndex(np.eye(4, dtype=np.float32), np.arange(4), "small", "d")
    with pytest.raises(BadInput, match="length 4"):
        index.search(np.ones((1, 3), np.float32), 2)
    index.save(tmp_path)
    scores, places = GoalIndex.load(tmp_path).search(np.eye(4, dtype=np.float32)[:1], 6)
    assert scores.shape == (1, 6) and places[0, 0] == 0 and (places[0, 4:] == -1).all()
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(BadInput, match="no index"):
        GoalIndex.load(tmp_path)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", ["goals.faiss", "labels.npy", "manifest.json"])
def test_a_damaged_index_is_said(tmp_path: Path, name: str, sealed: bool) -> None:
    GoalIndex(np.eye(4, dtype=np.float32), np.arange(4), "small", "d").save(tmp_path)
    data = (tmp_path / name).read_bytes()
    if sealed:
        (tmp_path / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:  # as an earlier version left it
        (tmp_path / "goals.sha256").unlink()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="build the knowledge base again"):
        GoalIndex.load(tmp_path)


def best_by_hand(steps: list[str], goals: list[str], k: int) -> list[list[str]]:
    """The k goals of the highest cosine, in plain float64."""
    a, b = Fixed().encode(steps).astype(np.float64), Fixed().encode(goals).astype(np.float64)
    return [[goals[j] for j in np.argsort(-row, kind="stable")[:k]] for row in a @ b.T]


@pytest.mark.parametrize("seed", range(5))
def test_updated_lists_equal_new_ones_and_the_plain_search(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    steps, goals = texts(300, seed), [f"goal {i}" for i in range(200)]
    first = sorted(dice.sample(goals, 150))
    second = sorted(dice.sample(goals, 120))

    def lists(folder: Path, *goal_sets: list[str]) -> list[list[str]]:
        goal_store, step_store = VectorStore(folder / "goals"), VectorStore(folder / "steps")
        rows = step_store.add(steps, Fixed())
        for goal_set in goal_sets:
            retriever = Retriever(
                folder / "lists", goal_store, step_store, goal_store.add(goal_set, Fixed()), 10
            )
            retriever.update()
        names = dict(zip(goal_store.rows(hash_texts(goals)), goals, strict=True))
        return [[names[g] for g in row] for row in retriever.lists(rows).goals]

    updated = lists(tmp_path / "updated", first, second)
    assert updated == lists(tmp_path / "new", second) == best_by_hand(steps, second, 10)


def test_an_update_searches_only_what_a_lost_goal_concerns(tmp_path: Path) -> None:
    goals, steps = [f"goal {i}" for i in range(500)], texts(400)
    goal_store, step_store = VectorStore(tmp_path / "goals"), VectorStore(tmp_path / "steps")
    step_store.add(steps, Fixed())
    all_rows = goal_store.add(goals, Fixed())
    assert Retriever(tmp_path / "lists", goal_store, step_store, all_rows, 5).update() == 400
    assert Retriever(tmp_path / "lists", goal_store, step_store, all_rows, 5).update() == 0
    more = np.append(all_rows, goal_store.add(["another goal"], Fixed()))
    assert Retriever(tmp_path / "lists", goal_store, step_store, more, 5).update() == 0
    lists = best_by_hand(steps, [*goals, "another goal"], 5)
    lost = lists[0][0]
    without = more[more != goal_store.rows(hash_texts([lost]))[0]]
    concerned = sum(lost in row for row in lists)
    assert Retriever(tmp_path / "lists", goal_store, step_store, without, 5).update() == concerned > 0


def test_candidates_leave_out_the_own_article_and_break_ties_by_id(tmp_path: Path) -> None:
    goals = Goals(np.array([10, 20, 30, 40]), ["wash car", "wash car", "bake bread", "paint wall"])
    batch = StepBatch(np.array([1, 2]), np.array([40, 30]), ["wash car", "wash car"])
    linker = Linker(tmp_path, Model(Fixed(), decision=Decision(0.05, 0.7, 0.5)), 3)
    linker.run(goals, lambda: [batch], 2, tmp_path / "out")
    import pyarrow.parquet as pq

    rows = pq.read_table(tmp_path / "out").to_pylist()
    of_first = [r["article_id"] for r in rows if r["step_id"] == 1]
    of_second = [r["article_id"] for r in rows if r["step_id"] == 2]
    assert of_first == [10, 20, 30]
    assert of_second[:2] == [10, 20] and 30 not in of_second
