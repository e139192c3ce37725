"""What people see of a run while it works, on stderr: a bar on a terminal, lines in a log, JSON for programs.

HOWTREE_QUIET leaves warnings and errors alone, HOWTREE_PROGRESS=0 takes the bars away, HOWTREE_LOG_FORMAT=json writes
each line as an object. They are variables of the environment so that processes that are started know them, too.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, overload

from howtree.streams import plain

T = TypeVar("T")
Clock = Callable[[], float]

ON_TERMINAL = 0.5, 0.5
IN_LOG = 10.0, 10.0
"""Seconds until a bar shows itself, and between two showings."""


@overload
def progress(items: None, label: str, total: int | None = None, unit: str = "items") -> Bar[None]: ...


@overload
def progress(items: Iterable[T], label: str, total: int | None = None, unit: str = "items") -> Bar[T]: ...


def progress(
    items: Iterable[Any] | None, label: str, total: int | None = None, unit: str = "items"
) -> Bar[Any]:
    """A bar over `items`, or one to `update` where `items` is None; it moves by itself while nothing is counted."""
    return Bar(items, label, total, unit, beating=True)


class Bar(Generic[T]):
    """How far a stage is: a bar on a terminal, else lines now and then; none while a bar inside it is shown."""

    def __init__(
        self,
        items: Iterable[T] | None,
        label: str,
        total: int | None = None,
        unit: str = "items",
        clock: Clock = time.monotonic,
        beating: bool = False,
    ) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.n = self.initial = 0
        self.on_terminal = not in_json() and sys.stderr is not None and sys.stderr.isatty()
        self.shown = False
        self._wanted = os.environ.get("HOWTREE_PROGRESS") != "0" and not quiet()
        self._items, self._clock, self._beating = items, clock, beating and self._wanted
        self._partly = 0
        self._notes: Mapping[str, int] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[T]:
        """The items, counted as they pass."""
        with self:
            for item in () if self._items is None else self._items:
                yield item
                self.update()

    def __enter__(self) -> Bar[T]:
        first, self._pause = ON_TERMINAL if self.on_terminal else IN_LOG
        self._began = self._clock()
        self._due = self._began + first
        _open.append(self)
        if self._beating:
            threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it: what was shown is shown once more, as it came out."""
        with self._lock:
            self._closed.set()
            self._partly = 0
            if self.shown:
                self._show()
            if self.shown and self.on_terminal:
                write("\n")
            _open.remove(self)

    def update(self, n: int = 1) -> None:
        """Count `n` more."""
        self.n += n
        self._partly = 0
        self.tick()

    def partly(self, n: int) -> None:
        """Count `n` more ahead of the next `update`, which is to hold them."""
        self._partly += n
        self.tick()

    def note(self, counts: Mapping[str, int]) -> None:
        """What else is counted, by name, to be shown with it."""
        self._notes = counts

    def tick(self) -> None:
        """Show how far it is, where it is time to."""
        if self._clock() >= self._due:
            with self._lock:
                if self._clock() >= self._due and not self._closed.is_set():
                    self._due = self._clock() + self._pause
                    self._show()

    def _beat(self) -> None:
        """Tick until it is closed, also while nothing is counted."""
        while not self._closed.wait(ON_TERMINAL[1]):
            self.tick()

    def _show(self) -> None:
        inside = _open[_open.index(self) + 1 :]
        if not self._wanted or any(bar.shown for bar in inside):
            return
        self.shown = True
        if self.on_terminal:
            write(f"{CLEAR}{self._drawn()}")
        else:
            log("info", self._line(), **self._figures())

    @property
    def _done(self) -> int:
        done = self.n + self._partly
        return done if self.total is None else min(done, max(self.total, self.n))

    @property
    def _seconds(self) -> float:
        return self._clock() - self._began

    def _figures(self) -> dict[str, Any]:
        """How far it is, for programs."""
        rate = (self._done - self.initial) / self._seconds if self._seconds else 0.0
        left = (self.total - self._done) / rate if rate and self.total is not None else None
        return {
            "stage": self.label,
            "done": self._done,
            "total": self.total,
            "unit": self.unit,
            "seconds": round(self._seconds, 1),
            "per_second": round(rate, 1),
            "seconds_left": None if left is None else round(left),
            **({"counts": dict(self._notes)} if self._notes else {}),
        }

    def _line(self) -> str:
        """How far it is, for people who read a log."""
        figures = self._figures()
        if not self._done and self.total is None:
            return f"{now()}  {self.label}: {span(self._seconds)} so far"
        of = "" if self.total is None else f" of {self.total:,}"
        left = figures["seconds_left"]
        notes = "".join(f", {count:,} {name}" for name, count in self._notes.items())
        return (
            f"{now()}  {self.label}: {self._done:,}{of} {self.unit}{notes}, {figures['per_second']:,} a second"
            + ("" if left is None else f", {span(left)} left")
        )

    def _drawn(self) -> str:
        """The bar itself, as wide as the terminal."""
        from tqdm import tqdm

        counted = self._done or self.total is not None
        return str(
            tqdm.format_meter(
                self._done,
                self.total,
                self._seconds,
                ncols=shutil.get_terminal_size().columns - 1,
                prefix=self.label,
                unit=f" {self.unit}",
                unit_scale=(self.total or 0) > 99_999,
                postfix=", ".join(f"{name}={count}" for name, count in self._notes.items()) or None,
                initial=self.initial,
                ascii=not can_draw(),
                bar_format=None if counted else "{desc}: {elapsed}",
            )
        )


_open: list[Bar[Any]] = []
"""The bars that are not closed, the innermost last."""
CLEAR = "\r\x1b[K"


def counted(n: int) -> None:
    """Count `n` more within a part of the work, ahead of its end, when the innermost bar is updated with the whole."""
    if _open:
        _open[-1].partly(n)


def say(message: str) -> None:
    """Tell the person something, on stderr: stdout carries results alone."""
    if not quiet():
        log("info", message)


def warn(message: str) -> None:
    """Tell the person what may be amiss, also where they asked for quiet."""
    log("warning", message)


def log(level: str, message: str, **figures: Any) -> None:
    """One line on stderr, or one object with the level, the time and `figures` in place of the message."""
    if in_json():
        record = {"time": now(), "level": level, **(figures or {"message": message})}
        write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        covered = any(bar.shown and bar.on_terminal for bar in _open)
        write(f"{CLEAR if covered else ''}{plain(message)}\n")


def write(text: str) -> None:
    """Write to stderr; work goes on where nobody reads it any more."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def quiet() -> bool:
    """Whether the person wants warnings and errors alone."""
    return bool(os.environ.get("HOWTREE_QUIET"))


def in_json() -> bool:
    """Whether lines are written as JSON."""
    return os.environ.get("HOWTREE_LOG_FORMAT") == "json"


def can_draw() -> bool:
    """Whether stderr can write the blocks of a bar."""
    return (getattr(sys.stderr, "encoding", "") or "").lower().replace("-", "") == "utf8"


def now() -> str:
    """The time, as ISO 8601 with its zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """A span of time as hours, minutes and seconds, e.g. 0:03:20."""
    return str(timedelta(seconds=round(seconds)))
