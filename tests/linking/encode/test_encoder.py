"""The encoder with the real small model: vectors against plain computations, weights, and precision."""

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
from support.texts import WORDS, texts
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
from linking.model import Model


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
