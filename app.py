"""The explorer of a knowledge base, for a checkout. Start it with: streamlit run app.py -- kb.duckdb

What is installed starts it with: howtree explore kb.duckdb
"""

from kb.explorer.frame import show

if __name__ == "__main__":
    show()
