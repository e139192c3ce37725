"""The bi-encoder: texts -> unit vectors whose inner product is the cosine."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from howtree.errors import BadInput, first_line
from howtree.extras import needs
from howtree.files import digest_of, digest_of_file
from howtree.progress import counted, progress
from linking.arrays import Vectors
from linking.encode.batches import batches_of_equal_length, filled, one_thread_each
from linking.encode.delta import load_packed, pack, put_on, save_packed
from linking.encode.device import (
    AskedPrecision,
    Device,
    Precision,
    device_of,
    hand_back_memory,
    lacks_memory,
    mixed,
    precision_for,
    refuse_little_memory,
    refuse_missing,
)
from linking.encode.folder import ModelFolder, default_encoder, lasting_name
from linking.encode.packaged import BASES, base_with, packaged_model
from linking.encode.tokens import LONGEST, Tokens, as_integers

if TYPE_CHECKING:
    from linking.encode.heads import TokenHead


SETUP = frozenset(
    {"modules.json", "config.json", "sentence_bert_config.json", "config_sentence_transformers.json", "tokenizer.json",
     "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"}
)  # fmt: skip
"""Files of a model that beside its weights make its vectors, and those of its modules; also any *.model."""


class Encoder(Protocol):
    """Anything that turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """What people call it: the name or path that it was loaded by."""

    @property
    def digest(self) -> str:
        """Changes with the weights, the precision and the device, so vectors of one digest may be compared."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu" or "cuda"."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, Tokens | None]:
        """Unit vectors, shape [len(texts), dimension], and the tokens' where the encoder has them.

        A text's vectors do not depend on its neighbours.
        """


class SentenceEncoder:
    """A sentence-transformers model, run in batches of equal length.

    Texts of one batch have the same number of tokens, so nothing is spent on padding, and a text gets the
    same vector, bit for bit, whatever else is encoded with it: a resumed or an incremental build equals a
    build from scratch.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        weights_digest: str,
        precision: AskedPrecision = "auto",
        head: TokenHead | None = None,
        device: Device = "cpu",
        source: str = "",
        setup: str = "",
    ) -> None:
        self.name = name
        self.source = source or name
        """What `load_encoder` loads the same weights by, in any working folder."""
        self.weights_digest = weights_digest
        self.setup = setup
        """Digest of what else makes the vectors; empty where that is as the project was measured with, or not known."""
        self.model = model.eval()
        self.head = head
        self.device = device
        self.dimension = int(model.get_embedding_dimension())
        self.precision = precision_for(precision, device, self.dimension)
        more = [part for part in ("" if device == "cpu" else device, setup) if part]
        self.digest = digest_of(name, weights_digest, self.precision, *more)
        if self.precision == "int8":
            from linking.encode.int8 import in_int8

            in_int8(self.model)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape [len(texts), dimension], float32."""
        if not has_transformer(self.model):
            return unit(np.asarray(self.model.encode(list(texts), show_progress_bar=False), np.float32))
        return self.run(texts, None)[0]

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, Tokens | None]:
        """The vectors as `encode` gives them and, where the model has a head for them, those of the tokens."""
        if self.head is None or not has_transformer(self.model):
            return self.encode(texts), None
        return self.run(texts, self.head)

    def run(self, texts: Sequence[str], head: TokenHead | None) -> tuple[Vectors, Tokens | None]:
        """One pass over the texts for their vectors and, with a head, for those of their tokens."""
        self.move()
        ids = self.token_ids(texts)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        batches = batches_of_equal_length([len(row) for row in ids], self.device)
        parts = [Tokens.none()]

        def encoded(batch: NDArray[np.int64]) -> tuple[Vectors, Tokens | None]:
            found = self.forward([ids[i] for i in batch], head)
            hand_back_memory()  # after each batch: the small that stays would hold the large that goes
            return found

        with one_thread_each() if self.device == "cpu" else ThreadPoolExecutor(1) as side_by_side:
            done = side_by_side.map(encoded, batches)
            for batch, (rows, tokens) in zip(batches, done, strict=True):
                vectors[batch] = rows
                parts += [tokens] if tokens is not None else []
                counted(len(batch))
        if head is None:
            return vectors, None
        order = np.concatenate([np.empty(0, np.int64), *batches])
        return vectors, Tokens.joined(parts).picked(np.argsort(order))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its source: the process that unpickles it loads the model itself."""
        what = self.source, self.name, self.weights_digest, self.setup, self.precision, self.device
        return load_again, what

    def move(self) -> None:
        """Move the model to where it runs, when it first runs: what starts a build on a cluster may have no GPU."""
        if self.device == "cpu":
            return
        refuse_missing(self.device)
        self.model.to(self.device)
        if self.head is not None:
            self.head.to(self.device)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, cut to what the model reads."""
        if not texts:
            return []
        limit = self.model.max_seq_length or 512
        encoded = self.model.tokenizer(list(texts), truncation=True, max_length=limit, padding=False)
        return list(encoded["input_ids"])

    def forward(self, tokens: list[list[int]], head: TokenHead | None) -> tuple[Vectors, Tokens | None]:
        """Vectors of token lists of one common length; on a lack of memory the batch is halved."""
        try:
            vectors, words = self.outputs(filled(tokens, self.device), head)
            rows = vectors[: len(tokens)].cpu().numpy()
            return rows, as_tokens(*(part[: len(tokens)].cpu() for part in words)) if words else None
        except (MemoryError, RuntimeError) as error:
            if len(tokens) == 1 or not lacks_memory(error):
                raise
            half = len(tokens) // 2
            (first, a), (second, b) = self.forward(tokens[:half], head), self.forward(tokens[half:], head)
            return np.concatenate([first, second]), Tokens.joined([a, b]) if a and b else None

    def outputs(self, tokens: list[list[int]], head: TokenHead | None) -> tuple[Any, tuple[Any, Any] | None]:
        """Tensors on the device: unit vectors [n, dimension] and, with a head, its vectors and weights of the words."""
        import torch

        with torch.inference_mode(), mixed(self.device, self.precision):
            ids = torch.tensor(tokens, device=self.device)
            output = self.model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
            vectors = torch.nn.functional.normalize(output["sentence_embedding"].float(), dim=1)
            words = output["token_embeddings"][:, 1:-1][:, :LONGEST]  # the marks at both ends are no words
            return vectors, head(words) if head else None


def as_tokens(vectors: Any, weights: Any) -> Tokens:
    """The tokens of n texts of one length, from tensors [n, words, ...] as a head gives them."""
    starts = np.arange(len(vectors) + 1, dtype=np.int64) * vectors.shape[1]
    return Tokens(*as_integers(*(part.flatten(0, 1).numpy() for part in (vectors, weights))), starts)


def load_encoder(
    name: str = "", precision: AskedPrecision = "auto", device: Device = "cpu"
) -> SentenceEncoder:
    """Load a model that ships, one that `save_delta` wrote, or any sentence-transformers model by path or name.

    Without a name it is the `default_encoder`.
    `device` is "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        BadUsage: the libraries of linking are not installed.
        BadInput: the shipped or the packaged weights have changed, or the model cannot be loaded.
    """
    refuse_little_memory()
    with progress(None, "Loading the encoder"):
        return read_encoder(name or default_encoder(), precision, device)


def read_encoder(name: str, precision: AskedPrecision, device: Device = "cpu") -> SentenceEncoder:
    """What `load_encoder` does, without a bar: it takes seconds, and many workers may do it at the same time."""
    folder, runs_on = ModelFolder.of(name), device_of(device)
    if folder.delta.exists():
        return load_delta(name, folder, precision, runs_on)
    needs("build", "linking")
    silence_libraries()
    from sentence_transformers import SentenceTransformer

    path = packaged_model(name) if name in BASES else name
    offline = name in BASES or Path(path).exists()
    try:
        model = SentenceTransformer(str(path), device="cpu", local_files_only=offline)
    except Exception as error:  # whatever a foreign folder makes the libraries raise
        raise BadInput(
            f"cannot load the encoder {name!r}: {first_line(error)}. Give the folder of a "
            "sentence-transformers model, or a name that this machine has stored or can download."
        ) from error
    digest, head = digest_of_weights(Path(path), model), head_in(ModelFolder(Path(path)))
    setup = setup_digest(Path(path))
    if name in BASES and setup == BASES[name].setup:
        setup = ""
    return SentenceEncoder(name, model, digest, precision, head, runs_on, lasting_name(name), setup)


def head_in(folder: ModelFolder) -> TokenHead | None:
    """The token head in a model's folder, if there is one."""
    if not folder.head.exists():
        return None
    from linking.encode.heads import load_head

    return load_head(folder.head)


