"""A real Chromium before a real server of the explorer, started by the command as a person starts it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from support.command import ROOT, surroundings

SHOTS = ROOT / "artefacts" / "explorer"
CHROMIUM = os.environ.get("HOWTREE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 120_000
"""Milliseconds that no page needs, however busy the machine is."""
expect.set_options(timeout=PATIENCE)


@contextmanager
def serving(kb: Path) -> Iterator[str]:
    """The address of an explorer of `kb`, started by the command as a person starts it."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "kb",
            "explore",
            str(kb),
            "--port",
            str(port),
            "--host",
            "127.0.0.1",
            "--no-browser",
        ],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert any("URL:" in line for line in server.stdout), "the server did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()  # type: ignore[union-attr]


def opened(page: Page, path: str = "/") -> Page:
    """The page at `path`, drawn to its end."""
    page.goto(path)
    expect(page.locator("h1").first).to_be_visible(timeout=PATIENCE)
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until the server has drawn everything."""
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    )
    moving = "[data-stale=true], [data-testid=stSkeleton], details[style*=overflow]"
    page.wait_for_function(f"!document.querySelector('{moving}')")
