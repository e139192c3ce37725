"""The files beside the pages that browsers get: styles, scripts, the icon."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@cache
def text_of(name: str) -> str:
    """The text of one of them."""
    return (HERE / name).read_text(encoding="utf-8")


@cache
def component(name: str, *before: str) -> Any:
    """The component of a script, `name`.js, as Streamlit mounts it; the scripts `before` it are shared with others."""
    script = "".join(map(text_of, (*before, f"{name}.js")))
    return st.components.v2.component(f"howtree.{name}", js=script, isolate_styles=False)
