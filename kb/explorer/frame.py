"""What is around every page: its looks, and messages about a broken address or file."""

from __future__ import annotations

from typing import Any

import streamlit as st

from howtree.errors import HowtreeError
from kb.explorer import address
from kb.explorer.address import page_file
from kb.explorer.session import kb_path
from kb.explorer.text import label, markup

PAGES = {
    "find": ("Find", ":material/search:"),
    "procedure": ("Procedure", ":material/account_tree:"),
    "judge": ("Judge", ":material/rule:"),
    "query": ("Query", ":material/database:"),
    "quality": ("Quality", ":material/monitoring:"),
}

STYLE = """
<style>
[data-testid="stMainBlockContainer"] {max-width: 60rem; padding-top: 4.5rem; padding-bottom: 6rem;}
[data-testid="stMainBlockContainer"] p, [data-testid="stText"] {overflow-wrap: anywhere;}
h1.title {font-size: clamp(1.6rem, 4vw, 2.3rem); line-height: 1.15; padding: 0; margin: 0;
          overflow-wrap: anywhere; text-wrap: balance;}
p.lead {margin: .4rem 0 0; opacity: .82; max-width: 44rem; text-wrap: pretty;}

[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {opacity: 1; color: inherit;}
[data-testid="stCaptionContainer"] > p {opacity: .8;}
[data-testid="stExpander"] details > summary {opacity: .85;}
[data-testid^="stBaseButton-primary"] p {color: light-dark(#fff, #06231a);}

/* Rows of links and remarks: close together, and links begin where text begins. */
[class*="st-key-row-"] {gap: .4rem .35rem;}
.st-key-row-crumbs, .st-key-row-categories, [class*="st-key-hit-"], [class*="st-key-row-use-"],
[class*="st-key-row-above-"], [class*="st-key-row-candidate-"] {margin-left: -.5rem;}
.st-key-row-crumbs, .st-key-row-categories {gap: 0 .1rem;}
.st-key-row-crumbs a, .st-key-row-crumbs a * {background: none; font-weight: 400;}
.st-key-row-facets, .st-key-row-examples {row-gap: .65rem;}
.st-key-sql-text textarea {font-family: monospace; font-size: .9rem;}
.schema {font-size: .875rem; height: 21rem; overflow: auto; padding: .7rem .9rem; border-radius: .5rem;
         border: 1px solid color-mix(in srgb, currentColor 22%, transparent);}
.schema p {margin: 0 0 .5rem; overflow-wrap: anywhere;}
.schema span {opacity: .75;}
.st-key-row-crumbs p {font-size: .875rem;}
h2.part {font-size: 1.3rem; padding: 0; margin: 1.2rem 0 0;}
h2.question {font-size: 1.35rem; margin: 0;}
.listing {font-size: .92rem; line-height: 1.4; border-left: 2px solid color-mix(in srgb, currentColor 15%, transparent);
          padding-left: .9rem;}
.listing div {padding: .12rem 0; opacity: .85; overflow-wrap: anywhere;}
.listing div.marked {opacity: 1; font-weight: 650;}
.listing p {margin: .4rem 0 .1rem; font-weight: 600; opacity: .7;}
p.method {margin: .7rem 0 .1rem; font-weight: 600; font-size: .95rem;}
[class*="st-key-hit-"] [data-testid="stCaptionContainer"] {padding-left: .5rem; margin-top: -.15rem;}

/* A step: the sign that it opens comes first, as in any tree, and the lines are close. */
[class*="st-key-step-"] summary > span, [class*="st-key-weigh-"] summary > span {
    display: flex; flex-direction: row-reverse; justify-content: flex-end; align-items: flex-start; gap: .3rem;}
[class*="st-key-step-"] details > summary, [class*="st-key-weigh-"] details > summary {opacity: 1;}
[class*="st-key-step-"] summary [data-testid="stIconMaterial"] {margin-top: .22rem;}
[class*="st-key-step-"] summary:not(:has(strong)) [data-testid="stIconMaterial"] {opacity: .35;}
[class*="st-key-step-"] summary, [class*="st-key-weigh-"] summary {padding-top: .28rem; padding-bottom: .28rem;}
[class*="st-key-step-"] summary p {font-size: 1rem; line-height: 1.45;}
[class*="st-key-below-"] {border-left: 2px solid color-mix(in srgb, currentColor 15%, transparent);
                          margin-left: .55rem; width: calc(100% - .55rem); padding: .1rem 0 .6rem 1rem;}
[class*="st-key-below-"] [data-testid="stText"] {opacity: .85; padding: .2rem 0;}
</style>
"""

# Streamlit's own links swallow a click with Ctrl, and one to another state of the same page leaves the address as it
# was. So a plain click changes the address and reaches Streamlit as the browser's Back does; others go to the browser.
LINK_SCRIPT = """
<script>
if (!window.howtreeLinks) {
    window.howtreeLinks = true;
    document.addEventListener("click", (event) => {
        const link = event.target.closest?.('a[data-testid="stPageLink-NavLink"]');
        if (!link || link.target === "_blank") return;
        event.stopPropagation();
        if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        history.pushState({}, "", link.href);
        window.dispatchEvent(new PopStateEvent("popstate"));
        document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
    }, true);
}
</script>
"""


def show() -> None:
    """Draw the page that the address names; the main script of the explorer is this call alone."""
    st.set_page_config(page_title="howtree", page_icon=":material/account_tree:", layout="wide")
    pages = [
        st.Page(page_file(name), title=title, url_path=name, icon=icon)
        for name, (title, icon) in PAGES.items()
    ]
    start = st.Page(page_file("start"), title="howtree", default=True, visibility="hidden")
    drawn(st.navigation([start, *pages], position="top"))


def drawn(page: Any) -> None:
    """Draw a page, or say instead what is wrong with the knowledge base."""
    st.html(STYLE)
    st.html(LINK_SCRIPT, unsafe_allow_javascript=True)
    notice = st.container()
    try:
        page.run()
    except HowtreeError as error:
        heading("This knowledge base cannot be shown", "")
        st.error(label(str(error), 1000), icon=":material/folder_off:")
        st.caption(f"The explorer reads {label(str(kb_path()))} and looks again at every click.")
    for fault in address.take_faults():
        notice.info(label(fault), icon=":material/link_off:")


def heading(title: str, lead: str) -> None:
    """The title of a page and one sentence on what it is for."""
    below = f'<p class="lead">{markup(lead, 600)}</p>' if lead else ""
    st.html(f'<h1 class="title">{markup(title)}</h1>{below}')


def part(title: str) -> None:
    """The title of a part of a page."""
    st.html(f'<h2 class="part">{markup(title)}</h2>')
