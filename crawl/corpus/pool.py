"""Raw items -> what came out of them, in several processes where that pays, always in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice

from crawl.readers.items import Item, Reading
from crawl.readers.sources import outcomes_of
from howtree.processes import end_with_parent

_PAGES = frozenset({"page file", "page"})
"""Forms that cost tens of milliseconds per item; the others are read faster than they are sent around."""
_BATCH = 8
_ENOUGH = 64
"""Fewer items than this are read before other processes would have started."""


def readings_of(items: Iterable[Item], workers: int = 1) -> Iterator[Reading]:
    """What came out of each item, in the order of the items; pages are parsed by `workers` processes.

    At most a few batches of pages are held at a time.
    """
    stream = iter(items)
    first = list(islice(stream, _ENOUGH))
    if workers <= 1 or len(first) < _ENOUGH:
        yield from map(outcomes_of, chain(first, stream))
    else:
        yield from _in_processes(chain(first, stream), workers)


def _in_processes(items: Iterator[Item], workers: int) -> Iterator[Reading]:
    pending: deque[list[Item] | Future[list[Reading]]] = deque()
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        try:
            while batch := list(islice(items, _BATCH)):
                has_pages = any(item.form in _PAGES for item in batch)
                pending.append(pool.submit(_read, batch) if has_pages else batch)
                if len(pending) > 3 * workers:
                    yield from _result(pending.popleft())
            while pending:
                yield from _result(pending.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _result(batch: list[Item] | Future[list[Reading]]) -> list[Reading]:
    return batch.result() if isinstance(batch, Future) else _read(batch)


def _read(batch: list[Item]) -> list[Reading]:
    return [outcomes_of(item) for item in batch]
