"""Executors: who does the parts of a stage, in this process, in a pool of processes, or on a Ray cluster.

A stage's work is one picklable callable: it takes the number of a part, leaves its result in a file that is
written aside and renamed, and returns how many texts it worked on. So a part can be done anywhere that sees the
folder, and done again after a loss. What the work needs, models above all, is loaded where it is unpickled: once
a worker, not once a part.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from typing import Protocol, Self

from howtree.errors import BadInput, BadUsage
from howtree.processes import end_with_parent
from linking.encode.device import hand_back_memory
from linking.run.processor import cores, limit_threads

Work = Callable[[int], int]
"""Does the part of a number and returns how many texts it worked on."""

EXECUTORS = ("process", "pool", "ray")


class Executor(AbstractContextManager["Executor"], Protocol):
    """Does parts of work; as a context manager it lets its workers go at the end."""

    def run(self, work: Work, parts: Sequence[int], gpu: bool = False) -> Iterator[tuple[int, int]]:
        """Do each part once; yields (part, texts worked on) as parts get done, in any order.

        `gpu` says that the work runs a model on a GPU.

        Raises:
            BadInput: workers were lost and the work cannot go on. What was done stays done.
        """


class InProcess:
    """One part after the other, here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to let go."""

    def run(self, work: Work, parts: Sequence[int], gpu: bool = False) -> Iterator[tuple[int, int]]:
        """Do each part in turn; yields (part, texts worked on)."""
        for part in parts:
            yield part, done(work, part)


class Worker:
    """Does parts in a process of its own, and keeps what the last work had to load."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._packed = b""
        self._work: Work | None = None

    def run(self, packed: bytes, part: int) -> int:
        """Do a part of the pickled work."""
        if packed != self._packed:
            self._packed, self._work = b"", None  # let the old models go before the new ones come
            limit_threads(self.threads)
            self._packed, self._work = packed, pickle.loads(packed)
        assert self._work is not None
        return done(self._work, part)


def done(work: Work, part: int) -> int:
    """Do a part and hand back the memory that it took; returns how many texts it worked on."""
    texts = work(part)
    hand_back_memory()
    return texts


class Pool:
    """Processes on this machine, started when first needed; a lone part is done here, without them.

    So is work on a GPU, which one process keeps busy.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes:
            self._processes.shutdown(wait=True, cancel_futures=True)

    def run(self, work: Work, parts: Sequence[int], gpu: bool = False) -> Iterator[tuple[int, int]]:
        """Do the parts side by side; yields (part, texts worked on) as they get done.

        Raises:
            BadInput: a worker process was lost.
        """
        if gpu or len(parts) < 2:
            yield from InProcess().run(work, parts)
            return
        packed = pickle.dumps(work)
        processes = self._started()
        futures = {processes.submit(work_in_pool, packed, part): part for part in parts}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenExecutor as error:
            raise BadInput(
                f"a process of the pool was lost, as happens when memory runs out: give fewer --workers than "
                f"{self.workers}. The same command goes on from the parts that are done."
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _started(self) -> ProcessPoolExecutor:
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("spawn"),  # a fork would copy locks that threads hold
                initializer=start_worker,
                initargs=(max(1, cores() // self.workers),),
            )
        return self._processes


def start_worker(threads: int) -> None:
    """Make this process of the pool a worker that ends with the main process, however that ends."""
    global _worker
    end_with_parent()
    _worker = Worker(threads)


def work_in_pool(packed: bytes, part: int) -> int:
    """Do a part in this process of the pool."""
    return _worker.run(packed, part)


_worker: Worker


def executor_of(name: str = "process", workers: int | None = None, address: str = "") -> Executor:
    """The executor of a name: `process`, `pool` or `ray`.

    Args:
        name: one of `EXECUTORS`.
        workers: processes or actors; None for as many as there are cores.
        address: for `ray` alone: `auto` for the cluster that this machine belongs to, `local` for one that is
            started here, or host:port. Empty is `auto`.

    Raises:
        BadUsage: the name is unknown, or an option does not belong to it.
        BadInput: Ray is not installed, or there is no cluster at the address.
    """
    if name not in EXECUTORS:
        raise BadUsage(f"--executor is {', '.join(EXECUTORS[:-1])} or {EXECUTORS[-1]}, not {name!r}")
    if address and name != "ray":
        raise BadUsage(f"--address belongs to --executor ray; the executor {name} runs on this machine alone")
    if workers and name == "process":
        raise BadUsage("--workers belongs to --executor pool or ray")
    if name == "process":
        return InProcess()
    if name == "pool":
        return Pool(workers or cores())
    from linking.run.cluster import RayCluster

    return RayCluster(address or "auto", workers)
