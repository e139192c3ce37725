"""The judgement: a pair's features and its logits -> the probability that the goal is right for the step, and exact.

Three logistic regressions, each a weighted sum of standardised numbers, fitted on judged pairs:

    words    v = of the features, and of the products and differences of the two vectors
    right    r = of the cross-encoder's three logits, v and a few features
    exact    the same inputs: the share of right links that are exact

A forest gives log odds f from the logits, v and all features. With z = (r + f) / 2 the goal is right with
p = 1 / (1 + exp(-(a z + b))), where a and b are fitted to draws that represent all steps (Platt 1999).
v alone, calibrated by itself, says which pairs are worth reading, and judges those that were not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of, digest_of_file, read_json, write_json, written_aside
from linking.arrays import Flags, Floats, Numbers
from linking.encode.folder import ModelFolder
from linking.verify.features import NAMES
from linking.verify.forest import Forest

DECIMALS = 6
"""Logits are rounded here, so that another order of additions gives the same links."""
PARTS = ("words", "right", "exact")
ARRAYS = ("mean", "spread", "weight")
FOREST = "forest."
"""What the names of the forest's rows begin with."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic regression: sum_i weight_i (x_i - mean_i) / spread_i + bias."""

    mean: Floats
    spread: Floats
    weight: Floats
    bias: float

    def logits(self, x: Floats) -> Floats:
        """Logits [n] of inputs [n, m]."""
        found = np.einsum("nm,m->n", (x - self.mean) / self.spread, self.weight) + self.bias
        return np.asarray(np.round(found, DECIMALS))


