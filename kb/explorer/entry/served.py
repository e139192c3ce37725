"""The explorer as `howtree explore` serves it."""

from streamlit.starlette import App

from kb.explorer.shell import served

app = App(**served())
