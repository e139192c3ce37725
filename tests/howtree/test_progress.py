"""Bars, log lines and JSON: what people and programs see of a run, by a clock of our own."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from howtree.progress import Bar, counted, say, warn


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    """A stderr that people look at."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOWTREE_PROGRESS", "HOWTREE_QUIET", "HOWTREE_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def stderr(file: io.StringIO | None = None) -> Iterator[io.StringIO]:
    """What is written to stderr, by default to a log file."""
    kept, sys.stderr = sys.stderr, file or io.StringIO()
    try:
        yield sys.stderr
    finally:
        sys.stderr = kept


def run(bar: Bar, clock: Clock, seconds: int, a_second: int) -> None:
    for _ in range(seconds):
        clock.seconds += 1
        bar.update(a_second)


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end() -> None:
    clock = Clock()
    with stderr() as log:
        with Bar(None, "Encoding steps", 4_200, "texts", clock) as bar:
            run(bar, clock, 42, 100)
        lines = log.getvalue().splitlines()
        assert [re.sub(r"^\S+T\S+\d\d:\d\d  ", "", line) for line in lines] == [
            "Encoding steps: 1,000 of 4,200 texts, 100.0 a second, 0:00:32 left",
            "Encoding steps: 2,000 of 4,200 texts, 100.0 a second, 0:00:22 left",
            "Encoding steps: 3,000 of 4,200 texts, 100.0 a second, 0:00:12 left",
            "Encoding steps: 4,000 of 4,200 texts, 100.0 a second, 0:00:02 left",
            "Encoding steps: 4,200 of 4,200 texts, 100.0 a second, 0:00:00 left",
        ]
        assert "\r" not in log.getvalue() and "\x1b" not in log.getvalue()


def test_a_short_stage_leaves_no_line() -> None:
    clock = Clock()
    with stderr() as log:
        with Bar(None, "Loading", 9, "texts", clock) as bar:
            run(bar, clock, 9, 1)
        assert log.getvalue() == ""


def test_work_of_which_nothing_is_counted_says_how_long_it_has_taken() -> None:
    clock = Clock()
    with stderr() as log:
        with Bar(None, "Loading the encoder", clock=clock) as bar:
            clock.seconds += 65
            bar.tick()
        assert log.getvalue().count("Loading the encoder: 0:01:05 so far\n") == 2


def test_json_lines_hold_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOWTREE_LOG_FORMAT", "json")
    clock = Clock()
    with stderr() as log:
        with Bar(None, "crawl", 100, "pages", clock) as bar:
            bar.n = bar.initial = 20
            bar.note({"fetched": 3})
            run(bar, clock, 10, 2)
        say("Wrote kb.duckdb.")
        warn("a line is left out")
        first, last, told, warned = map(json.loads, log.getvalue().splitlines())
        assert first == {
            "time": first["time"], "level": "info", "stage": "crawl", "done": 40, "total": 100, "unit": "pages",
            "seconds": 10.0, "per_second": 2.0, "seconds_left": 30, "counts": {"fetched": 3},
        }  # fmt: skip
        assert last == {**first, "time": last["time"]}
        assert (told["level"], told["message"]) == ("info", "Wrote kb.duckdb.")
        assert (warned["level"], warned["message"]) == ("warning", "a line is left out")


def test_a_bar_shows_and_moves_twice_a_second() -> None:
    clock = Clock()
    with stderr(Terminal()) as terminal:
        with Bar(None, "Encoding steps", 100, "texts", clock) as bar:
            for tenth in range(1, 51):
                clock.seconds = 100 + tenth / 10
                before = terminal.getvalue()
                bar.tick()
                assert (terminal.getvalue() != before) == (tenth % 5 == 0), tenth
        assert terminal.getvalue().count("\r") == 10 + 1
        assert terminal.getvalue().endswith("\n")
        assert "Encoding steps:   0%|" in terminal.getvalue()


def test_a_part_is_counted_before_it_ends_and_not_twice() -> None:
    clock = Clock()
    with stderr() as log:
        with Bar(None, "Encoding steps", 200, "texts", clock) as bar:
            clock.seconds += 10
            counted(30)
            bar.update(100)
            clock.seconds += 10
            counted(30)
            clock.seconds += 10
            counted(90)
        done = [int(found) for found in re.findall(r"(\d+) of 200", log.getvalue())]
        assert done == [30, 130, 200, 100]


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_a_bar_is_shown_until_one_inside_it_is(kind: type[io.StringIO]) -> None:
    clock = Clock()
    with stderr(kind()) as seen:

        def added() -> list[str]:
            """Which bars are shown once time has passed."""
            before = len(seen.getvalue())
            clock.seconds += 12
            outer.tick()
            inner.tick()
            return re.findall("outer|inner", seen.getvalue()[before:])

        with Bar(None, "outer", 10, "splits", clock) as outer:
            with Bar(None, "inner", 10, "texts", clock) as inner:
                assert added() == ["outer", "inner"]
                assert added() == ["inner"]
            assert added() == ["outer"]


def test_a_message_wipes_a_bar_away() -> None:
    clock = Clock()
    with stderr(Terminal()) as terminal:
        with Bar(None, "Encoding steps", 10, "texts", clock) as bar:
            run(bar, clock, 3, 1)
            say("A word.")
        assert "\r\x1b[KA word.\n" in terminal.getvalue()


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("HOWTREE_PROGRESS", "0", "told\nwarned\n"),
        ("HOWTREE_QUIET", "1", "warned\n"),
    ],
)
def test_bars_and_words_can_be_turned_off(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, seen: str
) -> None:
    monkeypatch.setenv(name, value)
    clock = Clock()
    with stderr() as log:
        with Bar(None, "Encoding steps", 100, "texts", clock) as bar:
            run(bar, clock, 30, 1)
        say("told")
        warn("warned")
        assert log.getvalue() == seen


def test_items_are_counted_as_they_pass() -> None:
    clock = Clock()
    with stderr() as log:
        bar = Bar("abc", "Reading", 3, "items", clock)
        for n, _ in enumerate(bar):
            assert bar.n == n
            clock.seconds += 6
        assert bar.n == 3
        assert "Reading: 2 of 3 items" in log.getvalue()


def test_the_rows_of_an_array_are_counted_like_any_items() -> None:
    rows = np.arange(6).reshape(3, 2)
    bar = Bar(rows, "Rows")
    assert [row.tolist() for row in bar] == rows.tolist() and bar.n == 3
