"""The address of what is on the screen: every state is in the query parameters, and is checked there.

A widget made with `bound` shows what the address says and writes back what the person chooses, so reloading,
sharing a link and the browser's Back all lead to the same screen. Nonsense in an address is reported and left out.
"""

from __future__ import annotations

import html
import math
import pathlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

T = TypeVar("T")
StepPath = tuple[tuple[int, int], ...]
"""A place in a tree of steps: (method number, step number) from the root's own steps down."""

MAX_WORDS = 200
MAX_PATHS = 400
MAX_VIA = 12
LATE = 2.0
"""Seconds by which the address that a browser sends may lag behind what is typed; Back is heeded after them."""
MOST_LATE = 20
_FAULTS = "faults of the address"
_RUN = threading.local()
"""Of this run of a page, which has a thread of its own: what it wrote last of what somebody types."""
_PATH = re.compile(r"\d{1,5}\.\d{1,5}(-\d{1,5}\.\d{1,5}){0,49}", re.ASCII)


@dataclass(slots=True)
class Written:
    """What somebody types in a box, as it is written into the address."""

    at: float = -math.inf
    """When that was, or when the page that it asked for was drawn: a first page may take longer than a browser."""
    before: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LATE))
    """What the address said before."""

    def is_recent(self) -> bool:
        """Whether a browser may not have heard of it."""
        return time.monotonic() - self.at < LATE


def given(name: str, default: T, parse: Callable[[str], T]) -> T:
    """What the address says of `name`, or `default` where it says nothing or nonsense."""
    raw = st.query_params.get(name)
    if raw is None:
        return default
    try:
        return parse(raw)
    except ValueError:
        fault(f"{name}={raw[:60]} in the address makes no sense and is left out.")
        return default


def given_all(name: str, most: int = MAX_VIA) -> list[str]:
    """All values of a parameter that may be repeated."""
    return [value[:MAX_WORDS] for value in st.query_params.get_all(name)][-most:]


def fault(message: str) -> None:
    """Note something in the address that could not be followed."""
    st.session_state.setdefault(_FAULTS, []).append(message)


def take_faults() -> list[str]:
    """The faults noted since the last call."""
    faults: list[str] = st.session_state.pop(_FAULTS, [])
    return list(dict.fromkeys(faults))


def share(raw: str) -> float:
    """A number from 0 to 1, with two decimals."""
    number = float(raw)
    if not math.isfinite(number) or not 0 <= number <= 1:
        raise ValueError(raw)
    return round(number, 2)


def count(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"\d{1,9}", raw, re.ASCII) or not least <= int(raw) <= most:
            raise ValueError(raw)
        return int(raw)

    return parse


def one_of(options: Iterable[str]) -> Callable[[str], str]:
    """A parser of a choice."""
    known = set(options)

    def parse(raw: str) -> str:
        if raw not in known:
            raise ValueError(raw)
        return raw

    return parse


def words(raw: str) -> str:
    """Free text of an acceptable length."""
    if len(raw) > MAX_WORDS:
        raise ValueError(raw)
    return raw


def yes(raw: str) -> bool:
    """'yes' or 'no'."""
    return one_of(("yes", "no"))(raw) == "yes"


def paths(raw: str) -> frozenset[StepPath]:
    """Places in a tree, e.g. "1.3-2.1~1.5": below step 3 of method 1 the step 1 of method 2, and step 5."""
    parts = raw.split("~") if raw else []
    if len(parts) > MAX_PATHS or not all(map(_PATH.fullmatch, parts)):
        raise ValueError(raw)
    return frozenset(path(part) for part in parts)


def path(raw: str) -> StepPath:
    """One place in a tree.

    Raises:
        ValueError: it is not one.
    """
    if not _PATH.fullmatch(raw):
        raise ValueError(raw)
    pairs = (level.split(".") for level in raw.split("-"))
    return tuple((int(method), int(step)) for method, step in pairs)


