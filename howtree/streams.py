"""Stdout as commands meet it: a reader that leaves early, an encoding that lacks a character, no stdout at all."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any

from howtree.errors import BadInput

ESCAPED = "howtree.escaped"
"""Our handler of characters that an encoding lacks."""
DRAWN = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "→": "->", "…": "..."})
"""What is drawn with, in ASCII."""


def prepare_stdout() -> None:
    """Give stdout its manners: it ends the process quietly, with 0, when its reader leaves, as `head` does; what
    its encoding cannot hold is escaped as in JSON. Where there is no stdout, what is written to it is lost.
    """
    codecs.register_error(ESCAPED, escape)
    try:
        file: io.FileIO = _Pipe(1, "w", closefd=False)
    except OSError:  # closed by whoever started the command
        file = io.FileIO(os.devnull, "w")
    old = sys.stdout
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=old.encoding if old else "utf-8",
        errors=ESCAPED,
        line_buffering=file.isatty(),
    )


class _Pipe(io.FileIO):
    """A file whose reader may leave."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # what is buffered goes nowhere
            if isinstance(error, BrokenPipeError):
                raise SystemExit(0) from None
            raise BadInput(f"cannot write the output: {error.strerror}") from error


def escape(error: UnicodeError) -> tuple[str, int]:
    r"""Characters that cannot be encoded as \uXXXX, two for one beyond the first 65,536: right in JSON, too."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)), error.end


def drawn(text: str) -> str:
    """`text` with the characters that we draw with, in ASCII where stdout cannot write them."""
    try:
        "├─└│→…".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return text.translate(DRAWN)
    return text
