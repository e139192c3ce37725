"""How long a server over HTTP waits for its clients, and how much it takes from them: what stalls costs it nothing.

A request counts once it has arrived, so that one that is never whole takes no place from others. A connection on which
nothing goes on is ended, whether its client never ends a header or never reads an answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from howtree.extras import required

MOST_SWALLOWED = 1_000_000
"""Bytes of a refused body that are read all the same: who still sends when the connection ends sees no answer."""
MOST_REQUESTS = 32
"""Requests that are answered at a time; others are refused with 503. One that has not arrived yet does not count."""
SECONDS = 30
"""Within which the body of a request arrives; a header that is not whole, and an answer that is not read, get no more
than twice that."""


class Limited:
    """Refuses bodies that are too long, or do not say how long they are, and more requests than it answers at a time.

    A body is awaited here, so that a client that stalls takes no place from others.
    """

    def __init__(
        self, app: Callable[..., Awaitable[None]], most_bytes: int, methods: tuple[str, ...] = ()
    ) -> None:
        """An application around another.

        Args:
            app: what answers.
            most_bytes: of a request's body.
            methods: which are let through; empty for all.
        """
        self._app, self._most_bytes, self._methods = app, most_bytes, methods
        self._answering = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if b"transfer-encoding" in headers or not length.isdigit() or int(length) > self._most_bytes:
            await swallowed(receive)
            return await refused(
                send, 413, f"a request has at most {self._most_bytes} bytes, and says how many"
            )
        try:
            async with asyncio.timeout(SECONDS):
                arrived = await whole(receive)
        except TimeoutError:
            return await refused(send, 408, f"the request did not arrive within {SECONDS} seconds")
        if arrived[-1]["type"] == "http.disconnect":
            return None
        if self._methods and scope["method"] not in self._methods:
            return await refused(send, 405, f"only {', '.join(self._methods)} is answered here")
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


def patient(seconds: float = SECONDS) -> type[asyncio.Protocol]:
    """The protocol of uvicorn, which of itself waits for ever, with an end to connections on which nothing goes on."""
    served = required("uvicorn.protocols.http.auto", "agent", "howtree").AutoHTTPProtocol

    class Patient(served):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._seen: tuple[Any, int] = (None, 0)
            self._look_again()

        def connection_lost(self, error: Exception | None) -> None:
            self._next_look.cancel()
            super().connection_lost(error)

        def _look_again(self) -> None:
            self._next_look = self.loop.call_later(seconds, self._look)

        def _look(self) -> None:
            """End the connection where it is as it was: no new request on it, or none of an answer read."""
            unread = self.transport.get_write_buffer_size()
            answering = self.cycle is not None and not self.cycle.response_complete
            if self._seen == (self.cycle, unread) and (unread or not answering):
                self.transport.abort()
                return
            self._seen = self.cycle, unread
            self._look_again()

    return Patient


def run(app: Any, host: str, port: int, what: str) -> None:
    """Answer until Ctrl-C.

    Raises:
        BadUsage: uvicorn is not installed; `what` needs it.
    """
    uvicorn = required("uvicorn", "agent", what)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_keep_alive=5, http=patient())
