"""A process that has little: a disk of its own that is small or cannot be written, few files, little memory."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.command import ROOT, surroundings


@dataclass(frozen=True)
class Shortage:
    """What a job has little of."""

    disk: int = 0
    """Bytes of a disk of its own, on which its folder lies; 0 for the machine's."""
    read_only: bool = False
    """Whether nothing can be written to its folder."""
    files: int = 0
    """Descriptors; 0 for as many as usual."""
    memory: int = 0
    """Bytes that the process may grow by; 0 for as many as usual."""


@contextmanager
def short_of(short: Shortage, folder: Path) -> Iterator[None]:
    """Let this process have little. On a disk of its own a folder has what was in it; what is left is copied back."""
    data = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")
    )
    held = int(data.split()[1]) << 10
    for kind, most, there in (
        (resource.RLIMIT_NOFILE, short.files, 0),
        (resource.RLIMIT_DATA, short.memory, held),
    ):
        if most:
            resource.setrlimit(kind, (there + most, there + most))
    if not short.disk and not short.read_only:
        yield
        return
    aside = folder.with_name(f"{folder.name}.there")
    shutil.copytree(folder, aside)
    own_disk(folder, short.disk or 1 << 30)
    shutil.copytree(aside, folder, dirs_exist_ok=True)
    shutil.rmtree(aside)
    if short.read_only:
        mounted(folder, read_only=True)
    try:
        yield
    finally:
        os.chdir("/")
        shutil.copytree(folder, folder.with_name(f"{folder.name}.left"))


def own_disk(folder: Path, size: int) -> None:
    """Put an empty disk of so many bytes, which this process alone sees, in the place of a folder.

    Raises:
        OSError: the system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, names = os.getuid(), 0x00020000  # CLONE_NEWNS
    if libc.unshare(names if user == 0 else names | 0x10000000):  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), "no disk of its own")
    if user:
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    private = 1 << 18 | 1 << 14  # MS_PRIVATE | MS_REC
    if libc.mount(b"none", b"/", None, private, None) or libc.mount(
        b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()
    ):
        raise OSError(ctypes.get_errno(), "no disk of its own")


def mounted(folder: Path, *, read_only: bool) -> None:
    """Let nothing be written to the disk at a folder any more."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(
        b"none", os.fsencode(folder), None, 32 | (1 if read_only else 0), None
    ):  # MS_REMOUNT | MS_RDONLY
        raise OSError(ctypes.get_errno(), "not made read-only")


def has_own_disks() -> bool:
    """Whether the system lets a process have a disk of its own."""
    test = "from pathlib import Path; from support.shortage import own_disk; own_disk(Path('/tmp'), 1 << 20)"
    done = subprocess.run(
        [sys.executable, "-c", test],
        env=surroundings(PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")])),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
