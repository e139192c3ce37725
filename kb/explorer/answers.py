"""What queries of the pages find, kept: a page runs anew at every click, and others open it, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from howtree.files import FileStamp
from kb.explorer.session import stamp
from kb.store import KnowledgeBase

KEPT = 2_000
"""Answers, the latest: each is a screen of rows at most."""
Parameters = Sequence[Any] | dict[str, Any]
Named = tuple[list[str], list[tuple[Any, ...]]]
"""The names of columns, and rows."""


def rows(kb: KnowledgeBase, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """The rows of a query of a page, found once for a knowledge base and what people said of it."""
    _, found = _named(kb, sql, parameters)
    return found


def records(kb: KnowledgeBase, sql: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
    """The same rows as dictionaries."""
    names, found = _named(kb, sql, parameters)
    return [dict(zip(names, row, strict=True)) for row in found]


def _named(kb: KnowledgeBase, sql: str, parameters: Parameters) -> Named:
    found: Named = _found(kb, stamp(), sql, parameters)
    return found


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _found(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp], sql: str, parameters: Parameters) -> Named:
    cursor = _kb.query(sql, parameters)
    return [column[0] for column in cursor.description or ()], cursor.fetchall()
