"""The process that serves the explorer: Streamlit's command, but one that ends within seconds when it is told to.

By itself it may not: a signal is held back where whoever started us blocks it, and at its end Python waits for threads
that answer visitors, or brings them down within DuckDB. Nothing here needs an orderly end: what people say is on the
disk before they see it, and the processes of queries end with this one.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from streamlit.web import cli

GRACE = 5.0
"""Seconds that Streamlit has to say goodbye to visitors."""
ENDING = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Run the command of Streamlit that the arguments are, to its end."""
    heed_signals()
    try:
        cli.main(prog_name="streamlit")
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def heed_signals() -> None:
    """Let the signals that end a process reach this one, and from then on run its last seconds.

    The server sends the signal that ended it once more, to whoever heeded it before: that is the orderly end.
    """
    for ending in ENDING:
        signal.signal(ending, lambda *_: sys.exit())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM, *ENDING])
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    Thread(target=end_in_time, args=(told,), daemon=True).start()


def end_in_time(told: int) -> None:
    """Have the kernel end the process some seconds after the first such signal, whatever its threads do then."""
    while os.read(told, 1)[0] not in ENDING:
        pass
    signal.setitimer(signal.ITIMER_REAL, GRACE)


if __name__ == "__main__":
    main()
