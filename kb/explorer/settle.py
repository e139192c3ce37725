"""What is loaded stays: Python's collector of garbage does not walk over it again and again.

Streamlit has all garbage collected after each run of a page, and meanwhile nobody's page goes on. The libraries alone
hold some hundred thousand objects, none of which is ever garbage: to walk over them took longer than the page.
"""

from __future__ import annotations

import gc
import sys

_known = 0
"""Modules that were loaded when last looked."""


def settle() -> None:
    """Take what is there out of the collector's sight, where modules have been loaded since the last time."""
    global _known
    loaded = len(sys.modules)
    if loaded > _known:
        _known = loaded
        gc.collect()
        gc.freeze()
