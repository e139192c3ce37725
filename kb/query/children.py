"""The processes for the queries over one knowledge base: kept from one query to the next, four at work at most."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.query.child import Child
from kb.query.limits import Limits

SEATS = 4


class Children:
    """Processes that have a knowledge base open; threads may share them, and `with` ends them."""

    def __init__(
        self,
        path: Path | None,
        file: tuple[int, int] | None = None,
        memory: int = Limits.memory,
        shared: bool = False,
    ) -> None:
        """Start the first process, which takes its time while we do other things.

        Args:
            path: the knowledge base, None for the default one.
            file: its device and inode where the asker has it open.
            memory: MB that the first query may use.
            shared: whether many ask: then one more is always ready for the next query, and all of them let the
                process that shows the answers go first.
        """
        self._path, self._file, self._shared = path, file, shared
        self.notes: list[str] = []
        """What is to be reported of the reviews, once a query has begun."""
        self._seats = threading.BoundedSemaphore(SEATS)
        self._lock = threading.Lock()
        self._all: set[Child] = set()
        self._free: list[Child] = []
        self._finish = weakref.finalize(self, end, self._all)
        self._free.append(self._start(memory))

    @contextmanager
    def one(self, memory: int, wait: Callable[[], None] | None = None) -> Iterator[Child]:
        """A process that is ready for a query of that many MB, while the `with` lasts.

        Args:
            memory: MB that a query may use.
            wait: called once where all seats are taken, before we wait for one.

        Raises:
            NotFound, BadInput: the knowledge base cannot be opened.
        """
        if not self._seats.acquire(blocking=False):
            if wait is not None:
                wait()
            self._seats.acquire()
        try:
            child = self._take(memory)
            try:
                self.notes = child.get_ready()
                yield child
            finally:
                self._give_back(child)
        finally:
            self._seats.release()

    def close(self) -> None:
        """End all processes, and the queries that run."""
        self._finish()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, memory: int) -> Child:
        child = Child(self._path, self._file, memory, polite=self._shared)
        self._all.add(child)
        return child

    def _take(self, memory: int) -> Child:
        with self._lock:
            fit = [child for child in self._free if child.memory == memory and child.alive]
            taken = fit[0] if fit else self._start(memory)
            for child in [child for child in self._free if child is taken or not child.alive]:
                self._free.remove(child)
            if self._shared and not self._free:
                self._free.append(self._start(memory))
            return taken

    def _give_back(self, child: Child) -> None:
        with self._lock:
            if child.idle and len(self._free) < SEATS:
                self._free.append(child)
                return
            self._all.discard(child)
        child.kill()


def end(children: set[Child]) -> None:
    """End processes."""
    while children:
        children.pop().kill()
