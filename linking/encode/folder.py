"""The folder of a model: where it is, and what its files are called. No other module spells these names.

A whole sentence-transformers model has files of its own in place of the first two; all the others may be missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from linking.encode.packaged import BASES

MODELS = Path(__file__).parents[1] / "models"
"""The models that ship: a folder each, by its name."""
SMALL_ENCODER = "howtree-retriever"
LARGE_ENCODER = "howtree-retriever-large"
SHIPPED = (*BASES, SMALL_ENCODER, LARGE_ENCODER)
"""The packaged models, and what was trained from each, kept as its difference."""
DEFAULT_ENCODER = SMALL_ENCODER


def default_encoder() -> str:
    """The encoder of whoever names none: that of HOWTREE_ENCODER, else the smaller that ships."""
    return os.environ.get("HOWTREE_ENCODER") or DEFAULT_ENCODER


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The files of one model."""

    path: Path

    @classmethod
    def of(cls, name: str) -> ModelFolder:
        """Of a model by name: in the folder of shipped models, or the folder that it names."""
        return cls(MODELS / name if name in SHIPPED else Path(name))

    @property
    def delta(self) -> Path:
        """The encoder's difference from a packaged one (`linking.encode.delta`)."""
        return self.path / "delta.safetensors"

    @property
    def about_delta(self) -> Path:
        """What that is the difference from, and its digest."""
        return self.path / "model.json"

    @property
    def head(self) -> Path:
        """The token head (`linking.encode.heads`)."""
        return self.path / "tokens.safetensors"

    @property
    def reranker(self) -> Path:
        """The weights of the reranker (`linking.rerank.linear`)."""
        return self.path / "reranker.json"

    @property
    def precedents(self) -> Path:
        """The precedents that the reranker compares with (`linking.rerank.precedents`)."""
        return self.path / "precedents.npz"

    @property
    def decision(self) -> Path:
        """The decision (`linking.rerank.decide`)."""
        return self.path / "decision.json"

    @property
    def verifier(self) -> ModelFolder:
        """The verifier's own folder: its cross-encoder is a difference too, with a judgement beside it."""
        return ModelFolder(self.path / "verifier")

    @property
    def judgement(self) -> Path:
        """What a verifier was fitted to (`linking.verify.judgement`)."""
        return self.path / "judgement.json"

    @property
    def judgement_rows(self) -> Path:
        """The long rows of its numbers."""
        return self.path / "judgement.npz"

    @property
    def learnt(self) -> Path:
        """Hashes of the judged links that a verifier was trained on (`linking.gold.judged`)."""
        return self.path / "learnt.npy"

    @property
    def parts(self) -> Path:
        """Which parts of a pair a cross-encoder reads, where it does not read all (`linking.verify.kinds`)."""
        return self.path / "parts.json"

    @property
    def figures(self) -> Path:
        """What was measured when it was trained."""
        return self.path / "figures.json"

    @property
    def card(self) -> Path:
        """What the model was made from, and what it is good for."""
        return self.path / "README.md"

    @property
    def is_model(self) -> bool:
        """Whether it holds an encoder, as a difference or whole."""
        return self.about_delta.exists() or (self.path / "modules.json").exists()


def lasting_name(name: str) -> str:
    """What loads the same model in any working folder: the name as it is, or the whole path of a folder."""
    folder = Path(name)
    return str(folder.absolute()) if name not in SHIPPED and folder.exists() else name