@dataclass(frozen=True, slots=True)
class Reads:
    """Which candidates of a step are read."""

    first: int = 4
    """Among how many of the first candidates."""
    least: float = 0.05
    """From which probability of the decision on."""
    worth: float = 0.0
    """From which probability by v alone on."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was fitted on judged pairs."""

    words: Linear
    right: Linear
    exact: Linear
    forest: Forest
    platt: tuple[float, float]
    """a and b of p."""
    unread: tuple[float, float]
    """Those of pairs that were not read, for v."""
    threshold: float
    """Links of at least this probability are chosen by default."""
    beside: tuple[str, ...]
    """The features beside the logits and v in `right` and `exact`."""
    reads: Reads = Reads()
    reranker: str = ""
    """Digest of the reranker whose features it was fitted on."""
    encoder: str = ""
    """Digest of the weights of the encoder whose vectors it was fitted on."""
    fitted_on: str = ""
    thresholds: dict[str, float] = field(default_factory=dict)
    """By beta, as text: the threshold with the best F-beta on judged steps, out of fold."""

    def worth(self, features: Floats, products: Floats) -> Floats:
        """v, [n], of features [n, 38] and products [n, 2 d]."""
        return self.words.logits(np.concatenate([features, products], axis=1))

    def of_unread(self, worth: Floats) -> Floats:
        """The probability of pairs by v alone, [n]."""
        return sigmoid(self.unread[0] * worth + self.unread[1])

    def of_read(self, logits: Numbers, worth: Floats, features: Floats) -> tuple[Floats, Flags]:
        """The probability that the goal is right, and whether it is rather exact than helpful if it is; both [n]."""
        regression, forest = self.parts_of_read(logits, worth, features)
        both = (regression + forest) / 2
        exact = self.exact.logits(self.inputs(logits, worth, features)) >= 0
        return sigmoid(self.platt[0] * both + self.platt[1]), exact

    def parts_of_read(self, logits: Numbers, worth: Floats, features: Floats) -> tuple[Floats, Floats]:
        """r and f, both [n]."""
        regression = self.right.logits(self.inputs(logits, worth, features))
        forest = self.forest.logits(all_inputs(logits, worth, features))
        return regression, np.round(forest, DECIMALS)

    def inputs(self, logits: Numbers, worth: Floats, features: Floats) -> Floats:
        """What `right` and `exact` read, [n, 4 + beside]."""
        return inputs(logits, worth, features, self.beside)

    def save(self, folder: ModelFolder) -> None:
        """Write the small numbers as JSON and the long rows beside them."""
        parts = {name: getattr(self, name) for name in PARTS}
        rows = {f"{name}.{array}": getattr(part, array) for name, part in parts.items() for array in ARRAYS}
        folder.path.mkdir(parents=True, exist_ok=True)
        with written_aside(folder.judgement_rows) as aside, aside.open("wb") as file:
            kept: dict[str, Any] = {name: row.astype(np.float32) for name, row in rows.items()}
            kept |= {f"{FOREST}{name}": row for name, row in self.forest.arrays().items()}
            np.savez_compressed(file, **kept)
        write_json(
            folder.judgement,
            {
                "bias": {name: part.bias for name, part in parts.items()},
                "platt": self.platt,
                "unread": self.unread,
                "threshold": self.threshold,
                "thresholds": self.thresholds,
                "beside": self.beside,
                "reads": {"first": self.reads.first, "least": self.reads.least, "worth": self.reads.worth},
                "reranker": self.reranker,
                "encoder": self.encoder,
                "fitted_on": self.fitted_on,
                "sha256": digest_of_file(folder.judgement_rows),
            },
        )

    @classmethod
    def load(cls, folder: ModelFolder) -> Judgement:
        """Read what `save` wrote.

        Raises:
            BadInput: a file is missing, or they are not those that were written.
        """
        about: dict[str, Any] = read_json(folder.judgement) or {}
        try:
            if digest_of_file(folder.judgement_rows) != about["sha256"]:
                raise BadInput(
                    f"{folder.judgement_rows} has changed since the verifier was fitted: restore the file"
                )
            with np.load(folder.judgement_rows) as file:
                rows = {name: file[name] for name in file}
            trees = {name.removeprefix(FOREST): row for name, row in rows.items() if name.startswith(FOREST)}
            words, right, exact = (
                Linear(
                    **{array: rows[f"{name}.{array}"].astype(np.float64) for array in ARRAYS},
                    bias=float(about["bias"][name]),
                )
                for name in PARTS
            )
            unknown = [name for name in about["beside"] if name not in NAMES]
            if unknown or len(right.weight) != len(about["beside"]) + 4:
                raise ValueError(unknown)
            return cls(
                words,
                right,
                exact,
                Forest.of(trees),
                platt=pair_of(about["platt"]),
                unread=pair_of(about["unread"]),
                threshold=float(about["threshold"]),
                beside=tuple(about["beside"]),
                reads=Reads(**about["reads"]),
                reranker=about["reranker"],
                encoder=about["encoder"],
                fitted_on=about["fitted_on"],
                thresholds=dict(about["thresholds"]),
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{folder.path} holds no whole verifier ({folder.judgement.name}, {folder.judgement_rows.name}): "
                "restore its files"
            ) from error


def inputs(logits: Numbers, worth: Floats, features: Floats, beside: Sequence[str]) -> Floats:
    """Logits [n, 3], v [n] and some of the features [n, 38]: [n, 4 + beside]."""
    return all_inputs(logits, worth, features[:, [NAMES.index(name) for name in beside]])


def all_inputs(logits: Numbers, worth: Floats, features: Floats) -> Floats:
    """Logits [n, 3], v [n] and features [n, m]: [n, 4 + m]. With all of them it is what the forest reads."""
    return np.concatenate([logits.astype(np.float64), worth[:, None], features], axis=1)


def judgement_digest(folder: ModelFolder) -> str:
    """Changes with anything that was fitted."""
    return digest_of(folder.judgement.read_text(encoding="utf-8"), digest_of_file(folder.judgement_rows))


def pair_of(numbers: list[float]) -> tuple[float, float]:
    """Two numbers."""
    slope, offset = map(float, numbers)
    return slope, offset


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))
