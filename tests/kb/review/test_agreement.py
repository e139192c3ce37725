"""Agreement of people and intervals of precision against other people's libraries."""

from __future__ import annotations

import random

import krippendorff
import numpy as np
import pytest
from scipy.stats import binomtest

from kb.review.agreement import alpha, wilson


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_alpha_is_that_of_the_library(level: str) -> None:
    dice = random.Random(3)
    compared = 0
    for people in (2, 3, 7):
        for _ in range(30):
            table = [[dice.choice([None, None, 0, 1, 2, 3]) for _ in range(12)] for _ in range(people)]
            paired = {
                v for unit in zip(*table, strict=True) for v in unit if sum(w is not None for w in unit) > 1
            } - {None}
            if len(paired) < 2:
                assert alpha(table, level) is None
                continue
            data = np.array([[np.nan if value is None else value for value in row] for row in table])
            expected = krippendorff.alpha(reliability_data=data, level_of_measurement=level)
            assert alpha(table, level) == pytest.approx(expected)
            compared += 1
    assert compared > 60
    assert alpha([[1, 1], [1, 1]], level) is None
    assert alpha([], level) is None


@pytest.mark.parametrize(("right", "judged"), [(0, 1), (1, 1), (3, 4), (50, 50), (7, 100), (0, 999)])
def test_wilson_is_that_of_scipy(right: int, judged: int) -> None:
    expected = binomtest(right, judged).proportion_ci(0.95, method="wilson")
    assert wilson(right, judged) == pytest.approx((expected.low, expected.high), abs=1e-12)
