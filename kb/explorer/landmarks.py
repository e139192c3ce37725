"""What the start page offers: procedures that go deep, each with a small tree, and those that others use most."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streamlit as st

from howtree.errors import BadQuery
from howtree.files import FileStamp
from kb.explorer import address
from kb.explorer.frame import part
from kb.explorer.session import knowledge_base, stamp
from kb.explorer.steps import keys
from kb.explorer.text import label, markup
from kb.store import KnowledgeBase
from kb.tree import Goal, tree

CARDS = 6
LEVELS = 4
"""How deep is looked."""
SAME_CATEGORY = 2
"""Most cards of one of the broadest categories."""
SHOWN = (3, 2)
"""Linked steps of the goal that a card shows, and of the goal that the first of them is."""
DEEP = f"""
WITH RECURSIVE roots AS (
    SELECT parent_id AS root FROM edges GROUP BY parent_id ORDER BY count(DISTINCT child_id) DESC, parent_id LIMIT 100
),
down AS (
    SELECT root, root AS article_id, 1 AS levels FROM roots
    UNION
    SELECT d.root, e.child_id, d.levels + 1 FROM down d JOIN edges e ON e.parent_id = d.article_id
    WHERE d.levels < {LEVELS}
)
SELECT root, a.key, a.goal, (SELECT name FROM categories c WHERE c.article_id = root AND level = 1) AS category,
       count(*) - 1 AS below
FROM (SELECT root, article_id, min(levels) AS levels FROM down GROUP BY ALL) JOIN articles a ON a.article_id = root
GROUP BY root, a.key, a.goal
ORDER BY max(levels) DESC, count(*) DESC, root
"""
MOST_USED = """
SELECT a.key, f.goal, f.steps AS uses FROM fan_in f JOIN articles a USING (article_id)
ORDER BY f.steps DESC, f.goal LIMIT 10
"""


def draw() -> None:
    """Draw the cards, and links to the goals that others use most."""
    found = landmarks(knowledge_base(), stamp())
    if found["cards"]:
        part("Procedures that go deep")
        st.html(f'<div class="cards">{"".join(found["cards"])}</div>')
    if found["used"]:
        part("Parts of many others")
        with st.container(horizontal=True, key="row-used"):
            for row in found["used"]:
                address.link("procedure", f"{label(row['goal'], 60)} :gray[{row['uses']:,}]", goal=row["key"])


@st.cache_data(max_entries=2, show_spinner=False)
def landmarks(_kb: KnowledgeBase, stamp: tuple[FileStamp, FileStamp]) -> dict[str, list[Any]]:
    """The cards as HTML, and the goals used most: found once for a knowledge base."""
    roots = deep(_kb)
    known = keys(_kb, {goal for root in roots for goal in (root.article_id, *below(root))})
    return {"cards": [card(root, known) for root in roots], "used": _kb.records(MOST_USED)}


def deep(kb: KnowledgeBase) -> list[Goal]:
    """Trees of goals that go deep: few of one category, and none that another's tree holds."""
    chosen: list[Goal] = []
    taken: Counter[str | None] = Counter()
    held: set[int] = set()
    for row in kb.records(DEEP):
        if row["root"] in held or (row["category"] and taken[row["category"]] >= SAME_CATEGORY):
            continue
        try:
            root = tree(kb, row["root"], LEVELS)
        except BadQuery:
            continue  # too large to be grown
        chosen.append(root)
        taken[row["category"]] += 1
        held |= below(root)
        if len(chosen) == CARDS:
            break
    return chosen


def below(root: Goal) -> set[int]:
    """The other goals of a tree."""
    return {step.link.goal.article_id for _, _, step in root.walk() if step.link} - {root.article_id}


def card(root: Goal, known: dict[int, str]) -> str:
    """A goal with the first of its steps that are goals, two levels deep; `known` are their keys."""
    depths = [depth for depth, *_ in root.walk()]
    more = any(step.link and step.link.goal.stop == "depth" for _, _, step in root.walk())
    levels, others = f"{max(depths)}{'+' if more else ''}", len(below(root))
    facts = f"{depths.count(1)} steps · {levels} levels · {others:,} goal{'s' if others > 1 else ''} below"
    link = address.anchor("procedure", markup(root.goal, 90), goal=known[root.article_id])
    way = (known[root.article_id],)
    return f'<article class="card"><h3>{link}</h3><p>{facts}</p>{branches(root, SHOWN, known, way)}</article>'


def branches(goal: Goal, most: tuple[int, ...], known: dict[int, str], way: tuple[str, ...]) -> str:
    """The goals that the first linked steps of a goal are, as links; below the first that has some, its own."""
    children = [step.link.goal for method in goal.methods for step in method.steps if step.link]
    shown = children[: most[0]]
    lines = []
    opened = next((child for child in shown if linked(child)), None)
    for child in shown:
        key = known[child.article_id]
        link = address.anchor("procedure", markup(child.goal, 60), goal=key, via=way)
        inside = branches(child, most[1:], known, (*way, key)) if child is opened and len(most) > 1 else ""
        lines.append(f"<li>{link}{inside}</li>")
    if len(children) > most[0]:
        lines.append(f'<li class="rest">and {len(children) - most[0]} more</li>')
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def linked(goal: Goal) -> bool:
    """Whether any step of a goal is itself a goal."""
    return any(step.link for method in goal.methods for step in method.steps)
