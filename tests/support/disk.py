"""A disk whose power is cut: the writes of a process as strace saw them, and what is left without those not synced.

Two disks are imagined. A strict one keeps of a file what was in it at its last fsync, and of a folder the names that
it had at its own. A hasty one, as journals of names are, has every name and of the contents only what was synced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,fcntl,write,pwrite64,writev,pwritev,lseek,ftruncate,truncate,fallocate,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,copy_file_range,sendfile"
)
TRACER = (
    "strace",
    "-f",
    "--seccomp-bpf",
    "-xx",
    "-s",
    "100000000",
    "-e",
    f"trace={CALLS}",
    "-e",
    "signal=none",
    "-o",
)
"""The command that records a process and all that it starts; the file to write to comes next."""
_CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
Call = tuple[str, str, list[bytes], int]
"""A call: its name, its arguments without the texts among them, these texts, and its result."""
Left = dict[PurePath, bytes | None]
"""What is in files by their paths; folders have nothing, and come before what is in them."""
_PIECES = re.compile(r'"([^"]*)"')


@dataclass
class File:
    """A file: what is in it, and what of that is on the disk; None where that is not even its length."""

    data: bytearray
    synced: bytes | None = None


@dataclass
class Folder:
    """A folder: its names, and those that are on the disk."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)


@dataclass
class Opened:
    """An open file with the place where the next byte goes."""

    node: File | Folder
    place: int = 0
    at_end: bool = False


class Disk:
    """What a folder holds while recorded calls are carried out on it."""

    def __init__(self, top: Path, before: Path) -> None:
        """The folder `top` as `before` shows it, all of it on the disk."""
        self.top = top
        self.root = _as_it_is(before)
        self.open: dict[int, Opened] = {}

    def left(self, strict: bool) -> Left:
        """What a cut leaves now."""
        return dict(_left(self.root, PurePath(), strict))

    def carry_out(self, call: str, arguments: str, texts: list[bytes], result: int) -> bool:
        """Do what a call did; returns whether it changed anything here."""
        if call in ("open", "openat", "creat"):
            return self._open(os.fsdecode(texts[0]), arguments, result)
        if call in ("rename", "renameat", "renameat2"):
            return self._rename(*map(os.fsdecode, texts[:2]))
        if call in ("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"):
            return self._name(call, os.fsdecode(texts[0]))
        if call == "truncate":
            raise NotImplementedError(call)
        numbers = [int(word) for word in re.findall(r"(?<!\w)-?\d+", arguments)]
        return self._of_open_file(call, numbers, texts, arguments, result)

    def _open(self, path: str, flags: str, number: int) -> bool:
        self.open.pop(number, None)
        place = self._place(path)
        if place is None:
            return False
        folder, name = place
        node: File | Folder | None = self.root if name == "" else folder.names.get(name)
        new = node is None
        if node is None:
            if "O_CREAT" not in flags:
                return False
            node = folder.names[name] = File(bytearray())
        cut = "O_TRUNC" in flags and isinstance(node, File) and bool(node.data)
        if cut and isinstance(node, File):
            node.data = bytearray()
        self.open[number] = Opened(node, at_end="O_APPEND" in flags)
        return new or cut

    def _of_open_file(
        self, call: str, numbers: list[int], texts: list[bytes], arguments: str, result: int
    ) -> bool:
        opened = self.open.get(numbers[0])
        if call in ("dup", "dup2", "dup3") or (call == "fcntl" and "F_DUPFD" in arguments):
            self.open.pop(result, None)
            if opened:
                self.open[result] = opened
            return False
        if opened is None:
            return False
        if call == "close":
            del self.open[numbers[0]]
            return False
        node = opened.node
        if call in ("fsync", "fdatasync"):
            if isinstance(node, Folder):
                node.synced = dict(node.names)
            else:
                node.synced = bytes(node.data)
            return True
        if isinstance(node, Folder):
            return False
        if call == "lseek":
            opened.place = result
            return False
        if call in ("write", "writev"):
            place = len(node.data) if opened.at_end else opened.place
            _put(node, place, b"".join(texts)[:result])
            opened.place = place + result
            return True
        if call in ("pwrite64", "pwritev"):
            _put(node, numbers[-1], b"".join(texts)[:result])
            return True
        if call == "ftruncate":
            size = numbers[-1]
            node.data = node.data[:size] + bytes(max(0, size - len(node.data)))
            return True
        if call == "fallocate":
            _put(node, len(node.data), bytes(max(0, numbers[-2] + numbers[-1] - len(node.data))))
            return True
        if call == "fcntl":
            return False
        raise NotImplementedError(call)

    def _rename(self, old: str, new: str) -> bool:
        source, target = self._place(old), self._place(new)
        if source is None or target is None:
            return False
        target[0].names[target[1]] = source[0].names.pop(source[1])
        return True

    def _name(self, call: str, path: str) -> bool:
        place = self._place(path)
        if place is None:
            return False
        folder, name = place
        if call.startswith("mkdir"):
            folder.names[name] = Folder()
        else:
            folder.names.pop(name)
        return True

    def _place(self, path: str) -> tuple[Folder, str] | None:
        """The folder that a path is in, and its name there; None where it is not below the top."""
        try:
            inner = Path(path).relative_to(self.top)
        except ValueError:
            return None
        node: File | Folder | None = self.root
        for name in inner.parts[:-1]:
            node = node.names.get(name) if isinstance(node, Folder) else None
        return (node, inner.name) if isinstance(node, Folder) else None


