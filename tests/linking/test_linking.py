"""The linker with the real small model: vectors, lists and decisions against plain computations."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.command import Run
from support.weights import needs_large

from howtree.errors import BadInput
from linking.encode import packaged
from linking.encode.batches import batches_of_equal_length
from linking.encode.delta import pack, unpack
from linking.encode.device import (
    Precision,
    has_fast_bfloat16,
    has_int8,
    is_intel_with_avx512,
    precision_for,
    precision_of_training,
)
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import LARGE_ENCODER, SMALL_ENCODER, ModelFolder
from linking.encode.packaged import BASE_ENCODER, LARGE_BASE
from linking.gold.links import in_dev, read_gold
from linking.measure.reliability import calibration_error
from linking.model import Model, base_decision
from linking.pipeline import Goals, Linker, StepBatch
from linking.rerank.decide import Decision, fit_decision
from linking.retrieve.index import GoalIndex
from linking.retrieve.retrieve import Retriever
from linking.retrieve.vectors import VectorStore, hash_texts
from linking.text import goal_text, step_text

WORDS = ("clean house bake bread plant tree fix bike fold shirt wash car paint wall cut onion").split()  # noqa: SIM905


def texts(count: int, seed: int = 0) -> list[str]:
    """Distinct texts of one to nine words."""
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=1 + i % 9)) + f" {i}" for i in range(count)]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return load_encoder()


def test_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    some = texts(40)
    exact = load_encoder(precision="float32").encode(some)
    plain = encoder.model.encode(some, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(exact - plain).max() < 1e-5
    assert (exact * encoder.encode(some)).sum(axis=1).min() > 0.999


INT8 = pytest.param("int8", marks=pytest.mark.skipif(not has_int8(), reason="no VNNI here"))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", INT8])
def test_a_vector_does_not_depend_on_its_neighbours(precision: Precision) -> None:
    encoder, some = load_encoder(precision=precision), [*texts(60), *WORDS[:5], ""]
    together = encoder.encode(some)
    assert np.array_equal(together[7:9], encoder.encode(some[7:9]))
    assert np.array_equal(together[::-1], encoder.encode(some[::-1]))
    assert np.array_equal(together[::4], np.concatenate([encoder.encode([text]) for text in some[::4]]))


@pytest.mark.skipif(
    not is_intel_with_avx512(), reason="FAISS knows this processor, or has none of its kernels"
)
def test_faiss_multiplies_with_the_instructions_of_this_processor() -> None:
    code = (
        "import os, threadpoolctl; from linking.run.processor import loaded_faiss; loaded_faiss(); "
        "print([lib['architecture'] for lib in threadpoolctl.threadpool_info() if 'faiss' in lib['filepath'] "
        "and lib['internal_api'] == 'openblas'], os.environ.get('OPENBLAS_CORETYPE'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["['SkylakeX']", "None"]


def test_batches_hold_each_text_once_and_one_length_each() -> None:
    lengths = [random.Random(1).randint(1, 300) for _ in range(1000)]
    batches = batches_of_equal_length(lengths)
    assert sorted(i for batch in batches for i in batch) == list(range(1000))
    assert all(len({lengths[i] for i in batch}) == 1 for batch in batches)
    assert batches_of_equal_length([]) == []


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "digest_of_file", lambda path: "0" * 64)
    with pytest.raises(BadInput, match="not those of all-MiniLM-L6-v2"):
        load_encoder()


@pytest.mark.parametrize(
    ("name", "base"),
    [(SMALL_ENCODER, BASE_ENCODER), pytest.param(LARGE_ENCODER, LARGE_BASE, marks=needs_large)],
)
def test_a_shipped_encoder_is_loaded_and_a_changed_one_refused(name: str, base: str, tmp_path: Path) -> None:
    model = Model.load(name)
    shipped, decision = model.encoder, model.decision
    assert decision is not None and 0 < decision.threshold < 1
    sentences = ["Scrub the car", "Wash a Car", "Bake Bread"]
    step, right, wrong = shipped.encode(sentences)
    assert step @ right > step @ wrong
    assert not np.allclose(shipped.encode(sentences), load_encoder(base).encode(sentences), atol=1e-2)
    folder = shutil.copytree(ModelFolder.of(name).path, tmp_path / "copy")
    assert load_encoder(str(folder)).weights_digest == shipped.weights_digest
    weights = bytearray((folder / "delta.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "delta.safetensors").write_bytes(weights)
    with pytest.raises(BadInput, match="have changed"):
        load_encoder(str(folder))
    (folder / "model.json").unlink()
    with pytest.raises(BadInput, match="holds no model"):
        load_encoder(str(folder))


def test_weights_come_back_from_their_difference() -> None:
    import torch

    dice = torch.Generator().manual_seed(0)
    base = {
        "embeddings.words": torch.randn(50, 8, generator=dice),
        "layer": torch.randn(6, 8, generator=dice),
    }
    base["bias"] = torch.randn(8, generator=dice)
    trained = {name: each + 0.002 * torch.randn(each.shape, generator=dice) for name, each in base.items()}
    trained["embeddings.words"][10:] = base["embeddings.words"][10:]
    packed = pack(trained, base)
    assert packed["embeddings.words.rows"].tolist() == list(range(10))
    back = unpack(packed, base)
    for name, tensor in trained.items():
        largest = (tensor - base[name]).abs().max()
        assert (back[name] - tensor).abs().max() <= largest / 250
    assert torch.equal(back["embeddings.words"][10:], base["embeddings.words"][10:])


def test_a_difference_in_few_dimensions_is_the_nearest_there_is() -> None:
    import torch

    dice = np.random.default_rng(0)
    base = {"layer": dice.normal(size=(30, 20)), "still": dice.normal(size=(4, 5)), "bias": np.zeros(8)}
    moved = dice.normal(size=(30, 20)) * 0.01
    left, size, right = np.linalg.svd(moved)
    nearest = left[:, :3] * size[:3] @ right[:3]
    before = {name: torch.tensor(each, dtype=torch.float32) for name, each in base.items()}
    trained = {**before, "layer": before["layer"] + torch.tensor(moved, dtype=torch.float32)}
    packed = pack(trained, before, rank=3)
    assert packed["layer.left.steps"].shape == (3, 30) and packed["layer.right.steps"].shape == (3, 20)
    back = unpack(packed, before)
    assert np.abs(back["layer"].numpy() - base["layer"] - nearest).max() < 0.02 * np.abs(nearest).max()
    assert torch.allclose(back["still"], before["still"]) and torch.equal(back["bias"], before["bias"])


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="no-such-model"):
        load_encoder(f"{os.sep}no-such-model")


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


class Fixed:
    """An encoder that gives each text a random vector of its own, quickly."""

    name, digest, device, dimension = "fixed", "fixed", "cpu", 8

    def encode(self, some: list[str]) -> np.ndarray:
        seeds = hash_texts(some)
        vectors = np.stack([np.random.default_rng(seed).normal(size=8) for seed in seeds]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_tokens(self, some: list[str]) -> tuple[np.ndarray, None]:
        return self.encode(some), None


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
    batch = StepBatch(np.array([1, 2]), np.array([20, 30]), ["wash car", "wash car"])
    linker = Linker(tmp_path, Model(Fixed(), decision=Decision(0.05, 0.7, 0.5)), 3)
    linker.run(goals, lambda: [batch], 2, tmp_path / "out")
    import pyarrow.parquet as pq

    rows = pq.read_table(tmp_path / "out").to_pylist()
    of_first = [r["article_id"] for r in rows if r["step_id"] == 1]
    of_second = [r["article_id"] for r in rows if r["step_id"] == 2]
    assert of_first[0] == 10 and 20 not in of_first and len(of_first) == 3
    assert of_second[:2] == [10, 20] and 30 not in of_second


def test_probabilities_are_a_softmax_with_no_link_as_one_more_candidate() -> None:
    decision = Decision(0.1, 0.6, 0.5)
    p = decision.probabilities(np.array([[0.6, -np.inf], [0.9, 0.1], [-np.inf, -np.inf]]))
    assert p[0, 0] == pytest.approx(0.5) and p[0, 1] == 0
    weights = np.exp(np.array([0.9, 0.1, 0.6]) / 0.1)
    assert p[1, 0] == pytest.approx(weights[0] / weights.sum())
    assert (p[2] == 0).all()


def test_the_fit_finds_the_decision_that_made_the_data() -> None:
    dice = np.random.default_rng(0)
    true = Decision(0.06, 0.7, 0.5)
    scores = -np.sort(-dice.uniform(0.3, 1.0, (20_000, 10)))
    p = true.probabilities(scores)
    chances = np.concatenate([p, 1 - p.sum(axis=1, keepdims=True)], axis=1).cumsum(axis=1)
    gold = (dice.random((len(p), 1)) > chances).sum(axis=1)
    fitted = fit_decision(scores, np.where(gold == 10, -1, gold), "made up")
    assert fitted.temperature == pytest.approx(true.temperature, rel=0.05)
    assert fitted.bias == pytest.approx(true.bias, abs=0.02)
    best = fitted.probabilities(scores)[:, 0]
    assert calibration_error(best, gold == 0) < 0.02


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_the_threshold_is_that_of_the_best_f_beta(beta: float) -> None:
    dice = np.random.default_rng(1)
    scores = -np.sort(-dice.uniform(0.3, 1.0, (400, 5)))
    gold = np.where(dice.random(400) < scores[:, 0] ** 3, 0, dice.choice([-1, 1], 400))
    fitted = fit_decision(scores, gold, "made up", beta)
    best = fitted.probabilities(scores)[:, 0]

    def f_beta(threshold: float) -> float:
        linked, right = best >= threshold, gold == 0
        precision, recall = right[linked].mean(), (right & linked).sum() / (gold >= 0).sum()
        return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)

    assert f_beta(fitted.threshold) > max(map(f_beta, np.unique(best))) - 0.01
    assert fitted.threshold_for(beta) == fitted.threshold
    by_beta = [fitted.threshold_for(b) for b in (0.25, 0.5, 1, 2)]
    assert by_beta == sorted(by_beta, reverse=True) and by_beta[0] > by_beta[-1]
    with pytest.raises(BadInput, match="beta 9 "):
        fitted.threshold_for(9)


def test_the_shipped_decision_is_a_whole_one() -> None:
    decision = base_decision()
    assert 0 < decision.threshold < 1 and decision.fitted_on


@pytest.mark.parametrize(
    ("headline", "body", "expected"),
    [
        ("Clean the house.", "", "Clean the house"),
        ("  Clean \n the   house! ", "x", "Clean the house"),
        ("", "Wait here. Then go.", "Wait here"),
        ("", "", ""),
        ("...", "", "..."),
        ("卵を割る。", "", "卵を割る"),
    ],
)
def test_the_text_of_a_step(headline: str, body: str, expected: str) -> None:
    assert step_text(headline, body) == expected


def test_long_texts_are_cut() -> None:
    assert len(step_text("word " * 200_000)) <= 1000
    assert goal_text(" Grill   Fish ") == "Grill Fish"


@pytest.mark.parametrize("content", ["", "\n", "{}\n", "[1]\n", '{"step": "a"}\n', "no json\n"])
def test_bad_gold_is_refused_with_its_place(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"gold\.jsonl"):
        read_gold(path)


def test_the_held_out_part_is_a_tenth_and_depends_on_the_text_alone() -> None:
    some = texts(5000)
    held = in_dev(some)
    assert 0.08 < held.mean() < 0.12
    assert np.array_equal(in_dev(some[::-1])[::-1], held)


@pytest.mark.skipif(not has_fast_bfloat16(), reason="no fast bfloat16 here")
def test_bfloat16_is_used_where_the_processor_has_it(encoder: SentenceEncoder) -> None:
    assert has_fast_bfloat16() and encoder.precision == "bfloat16"


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast bfloat16"])
@pytest.mark.parametrize("vnni", [False, True], ids=["no VNNI", "VNNI"])
def test_the_processor_settles_the_numbers(fast: bool, vnni: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 where it is fast, else int8 for a wide encoder where it is exact; never int8 in training."""
    monkeypatch.setattr("linking.encode.device.has_fast_bfloat16", lambda: fast)
    monkeypatch.setattr("linking.encode.device.has_int8", lambda: vnni)
    assert (
        precision_for("auto", "cpu", 384)
        == precision_of_training("cpu")
        == ("bfloat16" if fast else "float32")
    )
    assert precision_for("auto", "cpu", 768) == ("bfloat16" if fast else "int8" if vnni else "float32")
    assert precision_for("auto", "cuda", 768) == precision_of_training("cuda") == "bfloat16"
    assert precision_for("float32", "cpu", 768) == "float32"
    with pytest.raises(BadInput, match="--precision int8 needs a processor with VNNI"):
        precision_for("int8", "cuda" if vnni else "cpu", 768)


