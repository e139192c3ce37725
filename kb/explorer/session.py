"""The knowledge base that the explorer shows, opened once for all its visitors, again when the file changes."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from kb.store import KnowledgeBase, default_path


def kb_path() -> Path:
    """The file named behind `streamlit run app.py --`, else the one that all commands read."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 else default_path()


def stamp() -> tuple[str, int, int, int]:
    """What changes when another file takes the place of the knowledge base."""
    path = kb_path().absolute()
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_ino, found.st_mtime_ns, found.st_size


def knowledge_base() -> KnowledgeBase:
    """The knowledge base as it now stands on disk.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no knowledge base, or one of another schema version.
    """
    return _opened(stamp())


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(stamp: tuple[str, int, int, int]) -> KnowledgeBase:
    return KnowledgeBase(Path(stamp[0]))
