"""Single wheels from the package index that pip or uv is configured for, without what they depend on.

By pip where this Python has it; else over HTTP as the simple API has it (PEP 503 as HTML, PEP 691 as JSON), each file
checked by the SHA-256 that the index gives.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from bs4 import BeautifulSoup

from howtree.errors import BadInput
from howtree.progress import progress

PUBLIC_INDEX = "https://pypi.org/simple"
ACCEPTED = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"
SECONDS = 60.0
"""Of silence, after which a request is given up."""
BLOCK = 2**20


def download(requirements: Sequence[str], folder: Path) -> None:
    """Put the wheel of each requirement `name==version` into `folder`.

    Raises:
        BadInput: the index cannot be reached or lacks one, or a file is not what the index says.
    """
    if find_spec("pip"):
        download_by_pip(requirements, folder)
    else:
        for requirement in requirements:
            name, version = requirement.split("==")
            download_by_http(name, version, folder)


def download_by_pip(requirements: Sequence[str], folder: Path) -> None:
    """Let pip do it, with its own bar on our stderr."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), *requirements]
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
            done.stderr.strip()
        ]
        raise BadInput(f"pip cannot get {', '.join(requirements)}: {said[-1].removeprefix('ERROR: ')[:300]}")


def download_by_http(name: str, version: str, folder: Path) -> None:
    """Get one wheel from the first of the configured indexes that has it."""
    reasons = []
    for index in indexes():
        try:
            found = wheel_in(f"{index.rstrip('/')}/{name}/", f"{name.replace('-', '_')}-{version}-")
            if found is not None:
                return fetch_file(*found, folder)
            reasons.append(f"{shown(index)} has none")
        except (OSError, ValueError) as error:
            reasons.append(f"{shown(index)}: {getattr(error, 'reason', error)}")
    raise BadInput(f"no package index has a wheel of {name}=={version}: {'; '.join(reasons)}")


def indexes() -> list[str]:
    """The addresses of the package indexes, as the environment or the files of pip name them; PyPI where none does."""
    first = (
        environment("PIP_INDEX_URL")
        or environment("UV_DEFAULT_INDEX")
        or environment("UV_INDEX_URL")
        or setting("index-url")
        or [PUBLIC_INDEX]
    )
    more = [*environment("PIP_EXTRA_INDEX_URL"), *environment("UV_INDEX"), *environment("UV_EXTRA_INDEX_URL")]
    return list(dict.fromkeys([*first, *(more or setting("extra-index-url"))]))


def environment(name: str) -> list[str]:
    """The addresses in a variable; uv lets a name go before each."""
    return [re.sub(r"^[\w.-]+=", "", address) for address in os.environ.get(name, "").split()]


def setting(name: str) -> list[str]:
    """The words of a setting of pip, from the last of its files that has it."""
    parser = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        parser.read(pip_files(), encoding="utf-8")
    return parser.get("global", name, fallback="").split()


def pip_files() -> Iterator[Path]:
    """Where pip keeps its settings, what counts most last."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home has no settings there
        home = Path("no home")
    yield from (Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"))
    yield from (home / ".pip" / "pip.conf", home / "Library/Application Support/pip/pip.conf")
    yield Path(os.environ.get("APPDATA") or home / "AppData/Roaming") / "pip" / "pip.ini"
    yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield from (Path(sys.prefix) / "pip.conf", Path(sys.prefix) / "pip.ini")
    yield from map(Path, filter(None, [os.environ.get("PIP_CONFIG_FILE")]))


def wheel_in(page: str, start: str) -> tuple[str, str] | None:
    """Address and SHA-256 ("" if the index gives none) of the file of a project whose name begins with `start`."""
    page += "index.html" if page.startswith("file:") else ""
    try:
        with opened(page, ACCEPTED) as answer:
            content, kind = answer.read(), answer.headers.get("Content-Type", "")
    except URLError as error:
        if getattr(error, "code", 0) == 404 or isinstance(error.reason, FileNotFoundError):
            return None
        raise
    files = files_of_json(content) if "json" in kind else files_of_html(content)
    for address, sha256 in files:
        name = unquote(urlsplit(address).path.rpartition("/")[2])
        if name.lower().startswith(start) and name.endswith(".whl"):
            return urljoin(page, address), sha256
    return None


def files_of_json(content: bytes) -> Iterator[tuple[str, str]]:
    """Address and SHA-256 of each file as PEP 691 lists them."""
    for file in json.loads(content).get("files", []):
        yield file["url"], file.get("hashes", {}).get("sha256", "")


def files_of_html(content: bytes) -> Iterator[tuple[str, str]]:
    """Address and SHA-256 of each file as PEP 503 lists them."""
    for link in BeautifulSoup(content, "lxml").find_all("a", href=True):
        address, fragment = urldefrag(str(link["href"]))
        yield address, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""


def fetch_file(address: str, sha256: str, folder: Path) -> None:
    """Download a file into `folder`, with a bar, and compare its digest."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    digest = hashlib.sha256()
    with opened(address) as answer, (folder / name).open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        with progress(None, name, total=size or None, unit="B") as bar:
            while block := answer.read(BLOCK):
                file.write(block)
                digest.update(block)
                bar.update(len(block))
    if sha256 and digest.hexdigest() != sha256.lower():
        raise BadInput(
            f"{name} from {shown(address)} is not the file that the index lists (SHA-256 {digest.hexdigest()}, "
            f"expected {sha256}): try again, or another index"
        )


@contextlib.contextmanager
def opened(address: str, accepted: str = "*/*") -> Iterator[Any]:
    """The answer of a server, through the proxy that the environment names; user and password may be in the address."""
    parts = urlsplit(address)
    headers = {"Accept": accepted, "User-Agent": "howtree"}
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    certificates = next(iter([*environment("PIP_CERT"), *setting("cert")]), None)
    context = ssl.create_default_context(cafile=certificates)
    with urlopen(
        Request(without_login(address), headers=headers), timeout=SECONDS, context=context
    ) as answer:
        yield answer


def without_login(address: str) -> str:
    """The address without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


shown = without_login
"""How an address is shown in messages."""
