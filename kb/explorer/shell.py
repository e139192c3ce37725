"""The document that pages are drawn into, with their looks and what they do in the browser.

Streamlit draws a page piece by piece. Styles that came as one of the pieces would come too late: the others would be
seen before them, and seen to move.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.explorer.files import HERE, text_of

SCRIPT = HERE / "entry" / "app.py"
"""Streamlit's main script, which draws the pages."""
TOP = b"<body>"
"""Ours is below it: Streamlit adds its own styles to the head, and what comes later is heeded."""
OF_THE_FILE = ("etag", "last-modified", "content-length")
"""Headers about the document as it was. Without the first two a browser asks for it whole each time; it is small."""
NEAR = """window.__streamlit = {
    BACKEND_BASE_URL: new URL(".", location.href).href,
    HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false},
};"""
"""Tells Streamlit in the browser that its server is where the document's own files are. Else it asks for it below the
page's address first, which fails, and lets pages of other hosts that show it in a frame give it orders.
"""
SHORTER = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
"""Headers of a request that would be answered with less than the document's text."""


class Shell:
    """Puts styles and script into each document that is served."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is no document passes as it is."""
        if scope["type"] == "http" and is_document(scope["path"]):
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] not in SHORTER]}
            await self.app(scope, receive, Answer(send))
        else:
            await self.app(scope, receive, send)


class Answer:
    """Holds an answer back to its end if it is a document, and sends it with ours in it."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """Take the next part of the answer."""
        if message["type"] == "http.response.start":
            if "html" in Headers(raw=message["headers"]).get("content-type", ""):
                self.start = message
                return
        elif self.start:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self.send_whole()
            return
        await self.send(message)

    async def send_whole(self) -> None:
        """Send the document, as long as it now is. An answer about it without it (HEAD) stays without."""
        headers = MutableHeaders(raw=list(self.start["headers"]))
        for name in OF_THE_FILE:
            del headers[name]
        body = self.body.replace(TOP, TOP + ours(), 1)
        if body:
            headers["content-length"] = str(len(body))
        await self.send({**self.start, "headers": headers.raw})
        await self.send({"type": "http.response.body", "body": body})


def is_document(path: str) -> bool:
    """Whether a page of the explorer, not a file or a call, may be at that path."""
    return "/_stcore/" not in path and not PurePosixPath(path).suffix


@cache
def ours() -> bytes:
    """The looks and the scripts. A module is run once the document is read."""
    style, script = text_of("page.css"), text_of("page.js")
    return f'<style>{style}</style><script>{NEAR}</script><script type="module">{script}</script>'.encode()


def served() -> dict[str, Any]:
    """What `streamlit.starlette.App` is to serve."""
    return {"script_path": SCRIPT, "middleware": [Middleware(Shell)]}
