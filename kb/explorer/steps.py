"""The part of a tree that a page shows: which places of it are open, and what is fetched for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from howtree.files import FileStamp
from kb import tree
from kb.explorer import address
from kb.explorer.address import StepPath
from kb.explorer.session import stamp
from kb.store import KnowledgeBase

MAX_DRAWN = 300
FIRST_STEPS = 3
KEPT = 32
"""Goals whose trees are kept as far as they were fetched."""
SOURCES = {"model": "found by the model", "editor": "set by an editor", "person": "decided by a person"}


@dataclass(frozen=True, slots=True)
class Openness:
    """Which places of a tree are open: the first `levels` of goals, and what a person opened or shut by hand."""

    levels: int
    opened: frozenset[StepPath]
    shut: frozenset[StepPath]

    @staticmethod
    def of_address(levels: int) -> Openness:
        """As the address says; a place counts as open with everything above it."""
        none: frozenset[StepPath] = frozenset()
        ends = address.given("open", none, address.paths)
        opened = frozenset(end[:length] for end in ends for length in range(1, len(end) + 1))
        return Openness(levels, opened, address.given("shut", none, address.paths))

    def is_open(self, path: StepPath, linked: bool) -> bool:
        """Whether the step at `path` is open."""
        return path in self.opened or (linked and len(path) < self.levels and path not in self.shut)


@dataclass(slots=True)
class Grown:
    """The part of a tree that is on the screen, fetched a level at a time."""

    goals: dict[int, tree.Goal]
    open_links: set[StepPath] = field(default_factory=set)
    open_steps: dict[StepPath, int] = field(default_factory=dict)
    cut: bool = False
    texts: dict[int, tuple[str, str, list[str]]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    """Keys of every goal named, by article id."""


@dataclass(slots=True)
class Stock:
    """What was fetched of the tree below a goal: opening a step of it fetches no more than what is new."""

    shelf: tree.Shelf
    texts: dict[int, tuple[str, str, list[str]]] = field(default_factory=dict)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _stock(stamp: tuple[FileStamp, FileStamp], root: int, threshold: float | None) -> Stock:
    return Stock(tree.Shelf(threshold))


def grow(
    kb: KnowledgeBase, root: int, openness: Openness, threshold: float | None, most: int = MAX_DRAWN
) -> Grown:
    """Fetch what `openness` shows below a goal: all that was opened by hand, and of the levels `most` steps."""
    stock: Stock = _stock(stamp(), root, threshold)
    shelf, grown, opened = stock.shelf, Grown({}), {root}
    shelf.add(kb, opened)
    level: list[tuple[StepPath, int, frozenset[int]]] = [((), root, frozenset({root}))]
    drawn = len(shelf.steps(root))
    while level:
        below: list[tuple[StepPath, int, frozenset[int]]] = []
        for above, goal_id, ancestors in level:
            for step in shelf.steps(goal_id):
                path, child = (*above, (step.method, step.number)), shelf.child(step.step_id)
                if not openness.is_open(path, child is not None):
                    continue
                grown.open_steps[path] = step.step_id
                if child is not None and child not in ancestors:
                    below.append((path, child, ancestors | {child}))
        shelf.add(kb, {goal_id for _, goal_id, _ in below})
        level = []
        for path, child, ancestors in below:
            drawn += len(shelf.steps(child))
            if drawn > most and path not in openness.opened:
                grown.cut = True
                del grown.open_steps[path]
                continue
            grown.open_links.add(path)
            opened.add(child)
            level.append((path, child, ancestors))
    grown.goals = shelf.goals(kb, opened)
    grown.keys, grown.texts = shelf.keys, stock.texts
    stock.texts.update(texts(kb, set(grown.open_steps.values()) - stock.texts.keys()))
    return grown


def first_steps(kb: KnowledgeBase, root: int, grown: Grown, threshold: float | None) -> dict[int, list[str]]:
    """The first steps of each goal that is named in a tree, by article id."""
    shelf = _stock(stamp(), root, threshold).shelf
    linked = {s.link.goal.article_id for g in grown.goals.values() for _, s in places(g, ()) if s.link}
    return first_of(kb, shelf, linked)


def first_of(kb: KnowledgeBase, shelf: tree.Shelf, goals: set[int]) -> dict[int, list[str]]:
    """The texts of the first steps of goals, by which one sees what they are."""
    shelf.add(kb, goals)
    return {goal: [step.text for step in shelf.steps(goal)[:FIRST_STEPS]] for goal in goals}


def places(goal: tree.Goal, above: StepPath) -> list[tuple[StepPath, tree.Step]]:
    """The steps of a goal with their places below `above`."""
    return [((*above, (m.number, step.number)), step) for m in goal.methods for step in m.steps]


def texts(kb: KnowledgeBase, step_ids: set[int]) -> dict[int, tuple[str, str, list[str]]]:
    """Headline, body and bullets of steps."""
    if not step_ids:
        return {}
    rows = kb.query(
        "SELECT step_id, headline, body, bullets FROM steps WHERE step_id IN (SELECT unnest($ids))",
        {"ids": sorted(step_ids)},
    ).fetchall()
    return {step_id: (headline, body, bullets) for step_id, headline, body, bullets in rows}


def keys(kb: KnowledgeBase, article_ids: set[int]) -> dict[int, str]:
    """The keys of articles, which stay the same when the knowledge base is built again."""
    rows = kb.query(
        "SELECT article_id, key FROM articles WHERE article_id IN (SELECT unnest($ids))",
        {"ids": sorted(article_ids)},
    ).fetchall()
    return dict(rows)


def link_words(relation: str | None, source: str, probability: float, anchors: Sequence[str] = ()) -> str:
    """What a link says, who found it and how sure that is; an editor's hyperlink with the words that carry it."""
    words = "its steps help" if relation == "helpful" else "the same procedure"
    if source == "model":
        return f"{words}, found by the model ({probability:.2f})"
    said = f" on “{anchors[0]}”" if source == "editor" and anchors else ""
    return f"{words}, {SOURCES[source]}{said}"
