"""The cross-encoder: a pair -> logits, read by one transformer that sees both sides at once.

Two kinds are run alike: the one that ships, a MiniLM with three yes/no heads (grade at least 1, 2 and 3) on the mean of
its last layer, and any CrossEncoder of sentence-transformers with one label.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.extras import needs
from howtree.files import digest_of
from howtree.progress import counted, progress
from linking.arrays import Vectors
from linking.encode.batches import batches_of_equal_length, filled, one_thread_each
from linking.encode.delta import load_packed, pack, save_packed, unpack
from linking.encode.device import Precision, hand_back_memory, mixed, refuse_missing
from linking.encode.encoder import digest_of_weights, load_encoder, read_encoder, silence_libraries
from linking.encode.folder import ModelFolder, lasting_name
from linking.encode.packaged import BASE_ENCODER, BASES
from linking.encode.tokens import Tokens
from linking.pair import Pair
from linking.verify.reader import LONGEST, Reader, Row

GRADES = 3
"""Heads of the one that ships: grade at least 1, 2 and 3. A goal is right from 2 on and exact from 3 on."""
HEAD = "head"
"""What the names of the heads' tensors begin with."""

Loaded = tuple[Callable[..., Any], Any, int]
"""A module that gives logits [n, labels] of ids, mask and sides; the tokenizer; the number of labels."""


class CrossEncoder:
    """Gives the logits of pairs, in batches of equal length: a pair has the same, bit for bit, in any company.

    It is what a `VectorStore` calls an encoder: its texts are those of pairs, its vectors their logits.
    """

    def __init__(self, source: str, weights_digest: str, precision: Precision, device: str) -> None:
        """`source` is the folder or name of a model; it is loaded when it first runs."""
        self.name, self.weights_digest, self.device = source, weights_digest, device
        self.precision: Precision = "float32" if precision == "int8" else precision
        runs_in = [self.precision, *([] if device == "cpu" else [device])]
        self.digest = digest_of(weights_digest, repr(LONGEST), *runs_in)
        self._loaded: tuple[Any, Reader] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its source: the process that unpickles it loads the model itself."""
        return again, (lasting_name(self.name), self.weights_digest, self.precision, self.device)

    @property
    def dimension(self) -> int:
        """How many logits a pair has."""
        return int(self.loaded[0].labels)

    @property
    def loaded(self) -> tuple[Any, Reader]:
        """The model and what reads for it.

        Raises:
            BadInput: what is at its source cannot be loaded, or has other weights.
        """
        if self._loaded is None:
            module, tokenizer, digest = load_module(self.name)
            if digest != self.weights_digest:
                raise BadInput(
                    f"the cross-encoder {self.name} on {platform.node()} has other weights than where the build was "
                    "started: put the same model on every machine"
                )
            refuse_missing(self.device)
            self._loaded = module.to(self.device).eval(), Reader(tokenizer)
        return self._loaded

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, Tokens | None]:
        """The logits [n, labels] of pairs, given as their texts."""
        return self.logits([Pair.of(text) for text in texts]), None

    def logits(self, pairs: Sequence[Pair]) -> Vectors:
        """The logits [n, labels] of pairs, float32."""
        rows = self.loaded[1].rows(list(pairs))
        found = np.empty((len(rows), self.dimension), np.float32)
        batches = batches_of_equal_length([len(row.ids) for row in rows], self.device)
        with one_thread_each() if self.device == "cpu" else ThreadPoolExecutor(1) as side_by_side:
            done = side_by_side.map(lambda batch: self._batch([rows[i] for i in batch]), batches)
            for batch, logits in zip(batches, done, strict=True):
                found[batch] = logits
                counted(len(batch))
        return found

    def _batch(self, rows: list[Row]) -> Vectors:
        """The logits of rows of one length."""
        import torch

        length = len(rows[0].ids)
        ids = filled([row.ids for row in rows], self.device)
        sides = filled([[0] * row.left + [1] * (length - row.left) for row in rows], self.device)
        with torch.inference_mode(), mixed(self.device, self.precision):
            tokens = torch.tensor(ids, device=self.device)
            logits = self.loaded[0](tokens, torch.ones_like(tokens), torch.tensor(sides, device=self.device))
        hand_back_memory()
        return np.asarray(logits[: len(rows)].float().cpu().numpy())


def load_cross_encoder(name: str, precision: Precision, device: str) -> CrossEncoder:
    """The cross-encoder of a name or folder.

    Raises:
        BadUsage: the libraries of linking are not installed.
        BadInput: it cannot be loaded, is of another kind, has no tokens for the markers or another number of labels.
    """
    with progress(None, "Loading the reranker"):
        module, tokenizer, digest = load_module(name)
    found = CrossEncoder(name, digest, precision, device)
    found._loaded = module.to(device).eval(), Reader(tokenizer)
    return found


def graded_cross_encoder(folder: ModelFolder, precision: Precision, device: str) -> CrossEncoder:
    """The cross-encoder that `save_graded` wrote, its files checked; it is put together when it first runs.

    Raises:
        BadInput: a file is missing or has changed, or it was made from other weights.
    """
    about = load_packed(folder)[1]
    return CrossEncoder(str(folder.path), graded_digest(folder, about), precision, device)


def graded_digest(folder: ModelFolder, about: dict[str, Any]) -> str:
    """What tells its weights from others.

    Raises:
        BadInput: it was made from other weights than those of the packaged encoder.
    """
    if about.get("base") != BASES[BASE_ENCODER].sha256:
        raise BadInput(
            f"{folder.path} was made from other weights than those of {BASE_ENCODER}: pack it again"
        )
    return digest_of(about["base"], about["sha256"])


@functools.cache
def again(source: str, weights_digest: str, precision: Precision, device: str) -> CrossEncoder:
    """The cross-encoder that another process, maybe on another machine, has; once a process."""
    return CrossEncoder(source, weights_digest, precision, device)


def load_module(name: str) -> tuple[Any, Any, str]:
    """The module of a folder or name, its tokenizer and the digest of its weights."""
    folder = ModelFolder(Path(name))
    return load_graded(folder) if folder.delta.exists() else load_classifier(name)


def graded_module(transformer: Any) -> Any:
    """An untrained module: three yes/no heads on the mean of a transformer's last layer."""
    from linking.verify.modules import Graded

    return Graded(transformer, GRADES)


