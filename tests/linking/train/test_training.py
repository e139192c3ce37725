"""`howtree train retriever`: the loss, the masks, a whole small run, and going on after a stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
import torch
from support.command import Run as RunCommand
from support.gold import SMALL, small_gold

from howtree.errors import BadInput
from howtree.files import digest_of_file
from linking.encode.encoder import load_encoder
from linking.encode.packaged import BASE_ENCODER, BASES
from linking.gold.examples import Examples, training_part
from linking.gold.links import Gold, split_of
from linking.model import Model
from linking.rerank.linear import LinearReranker
from linking.train.fine_tuning import Run
from linking.train.recipe import LARGE, contrastive_loss, rate_at
from linking.train.retriever import train_retriever


def test_the_loss_is_the_formula() -> None:
    dice = np.random.default_rng(0)
    steps, goals = dice.normal(size=(4, 6)), dice.normal(size=(7, 6))
    masked = dice.random((4, 7)) < 0.3
    masked[np.arange(4), np.arange(4)] = False
    expected = 0.0
    for i in range(4):
        weights = [np.exp(3 * steps[i] @ goals[j]) for j in range(7) if not masked[i, j]]
        expected -= np.log(np.exp(3 * steps[i] @ goals[i]) / sum(weights)) / 4
    found = contrastive_loss(torch.tensor(steps), torch.tensor(goals), torch.tensor(masked), 3.0)
    assert float(found) == pytest.approx(expected)


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(n, 100, 0.1) for n in range(101)]
    assert rates[0] == 0.1 and max(rates) == rates[9] == rates[10] == 1 and rates[100] == 0
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:])[::-1]


def test_held_out_steps_are_not_trained_on() -> None:
    gold, _ = small_gold()
    part = split_of(gold.steps)
    assert {"dev", "calibration", "train"} == set(part)
    assert sorted(training_part(gold).steps) == sorted(np.array(gold.steps)[part == "train"])


def test_goals_that_may_be_right_are_no_negatives(tmp_path: Path) -> None:
    steps = ["Wash it", "Scrub it", "Wash it", "Bake some bread", "Clean it"]
    right = ["Wash a Car", "Wash a Car", "Clean a Boat", "Bake Bread", "Wash a Car Today"]
    also = [frozenset(g for s, g in zip(steps, right, strict=True) if s == step) for step in steps]
    examples, gold = Examples(steps, right, also), Gold(steps, right)
    run = Run(load_encoder(), examples, gold, sorted(set(gold.goals)), tmp_path, SMALL)
    rows = list(range(len(examples.steps)))
    masked = run.may_be_right(rows, right)
    wash, scrub, boat, bread, near = rows
    assert masked[wash, scrub] and masked[wash, boat]  # the same goal; another gold goal of the step
    assert masked[scrub, near]  # a near-duplicate title
    assert not masked[scrub, boat] and not masked[wash, bread]
    assert not masked[np.arange(len(rows)), np.arange(len(rows))].any()


def test_a_batch_too_large_for_the_memory_is_run_in_smaller_pieces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gold, pool = small_gold()
    run = Run(load_encoder(precision="float32"), training_part(gold), gold, pool, tmp_path, SMALL)
    rows, hard = list(range(16)), np.arange(32).reshape(16, 2)

    def gradients() -> tuple[float, list[torch.Tensor]]:
        loss = run.gradient(rows, hard)
        parameters = [*run.encoder.model.parameters(), *run.head.parameters()]
        return loss, [torch.zeros(1) if p.grad is None else p.grad.clone() for p in parameters]

    loss, expected = gradients()
    assert max(float(gradient.abs().max()) for gradient in expected) > 1e-3
    forward, sizes = run.forward, []

    def little_memory(tokens: list[list[int]], longest: int) -> tuple[torch.Tensor, ...]:
        if len(tokens) > 5:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        sizes.append(len(tokens))
        return forward(tokens, longest)

    monkeypatch.setattr(run, "forward", little_memory)
    again, found = gradients()
    assert again == pytest.approx(loss, rel=1e-5)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, expected, strict=True))
    assert sum(sizes) >= 2 * 64  # every text, and once more for its gradient
    assert "is now run in 16 pieces" in capsys.readouterr().err
    monkeypatch.setattr(run, "forward", lambda *_: little_memory([[]] * 9, 9))
    with pytest.raises(RuntimeError, match="allocate memory"):
        run.gradient(rows, hard)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small trained model `m` and its checkpoints `w`."""
    folder = tmp_path_factory.mktemp("trained")
    gold, pool = small_gold()
    train_retriever(gold, pool, BASE_ENCODER, folder / "m", folder / "w", SMALL, "made up")
    return folder


