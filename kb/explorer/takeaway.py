"""A tree as text, and as files to take away: both the same tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from howtree.errors import BadQuery
from kb import tree
from kb.draw import as_checklist, as_text
from kb.explorer.steps import texts
from kb.explorer.text import plain
from kb.store import KnowledgeBase
from kb.things import as_shopping_list, needs

FORMS: dict[str, tuple[str, str, Callable[[KnowledgeBase, tree.Goal], str]]] = {
    "Checklist": (".md", "text/markdown", lambda kb, root: as_checklist(root)),
    "Checklist with its text": (
        "-text.md",
        "text/markdown",
        lambda kb, root: as_checklist(root, bodies(kb, root)),
    ),
    "Shopping list": (
        "-things.md",
        "text/markdown",
        lambda kb, root: as_shopping_list(root, needs(kb, root)),
    ),
    "Text": (".txt", "text/plain", lambda kb, root: as_text(root)),
    "JSON": (
        ".json",
        "application/json",
        lambda kb, root: json.dumps(root.to_dict(), indent=2, ensure_ascii=False),
    ),
}
"""What one may take away: the ending of the file, its type, and what makes it of a tree. Lists are Markdown."""


def text(root: tree.Goal) -> None:
    """The tree with box-drawing lines; the block has a button that copies it."""
    st.code(plain(as_text(root)), language=None, wrap_lines=True)


def downloads(kb: KnowledgeBase, article: dict[str, Any], levels: int, threshold: float | None) -> None:
    """Buttons that save the tree in each form, which is made when somebody asks."""
    st.caption(f"With the procedures folded in, {levels} levels of goals; Options has other depths.")
    for title, (ending, kind, make) in FORMS.items():
        st.download_button(
            title,
            data=partial(made, kb, article["article_id"], levels, threshold, make),
            file_name=f"{article['slug']}{ending}",
            mime=kind,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"save{ending}",
        )


def made(
    kb: KnowledgeBase,
    article_id: int,
    levels: int,
    threshold: float | None,
    make: Callable[[KnowledgeBase, tree.Goal], str],
) -> str:
    """A tree in one form, or why there is none."""
    try:
        return make(kb, tree.tree(kb, article_id, levels, threshold))
    except BadQuery as error:
        return f"{error}\n"


def bodies(kb: KnowledgeBase, root: tree.Goal) -> dict[int, list[str]]:
    """What the steps of a tree say below their headlines, by step id."""
    found = texts(kb, {step.step_id for _, _, step in root.walk()})
    return {
        step_id: [*filter(None, [body if headline else ""]), *(f"• {bullet}" for bullet in bullets)]
        for step_id, (headline, body, bullets) in found.items()
    }
