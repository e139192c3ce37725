"""Libraries that an extra of the install brings: where one is missing, the error names the line that installs it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from howtree.errors import BadUsage

EXTRAS = {
    "agent": ("mcp", "fastapi", "uvicorn"),
    "build": ("torch", "sentence_transformers", "faiss", "scipy"),
    "eval": ("bm25s", "ir_measures", "matplotlib", "scipy"),
    "formats": ("mwparserfromhell", "rdflib"),
    "ray": ("ray",),
    "zim": ("libzim",),
}
"""The modules that each extra brings and the base install lacks."""


def install(extra: str) -> str:
    """The line that installs an extra."""
    return f"pip install 'howtree[{extra}]'"


def needs(extra: str, what: str) -> None:
    """Look whether an extra is installed, without loading any of it.

    Raises:
        BadUsage: it is not; the message says what needs it and holds the line that installs it.
    """
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        raise BadUsage(message(what, missing, extra))


def required(module: str, extra: str, what: str) -> Any:
    """A module that an extra brings.

    Raises:
        BadUsage: it is missing, as `needs` says it.
    """
    try:
        return import_module(module)
    except ImportError:
        raise BadUsage(message(what, [module.partition(".")[0]], extra)) from None


def message(what: str, missing: Sequence[str], extra: str) -> str:
    """What is said of missing libraries."""
    verb = "is" if len(missing) == 1 else "are"
    return f"{what} needs {', '.join(missing)}, which {verb} not installed: {install(extra)}"
