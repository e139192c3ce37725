"""A real HTTP server on loopback that serves articles of ours and misbehaves on purpose, and keeps a log."""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

ROBOTS = "User-agent: *\nDisallow: /Special:\nDisallow: /*action=history\nDisallow: /Private-*\n"


def article(
    title: str,
    links: Iterable[str] = (),
    related: Iterable[str] = (),
    *,
    number: int | None = None,
    canonical: str = "",
    restricted: bool = False,
) -> str:
    """A page in wikiHow's skeleton of 2020."""
    number = number or sum(map(ord, title))
    steps = [f"<b class='whb'>Think of {title}.</b> Then begin."]
    for slug in links:
        href, name = slug if "://" in slug else f"/{slug}", unquote(slug).replace("-", " ")
        steps.append(f"<b class='whb'>Prepare.</b> See <a href='{href}' title='{name}'>it</a>.")
    items = "".join(f"<li><div class='step_num'></div><div class='step'>{step}</div></li>" for step in steps)
    related_items = "".join(f"<a class='related-title' href='/{slug}'>How to {slug}</a>" for slug in related)
    config = json.dumps(
        {"wgArticleId": number, "wgCurRevisionId": number + 1, "wgTitle": title, "wgNamespaceNumber": 0}
        | ({"wgIsRestricted": True} if restricted else {})
    )
    head = f"<link rel='canonical' href='{canonical}'>" if canonical else ""
    body = (
        "<div class='section_text pagepolicy'>In review.</div>"
        if restricted
        else f"<div class='section steps'><h2>Steps</h2><div class='section_text'>"
        f"<ol class='steps_list_2'>{items}</ol></div></div>"
        f"<div id='relatedwikihows' class='section'>{related_items}</div>"
    )
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title>{head}<script>RLCONF={config};</script>"
        f"</head><body><h1 id='section_0' class='title_md'>How to {title}</h1>{body}</body></html>"
    )


def category(articles: Iterable[str], sub_categories: Iterable[str] = (), pages: Iterable[str] = ()) -> str:
    """A category page with its grid of articles, its sub-categories and links to further pages."""
    grid = "".join(f"<div class='responsive_thumb'><a href='/{slug}'>{slug}</a></div>" for slug in articles)
    below = "".join(f"<a href='/Category:{name}'>{name}</a>" for name in sub_categories)
    more = "".join(f"<a href='{href}'>more</a>" for href in pages)
    return (
        "<html><head><script>RLCONF={'wgNamespaceNumber':14};</script></head><body>"
        "<ul id='breadcrumb'><li><a href='/Category:Everything'>Everything</a></li></ul>"
        f"<div id='subcats'>{below}</div>"
        f"<div id='cat_container'><div class='cat_grid'>{grid}</div></div>{more}"
        "</body></html>"
    )


BLOCK_PAGE = "<html><head><title>Just a moment...</title></head><body>Verify you are human.</body></html>"


class Quiet(BaseHTTPRequestHandler):
    """Answers by the site's table; what a behaviour raises or leaves unsaid is seen by the client alone."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.site.serve(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


Behaviour = Callable[[Quiet], None]


@dataclass
class Hit:
    """One request as the server saw it."""

    at: float
    path: str
    headers: dict[str, str]


def answer(
    status: int = 200, body: str | bytes = "", headers: dict[str, str] | None = None, **more: str
) -> Behaviour:
    """A plain answer; more headers by name, with "_" for "-"."""
    data = body.encode() if isinstance(body, str) else body
    given = {**(headers or {}), **{name.replace("_", "-"): value for name, value in more.items()}}

    def behave(request: Quiet) -> None:
        request.send_response_only(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | given).items():
            request.send_header(name, value)
        if "Content-Length" not in given and "Transfer-Encoding" not in given and status != 304:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        with suppress(OSError):
            request.wfile.write(data)

    return behave


def redirect(location: str, status: int = 301) -> Behaviour:
    return answer(status, headers={"Location": location})


def hang(seconds: float) -> Behaviour:
    return lambda request: time.sleep(seconds)


def drip(head: bytes, piece: bytes, every: float, times: int) -> Behaviour:
    """Send `head`, then a little now and then: each piece comes before any read timeout."""

    def behave(request: Quiet) -> None:
        request.close_connection = True
        with suppress(OSError):
            request.wfile.write(head)
            for _ in range(times):
                request.wfile.write(piece)
                time.sleep(every)

    return behave


def raw(data: bytes) -> Behaviour:
    """Exactly these bytes, then the end of the connection."""

    def behave(request: Quiet) -> None:
        request.wfile.write(data)
        request.close_connection = True

    return behave


def reset(request: Quiet) -> None:
    """Break the connection without a word."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(request.connection.detach())


def flood(megabytes: int) -> Behaviour:
    """A body of many megabytes without a length."""

    def behave(request: Quiet) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
        request.close_connection = True
        with suppress(OSError):
            for _ in range(megabytes):
                request.wfile.write(b"x" * 2**20)

    return behave


def packed(text: str) -> Behaviour:
    return answer(200, gzip.compress(text.encode()), Content_Encoding="gzip")


@dataclass
class Site:
    """The server: `at(path, *behaviours)` says what a path does, a behaviour a request, the last for ever."""

    clock: Callable[[], float] = time.time
    tls: ssl.SSLContext | None = None
    port: int = 0
    log: list[Hit] = field(default_factory=list)
    table: dict[str, list[Behaviour]] = field(default_factory=dict)
    default: Behaviour = field(default_factory=lambda: answer(404, "<html></html>"))

    def __enter__(self) -> Site:
        self.at("/robots.txt", answer(200, ROBOTS, Content_Type="text/plain"))
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def open(self) -> None:
        self._server = Server(("127.0.0.1", self.port), Quiet)
        self.port = self._server.server_port
        self._server.site = self
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def shut(self) -> None:
        """Go away: connections are refused."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def at(self, path: str, *behaviours: Behaviour) -> None:
        self.table[path] = list(behaviours)

    def articles(self, *titles: str, **options: Any) -> None:
        for title in titles:
            self.at(f"/{title.replace(' ', '-')}", answer(200, article(title, **options)))

    def serve(self, request: Quiet) -> None:
        self.log.append(Hit(self.clock(), request.path, {k.lower(): v for k, v in request.headers.items()}))
        behaviours = self.table.get(request.path) or [self.default]
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        behaviour(request)

    def paths(self) -> list[str]:
        """Paths asked for, in order, without robots.txt."""
        return [hit.path for hit in self.log if hit.path != "/robots.txt"]

    def gaps(self) -> list[float]:
        """Seconds between one request and the next."""
        times = [hit.at for hit in self.log]
        return [later - earlier for earlier, later in pairwise(times)]

    def date(self, ahead: float = 0) -> str:
        return formatdate(self.clock() + ahead, usegmt=True)
