"""The steps of a goal as a tree: a step opens in place, and a linked one shows the steps of the goal it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from kb import tree
from kb.draw import method_label
from kb.explorer import address, candidates
from kb.explorer.address import StepPath, spelt
from kb.explorer.text import label, markup, plain
from kb.store import KnowledgeBase

MAX_DRAWN = 300
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


def toggle(path: StepPath, linked: bool, levels: int) -> None:
    """Write into the address that a person opened or shut the step at `path`."""
    openness = Openness.of_address(levels)
    by_level = linked and len(path) < levels
    if st.session_state[f"step-{spelt(path)}"]:
        opened, shut = openness.opened | {path}, openness.shut - {path}
    else:
        opened = frozenset(other for other in openness.opened if other[: len(path)] != path)
        shut = openness.shut | ({path} if by_level else set())
    parents = {other[:-1] for other in opened}
    address.put("open", address.spelt_all(opened - parents))
    address.put("shut", address.spelt_all(shut))


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


def grow(
    kb: KnowledgeBase, root: int, openness: Openness, threshold: float | None, most: int = MAX_DRAWN
) -> Grown:
    """Fetch what `openness` shows below a goal: all that was opened by hand, and of the levels `most` steps."""
    grown = Grown(tree.goals(kb, [root], threshold))
    level: list[tuple[StepPath, int, frozenset[int]]] = [((), root, frozenset({root}))]
    drawn = len(places(grown.goals[root], ()))
    while level:
        below: list[tuple[StepPath, int, frozenset[int]]] = []
        for above, goal_id, ancestors in level:
            for path, step in places(grown.goals[goal_id], above):
                if not openness.is_open(path, step.link is not None):
                    continue
                grown.open_steps[path] = step.step_id
                if step.link and step.link.goal.article_id not in ancestors:
                    child = step.link.goal.article_id
                    below.append((path, child, ancestors | {child}))
        missing = {goal_id for _, goal_id, _ in below} - grown.goals.keys()
        if missing:
            grown.goals.update(tree.goals(kb, missing, threshold))
        level = []
        for path, child, ancestors in below:
            drawn += len(places(grown.goals[child], ()))
            if drawn > most and path not in openness.opened:
                grown.cut = True
                del grown.open_steps[path]
                continue
            grown.open_links.add(path)
            level.append((path, child, ancestors))
    grown.texts = texts(kb, set(grown.open_steps.values()))
    linked = {s.link.goal.article_id for g in grown.goals.values() for _, s in places(g, ()) if s.link}
    grown.keys = keys(kb, linked | {root})
    return grown


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


@dataclass(frozen=True, slots=True)
class StepTree:
    """Draws the grown part of a tree."""

    kb: KnowledgeBase
    grown: Grown
    openness: Openness
    trail: tuple[str, ...]
    """Keys of the goals walked through to the root, the root included."""
    threshold: float | None

    def draw_method(
        self, goal: tree.Goal, method: tree.Method, above: StepPath, ancestors: tuple[int, ...]
    ) -> None:
        """Draw the steps of one method, each an expander."""
        for step in method.steps:
            self._step(step, (*above, (method.number, step.number)), (*ancestors, goal.article_id))

    def _step(self, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> None:
        key = f"step-{spelt(path)}"
        linked = step.link is not None
        st.session_state[key] = path in self.grown.open_steps
        box = st.expander(
            step_label(step, ancestors),
            key=key,
            type="compact",
            on_change=toggle,
            args=(path, linked, self.openness.levels),
        )
        if path not in self.grown.open_steps:
            return
        with box, st.container(key=f"below-{spelt(path)}", gap=None):
            self._text(step)
            if step.link:
                self._link(step.link, path, ancestors)
            candidates.draw(self.kb, step.step_id, path)
            if step.link:
                self._below(step.link, path, ancestors)

    def _text(self, step: tree.Step) -> None:
        headline, body, bullets = self.grown.texts.get(step.step_id, ("", "", []))
        shown = [body] if headline and body else []
        shown += [f"• {bullet}" for bullet in bullets]
        if shown:
            st.text(plain("\n".join(shown)))
        elif step.link is None:
            st.caption("The article says no more about this step.")

    def _link(self, link: tree.Link, path: StepPath, ancestors: tuple[int, ...]) -> None:
        trail = (*self.trail, *(self.grown.keys[goal_id] for goal_id in ancestors[1:]))
        with st.container(horizontal=True, vertical_alignment="center", key=f"row-{spelt(path)}"):
            address.link(
                "procedure",
                f"**{label(link.goal.goal)}**",
                icon=":material/arrow_forward:",
                help="Open this goal as a page of its own",
                goal=self.grown.keys[link.goal.article_id],
                via=list(trail),
                threshold=self.threshold,
            )
            st.caption(link_caption(link))

    def _below(self, link: tree.Link, path: StepPath, ancestors: tuple[int, ...]) -> None:
        """The steps of the goal that a step is."""
        if link.goal.article_id in ancestors:
            st.caption("↻ This goal is already open above, so the tree ends here: a cycle.")
        elif path in self.grown.open_links:
            goal = self.grown.goals[link.goal.article_id]
            for method in goal.methods:
                if method.kind != "single" or len(goal.methods) > 1:
                    st.html(f'<p class="method">{markup(method_label(goal, method))}</p>')
                self.draw_method(goal, method, path, ancestors)


def link_words(relation: str | None, source: str, probability: float, anchors: Sequence[str] = ()) -> str:
    """What a link says, who found it and how sure that is; an editor's hyperlink with the words that carry it."""
    words = "its steps help" if relation == "helpful" else "the same procedure"
    if source == "model":
        return f"{words}, found by the model ({probability:.2f})"
    said = f" on “{anchors[0]}”" if source == "editor" and anchors else ""
    return f"{words}, {SOURCES[source]}{said}"


def link_caption(link: tree.Link) -> str:
    """How sure a link is, who found it, and what a person called it."""
    words = "steps that help" if link.relation == "helpful" else "the same procedure"
    relation = f" ({link.relation})" if link.relation else ""
    return f"{words}: probability {link.probability:.2f}, {SOURCES[link.source]}{relation}"


def step_label(step: tree.Step, ancestors: tuple[int, ...]) -> str:
    """The line of a step: its number and text, and the goal it is with the probability and the relation."""
    text = f"{step.number}\\. {label(step.text)}"
    if step.link is None:
        return text
    again = " ↻" if step.link.goal.article_id in ancestors else ""
    relation = f" {step.link.relation}" if step.link.relation else ""
    figure = f"{step.link.probability:.2f}{relation}"
    return f"{text} → :primary[**{label(step.link.goal.goal)}**]{again} :gray[{figure}]"
