"""What goes through the pipe from the process of a query: frames, each with its kind, its length and its bytes.

Rows travel as Arrow: each frame of rows is an IPC stream of its own, so that it is whole without those before it.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

READY, COLUMNS, ROWS, END = b"a", b"c", b"r", b"e"
"""The kinds: the knowledge base is open; the columns of an answer; rows of it; the query has ended, and how."""
HEAD = struct.Struct("<cQ")


def send(pipe: IO[bytes], kind: bytes, content: Any) -> None:
    """Send a frame of bytes, or of anything that has them as a buffer."""
    view = memoryview(content)
    pipe.write(HEAD.pack(kind, view.nbytes))
    pipe.write(view)
    pipe.flush()


def send_json(pipe: IO[bytes], kind: bytes, **content: Any) -> None:
    """Send a frame of JSON."""
    send(pipe, kind, json.dumps(content).encode())


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """The kind and the bytes of the next frame, None where the sender ended before it was whole."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    content = pipe.read(length)
    return (kind, content) if len(content) == length else None
