"""Which hosts and addresses `howtree crawl` reaches, and which calls it refuses."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.crawl_site import (
    Site,
    answer,
    article,
)
from support.crawl_world import INTERVAL, MANNERS, Ran, Time, crawl, howtree, outcomes, site


def test_an_untrusted_certificate_is_refused(tmp_path: Path, howtree: Callable[..., Ran]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Site(clock=lambda: Time.now, tls=context) as site:
        ran = howtree("crawl", tmp_path / "c", "A", "--host", site.origin, *MANNERS)
        assert ran.code == 1 and "TLS error" in ran.err
        assert site.log == []


def test_certificates_that_break_and_names_that_vanish_during_a_crawl(
    tmp_path: Path, howtree: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with Site(clock=lambda: Time.now, tls=context) as site, authority.cert_pem.tempfile() as trusted:
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        close = {"Connection": "close"}
        site.articles("A", "B", "C")
        site.at("/A", answer(200, article("A"), close))
        resolve = socket.getaddrinfo
        calls: list[object] = []

        def vanish(host: str, *rest: object, **more: object) -> object:
            calls.append(host)
            if 2 <= len(calls) <= 3:
                raise socket.gaierror(-2, "Name or service not known")
            return resolve(host, *rest, **more)

        site.at("/robots.txt", answer(200, "", close, Content_Type="text/plain"))
        monkeypatch.setattr(socket, "getaddrinfo", vanish)
        ran = howtree("crawl", tmp_path / "c", "A", "B", "--host", f"https://localhost:{site.port}", *MANNERS)
        assert ran.code == 0, ran.err
        assert outcomes(tmp_path / "c") == {"/A": ("ok", ""), "/B": ("ok", "")}
        assert len(calls) > 3
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        strangers = trustme.CA().issue_cert("localhost")
        answered = site.table["/robots.txt"][0]

        def switch(request: object) -> None:
            answered(request)  # type: ignore[arg-type]
            strangers.configure_cert(context)

        site.at("/robots.txt", switch)
        ran = howtree("crawl", tmp_path / "c", "C", "--host", f"https://localhost:{site.port}", *MANNERS)
        assert outcomes(tmp_path / "c")["/C"] == ("failed", "TLS error")
        assert all(gap >= INTERVAL for gap in site.gaps())


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_a_public_name_with_a_private_address_is_never_reached(
    site: Site, howtree: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    reached: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (place, site.port))])
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: reached.append(a))
    ran = howtree("crawl", tmp_path / "c", "https://www.wikihow.com/A", *MANNERS)
    assert ran.code == 1 and "private address" in ran.err
    assert reached == [] and site.log == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["A", "--contact", "me@example.org"], 2, "--accept-terms"),
        (["A", "--accept-terms"], 2, "--contact"),
        (["A", "--accept-terms", "--contact", "me@x\r\nX-Y: z"], 2, "--contact"),
        (["A", "--accept-terms", "--contact", "me@example.org", "--delay", "0.5"], 2, "--delay"),
        (["--accept-terms", "--contact", "me@example.org"], 2, "nothing to crawl"),
        (["https://example.org/A", *MANNERS], 1, "allowed host"),
        (["https://www.wikihow.com/Special:Random", *MANNERS], 1, "no article"),
        (["A", "--allow-host", "http://example.org", *MANNERS], 2, "only https"),
        (["--seeds", "missing.txt", *MANNERS], 1, "missing.txt"),
        (["--status"], 1, "holds no crawl"),
    ],
)
def test_wrong_calls_say_what_to_do(
    howtree: Callable[..., Ran], tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    ran = howtree("crawl", tmp_path / "c", *words)
    assert (ran.code, message in ran.err) == (code, True), ran.err
    assert "Traceback" not in ran.err
