"""The explorer as `howtree explore` starts it: Streamlit's main script."""

from kb.explorer.frame import show

if __name__ == "__main__":
    show()
