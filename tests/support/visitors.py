"""Visitors of a running explorer, without a browser: what one asks for goes through its WebSocket, as a page's does."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PATIENCE = 120.0
"""Seconds that no page takes."""


@dataclass
class Shown:
    """A page as it was sent."""

    seconds: float
    """From the request to the last part."""
    texts: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)
    """Ids by labels."""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class Visitor:
    """One window of a browser; `with` closes it."""

    def __init__(self, url: str, **headers: str) -> None:
        """`url` is the address of the explorer; headers such as Origin are sent along."""
        at = url.replace("http://", "ws://") + "/_stcore/stream"
        self._socket: ClientConnection = connect(
            at,
            subprotocols=["streamlit"],
            max_size=None,
            additional_headers=headers,
            compression=None,  # type: ignore[list-item]
        )
        self._page, self._query = "", ""

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._socket.close()

    def open(self, page: str, until: str | None = None, **parameters: str) -> Shown:
        """Open a page, to its end or until a text is shown."""
        self._page, self._query = page, urlencode(parameters)
        return self._asked(BackMsg(), until)

    def press(self, button: str) -> Shown:
        """Press the button of an id on the page that is open."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button, True
        return self._asked(message)

    def _asked(self, message: BackMsg, until: str | None = None) -> Shown:
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        began = time.perf_counter()
        self._socket.send(message.SerializeToString())
        shown = Shown(0.0)
        while True:
            answer = ForwardMsg()
            data = self._socket.recv(PATIENCE)
            assert isinstance(data, bytes)
            answer.ParseFromString(data)
            kind = answer.WhichOneof("type")
            if kind == "delta":
                taken_in(answer.delta, shown)
                if until is not None and until in shown.text:
                    return shown
            elif kind == "page_info_changed":
                self._query = answer.page_info_changed.query_string
            elif kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                shown.seconds = time.perf_counter() - began
                return shown


def taken_in(delta: Any, shown: Shown) -> None:
    """Add what a part of a page shows."""
    element = delta.new_element
    kind = element.WhichOneof("type")
    if kind in ("markdown", "html", "text", "alert", "exception", "code", "heading"):
        shown.texts.append(html.unescape(re.sub(r"<[^>]+>", "", str(getattr(element, kind)))))
    elif kind == "button":
        shown.buttons[element.button.label] = element.button.id
