"""The tools as a small JSON API over HTTP, with an OpenAPI page, for what speaks no Model Context Protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from inspect import Parameter, signature
from typing import Any

from howtree.errors import HowtreeError, NotFound
from howtree.extras import required
from howtree.version import __version__
from kb.agent.server import ABOUT, DESCRIPTIONS
from kb.agent.tools import Tools

MOST_BYTES = 20_000
"""Of a request's body."""
MOST_SWALLOWED = 1_000_000
"""Bytes of a refused body that are read all the same: who still sends when the connection ends sees no answer."""
MOST_REQUESTS = 32
"""Requests that are answered at a time; others are refused with 503. One that has not arrived yet does not count."""
SECONDS = 30
"""Within which the body of a request arrives."""
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
    made.add_middleware(Limited)
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


class Limited:
    """Refuses bodies that are too long, or do not say how long they are, and more requests than it answers at a time.

    A body is awaited here, so that a client that stalls takes no place from others.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self._answering = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if b"transfer-encoding" in headers or not length.isdigit() or int(length) > MOST_BYTES:
            await swallowed(receive)
            return await refused(send, 413, f"a request has at most {MOST_BYTES} bytes, and says how many")
        try:
            async with asyncio.timeout(SECONDS):
                arrived = await whole(receive)
        except TimeoutError:
            return await refused(send, 408, f"the request did not arrive within {SECONDS} seconds")
        if arrived[-1]["type"] == "http.disconnect":
            return None
        if self._answering >= MOST_REQUESTS:
            return await refused(send, 503, f"{MOST_REQUESTS} requests are being answered: ask again later")
        self._answering += 1
        try:
            await self._app(scope, again(arrived, receive), send)
        finally:
            self._answering -= 1


async def refused(send: Any, status: int, why: str) -> None:
    """Say why a request is not answered, and end the connection."""
    told = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": json.dumps({"detail": why}).encode()})


async def whole(receive: Any) -> list[Any]:
    """The messages of a request, until its body is whole or its client has gone."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def again(messages: list[Any], receive: Any) -> Callable[[], Awaitable[Any]]:
    """What gives messages that have arrived, and then what comes."""
    left = iter(messages)

    async def given() -> Any:
        message = next(left, None)
        return message if message is not None else await receive()

    return given


async def swallowed(receive: Any) -> None:
    """Read the body of a request, or the beginning of one without an end, and forget it."""
    size, more = 0, True
    while more and size < MOST_SWALLOWED:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)


def serve(tools: Tools, host: str, port: int) -> None:
    """Answer until Ctrl-C.

    Raises:
        BadUsage: FastAPI or uvicorn is not installed.
    """
    uvicorn = required("uvicorn", "agent", "howtree serve")
    uvicorn.run(
        app(tools, host),
        host=host,
        port=port,
        log_level="warning",
        timeout_keep_alive=5,
    )
