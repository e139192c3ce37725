"""One goal: to be read whole, as a tree that opens in place, as a picture or as text; and where it is used."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from howtree.errors import BadQuery, NotFound
from kb.draw import RELATION_WORDS
from kb.explorer import address, answers, outline, picture, reading, takeaway
from kb.explorer.frame import heading
from kb.explorer.outline import Outline
from kb.explorer.session import knowledge_base, stamp
from kb.explorer.steps import MAX_DRAWN, Grown, Openness, first_steps, grow
from kb.explorer.text import label, plain
from kb.explorer.used import uses
from kb.search import goal_id
from kb.store import KnowledgeBase
from kb.tree import Goal
from kb.tree import tree as grow_whole

VIEWS = {"Read": "Read", "Steps": "Tree", "Picture": "Picture", "Text": "Text"}
"""What the address calls a view, and what the page calls it."""
OF_A_TREE = ("open", "shut", "weigh", "levels", "method")
"""What an address of the tree holds."""
MAX_LEVELS = 6
CATEGORIES = "SELECT name FROM categories WHERE article_id = $id ORDER BY level"


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
    threshold, levels, view = controls(kb, article)
    body(kb, article, threshold, levels, view)
    with st.container(key="used-by"):
        uses(kb, article, threshold)


def article_of(kb: KnowledgeBase, article_id: int) -> dict[str, Any]:
    """The article of a goal."""
    return answers.records(
        kb,
        """
        SELECT article_id, key, goal, title, language, slug, site, url, introduction, licence, source, published,
               modified, fetched_at
        FROM articles
        WHERE article_id = $id
        """,
        {"id": article_id},
    )[0]


def crumbs(kb: KnowledgeBase, article: dict[str, Any]) -> None:
    """The goals walked through on the way here, each a link back."""
    trail = address.given_all("via")
    names = dict(
        answers.rows(
            kb, "SELECT key, goal FROM articles WHERE key IN (SELECT unnest($keys))", {"keys": trail}
        )
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
    categories = [name for (name,) in answers.rows(kb, CATEGORIES, {"id": article["article_id"]})]
    with st.container(horizontal=True, vertical_alignment="center", key="row-categories"):
        for level, name in enumerate(categories):
            address.link("find", label(name, 60), icon=":material/sell:", category=categories[: level + 1])
        if re.match(r"https?://", article["url"] or ""):
            st.page_link(
                article["url"],
                label=f"Source article ({label(article['language'], 12)})",
                icon=":material/open_in_new:",
            )


def controls(kb: KnowledgeBase, article: dict[str, Any]) -> tuple[float | None, int, str]:
    """Threshold (None for the links as built), levels and view; what is chosen seldom is behind buttons."""
    built = round(kb.threshold, 2)
    threshold = address.given("threshold", built, address.share)
    levels = address.given("levels", 1, address.count(1, MAX_LEVELS))
    first = "Steps" if any(name in st.query_params for name in OF_A_TREE) else "Read"
    view = address.given("view", first, address.one_of(VIEWS))
    with st.container(horizontal=True, vertical_alignment="center", key="row-views"):
        view = (
            st.segmented_control(
                "Show as",
                list(VIEWS),
                default=view,
                format_func=VIEWS.__getitem__,
                label_visibility="collapsed",
                **address.bound("view", view, first),
            )
            or first
        )
        with st.popover("Options", icon=":material/tune:"):
            threshold, levels = options(built, threshold, levels)
        asked = None if threshold == built else threshold
        with st.popover("Take away", icon=":material/download:"):
            takeaway.downloads(kb, article, at_least_two(levels), asked)
    return asked, levels, view


def options(built: float, threshold: float, levels: int) -> tuple[float, int]:
    """Which links are followed, and how many levels the tree opens by itself."""
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
    levels = st.slider(
        "Levels to open",
        1,
        MAX_LEVELS,
        levels,
        help="In the tree, the picture, the text and what you take away: 1 has the steps of this goal, 2 those of "
        "every linked step, 3 those of the linked steps in these, and so on.",
        **address.bound("levels", levels, 1, resets=("open", "shut")),
    )
    return threshold, levels


def body(kb: KnowledgeBase, article: dict[str, Any], threshold: float | None, levels: int, view: str) -> None:
    """The goal in the chosen view."""
    if view == "Read":
        trail = (*address.given_all("via", address.MAX_VIA - 1), article["key"])
        reading.draw(kb, article, trail, threshold)
        return
    if view == "Steps":
        steps(article, threshold, levels, stamp())
    elif view == "Picture":
        graph(article, threshold, levels, stamp())
    else:
        try:
            takeaway.text(grow_whole(kb, article["article_id"], at_least_two(levels), threshold))
        except BadQuery as error:
            st.warning(label(str(error)), icon=":material/warning:")


def at_least_two(levels: int) -> int:
    """The levels of what shows the whole at once: where no number is chosen, the steps and those of linked steps."""
    return max(levels, 2)


@st.fragment
def steps(article: dict[str, Any], threshold: float | None, levels: int, drawn: object) -> None:
    """The tree that opens in place, one tab a method; what a click opens is fetched without the rest of the page."""
    kb, grown, trail = grown_now(article, threshold, levels, drawn)
    goal = grown.goals[article["article_id"]]
    first = first_steps(kb, article["article_id"], grown, threshold)
    drawing = Outline(kb, grown, trail, threshold, first)
    linked = sum(step.link is not None for _, _, step in goal.walk())
    total = sum(1 for _ in goal.walk())
    st.caption(
        f"{total} steps; {linked} of them are procedures of their own (→) and open into their steps."
        if linked
        else f"{total} steps; none of them is linked to another goal at this threshold."
    )
    told_if_cut(grown)
    if len(goal.methods) > 1:
        methods(goal, drawing, levels)
    elif goal.methods:
        outline.draw(drawing, goal, goal.methods[0], levels)


@st.fragment
def graph(article: dict[str, Any], threshold: float | None, levels: int, drawn: object) -> None:
    """The same tree as a picture, all its methods side by side."""
    shown = at_least_two(levels)
    _, grown, trail = grown_now(article, threshold, levels, drawn, shown)
    told_if_cut(grown)
    picture.draw(picture.Picture(grown, trail, threshold), article["article_id"], shown)


def grown_now(
    article: dict[str, Any], threshold: float | None, levels: int, drawn: object, shown: int | None = None
) -> tuple[KnowledgeBase, Grown, tuple[str, ...]]:
    """What the address says is open of the tree, `shown` levels by themselves, and the goals on the way to it.

    Where the file is another one now, or a tree of `levels` is no longer asked for, the whole page is drawn anew.
    """
    if drawn != stamp() or levels != address.given("levels", 1, address.count(1, MAX_LEVELS)):
        st.rerun()
    kb = knowledge_base()
    grown = grow(kb, article["article_id"], Openness.of_address(shown or levels), threshold)
    return kb, grown, (*address.given_all("via", address.MAX_VIA - 1), article["key"])


def told_if_cut(grown: Grown) -> None:
    """Say that a tree is too large to be opened as far as it was asked to."""
    if grown.cut:
        st.info(
            f"This tree has more than {MAX_DRAWN} steps: deeper levels stay shut until you open them. "
            "Show as Text holds the whole tree.",
            icon=":material/unfold_less:",
        )


def methods(goal: Goal, drawing: Outline, levels: int) -> None:
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
    with tabs[chosen - 1]:
        outline.draw(drawing, goal, goal.methods[chosen - 1], levels)


def choose_method(names: list[str]) -> None:
    """Write the tab that a person chose into the address."""
    chosen = names.index(st.session_state["method-tab"]) + 1
    address.put("method", str(chosen) if chosen > 1 else "")


if __name__ == "__main__":
    page()
