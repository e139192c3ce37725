"""What tests of the explorer read off a page that Streamlit's own test runner has run."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

from support.command import ROOT

Visit = Callable[..., AppTest]
ENTRY = ROOT / "kb" / "explorer" / "entry" / "app.py"
"""The main script that `howtree explore` starts."""


def on_page(main: Path, page: str, /, **parameters: str | list[str]) -> AppTest:
    """A page of the explorer in a new browser window, `main` being Streamlit's main script."""
    test = AppTest.from_file(str(main), default_timeout=1800)  # however busy the machine is
    test.run()
    test.query_params.update(parameters)
    test.switch_page(str(ROOT / "kb" / "explorer" / f"{page}.py"))
    return test.run()


HOSTILE = (
    "<script>alert(1)</script> <b>bold</b> **strong** _em_ `code` $x^2$ $$y$$ [link](https://evil.example) "
    ":red[red] :smile: :material/home: -> # head | a | "
    "www.evil.example \u202eright to left\u202c \u2067x\u2069 \x07 &amp;"
)
"""A text that tries whatever a page might take for markup."""


def whole(test: AppTest) -> str:
    """Every text on the page, labels too, with the escapes of Markdown and HTML undone."""
    assert not test.exception, test.exception[0].value
    parts = [
        element.value for kind in (test.markdown, test.caption, test.text, test.info) for element in kind
    ]
    parts += [
        element.value for kind in (test.error, test.warning, test.success, test.code) for element in kind
    ]
    parts += [html.unescape(element.value) for element in test.get("html")]
    parts += [html.unescape(component(test, name)) for name in ("outline", "picture")]
    parts += [block.label for block in test.expander] + [link.proto.label for link in links(test)]
    return "\n".join(re.sub(r"\\([^\w\s])", r"\1", part) for part in parts)


def links(test: AppTest, wanted: str = "") -> list:
    """The links of the page whose label holds `wanted`."""
    return [
        link for link in test.get("page_link") if wanted in re.sub(r"\\([^\w\s])", r"\1", link.proto.label)
    ]


def labelled(widgets: Iterable, label: str) -> Any:
    """The one widget of that label."""
    (found,) = [widget for widget in widgets if widget.label == label]
    return found


def follow(visit: Visit, link: object) -> AppTest:
    """Open what a link leads to."""
    proto = link.proto  # type: ignore[attr-defined]
    return visit(proto.page or "find", **parse_qs(proto.query_string))


def hits(test: AppTest) -> list[str]:
    """The keys of the goals found, in order."""
    return [
        parse_qs(link.proto.query_string)["goal"][0]
        for link in links(test, "**")
        if link.proto.page == "procedure"
    ]


def component(test: AppTest, name: str) -> str:
    """The HTML that a component of ours was sent, empty where the page has none."""
    sent = [each.proto for each in test.get("bidi_component")]
    return "".join(json.loads(each.json)["html"] for each in sent if each.component_name == f"howtree.{name}")


LINE = re.compile(
    r'<span class="number">(\d+\.)</span> <span id="name-[^"]+"><span class="name">(.*?)</span>'
)


def steps_shown(test: AppTest) -> list[str]:
    """The steps that the tree shows, in order."""
    return [f"{number} {html.unescape(text)}" for number, text in LINE.findall(component(test, "outline"))]


def rows_shown(test: AppTest) -> list[list[str | None]]:
    """The rows of the result of a query, as texts; None for what is shown as NULL."""
    cells = re.compile(r'<td(?: class="(\w+)")?>(.*?)</td>', re.DOTALL)
    (table,) = [element.value for element in test.get("html") if 'class="rows"' in element.value]
    return [
        [
            None if kind == "none" else html.unescape(re.sub("<[^>]+>", "", text))
            for kind, text in cells.findall(row)
        ]
        for row in table.split("<tr>")[2:]
    ]
