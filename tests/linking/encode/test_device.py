"""Where the encoder runs. What needs a GPU skips without one; the rest shows what can be shown on a processor."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from support.command import SAMPLE, Run

from howtree.errors import BadInput
from linking.encode.batches import TOKENS_PER_BATCH, batches_of_equal_length, filled
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.gold.examples import Examples
from linking.gold.links import Gold
from linking.train.fine_tuning import Run as Training
from linking.train.recipe import Recipe

TEXTS = [f"{verb} the {thing} {how}" for verb in ("Wash", "Paint", "Repair") for thing in ("car", "garden fence")
         for how in ("with care", "before the guests of your sister come", "")]  # fmt: skip

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch sees")


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return load_encoder(precision="float32")


def test_no_tensor_of_the_forward_pass_stays_behind_on_the_processor(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run on torch's device of shapes alone, where a product with a tensor of the processor is an error."""
    model, head = copy.deepcopy(encoder.model).to("meta"), copy.deepcopy(encoder.head)
    assert head is not None
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda _: True)  # shapes have no values to decide by
    elsewhere = SentenceEncoder("x", model, "x", "float32", head.to("meta"), device="meta")
    vectors, words = elsewhere.outputs(encoder.token_ids(["Wash the car", "Mow the lawn"]), elsewhere.head)
    assert words is not None
    assert [part.device.type for part in (vectors, *words)] == ["meta"] * 3
    assert vectors.shape == (2, encoder.dimension)
    with pytest.raises((RuntimeError, NotImplementedError)):
        SentenceEncoder("x", model, "x", "float32", device="cpu").outputs([[101, 102]], None)


def test_no_tensor_of_a_training_step_stays_behind_on_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Likewise: both losses and their gradient, on the device of shapes alone."""
    steps, goals = [f"Scrub the {n} cars" for n in range(6)], [f"Wash {n} Cars" for n in range(6)]
    gold = Gold(steps, goals)
    examples = Examples(steps, goals, [frozenset([goal]) for goal in goals])
    training = Training(load_encoder(precision="float32"), examples, gold, goals, tmp_path, Recipe())
    training.encoder.model.to("meta")
    training.head.to("meta")
    monkeypatch.setattr(training.encoder, "device", "meta")
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda _: True)
    loss = training.loss(list(range(6)), np.arange(12).reshape(6, 2) % 6)
    assert loss.device.type == "meta" and loss.shape == ()
    loss.backward()
    assert {p.grad.device.type for p in training.head.parameters() if p.grad is not None} == {"meta"}


def test_batches_of_a_gpu_have_one_shape_for_each_length() -> None:
    lengths = [3] * 30_000 + [5] * 7
    full = TOKENS_PER_BATCH["cuda"] // 3
    assert [len(batch) for batch in batches_of_equal_length(lengths, "cuda")] == [full, 30_000 - full, 7]
    rows = [[1, 2, 3], [4, 5, 6]]
    assert filled(rows, "cuda")[:2] == rows and len(filled(rows, "cuda")) == full
    assert filled(rows, "cpu") == rows + rows[:1] * 20
    assert filled(rows * 32, "cpu") == rows * 32 and filled([], "cpu") == []


def test_vectors_of_two_devices_never_meet_and_the_device_travels(encoder: SentenceEncoder) -> None:
    on_gpu = load_encoder(precision="float32", device="cuda")
    assert on_gpu.digest != encoder.digest and on_gpu.weights_digest == encoder.weights_digest
    again = pickle.loads(pickle.dumps(on_gpu))
    assert (again.device, again.digest) == ("cuda", on_gpu.digest)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without a GPU")
def test_a_missing_gpu_is_told(run: Run, tmp_path: Path) -> None:
    done = run("build", SAMPLE, "-o", tmp_path / "kb.duckdb", "--device", "cuda")
    assert done.returncode == 1 and "torch sees no GPU" in done.stderr and "--device cpu" in done.stderr
    done = run("build", SAMPLE, "-o", tmp_path / "kb.duckdb", "--device", "abacus")
    assert done.returncode == 2 and "'abacus'" in done.stderr
    with pytest.raises(BadInput, match="torch sees no GPU"):
        load_encoder(device="cuda").encode(["Wash the car"])
    assert load_encoder(device="auto").device == "cpu"


@needs_gpu
def test_on_a_gpu_a_vector_does_not_depend_on_what_is_encoded_with_it() -> None:
    encoder = load_encoder(device="cuda")
    together, tokens = encoder.encode_tokens(TEXTS)
    assert tokens is not None
    for i, text in enumerate(TEXTS):
        alone, own = encoder.encode_tokens([text])
        assert own is not None
        assert np.array_equal(alone[0], together[i])
        assert np.array_equal(own.vectors, tokens.picked(np.array([i])).vectors)


@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_gives_what_a_processor_gives_but_for_rounding(precision: str) -> None:
    gpu = load_encoder(precision=precision, device="cuda").encode(TEXTS)
    cpu = load_encoder(precision="float32").encode(TEXTS)
    assert (gpu * cpu).sum(axis=1).min() > (0.99999 if precision == "float32" else 0.999)
