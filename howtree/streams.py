"""Stdout as commands meet it: a reader that leaves early, an encoding that lacks a character, no stdout at all.

And text from outside as it leaves for a terminal (`plain`) or a spreadsheet (`csv_cell`), where it could do harm.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from howtree.errors import BadInput

ESCAPED = "howtree.escaped"
"""Our handler of characters that an encoding lacks."""
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tabs and ends of lines, and the marks of direction."""
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How formulas begin, some in the full width of Chinese and Japanese text."""
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
    sys.stdout = _Stdout(
        io.BufferedWriter(file),
        encoding=old.encoding if old else "utf-8",
        errors=ESCAPED,
        line_buffering=file.isatty(),
    )


class _Stdout(io.TextIOWrapper):
    """What is written for people is `plain`."""

    def write(self, text: str) -> int:
        super().write(plain(text))
        return len(text)


@contextmanager
def unchanged() -> Iterator[IO[str]]:
    """Stdout for what programs read to the letter; on a terminal it is `plain` all the same."""
    if not isinstance(sys.stdout, _Stdout) or sys.stdout.isatty():
        yield sys.stdout
        return
    sys.stdout.flush()
    letters = io.TextIOWrapper(
        sys.stdout.buffer, sys.stdout.encoding, sys.stdout.errors, newline="", write_through=True
    )
    try:
        yield letters
    finally:
        letters.detach()


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


def plain(text: str) -> str:
    r"""Text for a terminal: what would steer it, or turn the text round, as \uXXXX; in JSON that means the same."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def csv_cell(value: Any) -> Any:
    """A value for CSV: no spreadsheet takes it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(_FORMULA) else value


def drawn(text: str) -> str:
    """`text` with the characters that we draw with, in ASCII where stdout cannot write them."""
    try:
        "├─└│→…".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return text.translate(DRAWN)
    return text