def calls_in(trace: Path) -> list[Call]:
    """The calls that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    calls: list[Call] = []
    with trace.open(encoding="ascii") as lines:
        for line in lines:
            process = line.partition(" ")[0]
            if line.endswith("<unfinished ...>\n"):
                begun[process] = line.removesuffix("<unfinished ...>\n")
                continue
            if resumed := re.match(r"\d+ +<\.\.\. \w+ resumed>", line):
                line = begun.pop(process) + line[resumed.end() :]
            found = _CALL.match(line)
            if found and found[4] != "?" and int(found[4]) >= 0:
                calls.append((found[2], _PIECES.sub("", found[3]), texts_in(found[3]), int(found[4])))
    return calls


def cuts(top: Path, before: Path, calls: Sequence[Call], points: int) -> Iterator[tuple[Disk, str]]:
    """Stop at some of the changes that recorded calls make to a folder, spread evenly, and at their end.

    Args:
        top: the folder.
        before: a copy from before the calls.
        calls: the calls.
        points: how many stops before the end.

    Yields:
        the disk, and what had been written to stdout by then.
    """
    disk = Disk(top, before)
    changes = sum(disk.carry_out(*call) for call in calls)
    stops = {round(changes * number / (points + 1)) for number in range(1, points + 1)}
    disk, said, count = Disk(top, before), "", 0
    for name, arguments, texts, result in calls:
        if name == "write" and arguments.startswith("1,"):
            said += texts[0].decode("utf-8", "replace")
        if disk.carry_out(name, arguments, texts, result):
            count += 1
            if count in stops:
                yield disk, said
    yield disk, said


def texts_in(arguments: str) -> list[bytes]:
    """The texts among the arguments of a call."""
    return [bytes.fromhex(piece.replace("\\x", "")) for piece in _PIECES.findall(arguments)]


def _put(file: File, place: int, data: bytes) -> None:
    file.data.extend(bytes(max(0, place - len(file.data))))
    file.data[place : place + len(data)] = data


def _as_it_is(folder: Path) -> Folder:
    names: dict[str, File | Folder] = {}
    for path in folder.iterdir():
        if path.is_dir():
            names[path.name] = _as_it_is(path)
        else:
            data = path.read_bytes()
            names[path.name] = File(bytearray(data), data)
    return Folder(names, dict(names))


def _left(node: Folder, at: PurePath, strict: bool) -> Iterator[tuple[PurePath, bytes | None]]:
    yield at, None
    for name, inner in (node.synced if strict else node.names).items():
        if isinstance(inner, Folder):
            yield from _left(inner, at / name, strict)
        else:
            yield at / name, inner.synced or b""


def write(left: Left, folder: Path) -> None:
    """Write to a folder what a cut left."""
    for path, data in left.items():
        if data is None:
            (folder / path).mkdir(exist_ok=True)
        else:
            (folder / path).write_bytes(data)