@pytest.mark.skipif(not has_int8(), reason="no VNNI here")
def test_int8_gives_nearly_the_vectors_of_float32(tmp_path: Path) -> None:
    some, goals = texts(300, 1), texts(400, 2)
    exact, whole = load_encoder(precision="float32"), load_encoder(precision="int8")
    assert (exact.encode(some) * whole.encode(some)).sum(axis=1).min() > 0.99
    best = [(each.encode(some) @ each.encode(goals).T).argmax(axis=1) for each in (exact, whole)]
    assert (best[0] == best[1]).mean() > 0.9
    assert whole.digest != exact.digest and whole.weights_digest == exact.weights_digest
    with pytest.raises(BadInput, match="load it with precision float32"):
        whole.model.save(str(tmp_path / "m"))
    again = pickle.loads(pickle.dumps(whole))
    assert np.array_equal(again.encode(some[:9]), whole.encode(some[:9]))


def test_any_other_sentence_transformers_model_can_link(tmp_path: Path, run: Run) -> None:
    """A model of static word vectors, made here, with random weights."""
    import json

    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    words = load_encoder().model.tokenizer.backend_tokenizer
    SentenceTransformer(modules=[StaticEmbedding(words, embedding_dim=16)], device="cpu").save(
        str(tmp_path / "static")
    )
    source = tmp_path / "articles.jsonl"
    titles = ["Boil Water", "Make Tea", "Wash Cups"]
    source.write_text(
        "\n".join(
            json.dumps({"title": t, "methods": [{"name": "", "steps": ["boil water"]}]}) for t in titles
        ),
        "utf-8",
    )
    done = run(
        "build", source, "-o", tmp_path / "kb.duckdb", "--encoder", tmp_path / "static", "--threshold", 0.1
    )
    assert done.returncode == 0, done.stderr
    best = "SELECT retrieval_score FROM candidates JOIN articles USING (article_id) WHERE goal = 'Boil Water'"
    scores = run("sql", best, "--format", "csv", "--kb", tmp_path / "kb.duckdb").stdout.split()[1:]
    assert [float(score) for score in scores] == pytest.approx([1.0, 1.0], abs=1e-6)
