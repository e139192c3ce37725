"""`howtree train reranker --cross-encoder`: from any base, with what is around a step, for `build --reranker`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import CrossEncoder
from support.command import Run
from support.contents import rows
from support.judged import judged_line, write_lines
from support.verifiers import random_cross_encoder

from howtree.files import read_json
from linking.encode.folder import SMALL_ENCODER
from linking.encode.packaged import BASE_ENCODER, packaged_model
from linking.pair import Candidate, Pair, Place
from linking.train.cross_encoder import figures_of, parts_read
from linking.verify.cross import load_cross_encoder
from linking.verify.reader import REGISTERED

VERBS = {"Wash": "Scrub", "Repair": "Mend", "Sell": "Find a buyer for"}
THINGS = ("car", "bike", "wall", "boat", "cat", "roof", "floor", "sofa")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with gold, titles, judged links and articles that hold the gold's steps."""
    pairs = [(f"{said} the {t}", f"{verb} a {t.title()}") for verb, said in VERBS.items() for t in THINGS]
    write_lines(tmp_path / "gold.jsonl", [{"step": step, "goal": goal} for step, goal in pairs])
    (tmp_path / "titles.txt").write_text("\n".join(goal for _, goal in pairs), encoding="utf-8")
    judged = [judged_line(f"Please {s.lower()}", g, 3 if i % 2 else 2) for i, (s, g) in enumerate(pairs[:6])]
    judged += [judged_line(f"Look at the {t}", f"Sell a {t.title()}", 0) for t in THINGS[:4]]
    write_lines(tmp_path / "judged.jsonl", judged)
    articles = [
        {"title": goal, "methods": [{"name": "By Hand", "steps": [step for step, _ in pairs[i : i + 3]]}]}
        for i, (_, goal) in enumerate(pairs)
    ]
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    return tmp_path


def train(run: Run, home: Path, base: object, *more: object) -> object:
    files = ("--gold", "gold.jsonl", "--goals", "titles.txt", "-o", "trained")
    quick = ("--epochs", 1, "--others", 2, "--batch", 12)
    return run("train", "reranker", *files, "--cross-encoder", base, *quick, *more, cwd=home)


def build(run: Run, home: Path) -> list[tuple[object, ...]]:
    done = run("build", "articles.jsonl", "-o", "kb.duckdb", "--reranker", "trained", cwd=home)
    assert done.returncode == 0, done.stderr
    assert rows(home / "kb.duckdb", "SELECT value FROM meta WHERE key = 'threshold'") == [("0.5",)]
    return rows(home / "kb.duckdb", "SELECT probability FROM candidates WHERE rank = 1")


def test_a_base_without_markers_gets_them(run: Run, home: Path) -> None:
    tiny = random_cross_encoder(home / "tiny", markers=False)
    done = train(
        run, home, tiny, "--context", "goal", "--articles", "articles.jsonl", "--judged", "judged.jsonl"
    )
    assert done.returncode == 0, done.stderr
    assert (
        "shards" not in done.stderr
        and "gold lists and 10 judged links" in done.stderr
        and "pairs held out: R@1" in done.stderr
    )
    assert read_json(home / "trained" / "parts.json") == [
        "step",
        "article",
        "method",
        "goal",
        "methods",
        "first",
    ]
    reader = load_cross_encoder(str(home / "trained"), "float32", "cpu").loaded[1]
    assert list(reader.markers.values()) == reader.tokenizer.convert_tokens_to_ids(list(REGISTERED))
    spoken = Pair(Place(f"say {REGISTERED[1]}", "Talk", "", "before", "after"), Candidate(REGISTERED[5]))
    marks = [token for token in reader.rows([spoken])[0].ids if token in reader.markers.values()]
    assert marks == [reader.markers[part] for part in ("step", "article", "goal")]
    assert len(build(run, home)) == 3 * len(VERBS) * len(THINGS) - 3


def test_it_starts_from_the_packaged_minilm_in_a_folder(run: Run, home: Path) -> None:
    CrossEncoder(str(packaged_model(BASE_ENCODER)), num_labels=1, device="cpu").save_pretrained(
        str(home / "base")
    )
    done = train(run, home, home / "base")
    assert done.returncode == 0, done.stderr
    assert read_json(home / "trained" / "parts.json") == ["step", "goal"]
    figures = read_json(home / "trained" / "figures.json")
    assert figures["pairs"] > 0 and f"R@1 {figures['recall_before']:.1f} before" in done.stderr
    assert not list((home / "trained.work").glob("cross-*"))
    assert all(0 < p < 1 for (p,) in build(run, home))
    done = train(run, home, home / "base")
    assert done.returncode == 1 and "trained exists: give another -o" in done.stderr


@pytest.mark.parametrize(
    ("base", "more", "code", "message"),
    [
        (BASE_ENCODER, ("--context", "both"), 2, "--context both needs the articles"),
        (SMALL_ENCODER, (), 1, "kept as the difference from another model"),
        ("nowhere", (), 1, "cannot start from 'nowhere'"),
        (BASE_ENCODER, ("-o", SMALL_ENCODER), 2, "comes with the package"),
        ("", (), 2, "give --encoder"),
    ],
)
def test_what_cannot_work_is_said_first(
    run: Run, home: Path, base: str, more: tuple[str, ...], code: int, message: str
) -> None:
    done = train(run, home, base, *more)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr


def test_contexts_and_their_parts() -> None:
    assert parts_read("none", False) == ("step", "goal")
    assert parts_read("neighbours", False) == ("step", "before", "after", "goal")
    assert parts_read("both", True) == (
        "step", "article", "method", "before", "after", "goal", "methods", "first",
    )  # fmt: skip


def test_figures_by_hand() -> None:
    logits = np.array([[1.0, 2.0, -1.0], [-1.0, -2.0, -3.0], [0.5, -np.inf, -np.inf], [-5.0, -6.0, -np.inf]])
    found = figures_of(logits, np.array([1, 0, -1, -1]))
    assert (found.pairs, found.recall_before, found.recall, found.recall_at_10) == (4, 25.0, 50.0, 50.0)
    assert (found.with_no_link, found.refused) == (25.0, 50.0)
