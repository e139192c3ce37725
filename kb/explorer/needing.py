"""The goals that need a thing, where a search names one: "vinegar", "which goals use vinegar?"."""

from __future__ import annotations

import re

import streamlit as st

from kb.explorer import address, answers
from kb.explorer.facets import CHIP, MAX_FACETS
from kb.explorer.frame import part
from kb.explorer.text import markup, short
from kb.store import KnowledgeBase

MAX_THINGS = 5_000
_ASKED = re.compile(
    r".*\b(?:us(?:es?|ed|ing)|needs?|needed|needing|requires?|contains?|with)\s+"
    r"(?:(?:a|an|the|some|any|my|your)\s+)*(?P<thing>(?!(?:for|to|in|of)\b)[^?]+?)[\s?.!]*",
    re.IGNORECASE,
)


def thing_of(asked: str) -> str:
    """The thing that a question is about, else all that is asked: "what uses vinegar?" -> "vinegar"."""
    found = _ASKED.fullmatch(asked)
    return found["thing"] if found else asked


def needing(kb: KnowledgeBase, asked: str) -> list[tuple[str, str, int]]:
    """Keys and titles of goals that need the thing that is asked for, and how many there are; [] where it is none."""
    thing = thing_of(asked)
    things = answers.rows(
        kb,
        "SELECT count(*) FROM things_by_word WHERE word IN (SELECT unnest(words_of($words)))",
        {"words": thing},
    )[0][0]
    if not 0 < things <= MAX_THINGS:
        return []  # nobody needs it, or it is in the amounts of all: "cup"
    return answers.rows(
        kb,
        "SELECT a.key, any_value(a.goal), count(*) OVER () FROM goals_using($words) JOIN articles a USING (article_id) "
        "GROUP BY a.key ORDER BY 2 LIMIT $most",
        {"words": thing, "most": MAX_FACETS},
    )


def draw(asked: str, found: list[tuple[str, str, int]]) -> None:
    """Links to these goals."""
    if not found:
        return
    total = found[0][2]
    thing = short(thing_of(asked), 60)
    part(
        f"{total:,} goals list {thing} among what they need"
        if total > 1
        else f"1 goal lists {thing} among what it needs"
    )
    links = (address.anchor("procedure", markup(goal, 80), CHIP, goal=key) for key, goal, _ in found)
    st.html(f'<p class="chips">{"".join(links)}</p>')
