"""What people may hand to the linker's evaluation and training by mistake: a clear message, or it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import Run

from howtree.errors import BadInput
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.measure.ranking import EncoderScorer
from linking.retrieve.vectors import VectorStore


def write_gold(folder: Path, *pairs: tuple[str, str]) -> None:
    """gold.jsonl, and goals.txt with three titles."""
    lines = [json.dumps({"step": step, "goal": goal}) + "\n" for step, goal in pairs]
    (folder / "gold.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "goals.txt").write_text("Wash a Car\nBake Bread\nPaint a Wall\n", encoding="utf-8")


TRAINERS = ("decision", "retriever")


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "gold.jsonl holds no gold links"),
        ([("Fly", "Fly a Kite"), ("Bake", "Bake Bread")], "1 of 2 gold pairs name a goal that is not among"),
        ([("Bake it", "Bake Bread")], "1 "),
        ([("Bake it", "Bake Bread")] * 3, "3 "),
    ],
    ids=["empty", "outside", "one", "repeated"],
)
def test_gold_that_nothing_can_be_trained_on_is_named(
    run: Run, tmp_path: Path, trainer: str, pairs: list[tuple[str, str]], message: str
) -> None:
    write_gold(tmp_path, *pairs)
    done = run("train", trainer, "--gold", "gold.jsonl", "--goals", "goals.txt", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_step_given_with_two_goals_counts_for_each(run: Run, tmp_path: Path) -> None:
    write_gold(
        tmp_path, ("Wash the car", "Wash a Car"), ("Wash the car", "Bake Bread"), ("Bake bread", "Bake Bread")
    )
    arguments = ("--gold", "gold.jsonl", "--goals", "goals.txt", "--models", "bm25", "--format", "json")
    done = run("evaluate", "linking", *arguments, "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"][0]["recall@1"] == pytest.approx(200 / 3)
    assert found["tally"]["pairs of steps with several goals"] == 2 and found["tally"]["steps"] == 2
    lines = (tmp_path / "out" / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["models"]["bm25"]["rank"] for line in lines][::2] == [1, 1]


def test_vectors_of_another_model_in_the_work_folder_are_told(tmp_path: Path) -> None:
    class Short:
        device = "cpu"

        def encode_tokens(self, texts: list[str]) -> tuple[np.ndarray, None]:
            return np.ones((len(texts), 5), np.float32), None

    encoder = load_encoder()
    folder = tmp_path / encoder.digest[:16] / "goals"
    VectorStore(folder).add(["Wash a Car", "Bake Bread"], Short())  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"vectors of length 5.*remove the folder"):
        EncoderScorer(encoder, ["Wash a Car", "Bake Bread"], tmp_path)


@contextmanager
def little_memory(encoder: SentenceEncoder, most: int, sizes: list[int]) -> Iterator[None]:
    """Let batches of more than `most` texts fail as they do when the memory is used up; `sizes` gets those that ran."""
    model = encoder.model

    def limited(features: dict[str, Any]) -> Any:
        size = len(features["input_ids"])
        if size > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        sizes.append(size)
        return model(features)

    class Limited:
        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

        def __getitem__(self, place: int) -> Any:
            return model[place]

        def __call__(self, features: dict[str, Any]) -> Any:
            return limited(features)

    encoder.model = Limited()
    try:
        yield
    finally:
        encoder.model = model


def test_a_batch_too_large_for_the_memory_is_halved_and_no_text_is_skipped() -> None:
    encoder, texts = load_encoder(), [f"wash the car {i}" for i in range(40)]
    whole, sizes = encoder.encode(texts), list[int]()
    with little_memory(encoder, 12, sizes):
        assert np.array_equal(encoder.encode(texts), whole)
    assert sum(sizes) >= len(texts) and len(sizes) > 1 and max(sizes) <= 12
    with little_memory(encoder, 0, sizes), pytest.raises(RuntimeError, match="allocate memory"):
        encoder.encode(texts[:1])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["reranker", "--encoder", "howtree-retriever"], 2, "comes with the package"),
        (["reranker", "--encoder", "all-MiniLM-L6-v2"], 2, "untrained and has no reranker"),
        (["reranker", "--encoder", "nowhere"], 1, "nowhere is no folder of a model"),
        (["reranker", "--encoder", "howtree-retriever", "-o", "other"], 1, "other exists and is no model"),
        (["reranker", "--encoder", "howtree-retriever", "-o", "taken/out"], 1, "cannot write to taken"),
        (["retriever", "-o", "howtree-retriever-large"], 2, "comes with the package"),
        (["retriever", "-o", "other"], 1, "other exists and is no model folder"),
        (["retriever", "-o", "taken/out"], 1, "cannot write to taken"),
        (["retriever", "-o", "out", "--work", "taken/work"], 1, "cannot write to taken/work"),
        (["decision", "-o", "other"], 1, "other is a folder"),
        (["decision", "-o", "taken/decision.json"], 1, "cannot write to taken"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_gold_is_read(
    run: Run, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "gold.jsonl").write_text("no gold at all", encoding="utf-8")
    (tmp_path / "goals.txt").write_text("Wash a Car\n", encoding="utf-8")
    (tmp_path / "taken").write_text("", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("", encoding="utf-8")
    done = run("train", *arguments, "--gold", "gold.jsonl", "--goals", "goals.txt", cwd=tmp_path)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"gold.jsonl", "goals.txt", "taken", "other"}
