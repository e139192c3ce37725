"""`howtree explore`: open the knowledge base in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadInput
from howtree.progress import say, warn

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Hosts that no other machine reaches."""


def register(app: typer.Typer) -> None:
    """Add the verb `explore`."""
    app.command()(explore)


def explore(
    kb: Annotated[
        Path | None, typer.Argument(help="The knowledge base [default: HOWTREE_KB, else kb.duckdb here].")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the local web server.")] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in, without a password.")
    ] = "localhost",
    browser: Annotated[bool, typer.Option(help="Also open the browser.")] = True,
) -> None:
    """Browse, search, query and judge a knowledge base in the browser, until Ctrl-C.

    Example: howtree explore kb.duckdb
    """
    from kb import explorer
    from kb.store import KnowledgeBase, default_path

    path = (kb or default_path()).absolute()
    KnowledgeBase(path).close()
    app = Path(explorer.__path__[0]) / "entry" / "served.py"
    say(f"Showing {path} at http://{host}:{port} (Ctrl-C ends it)")
    if host not in LOCAL:
        warn(
            f"whoever reaches {host}:{port} reads everything and judges under any name: there is no password. "
            "docs/security.md says how to put one before it"
        )
    try:
        os.execv(sys.executable, streamlit_command(app, path, host, port, browser))
    except OSError as error:
        raise BadInput(f"cannot start {sys.executable}: {error.strerror}") from error


def streamlit_command(app: Path, kb: Path, host: str, port: int, browser: bool) -> list[str]:
    """The call of Streamlit, with settings that fit people who look at data rather than at the app's code."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": str(not browser).lower(),
        "server.fileWatcherType": "none",
        "server.enableAgentApi": "false",
        "browser.gatherUsageStats": "false",
        "runner.magicEnabled": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": "#0b6b52",
        "theme.dark.primaryColor": "#4fc3a1",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "kb.explorer.serve", "run", str(app), *flags, "--", str(kb)]
