"""Judged links: what is read, what is refused with a clear message, and the split by article."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.judged import judged_line, write_lines

from howtree.errors import BadInput
from linking.gold.judged import folds_of, mark_of, read_judged
from linking.pair import Place

DRAWN = {"draw": "random", "stratum": "chosen", "rank": 1, "weight": 2.5}


def test_links_are_read_in_their_order_and_each_once(tmp_path: Path) -> None:
    first = judged_line(" Wash  the car.", "Wash a Car", 3, method="By Hand", after="Dry it", **DRAWN)
    second = judged_line("Serve", "Bake a Cake", 1, method_number=1, step_number=9)
    path = write_lines(tmp_path / "judged.jsonl", [first, second, first])
    (car, serve), tally = read_judged(path)
    assert car.place == Place("Wash the car.", "Keep House", "By Hand", "", "Dry it")
    assert (car.goal, car.grade, car.is_right, car.stratum, car.rank, car.weight) == (
        "Wash a Car", 3, True, "chosen", 1, 2.5,
    )  # fmt: skip
    assert (serve.at, serve.is_right, serve.weight, serve.stratum) == ((1, 9), False, 0.0, "")
    assert (tally.pairs, tally.repeated) == (2, 1) and "1 lines repeat" in tally.line()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grade": 4}, ":2: the grade 4 is unknown: it is 0 (unhelpful), 1 (related)"),
        ({"grade": True}, "the grade True is unknown"),
        ({"grade": "exact"}, "the grade 'exact' is unknown"),
        ({"before": None}, ":2 is no judged link: None is no text"),
        ({"goal": " "}, ":2: 'goal' is empty"),
        ({"step_number": "7"}, "'7' is no whole number"),
        ({"draw": "random"}, "a random draw needs its stratum"),
        ({"draw": "random", "stratum": "low", "weight": None}, "needs its weight"),
        ({"draw": "random", "stratum": "low", "weight": -1}, "not -1"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    lines = [judged_line("Serve", "Bake a Cake", 1), judged_line("Wash it", "Wash a Car", 2) | change]
    with pytest.raises(BadInput, match=r"judged\.jsonl") as refused:
        read_judged(write_lines(tmp_path / "judged.jsonl", lines))
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["article", "method", "before", "after", "grade"])
def test_missing_context_is_named(tmp_path: Path, name: str) -> None:
    line = judged_line("Serve", "Bake a Cake", 1)
    del line[name]
    with pytest.raises(BadInput, match=f"jsonl:1: '{name}' is missing"):
        read_judged(write_lines(tmp_path / "judged.jsonl", [line]))


def test_lines_that_disagree_are_both_named(tmp_path: Path) -> None:
    lines = [judged_line("Serve", "Bake a Cake", grade) for grade in (1, 1, 3)]
    with pytest.raises(BadInput, match=r"jsonl:1 and .*jsonl:3 grade the same step and goal 1 and 3"):
        read_judged(write_lines(tmp_path / "judged.jsonl", lines))
    apart = [judged_line("Serve", "Bake a Cake", g, method_number=1, step_number=g) for g in (1, 3)]
    assert len(read_judged(write_lines(tmp_path / "judged.jsonl", apart))[0]) == 2


@pytest.mark.parametrize("content", ["", "\n", "[1]", "no json", '"text"'])
def test_files_without_links_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "judged.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"judged\.jsonl"):
        read_judged(tmp_path / "judged.jsonl")


def test_an_article_is_in_one_fold_however_it_is_written(tmp_path: Path) -> None:
    lines = [judged_line("Serve", "Bake a Cake", 1, article=name) for i in range(60) for name in both_ways(i)]
    judged, _ = read_judged(write_lines(tmp_path / "judged.jsonl", lines))
    folds = folds_of(judged, 3)
    assert np.array_equal(folds[::2], folds[1::2]) and set(folds.tolist()) == {-1, 0, 1, 2}
    assert all((mark_of(link.place.article) < 0.2) == (f < 0) for link, f in zip(judged, folds, strict=True))


def both_ways(number: int) -> tuple[str, str]:
    """Two ways to write a title."""
    return f"Paint a House in {number} Ways", f"paint a house - in {number} ways!"
