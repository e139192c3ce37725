"""Clients that stall cost `howtree serve` and `howtree mcp --http` nothing: others are answered, they are let go."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import urllib3

pytest.importorskip("fastapi", reason="needs howtree[agent]")
pytest.importorskip("mcp", reason="needs howtree[agent]")

from support.listening import listening

from kb.agent import http, patience, server
from kb.agent.patience import MOST_REQUESTS, Limited
from kb.agent.tools import Tools
from kb.store import KnowledgeBase

CALL = {"name": "where_used", "arguments": {"key": "Clean an Oven"}}
ASKED = {
    "serve": ("/where_used", CALL["arguments"]),
    "mcp": ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL}),
}
"""Where a tool is asked, and how."""
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def tools(sample_kb_path: Any) -> Iterator[Tools]:
    with KnowledgeBase(sample_kb_path) as kb, closing(Tools(kb)) as tools:
        yield tools


@pytest.fixture
def apps(tools: Tools) -> dict[str, Any]:
    return {"serve": http.app(tools, "127.0.0.1"), "mcp": server.over_http(tools, "127.0.0.1")}


def whole(verb: str, host: str) -> bytes:
    """A request that a tool answers."""
    path, value = ASKED[verb]
    body = json.dumps(value)
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in HEADERS.items()), "", body]).encode()


def connected(host: str) -> socket.socket:
    name, port = host.split(":")
    client = socket.create_connection((name, int(port)))
    client.settimeout(60)
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    found = b""
    try:
        while part := client.recv(1 << 16):
            found += part
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("verb", ASKED)
def test_others_are_answered_while_clients_stall_leave_or_never_read(apps: dict[str, Any], verb: str) -> None:
    with listening(apps[verb]) as address, ExitStack() as stalled:
        host = address.removeprefix("http://")
        request = whole(verb, host)
        for sent in (request[:40], request[:-9], request):  # half a header, half a body, and never reading
            for number in range(MOST_REQUESTS + 8):
                client = stalled.enter_context(connected(host))
                client.sendall(sent)
                if number % 2:  # killed: closed at once with a reset
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
            path, value = ASKED[verb]
            done = urllib3.request(
                "POST", address + path, json=value, headers=HEADERS, timeout=60,
                retries=urllib3.Retry(10, status_forcelist=[503], allowed_methods=None, backoff_factor=0.1),
            )  # fmt: skip
            assert done.status == 200 and b"Host a Dinner Party" in done.data


@pytest.mark.parametrize("verb", ASKED)
def test_who_stalls_is_let_go(apps: dict[str, Any], verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    with listening(apps[verb], seconds=0.2) as address:
        host = address.removeprefix("http://")
        request = whole(verb, host)
        with connected(host) as silent, connected(host) as header, connected(host) as body:
            header.sendall(request[:40])
            body.sendall(request[:-9])
            assert answer(silent) == answer(header) == b""
            assert answer(body).startswith(b"HTTP/1.1 408")
        with connected(
            host
        ) as again:  # a second request on a connection is waited for no longer than the first
            again.sendall(request + request[:40])
            assert answer(again).startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_reads_ends_with_its_connection() -> None:
    ended = threading.Event()

    async def long(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        ended.set()

    limited = Limited(long, 100)
    with listening(limited, seconds=0.2) as address, connected(address.removeprefix("http://")) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(60)


def test_streams_that_would_stay_open_are_refused(apps: dict[str, Any]) -> None:
    with listening(apps["mcp"]) as address:
        done = urllib3.request("GET", f"{address}/mcp", headers=HEADERS, timeout=60, retries=False)
        assert done.status == 405 and b"POST" in done.data
        long = urllib3.request("POST", f"{address}/mcp", body=bytes(server.MOST_BYTES + 1), headers=HEADERS)
        assert long.status == 413
