"""The explorer of a knowledge base, for a checkout. Start it with: streamlit run app.py -- kb.duckdb

What is installed starts it with: howtree explore kb.duckdb
"""

from streamlit.starlette import App

from kb.explorer.shell import served

app = App(**served())
