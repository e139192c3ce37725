"""The verifier of a model: the cross-encoder, and the judgement that turns its logits into a probability."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of
from linking.arrays import Flags, Floats, Numbers
from linking.encode.device import Precision
from linking.encode.folder import ModelFolder
from linking.verify.cross import CrossEncoder, graded_cross_encoder, load_cross_encoder
from linking.verify.judgement import Judgement, Reads, judgement_digest, sigmoid

EVEN = 0.5
"""The threshold of a cross-encoder whose probabilities nobody has calibrated."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Reads the first candidates of each step and says how likely each is right."""

    cross: CrossEncoder
    judgement: Judgement | None = None
    """None for any other cross-encoder: then its own logit alone decides."""
    fitted: str = ""
    """Digest of the judgement's files."""

    @classmethod
    def load(cls, folder: ModelFolder, precision: Precision, device: str) -> Verifier:
        """The one in a folder of its own.

        Raises:
            BadInput: files are missing or have changed.
        """
        judgement = Judgement.load(folder)
        cross = graded_cross_encoder(folder, precision, device)
        return cls(cross, judgement, judgement_digest(folder))

    @classmethod
    def of(cls, name: str, precision: Precision, device: str) -> Verifier:
        """The one in a folder of its own, or any CrossEncoder of sentence-transformers, by name or folder.

        Raises:
            BadInput: it cannot be loaded or does not fit (`linking.verify.kinds`).
        """
        folder = ModelFolder(Path(name))
        if folder.judgement.exists() or folder.delta.exists():
            return cls.load(folder, precision, device)
        return cls(load_cross_encoder(name, precision, device))

    @property
    def digest(self) -> str:
        """Changes with anything that could change a probability."""
        return digest_of(self.cross.digest, self.fitted)

    @property
    def threshold(self) -> float:
        """Links of at least this probability are chosen by default."""
        return EVEN if self.judgement is None else self.judgement.threshold

    @property
    def reads(self) -> Reads:
        """Which candidates of a step it reads."""
        return Reads() if self.judgement is None else self.judgement.reads

    @property
    def thresholds(self) -> dict[str, float]:
        """By beta, as text: the threshold with the best F-beta; none for a cross-encoder that nobody has calibrated."""
        return {} if self.judgement is None else self.judgement.thresholds

    def threshold_for(self, beta: float) -> float:
        """The threshold that was best by F-beta.

        Raises:
            BadInput: none was fitted.
        """
        if f"{beta:g}" not in self.thresholds:
            known = ", ".join(self.thresholds) or "none"
            raise BadInput(
                f"the reranker has no threshold for beta {beta:g} (it has: {known}): give --threshold"
            )
        return self.thresholds[f"{beta:g}"]

    def fits(self, weights_digest: str, reranker_digest: str | None) -> bool:
        """Whether it was fitted for the encoder's weights and the reranker, or for none."""
        fitted = self.judgement
        return fitted is None or (fitted.encoder, fitted.reranker) == (weights_digest, reranker_digest)

    def of_logits(self, logits: Numbers) -> tuple[Floats, Flags | None]:
        """Without a judgement: the probability of pairs by their logits [n, 1], and no word on exact or helpful."""
        return sigmoid(np.asarray(logits[:, 0], np.float64)), None