def test_training_brings_steps_to_their_goals(trained: Path) -> None:
    gold, pool = small_gold()
    dev = np.flatnonzero(split_of(gold.steps) == "dev")

    def mean_cosine_margin(model: str) -> float:
        encoder = load_encoder(model)
        steps, goals = encoder.encode([gold.steps[i] for i in dev]), encoder.encode(pool)
        right = np.array([pool.index(gold.goals[i]) for i in dev])
        cosines = steps @ goals.T
        own = cosines[np.arange(len(dev)), right].copy()
        cosines[np.arange(len(dev)), right] = -1
        return float((own - cosines.max(axis=1)).mean())

    assert mean_cosine_margin(str(trained / "m")) > mean_cosine_margin(BASE_ENCODER)
    model = Model.load(str(trained / "m"))
    assert model.decision is not None and model.decision.weights_digest == model.encoder.weights_digest
    assert "made up" in (trained / "m" / "README.md").read_text(encoding="utf-8")


def test_a_stopped_run_ends_with_the_same_weights(trained: Path, tmp_path: Path) -> None:
    gold, pool = small_gold()
    first = replace(SMALL, hard_epochs=0)
    train_retriever(gold, pool, BASE_ENCODER, tmp_path / "m", tmp_path / "w", first, "made up")
    before = digest_of_file(tmp_path / "m" / "delta.safetensors")
    train_retriever(gold, pool, BASE_ENCODER, tmp_path / "m", tmp_path / "w", SMALL, "made up")
    after = digest_of_file(tmp_path / "m" / "delta.safetensors")
    assert before != after == digest_of_file(trained / "m" / "delta.safetensors")


def test_a_build_uses_the_model_and_its_decision(run: RunCommand, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "articles.jsonl").write_text(
        '{"title": "How to Wash a Car", "methods": [{"name": "", "steps": ["Paint the wall."]}]}\n'
        '{"title": "How to Paint a Wall", "methods": [{"name": "", "steps": ["Scrub the car."]}]}\n',
        encoding="utf-8",
    )
    done = run("build", "articles.jsonl", "-o", "kb.duckdb", "--encoder", trained / "m", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "kb.duckdb"), read_only=True) as kb:
        row = kb.execute("SELECT value FROM meta WHERE key = 'threshold'").fetchone()
    assert row is not None
    assert float(row[0]) == Model.load(str(trained / "m")).decision_or_base().threshold


def test_a_large_model_is_kept_in_few_dimensions_and_its_words_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small model, kept as the large one is, of two runs averaged."""
    monkeypatch.setitem(BASES, BASE_ENCODER, replace(BASES[BASE_ENCODER], rank=4))
    gold, pool = small_gold()
    recipe = replace(LARGE, hard_epochs=0, batch=32, runs=2)
    train_retriever(gold, pool, BASE_ENCODER, tmp_path / "m", tmp_path / "w", recipe, "made up")
    assert (tmp_path / "m" / "delta.safetensors").stat().st_size < 1e6
    model, base = Model.load(str(tmp_path / "m")), load_encoder(BASE_ENCODER)
    found, reranker = model.encoder, model.reranker
    words, layer = "embeddings.word_embeddings.weight", "encoder.layer.3.output.dense.weight"
    after, before = (each.model[0].auto_model.state_dict() for each in (found, base))
    assert torch.equal(after[words], before[words])
    assert torch.linalg.matrix_rank(after[layer].double() - before[layer].double(), rtol=1e-3) == 4
    assert model.decision is not None and model.decision.weights_digest == found.weights_digest
    assert found.head is None and isinstance(reranker, LinearReranker)
    assert not reranker.late and reranker.weights[0] > 0  # reranked, but not by tokens


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_pairs_are_refused(run: RunCommand, tmp_path: Path, count: int) -> None:
    (tmp_path / "gold.jsonl").write_text(
        '{"step": "Fly it", "goal": "Fly a Kite"}\n' * count, encoding="utf-8"
    )
    (tmp_path / "goals.txt").write_text("Fly a Kite\n", encoding="utf-8")
    done = run("train", "retriever", "--gold", "gold.jsonl", "--goals", "goals.txt", "-o", "m", cwd=tmp_path)
    assert done.returncode == 1 and "at least two" in done.stderr and not (tmp_path / "m").exists()


def test_a_folder_that_is_no_model_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    gold, pool = small_gold()
    with pytest.raises(BadInput, match="no model folder"):
        train_retriever(gold, pool, BASE_ENCODER, tmp_path, tmp_path / "w", SMALL, "made up")
