"""The tools as a small JSON API over HTTP, with an OpenAPI page, for what speaks no Model Context Protocol."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from howtree.errors import HowtreeError, NotFound
from howtree.extras import required
from howtree.version import __version__
from kb.agent.patience import Limited, run
from kb.agent.server import ABOUT, DESCRIPTIONS
from kb.agent.tools import Tools

MOST_BYTES = 20_000
"""Of a request's body."""
LOCAL = ("127.0.0.1", "localhost", "::1")


def app(tools: Tools, host: str) -> Any:
    """The application: `POST /NAME` for each tool, whose arguments are the fields of a JSON object.

    On this machine's own addresses it answers only what names one of them as its host, so that no page of the web that
    is open in a browser here can ask.

    Raises:
        BadUsage: FastAPI is not installed.
    """
    fastapi = required("fastapi", "agent", "howtree serve")
    hosts = required("starlette.middleware.trustedhost", "agent", "howtree serve")
    made = fastapi.FastAPI(title="howtree", version=__version__, description=ABOUT)
    for name, description in DESCRIPTIONS.items():
        made.post(f"/{name}", operation_id=name, description=description)(answered(getattr(tools, name)))
    if host in LOCAL:
        made.add_middleware(hosts.TrustedHostMiddleware, allowed_hosts=[*LOCAL, "[::1]"])
    made.add_middleware(Limited, most_bytes=MOST_BYTES)
    return made


def answered(tool: Callable[..., Any]) -> Callable[..., Any]:
    """A tool whose arguments come from a JSON body, and whose errors that people can mend are said with 400 or 404."""
    fastapi = required("fastapi", "agent", "howtree serve")

    def asked(**arguments: Any) -> Any:
        try:
            return tool(**arguments)
        except HowtreeError as error:
            status = 404 if isinstance(error, NotFound) else 400
            raise fastapi.HTTPException(status, str(error)) from error

    found = signature(tool, eval_str=True)
    parameters = [
        each.replace(
            kind=Parameter.KEYWORD_ONLY,
            default=fastapi.Body(
                embed=True, **({} if each.default is each.empty else {"default": each.default})
            ),
        )
        for each in found.parameters.values()
    ]
    asked.__signature__ = found.replace(parameters=parameters)  # type: ignore[attr-defined]
    return asked


def serve(tools: Tools, host: str, port: int) -> None:
    """Answer until Ctrl-C.

    Raises:
        BadUsage: FastAPI or uvicorn is not installed.
    """
    run(app(tools, host), host, port, "howtree serve")
