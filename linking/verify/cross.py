"""The cross-encoder: a pair -> logits, read by one transformer that sees both sides at once.

Both kinds (`linking.verify.kinds`) are run alike.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of
from howtree.progress import counted, progress
from linking.arrays import Vectors
from linking.encode.batches import batches_of_equal_length, filled, one_thread_each
from linking.encode.delta import load_packed
from linking.encode.device import Precision, hand_back_memory, mixed, refuse_missing
from linking.encode.folder import ModelFolder, lasting_name
from linking.encode.tokens import Tokens
from linking.pair import Pair
from linking.verify.kinds import graded_digest, load_module, parts_in, with_parts
from linking.verify.reader import LONGEST, Reader, Row


class CrossEncoder:
    """Gives the logits of pairs, in batches of equal length: a pair has the same, bit for bit, in any company.

    It is what a `VectorStore` calls an encoder: its texts are those of pairs, its vectors their logits.
    """

    def __init__(
        self,
        source: str,
        weights_digest: str,
        precision: Precision,
        device: str,
        loaded: tuple[Any, Reader] | None = None,
    ) -> None:
        """`source` is the folder or name of a model; where it is not `loaded` it is when it first runs."""
        self.name, self.weights_digest, self.device = source, weights_digest, device
        self.precision: Precision = "float32" if precision == "int8" else precision
        runs_in = [self.precision, *([] if device == "cpu" else [device])]
        self.digest = digest_of(weights_digest, repr(LONGEST), *runs_in)
        self._loaded = loaded and (loaded[0].to(device).eval(), loaded[1])

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
            module, reader, digest = load_module(self.name)
            if digest != self.weights_digest:
                raise BadInput(
                    f"the cross-encoder {self.name} on {platform.node()} has other weights than where the build was "
                    "started: put the same model on every machine"
                )
            refuse_missing(self.device)
            self._loaded = module.to(self.device).eval(), reader
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
        module, reader, digest = load_module(name)
    return CrossEncoder(name, digest, precision, device, (module, reader))


def graded_cross_encoder(folder: ModelFolder, precision: Precision, device: str) -> CrossEncoder:
    """The cross-encoder that `save_graded` wrote, its files checked; it is put together when it first runs.

    Raises:
        BadInput: a file is missing or has changed, or it was made from other weights.
    """
    about = load_packed(folder)[1]
    digest = with_parts(graded_digest(folder, about), parts_in(folder))
    return CrossEncoder(str(folder.path), digest, precision, device)


@functools.cache
def again(source: str, weights_digest: str, precision: Precision, device: str) -> CrossEncoder:
    """The cross-encoder that another process, maybe on another machine, has; once a process."""
    return CrossEncoder(source, weights_digest, precision, device)
