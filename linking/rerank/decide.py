"""The decision: retrieval scores -> a probability for each candidate, the rest being "no link".

p(i) = exp(s_i / T) / (exp(b / T) + sum_j exp(s_j / T)): a softmax over the candidates' scores s and one more
candidate, "no link", whose score is the bias b. T and b are fitted by maximum likelihood on gold links, where
"no link" is the right answer for a step whose gold goal is not among its candidates.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput
from howtree.extras import required
from howtree.files import digest_of, read_json, write_json
from linking.arrays import Flags, Floats, Positions

BETA = 0.5
"""The default weight of recall against precision: precision counts more, for a wrong link misleads."""
BETAS = (0.25, 0.5, 1.0, 2.0)
"""For each of these a fitted decision keeps the threshold of the best F-beta."""
DIGEST_KEY = "weights"
"""What a decision's file calls `weights_digest`."""


MENTIONED = 3.0
"""How much the odds of a goal grow if an editor mentions it in the step (docs/linking.md, "Mentions")."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How scores become probabilities, and from which probability on a link is chosen."""

    temperature: float
    bias: float
    """The score at which a lone candidate and "no link" are equally likely."""
    threshold: float
    """Links of at least this probability are chosen by default."""
    fitted_on: str = ""
    weights_digest: str = ""
    """Of the weights of the encoder that it was fitted for."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """By beta, as text: the threshold with the best F-beta on the data of the fit."""

    @property
    def digest(self) -> str:
        """Changes with anything that was fitted."""
        return digest_of(json.dumps(asdict(self), sort_keys=True))

    def probabilities(self, scores: NDArray[Any]) -> Floats:
        """Probability of each candidate, shape of `scores` [n, k]; padding (-inf) gets 0. Rows sum to at most 1."""
        logits = np.asarray(scores, np.float64) / self.temperature
        none = self.bias / self.temperature
        highest = np.maximum(logits.max(axis=1, keepdims=True, initial=-np.inf), none)
        weights = np.exp(logits - highest)
        return np.asarray(weights / (np.exp(none - highest) + weights.sum(axis=1, keepdims=True)))

    def with_prior(self, scores: Floats, mentioned: Flags) -> Floats:
        """The scores, raised where an editor mentions the goal: `MENTIONED` times its odds; all [n]."""
        return np.where(mentioned, scores + self.temperature * np.log(MENTIONED), scores)

    def threshold_for(self, beta: float) -> float:
        """The threshold that was best by F-beta.

        Raises:
            BadInput: none was fitted for this beta.
        """
        if f"{beta:g}" not in self.thresholds:
            known = ", ".join(self.thresholds) or "none"
            raise BadInput(
                f"the decision has no threshold for beta {beta:g} (it has: {known}): give --threshold, or fit it with "
                f"howtree train decision --beta {beta:g}"
            )
        return self.thresholds[f"{beta:g}"]

    def save(self, path: Path) -> None:
        """Write the decision as JSON."""
        values = asdict(self)
        write_json(path, {DIGEST_KEY: values.pop("weights_digest"), **values})

    @classmethod
    def load(cls, path: Path) -> Decision:
        """Read a decision.

        Raises:
            BadInput: the file is missing or is not one that `save` wrote.
        """
        values = read_json(path)
        try:
            decision = cls(weights_digest=values.pop(DIGEST_KEY, ""), **values)
            if not (
                0 < decision.temperature < math.inf
                and math.isfinite(decision.bias)
                and all(0 <= each <= 1 for each in (decision.threshold, *decision.thresholds.values()))
            ):
                raise ValueError(decision)
            return decision
        except (AttributeError, TypeError, ValueError) as error:
            raise BadInput(
                f"{path} holds no decision (temperature, bias, threshold): fit it again"
            ) from error


def fit_decision(scores: NDArray[Any], gold: Positions, fitted_on: str, beta: float = BETA) -> Decision:
    """Fit temperature and bias by maximum likelihood, then the threshold that gives the best F-beta.

    Args:
        scores: candidate scores, best first, shape [n, k], padded with -inf.
        gold: position of the right candidate of each row, -1 for "no link"; shape [n].
        fitted_on: what the lists were, for the record.
        beta: weight of recall against precision in F-beta = (1 + b^2) P R / (b^2 P + R), for the default threshold;
            those for `BETAS` are kept beside it.
    """
    minimize = required("scipy.optimize", "build", "fitting the decision").minimize

    def loss(parameters: Floats) -> float:
        decision = Decision(float(np.exp(parameters[0])), float(parameters[1]), 0.5)
        p = decision.probabilities(scores)
        right = np.where(gold >= 0, p[np.arange(len(gold)), np.maximum(gold, 0)], 1 - p.sum(axis=1))
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    best = minimize(loss, np.array([np.log(0.05), 0.7]), method="Nelder-Mead")
    temperature, bias = float(np.exp(best.x[0])), float(best.x[1])
    fitted = Decision(max(round(temperature, 5), 1e-5), round(bias, 5), 0.5, fitted_on)
    best_first, linkable = fitted.probabilities(scores)[:, 0], int((gold >= 0).sum())
    thresholds = {
        f"{b:g}": round(best_threshold(best_first, gold == 0, linkable, b), 3) for b in sorted({*BETAS, beta})
    }
    return replace(fitted, threshold=thresholds[f"{beta:g}"], thresholds=thresholds)


def best_threshold(
    probability: Floats, right: Flags, linkable: float, beta: float, weight: Floats | None = None
) -> float:
    """The probability from which on linking gives the best F-beta over the rows.

    Args:
        probability: of each row's first candidate, shape [n].
        right: whether that candidate is the gold goal, shape [n].
        linkable: rows that have a gold goal, or what they weigh.
        beta: weight of recall against precision.
        weight: what each row weighs, shape [n]; all the same without it.
    """
    order = np.argsort(-probability, kind="stable")
    weight = np.ones(len(order)) if weight is None else weight[order]
    hits = np.cumsum(weight * right[order])
    precision = hits / np.cumsum(weight)
    recall = hits / max(1, linkable)
    f = (1 + beta**2) * precision * recall / np.maximum(beta**2 * precision + recall, 1e-12)
    return float(probability[order][int(np.argmax(f))])
