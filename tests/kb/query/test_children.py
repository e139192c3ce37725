"""The processes of queries: they see what the asker sees, four work at a time, and none is left over."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.asking import answered, processes_of
from support.bombs import DEAF
from support.visiting import Visit, whole

import howtree
from howtree.errors import BadInput, BadQuery
from kb.explorer import session
from kb.query.ask import running
from kb.query.children import SEATS, Children
from kb.query.limits import Limits
from kb.review.judging import review_of
from kb.review.reviews import append


def test_a_verdict_counts_at_once_in_queries_too(own_sample_kb: Path) -> None:
    with howtree.open(own_sample_kb) as kb:
        steps = kb.sql("SELECT step_id FROM links").rows
        append(kb.reviews_path, review_of(kb, steps[0][0], "no link", None, "ann"))
        for view in ("links", "edges", "verdicts", "machine_links", "decided"):
            assert (
                kb.sql(f"FROM {view} ORDER BY ALL").rows == kb.query(f"FROM {view} ORDER BY ALL").fetchall()
            )
        assert len(kb.sql("FROM links")) == len(steps) - 1


def test_queries_go_on_over_the_file_that_is_open_and_never_over_another(
    own_sample_kb: Path, sample_kb_path: Path
) -> None:
    with howtree.open(own_sample_kb) as asked, howtree.open(own_sample_kb) as unasked:
        before = asked.sql("FROM goals").rows
        other = own_sample_kb.with_name("other.duckdb")
        shutil.copy(sample_kb_path, other)
        other.replace(own_sample_kb)
        assert asked.sql("FROM goals").rows == before
        with pytest.raises(BadInput, match="replaced by another since it was opened"):
            unasked.sql("FROM goals")


def test_others_are_answered_while_costly_queries_run_and_none_is_left_when_all_is_closed(
    sample_kb_path: Path,
) -> None:
    before = processes_of(os.getpid())
    with ThreadPoolExecutor(SEATS) as pool:
        with Children(sample_kb_path, shared=True) as children:
            running_now = threading.Barrier(SEATS)

            def endless() -> None:
                with running(children, DEAF, Limits(seconds=600)) as result:
                    running_now.wait()
                    list(result.rows)

            costly = [pool.submit(endless) for _ in range(SEATS - 1)]
            running_now.wait()
            for _ in range(5):
                assert answered(children, "SELECT count(*) > 0 FROM links") == [(True,)]
            assert not any(each.done() for each in costly)
        for each in costly:
            assert isinstance(each.exception(), BadQuery)
    assert processes_of(os.getpid()) == before


def test_a_fifth_query_says_that_it_waits_and_is_answered_then(children: Children) -> None:
    waiting = threading.Event()

    def fifth() -> list[object]:
        with running(children, "SELECT 5", Limits(), waiting.set) as result:
            return list(result.rows)

    with ThreadPoolExecutor(1) as pool, ExitStack() as seats:
        for n in range(SEATS):
            result = seats.enter_context(running(children, f"SELECT {n}", Limits(), waiting.set))
            assert list(result.rows) == [(n,)]
        assert not waiting.is_set()
        last = pool.submit(fifth)
        assert waiting.wait(60) and not last.done()
        seats.close()
        assert last.result() == [(5,)]


def test_a_visitor_waits_for_a_turn_and_sees_the_answer(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit("query")
    children, seats = session.children(), ExitStack()
    for _ in range(SEATS):
        seats.enter_context(running(children, "SELECT 1", Limits()))
    take = children.one

    def taken(memory, wait):
        def wait_and_let_go():
            wait()
            seats.close()

        return take(memory, wait_and_let_go)

    monkeypatch.setattr(children, "one", taken)
    shown = whole(visit("query", sql="SELECT 42 AS answer"))
    assert "1 row in" in shown and "not answered" not in shown


def test_a_knowledge_base_that_nobody_holds_leaves_no_process(sample_kb_path: Path) -> None:
    before = processes_of(os.getpid())
    kb = howtree.open(sample_kb_path)
    assert kb.sql("SELECT 1").rows == [(1,)]
    assert len(processes_of(os.getpid())) == len(before) + 1
    del kb
    gc.collect()
    assert processes_of(os.getpid()) == before
