"""One goal: what it is, its steps as a tree that opens in place, and where it is used."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from howtree.errors import BadQuery, NotFound
from kb.draw import RELATION_WORDS
from kb.explorer import address, picture
from kb.explorer.frame import heading, part
from kb.explorer.session import knowledge_base
from kb.explorer.steps import MAX_DRAWN, Openness, StepTree, grow
from kb.explorer.text import label, plain
from kb.search import goal_id
from kb.store import KnowledgeBase
from kb.tree import Goal
from kb.tree import tree as grow_whole

VIEWS = ("Steps", "Picture", "Text")
MAX_LEVELS = 6
MAX_USES = 12
MAX_ABOVE = 60


def page() -> None:
    """Draw the goal that the address names, or send the visitor to find one."""
    kb = knowledge_base()
    name = address.given("goal", "", address.words)
    if not name:
        heading(
            "No goal chosen", "A goal is the title of a how-to article. Find one, and its steps open here."
        )
        address.link("find", "Find a goal", icon=":material/search:")
        return
    try:
        article = article_of(kb, goal_id(kb, name))
    except NotFound:
        heading(
            "No such goal",
            "This knowledge base has no goal of that name; perhaps it was built again without it.",
        )
        st.text(plain(name))
        address.link(
            "find", "Search for it", icon=":material/search:", words=name.rpartition("/")[2].replace("-", " ")
        )
        return
    crumbs(kb, article)
    head(kb, article)
    threshold, levels, view = controls(kb)
    body(kb, article, threshold, levels, view)
    uses(kb, article, threshold)


def article_of(kb: KnowledgeBase, article_id: int) -> dict[str, Any]:
    """The article of a goal with its category path."""
    return kb.records(
        """
        SELECT article_id, key, goal, title, language, slug, url, introduction,
               (SELECT list(name ORDER BY level) FROM categories c WHERE c.article_id = a.article_id) AS categories
        FROM articles a
        WHERE article_id = $id
        """,
        {"id": article_id},
    )[0]


def crumbs(kb: KnowledgeBase, article: dict[str, Any]) -> None:
    """The goals walked through on the way here, each a link back."""
    trail = address.given_all("via")
    names = dict(
        kb.query(
            "SELECT key, goal FROM articles WHERE key IN (SELECT unnest($keys))", {"keys": trail}
        ).fetchall()
        if trail
        else []
    )
    with st.container(horizontal=True, vertical_alignment="center", key="row-crumbs"):
        address.link("find", "All goals", icon=":material/search:")
        for i, key in enumerate(trail):
            if key in names:
                st.markdown(":gray[›]")
                address.link("procedure", label(names[key], 60), goal=key, via=trail[:i])
        if trail:
            st.markdown(f":gray[› {label(article['goal'], 60)}]")


def head(kb: KnowledgeBase, article: dict[str, Any]) -> None:
    """Title, introduction, categories and the way to the source."""
    heading(article["goal"], article["introduction"] or "")
    categories = article["categories"] or []
    with st.container(horizontal=True, vertical_alignment="center", key="row-categories"):
        for level, name in enumerate(categories):
            address.link("find", label(name, 60), icon=":material/sell:", category=categories[: level + 1])
        if re.match(r"https?://", article["url"] or ""):
            st.page_link(
                article["url"],
                label=f"Source article ({label(article['language'], 12)})",
                icon=":material/open_in_new:",
            )


def controls(kb: KnowledgeBase) -> tuple[float | None, int, str]:
    """Threshold (None for the links as built), levels of goals to open, and the view."""
    built = round(kb.threshold, 2)
    threshold = address.given("threshold", built, address.share)
    levels = address.given("levels", 1, address.count(1, MAX_LEVELS))
    view = address.given("view", VIEWS[0], address.one_of(VIEWS))
    left, middle, right = st.columns([3, 3, 3], gap="medium")
    with left:
        threshold = st.slider(
            "Links at least this probable",
            0.0,
            1.0,
            threshold,
            step=0.01,
            help="The linker gives every link a probability. Lower this to see bolder links, raise it to see only "
            f"sure ones. This knowledge base was built with {built:.2f}.",
            **address.bound("threshold", threshold, built),
        )
    with middle:
        levels = st.slider(
            "Levels to open",
            1,
            MAX_LEVELS,
            levels,
            help="1 shows the steps of this goal; 2 opens every linked step, 3 the linked steps in those, and so on.",
            **address.bound("levels", levels, 1, resets=("open", "shut")),
        )
    with right:
        view = (
            st.segmented_control(
                "Show as", VIEWS, default=view, width="stretch", **address.bound("view", view, VIEWS[0])
            )
            or VIEWS[0]
        )
    return (None if threshold == built else threshold), levels, view


def body(kb: KnowledgeBase, article: dict[str, Any], threshold: float | None, levels: int, view: str) -> None:
    """The tree in the chosen view."""
    if view == "Steps":
        steps(kb, article, threshold, levels)
        return
    try:
        root = grow_whole(kb, article["article_id"], levels if levels > 1 else 2, threshold)
    except BadQuery as error:
        st.warning(label(str(error)), icon=":material/warning:")
        return
    if view == "Picture":
        picture.picture(root)
    else:
        picture.text(root)
    picture.downloads(root, article["slug"])


def steps(kb: KnowledgeBase, article: dict[str, Any], threshold: float | None, levels: int) -> None:
    """The tree that opens in place, one tab a method."""
    openness = Openness.of_address(levels)
    grown = grow(kb, article["article_id"], openness, threshold)
    goal = grown.goals[article["article_id"]]
    trail = (*address.given_all("via", address.MAX_VIA - 1), article["key"])
    drawing = StepTree(kb, grown, openness, trail, threshold)
    linked = sum(step.link is not None for _, _, step in goal.walk())
    total = sum(1 for _ in goal.walk())
    st.caption(
        f"{total} steps; {linked} of them are procedures of their own (→) and open into their steps."
        if linked
        else f"{total} steps; none of them is linked to another goal at this threshold."
    )
    if grown.cut:
        st.info(
            f"This tree has more than {MAX_DRAWN} steps: deeper levels stay shut until you open them. "
            "Show as Text holds the whole tree.",
            icon=":material/unfold_less:",
        )
    with st.container(key="tree", gap=None):
        if len(goal.methods) == 1:
            drawing.draw_method(goal, goal.methods[0], (), ())
        else:
            methods(goal, drawing)


def methods(goal: Goal, drawing: StepTree) -> None:
    """The methods of the goal as tabs, of which the address holds the open one."""
    names = [f"{method.kind.capitalize()} {method.number}" for method in goal.methods]
    names = [
        f"{name}: {label(method.name, 48)}" if method.name else name
        for name, method in zip(names, goal.methods, strict=True)
    ]
    words = RELATION_WORDS.get(goal.relation)
    if words:
        st.caption(f"{len(goal.methods)} {goal.methods[0].kind}s: {words}.")
    chosen = min(address.given("method", 1, address.count(1, 10_000)), len(names))
    st.session_state["method-tab"] = names[chosen - 1]
    tabs = st.tabs(names, key="method-tab", on_change=choose_method, args=(names,))
    with tabs[chosen - 1], st.container(key="tree-method", gap=None):
        drawing.draw_method(goal, goal.methods[chosen - 1], (), ())


def choose_method(names: list[str]) -> None:
    """Write the tab that a person chose into the address."""
    chosen = names.index(st.session_state["method-tab"]) + 1
    address.put("method", str(chosen) if chosen > 1 else "")


def uses(kb: KnowledgeBase, article: dict[str, Any], threshold: float | None) -> None:
    """The steps elsewhere that are this goal, and on demand every goal above it."""
    links = "edges" if threshold is None else "best_links"
    condition = "TRUE" if threshold is None else "probability >= $threshold"
    parameters = {"id": article["article_id"]} | ({} if threshold is None else {"threshold": threshold})
    rows = kb.records(
        f"""
        WITH used AS MATERIALIZED (
            SELECT parent_id, step_id, probability, count(*) OVER () AS total
            FROM {links}
            WHERE child_id = $id AND {condition}
            ORDER BY probability DESC, step_id
            LIMIT {MAX_USES}
        )
        SELECT p.key, p.goal, step_text(s.headline, s.body) AS step, u.probability, u.total
        FROM used u
        JOIN articles p ON p.article_id = u.parent_id
        JOIN steps s ON s.step_id = u.step_id
        ORDER BY u.probability DESC, u.step_id
        """,
        parameters,
    )
    part("Where it is used")
    if not rows:
        st.caption("No step of another goal is linked to this one.")
        return
    total = rows[0]["total"]
    st.caption(
        f"{total:,} steps of other goals are this procedure."
        if total > 1
        else "One step of another goal is this procedure."
    )
    for i, row in enumerate(rows):
        with st.container(horizontal=True, vertical_alignment="center", key=f"row-use-{i}"):
            address.link("procedure", f"**{label(row['goal'])}**", goal=row["key"], threshold=threshold)
            st.caption(f"{label(row['step'], 120)} · {row['probability']:.2f}")
    if total > len(rows):
        st.caption(f"and {total - len(rows):,} more")
    above(kb, article)


def above(kb: KnowledgeBase, article: dict[str, Any]) -> None:
    """Every goal that this one is a part of, fetched when somebody asks."""
    asked = address.given("above", False, address.yes)
    box = st.expander(
        "All goals above this one",
        expanded=asked,
        type="compact",
        icon=":material/north:",
        **address.bound("above", asked, False),
    )
    if not asked:
        return
    rows = kb.query(
        "SELECT a.key, n.goal, n.distance FROM ancestors($id, max_distance := 4) n JOIN articles a USING (article_id) "
        f"ORDER BY n.distance, n.goal LIMIT {MAX_ABOVE}",
        {"id": article["article_id"]},
    ).fetchall()
    with box:
        for distance in sorted({row[2] for row in rows}):
            st.caption(f"{distance} link{'s' if distance > 1 else ''} up")
            with st.container(horizontal=True, key=f"row-above-{distance}"):
                for key, goal, at in rows:
                    if at == distance:
                        address.link("procedure", label(goal, 80), goal=key)


if __name__ == "__main__":
    page()
