"""One request at a time over a plain pool of connections: at the crawl's pace, to public addresses alone.

Nothing here retries or follows a redirect: every request is the crawl's own decision and waits its turn.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from crawl.pages.decode import MAX_PAGE_BYTES, BrokenPacking, PageTooLong, unpack
from crawl.site.addresses import Hosts, is_loopback
from crawl.site.pacing import Pace

MAX_SITEMAP_BYTES = 64 * 2**20
"""Sitemaps may have up to 50 MB (sitemaps.org)."""
HTML = "text/html,application/xhtml+xml"
ODD = (ValueError, OverflowError, MemoryError)
"""What numbers that no server has a reason to send, such as the size of a chunk below 0, make the libraries raise."""


class Trouble(Exception):
    """A request without a usable answer. `reason` is a short fixed phrase that tallies count by."""

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        """Whether asking again is pointless."""


class PrivateAddress(HTTPError):
    """A host's name leads to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, as it came: the body is still packed as its headers say."""

    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def content_type(self) -> str:
        """Media type without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The character set that the server names, or an empty string."""
        _, _, name = self.header("content-type").lower().partition("charset=")
        return name.partition(";")[0].strip("\"' ")

    @property
    def validator(self) -> str:
        """What a later visit may ask by whether the page has changed: ETag, else Last-Modified."""
        return self.header("etag") or self.header("last-modified")

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks us to stay away (RFC 9110, section 10.2.3): a number, or a date.

        A date is counted from the server's own Date, so that a wrong clock on either side does no harm.
        """
        value = self.header("retry-after").strip()
        if value.isdecimal():
            return float(value[:12])
        until = _seconds(value)
        now = _seconds(self.header("date")) or time.time()
        return None if until is None else max(0.0, until - now)

    def content(self, limit: int = MAX_PAGE_BYTES) -> bytes:
        """The body unpacked, judged by what it is rather than by what its headers claim.

        Raises:
            Trouble: it is cut or damaged, longer than `limit` bytes, or packed in a way nobody asked for.
        """
        encoding = self.header("content-encoding").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip") and not self.body.lstrip().startswith(b"<"):
            raise Trouble("unknown content encoding", final=True)
        try:
            return unpack(unpack(self.body, limit), limit)  # twice: a .gz file may come in gzip again
        except PageTooLong as error:
            raise Trouble("too large", final=True) from error
        except BrokenPacking as error:
            raise Trouble("damaged gzip") from error


class Fetcher:
    """Sends requests, each after the pace allows it. Use it as a context manager."""

    def __init__(self, hosts: Hosts, pace: Pace, agent: str, timeout: float) -> None:
        self.hosts = hosts
        self.pace = pace
        self.agent = agent
        self.timeout = timeout
        """Seconds that a whole request may take, and half of which its connection may take."""
        self.requests = 0
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._watch = _Watch(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.close()

    def get(self, url: str, validator: str = "", accept: str = HTML, limit: int = MAX_PAGE_BYTES) -> Answer:
        """Wait for the crawl's turn, then ask for `url` once.

        Args:
            url: An address of an allowed host.
            validator: ETag or Last-Modified of the copy we hold; an unchanged page then comes as status 304.
            accept: Media types that we ask for.
            limit: The longest body that is read, in bytes as sent.

        Raises:
            Trouble: no usable answer came.
            Stopped: the person asked to stop while we waited.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self.hosts:
            raise Trouble("host not allowed", final=True)
        headers = {"User-Agent": self.agent, "Accept": accept, "Accept-Encoding": "gzip"}
        if validator:
            is_tag = validator.startswith(('"', "W/"))
            headers["If-None-Match" if is_tag else "If-Modified-Since"] = validator
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = None
        self.pace.wait()
        try:
            self.requests += 1
            with self._watch:
                answer = self._ask(self._pool(origin), url, target, headers, limit)
            return answer
        except (HTTPError, HTTPException, OSError, *ODD) as error:
            raise _trouble(error, self._watch.expired) from error
        finally:
            self.pace.answered(answer.retry_after if answer else None)

    def _pool(self, origin: str) -> HTTPConnectionPool:
        if origin not in self._pools:
            parts = urlsplit(origin)
            pool_class = HTTPSConnectionPool if parts.scheme == "https" else HTTPConnectionPool
            half = self.timeout / 2
            timeout = Timeout(connect=half, read=half)
            pool = pool_class(cast(str, parts.hostname), parts.port, timeout=timeout, maxsize=1)
            pool.ConnectionCls = _SafeHTTPS if parts.scheme == "https" else _SafeHTTP
            pool.conn_kw["watch"] = self._watch
            self._pools[origin] = pool
        return self._pools[origin]

    def _ask(
        self, pool: HTTPConnectionPool, url: str, target: str, headers: dict[str, str], limit: int
    ) -> Answer:
        response = pool.urlopen(
            "GET",
            target,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            body = self._body(response, limit)
        except BaseException:
            response.close()  # whatever is left of this answer must not become the next one's beginning
            raise
        response.release_conn()
        pairs = tuple((key, value) for key, value in response.headers.items())
        return Answer(url, response.status, response.reason or "", pairs, body)

    def _body(self, response: BaseHTTPResponse, limit: int) -> bytes:
        if response.headers.get("content-type", "").lower().startswith(("image/", "video/", "audio/")):
            response.close()
            return b""
        if int(response.length_remaining or 0) > limit:
            raise Trouble("too large", final=True)
        body = bytearray()
        for part in response.stream(2**16, decode_content=False):
            body += part
            if len(body) > limit:
                raise Trouble("too large", final=True)
        if self._watch.expired:  # the cut of a slow answer without a length looks like its end
            raise Trouble("timed out")
        return bytes(body)


def _seconds(date: str) -> float | None:
    """Seconds since 1970 of an HTTP date, or None."""
    with suppress(ValueError, OverflowError):
        return parsedate_to_datetime(date).timestamp() if date else None
    return None


def _trouble(error: Exception, expired: bool) -> Trouble:
    if isinstance(error, PrivateAddress):
        return Trouble("private address", final=True)
    if expired:
        return Trouble("timed out")
    if isinstance(error, NameResolutionError):
        return Trouble("no such host")
    if isinstance(error, NewConnectionError):  # to urllib3 this is a kind of ConnectTimeoutError
        return Trouble("connection refused")
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return Trouble("timed out")
    return Trouble("TLS error" if isinstance(error, SSLError) else "cut answer")


class _Watch:
    """Ends a request that lasts too long, wherever it hangs: a server may send a byte per minute for ever."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.connection: HTTPConnection | None = None
        self.expired = False

    def __enter__(self) -> None:
        self.expired = False
        self.connection = None
        self._done = threading.Event()
        threading.Thread(target=self._cut, args=(self._done,), daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()

    def _cut(self, done: threading.Event) -> None:
        wait = self.seconds
        while not done.wait(wait):
            self.expired = True
            wait = 0.5  # again: the connection may not have been there yet
            if self.connection is not None and (sock := self.connection.sock) is not None:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Safe(HTTPConnection):
    """A connection that looks at the address it is about to reach, after the name was resolved."""

    def __init__(self, *args: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watch = watch

    def request(self, *args: Any, **options: Any) -> None:
        self._watch.connection = self
        super().request(*args, **options)

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        failure: OSError | None = None
        places = [(str(place[0]), self.port) for *_, place in found]
        for place in places:
            if not _may_reach(place[0], is_loopback(self.host)):
                raise PrivateAddress(f"{self.host} leads to {place[0]}, which is not public")
        for place in places:
            try:
                return socket.create_connection(place, cast(float, self.timeout))
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "connecting lasted too long") from failure
        raise NewConnectionError(self, str(failure)) from failure


class _SafeHTTP(_Safe):
    """Plain HTTP, for loopback."""


class _SafeHTTPS(_Safe, HTTPSConnection):
    """HTTPS, with certificate and name verified."""


def _may_reach(place: str, loopback: bool) -> bool:
    address = ipaddress.ip_address(place.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return address.is_loopback if loopback else address.is_global and not address.is_multicast
