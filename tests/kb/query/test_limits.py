"""The limits of people's SQL: whatever a query does, it ends, uses no more memory, and the next one is answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.asking import answered, processes_of
from support.bombs import BOMBS, DEAF, FOR_TORTURE, LIMITS
from support.command import ROOT, Run, howtree, surroundings

from howtree.errors import BadQuery
from kb.query.ask import running
from kb.query.children import SEATS, Children
from kb.query.limits import Limits

BESIDE = 300
"""MB that the process of a query may have beyond the query's limit."""
GRACE = 1.0
"""Seconds that it may take to end that process."""
STOPPED = (LIMITS.late, "300 MB of memory", "20 MB of answer", "10,000 rows", "as happens for want of memory")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([name for name in BOMBS if name not in FOR_TORTURE], id="most"),
        pytest.param(sorted(FOR_TORTURE), id="others", marks=pytest.mark.torture),
    ],
)
def test_no_query_passes_its_limits(sample_kb_path: Path, names: list[str]) -> None:
    runs = bombed(sample_kb_path, names, at_once=SEATS)
    assert [run for run in runs if not any(word in run["said"] for word in STOPPED)] == []
    assert [run for run in runs if run["peak"] > LIMITS.memory + BESIDE] == []
    late = [run["name"] for run in runs if run["seconds"] > LIMITS.seconds + GRACE]
    if late:  # as a busy machine may be, even in ending a process: alone they are not
        alone = bombed(sample_kb_path, late, at_once=1)
        assert [run for run in alone if run["seconds"] > LIMITS.seconds + GRACE] == []


def bombed(kb: Path, names: list[str], at_once: int) -> list[dict[str, Any]]:
    """What came of bombs: how long each took, what was said, and the peak memory of all until then."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / "bombs.py", kb, str(at_once), *names],
        env=surroundings(PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")])),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert [run["name"] for run in runs] == names
    return runs


LIMITED = {
    "time": (DEAF, {"seconds": 0.2}, "0.2 seconds", "--timeout"),
    "time in the parser": ("SELECT " + "(" * 4_000, {"seconds": 0.2}, "0.2 seconds", "--timeout"),
    "memory": ("SELECT len(list(range)) FROM range(20000000)", {"memory": 100}, "100 MB", "--memory"),
    "memory that DuckDB does not count": ("SELECT len(repeat('x', 4000000000))", {}, "800 MB", "--memory"),
    "rows": ("FROM range(11)", {"rows": 10}, "10 rows", "--limit"),
    "size": ("SELECT repeat('x', 100000) FROM range(30)", {"size": 2}, "2 MB", "--size"),
}


def test_what_is_said_of_a_limit_names_it_and_the_option_that_allows_more(children: Children) -> None:
    for sql, limits, said, option in LIMITED.values():
        with pytest.raises(BadQuery) as stopped:
            answered(children, sql, **limits)
        assert said in str(stopped.value) and option in str(stopped.value)
        assert answered(children, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("case", ["memory", "rows", "size"])
def test_more_is_allowed_by_that_option(run: Run, sample_kb_path: Path, case: str) -> None:
    sql, limits, _, option = LIMITED[case]
    (value,) = limits.values()
    arguments = ("sql", sql, "--format", "csv", "--kb", sample_kb_path, option)
    assert run(*arguments, value).returncode == 1
    more = run(*arguments, 10 * value)
    assert (more.returncode, more.stderr) == (0, "")


def test_rows_that_came_before_a_limit_are_kept(children: Children) -> None:
    for limits in (Limits(rows=25_000), Limits(size=1)):
        rows = []
        with pytest.raises(BadQuery), running(children, "FROM range(1000000)", limits) as result:
            rows.extend(result.rows)
        assert rows == [(n,) for n in range(len(rows))]
        assert len(rows) == 25_000 if limits.rows == 25_000 else 50_000 < len(rows) <= 125_000


def test_a_query_that_never_ends_is_stopped(sample_kb_path: Path) -> None:
    done = howtree("sql", DEAF, "--timeout", 1, "--kb", sample_kb_path)
    assert done.returncode == 1
    assert done.stderr == f"howtree: {Limits(seconds=1).late}\n"


def test_a_result_without_end_is_cut_with_a_message(run: Run, sample_kb_path: Path) -> None:
    query = "SELECT * FROM range(100000000000)"
    done = run("sql", query, "--limit", 1000, "--format", "csv", "--kb", sample_kb_path)
    assert done.returncode == 1
    assert "stopped after 1,000 rows" in done.stderr
    assert len(done.stdout.splitlines()) == 1001


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_is_a_message_and_the_next_query_has_another(
    children: Children, end: signal.Signals
) -> None:
    with running(children, "FROM range(10000000)", Limits()) as result:
        assert result.columns == ["range"]
        (process,) = processes_of(os.getpid())
        os.kill(process, end)
        with pytest.raises(
            BadQuery, match=rf"ended before it had answered \({end.name}\), as happens for want of"
        ):
            list(result.rows)
    assert answered(children, "SELECT 1") == [(1,)]


def test_a_process_that_does_not_start_is_a_message(
    run: Run, sample_kb_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    done = run("sql", "SELECT 1", "--kb", sample_kb_path)
    assert done.returncode == 1
    assert done.stderr.startswith("howtree: the process for the query did not start (exit code 1)")
