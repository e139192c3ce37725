"""Text of articles made safe to show: the only way by which it may reach the screen.

Streamlit reads labels as Markdown and `st.html` reads HTML; what an article says is neither. `st.text` shows
text as it is and needs only `plain`.
"""

from __future__ import annotations

import html
import re
import string

MAX_LABEL = 240

# Characters that turn the direction of the text after them, and controls but tab and line feed.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Streamlit makes links of bare addresses, escaped or not; an unseen character that joins words keeps them apart.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_ESCAPED = str.maketrans({character: f"\\{character}" for character in string.punctuation})


def plain(text: str) -> str:
    """`text` without the characters that hide, reverse or break what is beside it."""
    return _HIDDEN.sub("", text)


def short(text: str, most: int = MAX_LABEL) -> str:
    """`text` on one line, cut to `most` characters; right-to-left words kept apart from what follows."""
    line = " ".join(plain(text).split())
    if len(line) > most:
        line = line[: most - 1].rstrip() + "…"
    return f"\u2068{line}\u2069" if _RIGHT_TO_LEFT.search(line) else line


def label(text: str, most: int = MAX_LABEL) -> str:
    """`text` as a Markdown label that shows every character as itself: no emphasis, formula, link or emoji."""
    return _ADDRESS.sub("\u2060", short(text, most)).translate(_ESCAPED)


def markup(text: str, most: int = MAX_LABEL) -> str:
    """`text` as HTML that shows every character as itself."""
    return html.escape(short(text, most))
