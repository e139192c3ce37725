"""A process in which queries run, as the process that started it sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from howtree import errors
from howtree.errors import BadQuery, HowtreeError
from kb.query.frames import END, READY, receive
from kb.query.limits import Limits, more

POLITE = "polite"
"""What a process that lets others go first is told as it starts, since to load its libraries takes work, too."""
PIPE = 1 << 20
"""Bytes that the pipe of answers holds: a frame of rows, so that the child works on while we read."""


class Child:
    """A process that has a knowledge base open for queries; starting it does not wait for it."""

    def __init__(self, path: Path | None, file: tuple[int, int] | None, memory: int, polite: bool) -> None:
        """Start the process.

        Args:
            path: the knowledge base, None for the default one.
            file: its device and inode where the asker has it open: no other file may have taken its place.
            memory: MB that a query may use.
            polite: whether it lets other processes go first.
        """
        self.memory = memory
        self.idle = False
        """Whether it is ready and runs no query."""
        self._notes: list[str] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kb.query.inside", *([POLITE] if polite else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("HOWTREE_DEBUG") else subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(place or str(Path.cwd()) for place in sys.path)},
            process_group=0,  # Ctrl-C in a terminal is for us alone
            pipesize=PIPE,
        )
        self._send({"path": path and str(path), "file": file, "memory": memory})

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def get_ready(self) -> list[str]:
        """Wait until the knowledge base is open.

        Returns:
            what is to be reported of its reviews.

        Raises:
            NotFound, BadInput: it cannot be opened.
            BadQuery: the process did not start.
        """
        if self._notes is not None:
            return self._notes
        kind, content = self._receive() or (b"", b"")
        if kind != READY:
            raise BadQuery(
                f"the process for the query did not start ({self._end()}): HOWTREE_DEBUG=1 shows what it says"
            )
        found = json.loads(content)
        if "error" in found:
            known: type[HowtreeError] = getattr(errors, found["error_kind"])
            raise known(found["error"])
        self.idle = True
        self._notes = [str(note) for note in found["notes"]]
        return self._notes

    def answer(self, sql: str, limits: Limits, batch: int) -> Iterator[bytes]:
        """Run a query; the frames of its answer as they come: the columns, an empty one of rows, then the rows.

        Raises:
            BadQuery: the query is refused or wrong, or a limit was reached; what came before has been yielded.
        """
        self.idle = False
        self._send({"sql": sql, "limits": asdict(limits), "batch": batch})
        while found := self._receive():
            kind, content = found
            if kind != END:
                yield content
                continue
            end = json.loads(content)
            self.idle = end["again"]
            if end["error"]:
                raise BadQuery(end["error"])
            return
        end = self._end()
        if end == "SIGALRM":
            raise BadQuery(limits.late)
        died = f"the process of the query ended before it had answered ({end})"
        if end.startswith("SIG"):
            raise BadQuery(f"{died}, as happens for want of memory: narrow it, or {more('--memory')}")
        raise BadQuery(f"{died}: HOWTREE_DEBUG=1 shows why")

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._end()

    def _send(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: whoever waits for its answer sees that
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()

    def _receive(self) -> tuple[bytes, bytes] | None:
        assert self._process.stdout is not None
        return receive(self._process.stdout)

    def _end(self) -> str:
        """How the process ended, in a word."""
        assert self._process.stdin is not None and self._process.stdout is not None
        code = self._process.wait()
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
