"""Libraries that a plain installation leaves out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from howtree.errors import BadUsage


def required(module: str) -> Any:
    """A module of a library of the evaluation.

    Raises:
        BadUsage: it is missing; the message holds the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError:
        library = module.split(".")[0].replace("_", "-")
        raise BadUsage(
            f"the evaluation needs {library}, which is not installed. Install it: pip install 'howtree[eval]'"
        ) from None
