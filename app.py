"""The explorer of a knowledge base. Start it with: howtree explore kb.duckdb

or: streamlit run app.py -- kb.duckdb
"""

import streamlit as st

from kb.explorer.frame import PAGES, drawn

st.set_page_config(page_title="howtree", page_icon=":material/account_tree:", layout="wide")
pages = [
    st.Page(f"kb/explorer/{name}.py", title=title, url_path=name, icon=icon)
    for name, (title, icon) in PAGES.items()
]
start = st.Page("kb/explorer/start.py", title="howtree", default=True, visibility="hidden")
drawn(st.navigation([start, *pages], position="top"))
