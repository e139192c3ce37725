"""Probabilities and the threshold, against plain computations."""

from __future__ import annotations

import numpy as np
import pytest

from howtree.errors import BadInput
from linking.measure.reliability import calibration_error
from linking.model import base_decision
from linking.rerank.decide import Decision, fit_decision


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