@functools.cache
def load_again(
    source: str, name: str, weights_digest: str, setup: str, precision: Precision, device: Device
) -> SentenceEncoder:
    """The encoder that another process, maybe on another machine, has loaded; once a process.

    Raises:
        BadInput: what lies at `source` here cannot be loaded or has other weights.
    """
    found = read_encoder(source, precision, device)
    if (found.weights_digest, found.setup) != (weights_digest, setup):
        raise BadInput(
            f"the encoder {source} on {platform.node()} has other weights or another tokenizer than where the build "
            "was started: put the same model on every machine"
        )
    return SentenceEncoder(name, found.model, weights_digest, precision, found.head, device, source, setup)


def load_delta(name: str, folder: ModelFolder, precision: AskedPrecision, device: Device) -> SentenceEncoder:
    """An encoder kept as its difference from a packaged one.

    Raises:
        BadInput: its weights have changed, or it was made from another base.
    """
    packed, about = load_packed(folder)
    made_from = base_with(about.get("base", ""))
    if made_from is None:
        raise BadInput(
            f"{folder.path} was made from other weights than those of {' or '.join(BASES)}: pack it again"
        )
    base = read_encoder(made_from, "float32")
    put_on(base.model[0].auto_model, packed, folder)
    head = head_in(folder)
    parts = [about["base"], about["sha256"], *([digest_of_file(folder.head)] if head else [])]
    digest, lasting = digest_of(*parts), lasting_name(name)
    return SentenceEncoder(name, base.model, digest, precision, head, device, lasting, base.setup)


