"""The knowledge base that the explorer shows, opened once for all its visitors, again when the file changes."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from howtree.files import FileStamp, stamp_of
from kb.meaning.model import load_ahead
from kb.query.children import Children
from kb.review.reviews import reviews_path
from kb.store import KnowledgeBase, default_path


def kb_path() -> Path:
    """The file named behind the `--` of `streamlit run`, else the one that all commands read."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 else default_path()


def stamp() -> tuple[FileStamp, FileStamp]:
    """What changes when the knowledge base or people's reviews of it do: the key of whatever is counted once."""
    return stamp_of(kb_path()), stamp_of(reviews_path(kb_path()))


def knowledge_base() -> KnowledgeBase:
    """The knowledge base as it now is on disk.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no knowledge base, or one of another schema version.
    """
    kb: KnowledgeBase = _opened(stamp_of(kb_path()))
    return kb


def children() -> Children:
    """The processes for visitors' queries over that knowledge base, one of them always ready."""
    started: Children = _started(stamp_of(kb_path()), knowledge_base().file)
    return started


@st.cache_resource(max_entries=2, show_spinner=False)
def _started(stamp: FileStamp, file: tuple[int, int]) -> Children:
    return Children(Path(stamp[0]), file, shared=True)


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(stamp: FileStamp) -> KnowledgeBase:
    kb = KnowledgeBase(Path(stamp[0]))
    load_ahead(kb)
    return kb
