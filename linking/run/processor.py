"""This process's share of the processor: its cores, its threads, and faiss with the instructions that are there."""

from __future__ import annotations

import functools
import os
from typing import Any

from linking.encode.device import is_intel_with_avx512

OWN_KERNELS = "OPENBLAS_CORETYPE"
"""The variable that says for which processor OpenBLAS works."""


@functools.cache
def loaded_faiss() -> Any:
    """The module faiss, its matrix product with the instructions of this processor.

    Its wheels bring an OpenBLAS of 2021, which takes Intel's later processors for one of 2004: a quarter of the speed.
    """
    told = OWN_KERNELS in os.environ
    if not told and is_intel_with_avx512():
        os.environ[OWN_KERNELS] = "SkylakeX"
    import faiss

    if not told:  # it is read once, and the programs that this one starts may have another library
        os.environ.pop(OWN_KERNELS, None)
    return faiss


def limit_threads(threads: int) -> None:
    """Let torch and faiss use at most `threads` threads in this process: workers side by side share the cores."""
    import torch

    torch.set_num_threads(threads)
    loaded_faiss().omp_set_num_threads(threads)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
