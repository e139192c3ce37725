"""`howtree serve`: the knowledge base as a small HTTP JSON API."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from kb.commands.options import HostOption, KbOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `serve`."""
    app.command()(serve)


def serve(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8766,
    kb: KbOption = None,
) -> None:
    """Answer programs over HTTP in JSON, until Ctrl-C; /docs shows what may be asked (docs/agents.md).

    Example: howtree serve --kb kb.duckdb
    """
    from howtree.extras import needs
    from howtree.progress import say
    from kb.agent import http
    from kb.agent.tools import Tools

    needs("agent", "howtree serve")
    with open_kb(kb) as base, closing(Tools(base)) as tools:
        say(f"Answering at http://{host}:{port}, described at /docs (Ctrl-C ends it)")
        http.serve(tools, host, port)
