"""The process in which people's queries run: it has the knowledge base open, and answers one query at a time.

Started by kb.query.child as `python -m kb.query.inside`. Requests come as lines of JSON on stdin, answers leave as
frames on stdout. The kernel keeps its limits: a timer kills it at the deadline, even within the parser, and it gets
no more memory than the query may use. It ends with whoever started it.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from howtree.errors import BadInput, HowtreeError
from kb.query.frames import END, READY, send_json
from kb.query.limits import MB, Limits

if TYPE_CHECKING:
    from kb.store import KnowledgeBase

ALLOWANCE = 128 * MB
"""Bytes that the process may grow by beyond the memory of a query, for what DuckDB does not count."""
ENDLESS = 1e8
"""Seconds that a timer can still count."""
BACK = 10
"""How much the process stands back (nice) where others, such as the pages of the explorer, are to go first: they get
nine tenths of a core for which both compete."""
IGNORED = "numpy"
"""What pyarrow would load, but can do without: a quarter of the time that the process takes to start."""


def main() -> None:
    """Open the knowledge base that the first line names, then answer queries until stdin ends."""
    os.nice(BACK if sys.argv[1:] else 0)
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no frame
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(requests,), daemon=True).start()
    sys.modules[IGNORED] = None  # type: ignore[assignment]
    from kb.query.run import run

    order = requests.get()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the deadline: whoever started us may ignore it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    try:
        kb = opened(order["path"], order["file"], order["memory"])
    except HowtreeError as error:
        send_json(pipe, READY, error_kind=type(error).__name__, error=str(error))
        return
    idle = peak_memory()
    limit_memory(order["memory"])
    send_json(pipe, READY, notes=kb.review_notes)
    while True:
        request = requests.get()
        limits = Limits(**request["limits"])
        signal.setitimer(signal.ITIMER_REAL, min(limits.seconds, ENDLESS))
        wrong, sound = run(kb, request["sql"], limits, request["batch"], pipe)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send_json(pipe, END, error=wrong, again=sound and peak_memory() < idle + ALLOWANCE)


def listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Take in requests, and end the process at once when nobody can send more, even while a query runs."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(1)


def opened(path: str | None, file: list[int] | None, memory: int) -> KnowledgeBase:
    """The knowledge base that the asker has open.

    Raises:
        NotFound, BadInput: it cannot be opened, or another file has taken its place since.
    """
    from kb.store import KnowledgeBase, default_path

    kb = KnowledgeBase(path or default_path(), memory_limit=f"{memory}MB", lossless=True)
    if file is not None and list(kb.file) != file:
        raise BadInput(f"{kb.path} was replaced by another since it was opened: open it again")
    return kb


def limit_memory(memory: int) -> None:
    """Let the process grow by `memory` MB and the allowance, no further: then an allocation fails."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where the system does not say how large it is, DuckDB's own limit is left
        fields = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line
        )
        most = int(fields["VmData"].split()[0]) * 1024 + memory * MB + ALLOWANCE
        given = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = min(most, sys.maxsize if given == resource.RLIM_INFINITY else given)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