def load_graded(folder: ModelFolder) -> tuple[Any, Any, str]:
    """One that `save_graded` wrote.

    Raises:
        BadInput: a file is missing or has changed.
    """
    packed, about = load_packed(folder)
    digest = graded_digest(folder, about)
    base = read_encoder(BASE_ENCODER, "float32")
    transformer = base.model[0].auto_model
    transformer.load_state_dict(unpack(packed, transformer.state_dict()))
    module = graded_module(transformer)
    try:
        module.head.load_state_dict({part: packed[f"{HEAD}.{part}"] for part in ("weight", "bias")})
    except (KeyError, RuntimeError) as error:
        raise BadInput(
            f"{folder.path} holds no verifier, for it has not {GRADES} heads: train it again"
        ) from error
    return module, base.model.tokenizer, digest


def save_graded(module: Any, folder: ModelFolder) -> None:
    """Write one that was trained from the packaged encoder as its difference from it, with its heads."""
    base = load_encoder(BASE_ENCODER, "float32").model[0].auto_model.state_dict()
    packed = pack({name: tensor.cpu() for name, tensor in module.transformer.state_dict().items()}, base)
    packed |= {
        f"{HEAD}.{name}": tensor.detach().cpu().contiguous()
        for name, tensor in module.head.state_dict().items()
    }
    save_packed(packed, folder, {"base": BASES[BASE_ENCODER].sha256, "kind": "verifier"})


def load_classifier(name: str) -> tuple[Any, Any, str]:
    """A CrossEncoder of sentence-transformers by name or folder.

    Raises:
        BadUsage: the libraries of linking are not installed.
        BadInput: it cannot be loaded, is of another kind or has another number of labels.
    """
    needs("build", "linking")
    silence_libraries()
    from sentence_transformers import CrossEncoder as Classifier

    from linking.verify.modules import OneLabel

    try:
        found = Classifier(name, device="cpu", local_files_only=Path(name).exists())
        config = found.model.config
        kinds = config.architectures or []
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"cannot load the reranker {name!r}: {str(error).splitlines()[0]}. Give the folder of a CrossEncoder of "
            "sentence-transformers, or a name that this machine has stored or can download."
        ) from error
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise BadInput(
            f"the model {name!r} is no cross-encoder but {' or '.join(kinds) or 'of an unknown kind'}: --reranker "
            "takes a CrossEncoder of sentence-transformers; a bi-encoder belongs to --encoder"
        )
    if found.num_labels != 1:
        raise BadInput(
            f"the reranker {name!r} has {found.num_labels} labels, and one is needed: the logit that the goal is right "
            "for the step"
        )
    return OneLabel(found.model), found.tokenizer, digest_of_weights(Path(name), found.model)
