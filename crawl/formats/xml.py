"""Elements of XML by their names, whatever namespace they are in."""

from __future__ import annotations

from typing import Any


def local_name(node: Any) -> str:
    """The name of an element of lxml without its namespace; empty for a comment or an instruction.

    lxml's own QName refuses some names that its parsers let through.
    """
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
