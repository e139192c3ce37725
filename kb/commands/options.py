"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from howtree.progress import warn

if TYPE_CHECKING:
    from kb.store import KnowledgeBase

KbOption = Annotated[
    Path | None, typer.Option("--kb", help="The knowledge base [default: HOWTREE_KB, else kb.duckdb here].")
]


HostOption = Annotated[
    str,
    typer.Option(
        "--host", help="Address to listen on; another than this machine's lets others in, without a password."
    ),
]


class Format(StrEnum):
    """How figures are printed."""

    text = "text"
    markdown = "markdown"
    json = "json"


class Shape(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"


class Device(StrEnum):
    """Where an encoder runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """The number format that an encoder runs in."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    int8 = "int8"


DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where the encoder runs; auto takes a GPU if there is one.")
]


ShapeOption = Annotated[
    Shape, typer.Option("--format", help="text, or json for programs (docs/command-line.md).")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def open_kb(path: Path | None) -> KnowledgeBase:
    """The knowledge base that a command's --kb names, or the default one; reports what is wrong with its reviews."""
    from kb.store import KnowledgeBase, default_path

    base = KnowledgeBase(path or default_path())
    for note in base.review_notes:
        warn(note)
    return base
