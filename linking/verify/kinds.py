"""The two kinds of cross-encoder, loaded from a folder or name, and saved.

The one that ships, a MiniLM with three yes/no heads (grade at least 1, 2 and 3) on the mean of its last layer, is kept
as its difference from the packaged weights. The other is any CrossEncoder of sentence-transformers with one label.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from howtree.errors import BadInput, first_line
from howtree.extras import needs
from howtree.files import digest_of, read_json, write_json
from linking.encode.delta import load_packed, pack, put_on, require_base, save_packed
from linking.encode.encoder import digest_of_weights, load_encoder, read_encoder, silence_libraries
from linking.encode.folder import ModelFolder
from linking.encode.packaged import BASE_ENCODER, BASES
from linking.verify.reader import LONGEST, Reader

GRADES = 3
"""Heads of the one that ships: grade at least 1, 2 and 3. A goal is right from 2 on and exact from 3 on."""
HEAD = "head"
"""What the names of the heads' tensors begin with."""


def load_module(name: str) -> tuple[Any, Reader, str]:
    """The module of a folder or name, which gives logits [n, labels] of ids, mask and sides; its reader; its digest.

    Raises:
        BadUsage: the libraries of linking are not installed.
        BadInput: it cannot be loaded, is of another kind, has no tokens for the markers or another number of labels.
    """
    folder = ModelFolder(Path(name))
    module, tokenizer, digest = load_graded(folder) if folder.delta.exists() else load_classifier(name)
    parts = parts_in(folder)
    return module, Reader(tokenizer, parts), with_parts(digest, parts)


def parts_in(folder: ModelFolder) -> tuple[str, ...]:
    """The parts of a pair that a model was trained to read: all where its folder says nothing of it.

    Raises:
        BadInput: the folder names parts that there are not.
    """
    if not folder.parts.exists():
        return tuple(LONGEST)
    parts = read_json(folder.parts)
    if not isinstance(parts, list) or not {"step", "goal"} <= set(parts) <= set(LONGEST):
        raise BadInput(
            f"{folder.parts} is to be a list of the parts that the model reads, step and goal among them; "
            f"there are {', '.join(LONGEST)}"
        )
    return tuple(part for part in LONGEST if part in parts)


def save_parts(parts: Iterable[str], folder: ModelFolder) -> None:
    """Write which parts of a pair a model reads, beside it."""
    if tuple(parts) != tuple(LONGEST):
        write_json(folder.parts, list(parts))


def with_parts(digest: str, parts: tuple[str, ...]) -> str:
    """The digest of weights that read only some parts of a pair."""
    return digest if parts == tuple(LONGEST) else digest_of(digest, *parts)


def graded_module(transformer: Any) -> Any:
    """An untrained module: three yes/no heads on the mean of a transformer's last layer."""
    from linking.verify.modules import Graded

    return Graded(transformer, GRADES)


def graded_digest(folder: ModelFolder, about: dict[str, Any]) -> str:
    """What tells its weights from others.

    Raises:
        BadInput: it was made from other weights than those of the packaged encoder.
    """
    require_base(folder, about, BASE_ENCODER)
    return digest_of(about["base"], about["sha256"])


def load_graded(folder: ModelFolder) -> tuple[Any, Any, str]:
    """One that `save_graded` wrote.

    Raises:
        BadInput: a file is missing or has changed.
    """
    packed, about = load_packed(folder)
    digest = graded_digest(folder, about)
    base = read_encoder(BASE_ENCODER, "float32")
    transformer = base.model[0].auto_model
    put_on(transformer, packed, folder)
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
    except Exception as error:  # whatever a foreign folder makes the libraries raise
        raise BadInput(
            f"cannot load the reranker {name!r}: {first_line(error)}. Give the folder of a CrossEncoder of "
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