def spelt(place: StepPath) -> str:
    """A place in a tree as the address spells it."""
    return "-".join(f"{method}.{step}" for method, step in place)


def spelt_all(places: Iterable[StepPath]) -> str:
    """Places in a tree as the address spells them."""
    return "~".join(spelt(place) for place in sorted(places))


def put(name: str, value: str | Sequence[str]) -> None:
    """Write a parameter into the address; an empty value takes it away."""
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def bound(
    name: str, value: Any, default: Any, resets: Sequence[str] = (), typed: bool = False
) -> dict[str, Any]:
    """The arguments that bind a widget to the parameter `name`, which now is `value`.

    A change is written to the address, and the parameters `resets` are taken from it. The widget must get `value` as
    its first value too. Where the address was changed otherwise, by Back or a link, a new widget takes the place of
    the old: one whose value is set through the session state keeps its own default in the browser for a moment, and a
    quick click elsewhere would send that default as if the person had chosen it.

    Where somebody types (`typed`), a browser that has much to do may ask with the address of some letters ago: the text
    then stays, and so does the focus, for the rest of what is typed.
    """
    turn = st.session_state.setdefault(f"turn-{name}", 0)
    shown = st.session_state.get(_key(name, turn), value)
    if _said(shown) != _said(value) and typed and _is_late(name, _said(value)):
        put(name, _said(shown))
    elif _said(shown) != _said(value):
        turn = st.session_state[f"turn-{name}"] = turn + 1
    return {"key": _key(name, turn), "on_change": _write, "args": (name, turn, default, tuple(resets))}


def _key(name: str, turn: int) -> str:
    return f"at-{name}-{turn}"


def _write(name: str, turn: int, default: Any, resets: tuple[str, ...]) -> None:
    said = _said(st.session_state[_key(name, turn)])
    written: Written = st.session_state.setdefault(f"written-{name}", Written())
    if not written.is_recent():
        written.before.clear()
    written.before.append(st.query_params.get(name, ""))
    written.at = time.monotonic()
    _RUN.written = written
    put(name, "" if said == _said(default) else said)
    for other in resets:
        put(other, "")


def _is_late(name: str, said: str) -> bool:
    """Whether an address says what it did before somebody typed the last letters, moments ago."""
    written: Written = st.session_state.get(f"written-{name}", Written())
    return written.is_recent() and said in written.before


def drawn() -> None:
    """Note that a run of the page is over: what was asked meanwhile is answered next, with the address of then."""
    written: Written | None = getattr(_RUN, "written", None)
    if written:
        written.at, _RUN.written = time.monotonic(), None


def _said(value: Any) -> str:
    """A widget's value as the address says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(round(value, 2) if isinstance(value, float) else value)


def page_file(page: str) -> str:
    """The file of a page, in full: Streamlit looks for others beside its main script, of which there are two."""
    return str(pathlib.Path(__file__).resolve().parent / f"{page}.py")


def href(page: str, /, **parameters: Any) -> str:
    """The address of a page as HTML of ours links to it, from any page; parameters that are None are left out."""
    asked = {key: value for key, value in parameters.items() if value not in (None, "", [])}
    return html.escape(f"{page}?{urlencode(asked, doseq=True)}")


def anchor(page: str, words: str, /, looks: str = "goal", title: str = "", **parameters: Any) -> str:
    """A link to a page within HTML of ours; `words` is HTML."""
    said = f' title="{html.escape(title)}"' if title else ""
    return f'<a class="{looks}" href="{href(page, **parameters)}"{said}>{words}</a>'


def link(page: str, text: str, /, **parameters: Any) -> None:
    """A real link to a page of the explorer; `text` is Markdown, parameters that are None are left out."""
    options = {key: parameters.pop(key) for key in ("icon", "help", "width") if key in parameters}
    asked = {key: value for key, value in parameters.items() if value not in (None, "", [])}
    st.page_link(page_file(page), label=text, query_params=asked, **options)
