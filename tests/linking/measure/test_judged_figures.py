"""The figures of judged links, against values by hand and other implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from linking.gold.judged import Judged
from linking.measure.judged import Sample, area_under_roc, at_threshold, intervals, ordering
from linking.pair import Place


def drawn(step: str, grade: int, weight: float, rank: int = 1, article: str = "Keep House") -> Judged:
    stratum = "chosen" if weight < 5 else "low"
    return Judged(Place(step, article), f"Goal {rank}", grade, rank=rank, stratum=stratum, weight=weight)


LINKS = [
    drawn("a", 3, 1), drawn("a", 0, 1, rank=2), drawn("b", 2, 1), drawn("c", 1, 1), drawn("d", 0, 7), drawn("e", 2, 10),
]  # fmt: skip
SCORE = np.array([0.9, 0.95, 0.8, 0.7, 0.6, 0.1])


def test_figures_by_hand() -> None:
    sample = Sample.of(LINKS)
    assert [LINKS[i].place.step for i in sample.best(SCORE)] == ["a", "b", "c", "d", "e"]
    found = at_threshold(sample, SCORE, 0.6)  # a is linked to its wrong goal, b rightly, c and d wrongly
    assert found["links"] == pytest.approx(1_000 * 10 / 20) and found["right"] == pytest.approx(1_000 / 20)
    assert found["precision"] == pytest.approx(1 / 10) and found["exact"] == 0
    assert found["recall"] == pytest.approx(1 / 12)  # of a, b and e
    assert found["mean probability"] == pytest.approx((0.95 + 0.8 + 0.7 + 7 * 0.6) / 10)
    assert found["ECE chosen"] == pytest.approx((0.95 + abs(0.8 - 1) + 0.7 + 7 * 0.6) / 10)
    assert ordering(sample, SCORE)["P@27"] == pytest.approx(1 / 2)
    nothing = at_threshold(sample, SCORE, 0.99)
    assert nothing["links"] == 0 and math.isnan(nothing["precision"]) and math.isnan(nothing["ECE chosen"])


def test_the_area_is_that_of_another_implementation() -> None:
    dice = np.random.default_rng(0)
    right, score = dice.random(200) < 0.3, np.round(dice.random(200), 1)
    assert area_under_roc(right, score) == pytest.approx(roc_auc_score(right, score))
    assert math.isnan(area_under_roc(np.ones(3, bool), np.arange(3.0)))


def test_intervals_hold_the_figure_and_articles_stay_together() -> None:
    links = [
        drawn(f"{a} {s}", 3 if a % 2 else 0, 1, article=f"Article {a}") for a in range(40) for s in range(3)
    ]
    score = np.linspace(0.5, 0.9, len(links))
    found = intervals(Sample.of(links), score, score, 0.0)
    low, high = found["precision"]
    assert low < 0.5 < high
    # Three steps of an article are all right or all wrong: the interval is that of 40 draws, not of 120.
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(40), rel=0.2)