def save_encoder(encoder: SentenceEncoder, base: str, folder: ModelFolder) -> None:
    """Write a trained encoder: as its difference where it comes from a packaged one, else whole; and its head."""
    if base in BASES:
        save_delta(encoder, base, folder)
    else:
        encoder.model.save(str(folder.path), create_model_card=False)
    if encoder.head is not None:
        from linking.encode.heads import save_head

        save_head(encoder.head, folder.head)


def save_delta(encoder: SentenceEncoder, base: str, folder: ModelFolder) -> None:
    """Write an encoder that was trained from a packaged one as its difference from it."""
    before = load_encoder(base, "float32").model[0].auto_model.state_dict()
    trained = {name: tensor.cpu() for name, tensor in encoder.model[0].auto_model.state_dict().items()}
    packed = pack(trained, before, BASES[base].rank)
    save_packed(packed, folder, {"kind": "retriever", "base": BASES[base].sha256})


def setup_digest(path: Path) -> str:
    """Digest of a model's tokenizer, pooling and configuration; empty where it is no folder."""
    files = sorted(file for file in path.rglob("*") if file.name in SETUP or file.suffix == ".model")
    parts = [part for file in files for part in (file.relative_to(path).as_posix(), digest_of_file(file))]
    return digest_of(*parts) if parts and path.is_dir() else ""


def digest_of_weights(path: Path, model: Any) -> str:
    """Digest of a model's weights: of its files where it is a folder, else of the tensors in memory."""
    files = sorted([*path.rglob("*.safetensors"), *path.rglob("pytorch_model.bin")]) if path.is_dir() else []
    if files:
        return digest_of(*(digest_of_file(file) for file in files))
    tensors = model.state_dict()
    return digest_of(*(part for name in sorted(tensors) for part in (name, tensors[name].numpy().tobytes())))


def unit(vectors: Vectors) -> Vectors:
    """The vectors scaled to length 1; zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def has_transformer(model: Any) -> bool:
    """Whether the model's first module reads token ids with a mask; static embeddings do not."""
    return type(model[0]).__name__ == "Transformer"


def silence_libraries() -> None:
    """Keep the model libraries' own progress bars and advice away from the person's screen."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
