"""What is around every page: its looks, and messages about a broken address or file."""

from __future__ import annotations

from typing import Any

import streamlit as st

from howtree.errors import HowtreeError
from kb.explorer import address
from kb.explorer.address import page_file
from kb.explorer.files import HERE
from kb.explorer.session import kb_path
from kb.explorer.settle import settle
from kb.explorer.text import label, markup, short

PAGES = {
    "find": ("Find", ":material/search:"),
    "overview": ("Overview", ":material/dashboard:"),
    "procedure": ("Procedure", ":material/account_tree:"),
    "judge": ("Judge", ":material/rule:"),
    "query": ("Query", ":material/database:"),
    "quality": ("Quality", ":material/monitoring:"),
}

MAX_LEAD = 4_000


def show() -> None:
    """Draw the page that the address names; the main script of the explorer is this call alone."""
    st.set_page_config(page_title="howtree", page_icon=str(HERE / "icon.svg"))
    pages = [
        st.Page(page_file(name), title=title, url_path=name, icon=icon)
        for name, (title, icon) in PAGES.items()
    ]
    start = st.Page(page_file("start"), title="howtree", default=True, icon=":material/home:")
    try:
        drawn(st.navigation([start, *pages], position="top"))
    finally:
        address.drawn()
    settle()


def drawn(page: Any) -> None:
    """Draw a page, or say instead what is wrong with the knowledge base."""
    with st.container(gap=None):
        notice = st.container()
        with st.container():
            try:
                page.run()
            except HowtreeError as error:
                heading("This knowledge base cannot be shown", "")
                st.error(label(str(error), 1000), icon=":material/folder_off:")
                st.caption(f"The explorer reads {label(str(kb_path()))} and looks again at every click.")
    faults = address.take_faults()
    if faults:
        notice.info("  \n".join(map(label, faults)), icon=":material/link_off:")


def heading(title: str, lead: str) -> None:
    """The title of a page and a few sentences on what it is for; the browser's window is named after it."""
    st.set_page_config(page_title=f"{short(title, 80)} · howtree")
    below = f'<p class="lead">{markup(lead, MAX_LEAD)}</p>' if lead else ""
    st.html(f'<h1 class="title">{markup(title)}</h1>{below}')


def part(title: str) -> None:
    """The title of a part of a page."""
    st.html(f'<h2 class="part">{markup(title)}</h2>')
