"""A tree as a picture, as text, and as files to take away: all the same tree."""

from __future__ import annotations

import json

import streamlit as st

from kb import tree
from kb.draw import as_checklist, as_dot, as_text
from kb.explorer.text import plain

MAX_PICTURE = 150
FORMS = {
    "Text": ("txt", "text/plain", as_text),
    "Markdown checklist": ("md", "text/markdown", as_checklist),
    "JSON": (
        "json",
        "application/json",
        lambda goal: json.dumps(goal.to_dict(), indent=2, ensure_ascii=False),
    ),
}


def picture(root: tree.Goal) -> None:
    """The tree as a diagram, where it is small enough to be read."""
    steps = sum(1 for _ in root.walk())
    if steps > MAX_PICTURE:
        st.info(
            f"A picture of {steps:,} steps would be too small to read (the most is {MAX_PICTURE}). Open fewer "
            "levels or raise the threshold; the text shows the whole tree.",
            icon=":material/zoom_out_map:",
        )
        return
    st.caption(
        "Green boxes are steps that are goals of their own (→ goal, probability, source); grey ones are plain steps."
    )
    st.graphviz_chart(as_dot(root), width="content" if steps > 40 else "stretch")


def text(root: tree.Goal) -> None:
    """The tree with box-drawing lines; the block has a button that copies it."""
    st.code(plain(as_text(root)), language=None, wrap_lines=True)


def downloads(root: tree.Goal, name: str) -> None:
    """Buttons that save the tree in each form."""
    with st.container(horizontal=True, key="row-downloads"):
        for title, (ending, kind, draw) in FORMS.items():
            st.download_button(
                title,
                data=draw(root),
                file_name=f"{name}.{ending}",
                mime=kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"save-{ending}",
            )
