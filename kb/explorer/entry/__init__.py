"""Where Streamlit starts, in a folder of its own: Streamlit puts the folder of its main script before all others on
the path, and the pages beside it would take the place of modules of those names, such as Python's own `queue`.
"""
