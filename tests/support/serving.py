"""A real server of the explorer, started by the command as a person starts it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from support.command import surroundings

LOCAL = "127.0.0.1"


@contextmanager
def serving(kb: Path, host: str | None = LOCAL, main: Path | None = None) -> Iterator[str]:
    """The address of an explorer of `kb`, which listens as it does by itself where `host` is None.

    `main` is a script that Streamlit's own command is to run instead.
    """
    with started(kb, host, main=main) as (url, server):
        yield url
        server.terminate()
        server.wait(20)


@contextmanager
def started(
    kb: Path, host: str | None = LOCAL, before: Callable[[], object] | None = None, main: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """An explorer's address and process, which is killed in the end; `before` is called in it before it begins."""
    with closing(socket.socket()) as probe:
        probe.bind((LOCAL, 0))
        port = probe.getsockname()[1]
    if main:
        options = ["--server.headless=true", f"--server.port={port}", f"--server.address={host}"]
        words = ["streamlit", "run", str(main), *options, "--", str(kb)]
    else:
        options = ["--port", str(port), "--no-browser", *(["--host", host] if host else [])]
        words = ["kb", "explore", str(kb), *options]
    server = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=before,
    )
    assert server.stdout is not None
    try:
        assert any("URL:" in line for line in server.stdout), "the server did not start"
        yield f"http://{host or 'localhost'}:{port}", server
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
