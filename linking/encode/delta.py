"""A fine-tuned model as its difference from the packaged base: a third of the size or less, and no hub needed.

Fine-tuning moves each weight by a few thousandths, so the differences fit into eight bits a weight: each row of
a matrix is stored as integers and one scale. Rows that hardly moved, the words that training never met, are left
out. Of a large model each matrix is kept in its strongest dimensions alone (`Base.rank`), as two narrow matrices in
eight bits. Beside it a file names the base and both digests.
"""

from __future__ import annotations

from typing import Any

from howtree.errors import BadInput, first_line
from howtree.files import digest_of_file, read_json, write_json, written_aside
from linking.encode.folder import ModelFolder
from linking.encode.packaged import BASES

FORMAT = 1
STILL = 1e-4
"""A row of the word embeddings of which no weight moved by more than this is left out."""
LEVELS = 127

Tensors = dict[str, Any]
"""Tensors by the name that the model gives them."""


def pack(trained: Tensors, base: Tensors, rank: int | None = None) -> Tensors:
    """What `unpack` needs, besides `base`, to give nearly `trained`.

    Matrices [n, m] become `name.rows` [k] (only where rows are left out), `name.steps` int8 [k, m] and
    `name.scale` [k]; other tensors their difference. The error of a weight is at most 1/254 of the largest
    change in its row, or `STILL` in a row that is left out. With a `rank` the nearest matrix of that rank is kept
    instead (Eckart and Young 1936): `name.left` [rank, n] and `name.right` [rank, m], each as `steps` and `scale`.
    """
    import torch

    packed: Tensors = {}
    for name, before in base.items():
        moved = (trained[name] - before).float()
        if moved.ndim != 2:
            packed[name] = moved.contiguous()
        elif "embeddings" in name:
            rows = torch.nonzero(moved.abs().amax(dim=1) > STILL).flatten()
            packed[f"{name}.rows"] = rows.to(torch.int32)
            packed |= in_eight_bits(name, moved[rows])
        elif rank is None:
            packed |= in_eight_bits(name, moved)
        else:
            left, size, right = torch.linalg.svd(moved, full_matrices=False)
            root = size[:rank, None].sqrt()
            packed |= in_eight_bits(f"{name}.left", root * left.T[:rank])
            packed |= in_eight_bits(f"{name}.right", root * right[:rank])
    return packed


def in_eight_bits(name: str, matrix: Any) -> Tensors:
    """A matrix [n, m] as integers `name.steps` [n, m] and a scale a row `name.scale` [n]."""
    import torch

    scale = matrix.abs().amax(dim=1).clamp_min(1e-12) / LEVELS
    steps = (matrix / scale[:, None]).round().to(torch.int8).contiguous()
    return {f"{name}.scale": scale, f"{name}.steps": steps}


def from_eight_bits(packed: Tensors, name: str) -> Any:
    """The matrix that `in_eight_bits` was given, nearly."""
    return packed[f"{name}.steps"].float() * packed[f"{name}.scale"][:, None]


def unpack(packed: Tensors, base: Tensors) -> Tensors:
    """The weights that `pack` was given, to within its error."""
    import torch

    weights: Tensors = {}
    for name, before in base.items():
        weights[name] = before.clone()
        if name in packed:
            weights[name] += packed[name].to(before.dtype)
        elif f"{name}.left.steps" in packed:
            weights[name] += from_eight_bits(packed, f"{name}.left").T @ from_eight_bits(
                packed, f"{name}.right"
            )
        elif f"{name}.steps" in packed:
            rows = packed.get(f"{name}.rows", torch.arange(len(before)))
            weights[name][rows.long()] += from_eight_bits(packed, name)
    return weights


def save_packed(tensors: Tensors, folder: ModelFolder, about: dict[str, Any]) -> None:
    """Write tensors, and beside them `about` with their digest."""
    from safetensors.torch import save_file

    folder.path.mkdir(parents=True, exist_ok=True)
    with written_aside(folder.delta) as aside:
        save_file(tensors, str(aside))
    digest = digest_of_file(folder.delta)
    write_json(folder.about_delta, {"format": FORMAT, "sha256": digest, **about})


def load_packed(folder: ModelFolder) -> tuple[Tensors, dict[str, Any]]:
    """The tensors of a folder that `save_packed` wrote, and what is said about them.

    Raises:
        BadInput: a file is missing, of another format, or the weights are not those that were written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    about, path = about_packed(folder), folder.delta
    try:
        return load_file(str(path)), about
    except SafetensorError as error:
        raise BadInput(
            f"{path} holds no weights ({error}): restore the file, or train the model again"
        ) from error


def about_packed(folder: ModelFolder) -> dict[str, Any]:
    """What is said about the tensors of a folder that `save_packed` wrote, which are as they were written.

    Raises:
        BadInput: a file is missing, of another format, or the weights are not those that were written.
    """
    about, path = read_json(folder.about_delta), folder.delta
    if not isinstance(about, dict) or about.get("format") != FORMAT or not path.exists():
        raise BadInput(f"{folder.path} holds no model: {folder.about_delta.name} and {path.name} are needed")
    found = digest_of_file(path)
    if found != about.get("sha256"):
        raise BadInput(
            f"the weights in {path} have changed (SHA-256 {found}, expected {about.get('sha256')}): restore the file"
        )
    return about


def require_base(folder: ModelFolder, about: dict[str, Any], base: str) -> None:
    """Look that a folder's tensors are the difference from the packaged weights of that name.

    Raises:
        BadInput: they are that from others.
    """
    if about.get("base") != BASES[base].sha256:
        raise BadInput(f"{folder.path} was made from other weights than those of {base}: pack it again")


def put_on(transformer: Any, packed: Tensors, folder: ModelFolder) -> None:
    """Give a transformer with the base's weights those of a folder.

    Raises:
        BadInput: the two do not fit, or weights are no finite numbers.
    """
    try:
        weights = unpack(packed, transformer.state_dict())
        transformer.load_state_dict(weights)
    except (IndexError, KeyError, RuntimeError, ValueError) as error:
        raise BadInput(
            f"the weights in {folder.delta} do not fit those that they were made from "
            f"({first_line(error)}): restore the file, or train the model again"
        ) from error
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise BadInput(
            f"weights in {folder.delta} are no finite numbers: restore the file, or train the model again"
        )
