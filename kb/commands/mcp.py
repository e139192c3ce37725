"""`howtree mcp`: the knowledge base for assistants, over the Model Context Protocol."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from kb.commands.options import HostOption, KbOption, open_kb


def register(app: typer.Typer) -> None:
    """Add the verb `mcp`."""
    app.command()(mcp)


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Over streamable HTTP instead of stdin and stdout.")
    ] = False,
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port for --http.")] = 8765,
    kb: KbOption = None,
) -> None:
    """Answer assistants over the Model Context Protocol, until they leave or Ctrl-C (docs/agents.md).

    Example: howtree mcp --kb kb.duckdb
    """
    from howtree.extras import needs
    from howtree.progress import say
    from kb.agent.patience import run
    from kb.agent.server import over_http, server
    from kb.agent.tools import Tools

    needs("agent", "howtree mcp")
    with open_kb(kb) as base, closing(Tools(base)) as tools:
        if http:
            say(f"Answering at http://{host}:{port}/mcp (Ctrl-C ends it)")
            run(over_http(tools, host), host, port, "howtree mcp")
        else:
            server(tools).run("stdio")
