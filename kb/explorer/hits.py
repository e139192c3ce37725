"""What words find, kept: pages of it are turned, sorted and narrowed, and others look for the same."""

from __future__ import annotations

import streamlit as st

from howtree.files import FileStamp
from kb.explorer.session import stamp
from kb.search import MOST_GOALS, FoundGoal, search
from kb.store import KnowledgeBase

KEPT = 1_000
"""Searches, the latest: each is 30 goals at most."""


def hits(kb: KnowledgeBase, words: str) -> list[FoundGoal]:
    """The goals that words find, best first."""
    found: list[FoundGoal] = _hits(kb, stamp(), words)
    return found


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _hits(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp], words: str) -> list[FoundGoal]:
    return search(_kb, words, MOST_GOALS)
