"""Where models run: on the processor, or on a GPU where there is one."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from howtree.errors import BadInput
from howtree.extras import required

Precision = Literal["float32", "bfloat16", "int8"]
"""In which numbers a model's matrices are multiplied."""
AskedPrecision = Literal["auto", "float32", "bfloat16", "int8"]
Device = Literal["auto", "cpu", "cuda"]

NEEDED = 3_000_000_000
"""Bytes that a process must be allowed to map which builds with the packaged encoder; with 2.5 GB torch ran out."""
WIDE = 768
"""From vectors of this length on int8 pays: in narrower layers the rounding takes what the product saves."""


def device_of(asked: Device) -> Device:
    """ "cpu" or "cuda"; for "auto" the GPU where torch sees one."""
    if asked != "auto":
        return asked
    torch = required("torch", "build", "linking")
    return "cuda" if torch.cuda.is_available() else "cpu"


def refuse_missing(device: str) -> None:
    """Say so where a GPU is asked for and torch sees none.

    Raises:
        BadInput: there is none.
    """
    if device != "cuda":
        return
    if not required("torch", "build", "--device cuda").cuda.is_available():
        raise BadInput(
            f"--device cuda: torch sees no GPU on {platform.node()}. Install a CUDA build of torch and the "
            "driver there, or build with --device cpu"
        )


def precision_for(asked: AskedPrecision, device: str, dimension: int) -> Precision:
    """In which numbers a model with vectors of `dimension` runs.

    "auto" says bfloat16 on every GPU: nodes of one cluster must do the same.

    Raises:
        BadInput: int8 is asked for where it is not exact or not there.
    """
    if asked == "int8" and (device != "cpu" or not has_int8()):
        raise BadInput(
            f"--precision int8 needs a processor with VNNI instructions, and {platform.node()} "
            f"{'runs the model on a GPU' if device != 'cpu' else 'has none'}: take float32 or bfloat16"
        )
    if asked != "auto":
        return asked
    precision = precision_of_training(device)
    return "int8" if precision == "float32" and dimension >= WIDE and has_int8() else precision


def precision_of_training(device: str) -> Precision:
    """In which numbers a model is trained: those of `precision_for` that have a gradient."""
    return "bfloat16" if device != "cpu" or has_fast_bfloat16() else "float32"


def has_int8() -> bool:
    """Whether this processor multiplies integers of eight bits fast and exactly (AVX512 with VNNI)."""
    return cpu_has("_is_vnni_supported")


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies matrices faster in bfloat16 than in float32.

    With AMX they do. The AVX512 instructions alone do not tell: an AMD EPYC encodes 2.5 times as many texts with them,
    an Intel Xeon without AMX 0.6 times. To measure it would be no better: on a busy machine the answer could change
    from one build to the next, and with it the links.
    """
    return cpu_has("_is_amx_tile_supported") or (
        cpu_has("_is_avx512_bf16_supported") and "AMD" in told_by_processor("vendor_id")
    )


def cpu_has(probe: str) -> bool:
    """What torch finds in this processor; no where it does not know the question."""
    import torch

    return bool(getattr(torch.cpu, probe, lambda: False)())


def is_intel_with_avx512() -> bool:
    """Whether the processor has the instructions of Intel's server processors from 2017 on."""
    has = told_by_processor("flags").split()
    needed = {f"avx512{part}" for part in ("f", "bw", "cd", "dq", "vl")}
    return "GenuineIntel" in told_by_processor("vendor_id") and needed <= set(has)


def told_by_processor(what: str) -> str:
    """A line of what Linux says of the processor, such as "vendor_id" or "flags"; elsewhere its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(what)), "")


def hand_back_memory() -> None:
    """Give the system what this process has freed.

    The allocator of Linux keeps it, in pieces, for each thread that ever worked: without this the memory of a build
    grew by a gigabyte with its first 150,000 steps, and on.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def lacks_memory(error: Exception) -> bool:
    """Whether torch or Python says that memory is used up."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower()
    )


def refuse_little_memory() -> None:
    """Look that a model may have the memory that it needs, as far as limits of this process say (`ulimit -d`, `-v`).

    Beyond a limit some libraries do not raise an error, but end the process without a word of what to do.

    Raises:
        BadInput: it may not.
    """
    if sys.platform == "win32":
        return
    import resource

    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS))
    least = min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=NEEDED)
    if least < NEEDED:
        raise BadInput(
            f"a model must be allowed {NEEDED / 1e9:.0f} GB of memory, and this process is limited to "
            f"{least / 1e9:.1f} GB: allow more (ulimit -d, ulimit -v, or what starts the job), or build elsewhere"
        )


def mixed(device: str, precision: Precision) -> AbstractContextManager[Any]:
    """The context in which a model's products are done in bfloat16, or as they are."""
    import torch

    return torch.autocast(device, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def unmixed(device: str) -> AbstractContextManager[Any]:
    """The context in which products are done as they are, whatever is set around it."""
    import torch

    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
