"""A model: encoder, reranker, decision and verifier, loaded, told apart by digests and saved as one.

Each part knows the weights that it was fitted for, and is refused beside others. Whoever links by other means puts
them in the place of a part: `dataclasses.replace(Model.load(), reranker=mine)`, where `mine` does what
`linking.rerank.reranker.Reranker` says.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

from howtree.errors import BadInput
from howtree.files import FileStamp, stamps_in
from howtree.progress import say
from linking.encode.device import AskedPrecision, Device
from linking.encode.encoder import Encoder, SentenceEncoder, load_encoder
from linking.encode.folder import ModelFolder, default_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearReranker
from linking.rerank.reranker import Reranker
from linking.verify.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Model:
    """What steps are linked with."""

    encoder: Encoder
    reranker: Reranker | None = None
    """None where none was fitted for the encoder: then the retriever's order stays."""
    decision: Decision | None = None
    """None where none was fitted for the encoder."""
    verifier: Verifier | None = None
    """None where none was fitted for the encoder and the reranker: then the decision's probability stays."""

    def __post_init__(self) -> None:
        """A verifier that was fitted for other parts goes when they are replaced."""
        if self.verifier is not None and not self.verifier.fits(*self._fitted_for):
            object.__setattr__(self, "verifier", None)

    @property
    def _fitted_for(self) -> tuple[str, str | None]:
        weights = self.encoder.weights_digest if isinstance(self.encoder, SentenceEncoder) else ""
        return weights, None if self.reranker is None else self.reranker.digest

    @classmethod
    def load(cls, name: str = "", precision: AskedPrecision = "auto", device: Device = "cpu") -> Model:
        """The model of a name or folder: what `load_encoder` loads, with what was fitted for it.

        Raises:
            BadInput: the encoder cannot be loaded, or another part has changed or was fitted for other weights.
        """
        return cls.of(load_encoder(name, precision, device))

    @classmethod
    def kept(cls, name: str = "", precision: AskedPrecision = "auto", device: Device = "cpu") -> Model:
        """What `load` gives, for whoever only links with it: the last one is kept while its files stay as they are.

        So a process that builds again and again loads its model once. Whoever trains takes one of its own.

        Raises:
            BadInput: as `load`.
        """
        name = name or default_encoder()
        folder = ModelFolder.of(name)
        if not folder.path.is_dir():
            return cls.load(name, precision, device)
        return _kept(name, precision, device, stamps_in(folder.path))

    @classmethod
    def of(cls, encoder: SentenceEncoder, with_decision: bool = True) -> Model:
        """An encoder with what lies beside it in its folder.

        `with_decision=False` leaves the decision out, even one that does not belong here: it is to be fitted anew.

        Raises:
            BadInput: another part has changed or was fitted for other weights.
        """
        folder = ModelFolder.of(encoder.name)
        decision = decision_in(folder, encoder) if with_decision else None
        reranker = reranker_in(folder, encoder)
        return cls(encoder, reranker, decision, verifier_in(folder, encoder, reranker))

    def verified_by(self, name: str) -> Model:
        """This model with another verifier or CrossEncoder, by name or folder, in the verifier's place.

        Raises:
            BadInput: it cannot be loaded, does not fit, or was fitted for another encoder or reranker.
        """
        precision = self.encoder.precision if isinstance(self.encoder, SentenceEncoder) else "float32"
        verifier = Verifier.of(name, precision, self.encoder.device)
        if not verifier.fits(*self._fitted_for):
            raise BadInput(
                f"the verifier {name} was fitted for another encoder or reranker than those of {self.encoder.name}: "
                "name the encoder that it was trained for with --encoder"
            )
        return replace(self, verifier=verifier)

    def decision_or_base(self) -> Decision:
        """The decision to link with: its own, else that of the untrained encoder, which is said."""
        if self.decision is not None:
            return self.decision
        say(
            f"No decision was fitted for the encoder {self.encoder.name}, so its probabilities are no better than a "
            f"guess after those of {BASE_ENCODER}. Fit one: howtree train decision"
        )
        return base_decision()

    @property
    def digests(self) -> dict[str, str | None]:
        """What tells this model from others: the encoder's name, and the digests of the parts."""
        verifier = {} if self.verifier is None else {"verifier_digest": self.verifier.digest}
        return {
            "encoder": self.encoder.name,
            "encoder_digest": self.encoder.digest,
            "reranker_digest": None if self.reranker is None else self.reranker.digest,
            "decision_digest": None if self.decision is None else self.decision.digest,
            **verifier,
        }

    @property
    def last(self) -> Decision | Verifier:
        """The part that gives the probability, and so knows the threshold."""
        return self.verifier or self.decision or base_decision()


@functools.lru_cache(maxsize=1)
def _kept(name: str, precision: AskedPrecision, device: Device, _: tuple[FileStamp, ...]) -> Model:
    return Model.load(name, precision, device)


def reranker_in(folder: ModelFolder, encoder: SentenceEncoder) -> LinearReranker | None:
    """The reranker in a model's folder, None where there is none.

    Raises:
        BadInput: it has changed, or was fitted for other weights.
    """
    if not folder.reranker.exists():
        return None
    reranker = LinearReranker.load(folder)
    if reranker.fitted_for != encoder.weights_digest:
        raise BadInput(
            f"the reranker in {folder.path} was fitted for other weights than those beside it: fit it again"
        )
    return reranker


def verifier_in(
    folder: ModelFolder, encoder: SentenceEncoder, reranker: LinearReranker | None
) -> Verifier | None:
    """The verifier in a model's folder, None where there is none.

    Raises:
        BadInput: it has changed, or was fitted for other parts.
    """
    if not folder.verifier.judgement.exists():
        return None
    verifier = Verifier.load(folder.verifier, encoder.precision, encoder.device)
    if not verifier.fits(encoder.weights_digest, None if reranker is None else reranker.digest):
        raise BadInput(
            f"the verifier in {folder.verifier.path} was fitted for another encoder or reranker than those beside it: "
            "delete its folder"
        )
    return verifier


def decision_in(folder: ModelFolder, encoder: SentenceEncoder) -> Decision | None:
    """The decision in a model's folder, None where there is none.

    Raises:
        BadInput: it is none, or was fitted for other weights.
    """
    return decision_from(folder.decision, encoder) if folder.decision.exists() else None


def decision_from(path: Path, encoder: SentenceEncoder) -> Decision:
    """The decision in a file, fitted for an encoder.

    Raises:
        BadInput: it is none, or was fitted for other weights.
    """
    decision = Decision.load(path)
    if decision.weights_digest != encoder.weights_digest:
        raise BadInput(
            f"{path} was fitted for other weights than those of {encoder.name}: name the encoder that it was fitted "
            f"for, or fit it again with howtree train decision --encoder {encoder.name} -o {path}"
        )
    return decision


def base_decision() -> Decision:
    """The decision that ships with the untrained encoder."""
    return Decision.load(ModelFolder.of(BASE_ENCODER).decision)


def save_fitted(reranker: LinearReranker, decision: Decision, folder: ModelFolder) -> None:
    """Write what was fitted for an encoder beside it (`linking.encode.encoder.save_encoder`)."""
    reranker.save(folder)
    decision.save(folder.decision)
