"""Texts in batches of equal length, each large enough for exact vectors, run side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from linking.arrays import Positions

TOKENS_PER_BATCH = {"cpu": 2_048, "cuda": 65_536}
"""A processor's caches hold a small batch; a GPU needs a large one to be busy."""
LEAST_TOKENS = 64
"""Of a batch on a processor: products of fewer than 16 rows were seen to be added up otherwise."""


def batches_of_equal_length(lengths: Sequence[int], device: str = "cpu") -> list[Positions]:
    """Positions in batches of one common length each, none larger than suits the device."""
    order = np.argsort(np.asarray(lengths, np.int64), kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(np.asarray(lengths, np.int64)[order])) + 1)
    batches: list[Positions] = []
    for group in groups:
        if len(group):
            size = rows_per_batch(lengths[group[0]], device)
            batches.extend(group[i : i + size] for i in range(0, len(group), size))
    return batches


def filled(rows: list[list[int]], device: str) -> list[list[int]]:
    """Token lists of one length, the first repeated until the batch is large enough for its vectors to be exact.

    Libraries choose how to add up by the shape of a product: on a processor small ones are added up otherwise, on a
    GPU each shape may be. So a text's vector does not depend on how many others are encoded with it.
    """
    if not rows:
        return rows
    length = max(1, len(rows[0]))
    least = -(-LEAST_TOKENS // length) if device == "cpu" else rows_per_batch(length, device)
    return rows + [rows[0]] * (least - len(rows))


def rows_per_batch(length: int, device: str) -> int:
    """How many texts of `length` tokens make a full batch."""
    return max(1, TOKENS_PER_BATCH[device] // max(1, length))


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Threads, as many as torch would use, in each of which torch uses one.

    Where torch shares one small product out to its threads it may add up in another order, so that a vector would
    depend on the number of cores and on the batch. Side by side, batches also wait for nothing in between.
    """
    import torch

    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the batches that have not begun
        torch.set_num_threads(threads)  # a part of the setting is common to all threads
