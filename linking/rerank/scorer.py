"""The reranker's formula: the score of a step and a goal as a weighted sum of six numbers.

score = a * cosine + b * coverage of the goal + c * coverage of the step + d * s^2 * log(1 + precedents of the goal)
        + e * how much nearer than the title the nearest precedent is + f * whether the two are opposed

where s is the cosine of the goal's nearest precedent, 0 where it is not among the step's nearest. Both coverages are 0
for an encoder without a token head. The fourth number is what editors like to link to, as far as the step resembles
what they linked; it is 0 for goals that training does not know, and so is the fifth. The first five weights are fitted
on gold, the last is `AGAINST_OPPOSED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of, read_json, write_json
from linking.arrays import Flags, Floats, Hashes, Numbers, Vectors
from linking.encode.encoder import Encoder, SentenceEncoder, model_folder
from linking.rerank.precedents import Precedents
from linking.retrieve.retrieve import SCORE_DECIMALS

FEATURES = ("cosine", "goal_coverage", "step_coverage", "links", "precedent", "opposed")
FITTED = FEATURES[:-1]
AGAINST_OPPOSED = -3.0
"""Divides the odds of an opposed goal by twenty, so that only an all but certain pair is linked. On gold one of nine
such links was right (`tests/benchmarks/step_kinds.py`); negated steps are too few to fit a weight beside the others."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """The weights of the features, and the precedents."""

    weights: tuple[float, ...]
    precedents: Precedents
    encoder: str = ""
    """Digest of the encoder's weights that it was fitted for."""
    fitted_on: str = ""

    def links(self, hashes: Hashes) -> Floats:
        """log(1 + precedents) of the goals with these hashes, any shape."""
        return np.log1p(self.precedents.counts(hashes).astype(np.float64))

    def scores(self, features: Floats) -> Floats:
        """Scores [...] of features [..., 6]; summed in one order, so a pair scores the same in any company."""
        total = features[..., 0] * self.weights[0]
        for i in range(1, len(FEATURES)):
            total = total + features[..., i] * self.weights[i]
        return np.asarray(np.round(total, SCORE_DECIMALS))

    @property
    def late(self) -> bool:
        """Whether late interaction counts; if not, no tokens are compared."""
        return any(self.weights[1:3])

    @property
    def digest(self) -> str:
        """Changes with anything that was fitted or chosen."""
        return digest_of(repr(self.weights), self.precedents.digest, self.encoder)

    def save(self, folder: Path) -> None:
        """Write `reranker.json` and `precedents.npz`."""
        self.precedents.save(folder / "precedents.npz")
        about = {"weights": dict(zip(FEATURES, self.weights, strict=True)), "sha256": self.digest}
        write_json(folder / "reranker.json", {**about, "encoder": self.encoder, "fitted_on": self.fitted_on})

    @classmethod
    def load(cls, folder: Path) -> Scorer:
        """Read what `save` wrote.

        Raises:
            BadInput: the files are not those that were written.
        """
        about = read_json(folder / "reranker.json") or {}
        try:
            precedents = Precedents.load(folder / "precedents.npz")
            weights = tuple(float(about["weights"][name]) for name in FEATURES)
            scorer = cls(weights, precedents, about["encoder"], about["fitted_on"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{folder} holds no whole reranker (reranker.json, precedents.npz): fit it again"
            ) from error
        if scorer.digest != about.get("sha256"):
            raise BadInput(f"the reranker in {folder} has changed since it was fitted: restore its files")
        return scorer


def scorer_of(encoder: Encoder) -> Scorer | None:
    """The reranker that was fitted for an encoder: the one in its folder, else None.

    Raises:
        BadInput: it has changed, or was fitted for other weights.
    """
    folder = model_folder(encoder.name)
    if not isinstance(encoder, SentenceEncoder) or not (folder / "reranker.json").exists():
        return None
    scorer = Scorer.load(folder)
    if scorer.encoder != encoder.weights:
        raise BadInput(
            f"the reranker in {folder} was fitted for other weights than those beside it: fit it again"
        )
    return scorer


def features_of(
    cosines: Vectors, of_goal: Numbers, of_step: Numbers, links: Floats, similar: Vectors, opposed: Flags
) -> Floats:
    """The features of pairs, [..., 6], from numbers of any one shape.

    `cosines` are -inf at padding; `links` are log(1 + precedents); `similar` is the cosine of the goal's nearest
    precedent, 0 where none is near; `opposed` says where the step forbids what the goal does.
    """
    cosines = np.where(np.isfinite(cosines), cosines, 0).astype(np.float64)
    precedent = np.where(similar > 0, np.maximum(similar - cosines, 0), 0)
    habit = links * similar.astype(np.float64) ** 2
    return np.stack([cosines, of_goal, of_step, habit, precedent, opposed], axis=-1)
