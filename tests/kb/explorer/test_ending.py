"""The explorer ends within seconds of SIGTERM, whatever its visitors do and whoever started it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from select import select

from support.bombs import DEAF
from support.serving import started
from support.visitors import Visitor
from websockets.exceptions import ConnectionClosed

from kb.explorer.results import WAITING
from kb.query.children import SEATS

PATIENCE = 30.0
"""Seconds that the end takes on no machine, however busy; the queries take longer."""


def blocked() -> None:
    """Hold SIGTERM back from this process and all that it becomes, as some supervisors do without knowing."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def test_it_ends_though_whoever_started_it_blocks_the_signal(sample_kb_path: Path) -> None:
    with started(sample_kb_path, before=blocked) as (_, server):
        server.terminate()
        assert server.wait(PATIENCE) in (0, -signal.SIGTERM)


def test_it_ends_while_all_places_of_queries_are_taken(sample_kb_path: Path) -> None:
    """And with it the processes of the queries, and the visitor who waits for a place."""
    with started(sample_kb_path) as (url, server), ThreadPoolExecutor(SEATS + 1) as pool:

        def ask(number: int) -> str:
            with Visitor(url) as visitor:
                try:
                    return visitor.open("query", until=WAITING, sql=f"{DEAF} -- {number}").text
                except ConnectionClosed:
                    return "closed"

        asked = [pool.submit(ask, number) for number in range(SEATS + 1)]
        try:
            first, others = wait(asked, return_when=FIRST_COMPLETED)
            handles = [os.pidfd_open(process) for process in queries_of(server.pid)]
            assert len(handles) >= SEATS
        finally:
            server.terminate()
        assert server.wait(PATIENCE) in (
            0,
            -signal.SIGALRM,
        )  # a busy machine may not be done in its seconds of grace
        assert WAITING in first.pop().result()
        assert {each.result() for each in others} == {"closed"}
        assert all(map(ended, handles))


def queries_of(process: int) -> list[int]:
    """The processes of queries that a process started."""
    children = Path(f"/proc/{process}/task").glob("*/children")
    return [int(each) for path in children for each in path.read_text().split() if is_query(int(each))]


def is_query(process: int) -> bool:
    return b"kb.query.inside" in Path(f"/proc/{process}/cmdline").read_bytes()


def ended(handle: int) -> bool:
    """Whether the process of a handle ends, which is closed."""
    with os.fdopen(handle) as file:
        return bool(select([file], [], [], PATIENCE)[0])
