"""The explorer over HTTP: who gets in, and that neither a costly visitor nor many at once spoil it for the others."""

from __future__ import annotations

import socket
import statistics
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from support.bombs import BOMBS, DEAF
from support.serving import serving
from support.visitors import Shown, Visitor
from websockets.exceptions import InvalidStatus

from kb.review.reviews import read, reviews_path

COSTLY = [
    DEAF,
    BOMBS["rows: product"],
    BOMBS["text: edit distance"],
    BOMBS["rows: many rows"],
    BOMBS["list: unnest"],
]
VISITS = (
    ("find", {}), ("find", {"words": "clean house"}), ("procedure", {"goal": "Host a Dinner Party"}), ("quality", {}),
    ("judge", {"who": "ann"}), ("query", {"sql": "SELECT count(*) FROM links"}), ("find", {"words": "garden"}),
)  # fmt: skip
"""What people ask for, most of whom come to look around."""


def own_address() -> str | None:
    """The address by which this machine is reached from others, None where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def asked(url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request."""
    request = urllib.request.Request(
        url, method=method, headers=headers, data=b"x" if method in ("PUT", "POST") else None
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}


def test_it_listens_on_this_machine_alone(sample_kb_path: Path) -> None:
    with serving(sample_kb_path, host=None) as url:
        port = int(url.rpartition(":")[2])
        assert asked(f"http://localhost:{port}/_stcore/health")[0] == 200
        other = own_address()
        if other is not None and not other.startswith("127."):
            with pytest.raises(ConnectionRefusedError), socket.create_connection((other, port), timeout=5):
                pass


def test_pages_of_other_sites_get_nothing(site: tuple[str, Path]) -> None:
    url, _ = site
    evil = {"Origin": "https://evil.example"}
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/_stcore/allowed-message-origins"):
        _, headers = asked(url + path, **evil)
        assert headers.get("access-control-allow-origin") in (None, url), path
    with pytest.raises(InvalidStatus) as refused:
        Visitor(url, **evil)
    assert refused.value.response.status_code == 403
    for method in ("PUT", "POST", "DELETE"):
        status, headers = asked(f"{url}/_stcore/upload_file/a/b", method, **evil)
        assert status in (400, 401, 403, 404, 405) and headers.get("access-control-allow-origin") in (
            None,
            url,
        )
    with Visitor(url) as visitor:
        assert visitor.open("find").texts


def test_files_of_the_machine_are_not_served(site: tuple[str, Path]) -> None:
    url, kb = site
    paths = (
        "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/../../etc/passwd", "/app/static/../app.py",
        "/media/../kb.duckdb", f"/{kb}", "/component/x/../../etc/passwd", "/.streamlit/secrets.toml",
    )  # fmt: skip
    for path in paths:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(1 << 16), b""))
        assert b"root:" not in answer and b"DUCK" not in answer and b"from kb" not in answer, path


@pytest.mark.torture
@pytest.mark.parametrize(("others", "rounds"), [(4, 2), (19, 4)])
def test_a_costly_visitor_does_not_spoil_it_for_the_others(
    site: tuple[str, Path], others: int, rounds: int
) -> None:
    """Of the others half of all pages come within a second, or twice the time without it; none goes unanswered."""
    url, _ = site
    end = Event()

    def spoil() -> int:
        with Visitor(url) as visitor:
            count = 0
            while not end.is_set():
                visitor.open("query", sql=COSTLY[count % len(COSTLY)], n=str(count))
                count += 1
            return count

    def look_around(number: int) -> list[Shown]:
        with Visitor(url) as visitor:
            places = [VISITS[(number + n) % len(VISITS)] for n in range(rounds)]
            shown = []
            for page, parameters in places:
                shown.append(visitor.open(page, **parameters))
                end.wait(1 + number % 3)  # people read
            return shown

    with Visitor(url) as first:
        for page, parameters in VISITS:
            first.open(page, **parameters)
    with ThreadPoolExecutor(others + 1) as pool:
        undisturbed = statistics.median(
            page.seconds for each in pool.map(look_around, range(others)) for page in each
        )
        costly = pool.submit(spoil)
        try:
            pages = [page for each in pool.map(look_around, range(others)) for page in each]
        finally:
            end.set()
    seconds = sorted(page.seconds for page in pages)
    print(f"{others} others, {costly.result()} costly requests: median {statistics.median(seconds):.2f} s, "
          f"slowest {seconds[-1]:.2f} s")  # fmt: skip
    assert all(page.texts for page in pages)
    assert statistics.median(seconds) < max(1, 2 * undisturbed)


@pytest.mark.parametrize(("people", "answers"), [(3, 3), pytest.param(8, 8, marks=pytest.mark.torture)])
def test_many_reviewers_at_once(site: tuple[str, Path], people: int, answers: int) -> None:
    """Each answer is kept, once, under the name of who gave it."""
    url, kb = site
    before = len(read(reviews_path(kb)).reviews)

    def judge(number: int) -> int:
        given = 0
        with Visitor(url) as visitor:
            shown = visitor.open("judge", who=f"{number} of {people}")
            for _ in range(answers):
                shown = visitor.press(shown.buttons[("Exact", "Unhelpful", "No goal fits")[number % 3]])
                given += "Your last answer" in shown.text
        return given

    with ThreadPoolExecutor(people) as pool:
        given = list(pool.map(judge, range(people)))
    log = read(reviews_path(kb))
    names = [f"{number} of {people}" for number in range(people)]
    by = {name: sum(review.who == name for review in log.reviews) for name in names}
    assert not log.broken
    assert given == [answers] * people
    assert by == dict.fromkeys(names, answers)
    assert len({review.id for review in log.reviews}) == len(log.reviews) == before + people * answers
