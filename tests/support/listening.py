"""An application behind a real server on this machine, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import uvicorn

from kb.agent.patience import SECONDS, patient


@contextmanager
def listening(app: Any, seconds: float = SECONDS) -> Iterator[str]:
    """Its address; `seconds` are those after which it looks whether anything goes on on a connection."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", http=patient(seconds)))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
