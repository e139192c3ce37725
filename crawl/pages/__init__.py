"""Saved pages -> articles: what is read of a page's tree, in any layout and language."""
