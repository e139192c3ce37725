"""What is in the knowledge base, how it was made, and how good it is: in plots as well as numbers."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from kb.depth import Depths
from kb.explorer import address
from kb.explorer.figures import figures, shape
from kb.explorer.frame import heading, part
from kb.explorer.session import knowledge_base, stamp
from kb.explorer.steps import keys
from kb.explorer.text import label
from kb.store import KnowledgeBase

LEAST = 0.05  # below it, most steps have no goal, and their bar would dwarf all others
COLOURS = {
    "model, chosen": "#1b8a6b",
    "model, not chosen": "#b9b9b1",
    "set by an editor": "#3b6fb6",
    "set by a person": "#c2571a",
}


def page() -> None:
    """Draw every part of the page."""
    kb = knowledge_base()
    facts = figures(kb, stamp())
    heading(
        "What is in this knowledge base",
        "Its size, its links and how sure they are, how deep the trees go, and the run that made it.",
    )
    counts(facts["summary"])
    histogram(facts["histogram"], kb.threshold)
    left, right = st.columns(2, gap="large")
    depth = shape(kb, stamp())
    with left:
        levels(depth)
    with right:
        verbs(facts["verbs"])
    left, right = st.columns(2, gap="large")
    with left:
        most_used(facts["most used"])
    with right:
        cycles(kb, depth)
    made(facts)


def counts(summary: dict[str, Any]) -> None:
    """The sizes in a row."""
    shown = {
        "Goals": f"{summary['goals']:,}",
        "Steps": f"{summary['steps']:,}",
        "Steps linked": summary["share_of_steps_linked"],
        "Links by editors": f"{summary['linked_by_editors']:,}",
        "Goals linked to": f"{summary['goals_linked_to']:,}",
    }
    with st.container(horizontal=True, key="row-counts"):
        for name, value in shown.items():
            st.metric(name, value, width=150)


def histogram(links: pd.DataFrame, threshold: float) -> None:
    """How sure the links are, with the threshold."""
    part("How sure the links are")
    if links.empty:
        st.caption("There are no links.")
        return
    unlikely = int(links.loc[links["probability"] < LEAST, "links"].sum())
    st.caption(
        f"The best link of every step by its probability; from {threshold:.2f} on the model's links are chosen. "
        f"{unlikely:,} steps whose best goal is below {LEAST} are left out."
    )
    shown = links[links["probability"] >= LEAST].assign(upper=links["probability"] + LEAST)
    kinds = [kind for kind in COLOURS if kind in set(shown["kind"])]
    bars = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            x=alt.X("probability:Q", bin="binned", title="probability", scale=alt.Scale(domain=[0, 1])),
            x2="upper",
            y=alt.Y("sum(links):Q", title="links"),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=kinds, range=[COLOURS[kind] for kind in kinds]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["kind", "probability", "links"],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"threshold": [threshold]}))
        .mark_rule(strokeDash=[4, 4])
        .encode(x="threshold:Q")
    )
    st.altair_chart((bars + rule).properties(height=240))


def levels(depth: Depths) -> None:
    """How many levels of steps the trees have."""
    part("How deep the trees go")
    shown = pd.DataFrame({"levels": list(depth.levels), "goals": list(depth.levels.values())})
    st.caption("Goals by the levels of steps in their tree; 1 means that no step is linked.")
    st.altair_chart(
        alt.Chart(shown)
        .mark_bar(color=COLOURS["model, chosen"])
        .encode(
            x=alt.X("levels:O", title="levels", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("goals:Q", scale=alt.Scale(type="symlog"), axis=alt.Axis(tickCount=5)),
            tooltip=["levels", "goals"],
        )
        .properties(height=320)
    )


def verbs(shown: pd.DataFrame) -> None:
    """The verbs whose steps are linked most often."""
    part("Verbs that are taken apart")
    st.caption("The first word of the steps that are linked, most frequent first.")
    if shown.empty:
        st.caption("There are none.")
        return
    st.altair_chart(
        alt.Chart(shown)
        .mark_bar(color=COLOURS["model, chosen"])
        .encode(
            y=alt.Y("verb:N", sort=None, title=None, axis=alt.Axis(labelOverlap=False)),
            x=alt.X("linked:Q", title="linked steps", axis=alt.Axis(tickMinStep=1)),
            tooltip=["verb", "linked", "steps", alt.Tooltip("share:Q", format=".0%")],
        )
        .properties(height=320)
    )


def most_used(goals: list[dict[str, Any]]) -> None:
    """The goals that most steps are linked to."""
    part("Goals used most")
    with st.container(key="list-used", gap=None):
        for i, goal in enumerate(goals):
            with st.container(horizontal=True, vertical_alignment="center", key=f"row-use-{i}"):
                address.link("procedure", label(goal["goal"], 80), goal=goal["key"])
                st.caption(f"{goal['uses']:,} step{'s' if goal['uses'] > 1 else ''}")


def cycles(kb: KnowledgeBase, depth: Depths) -> None:
    """Where trees run in circles."""
    part("Cycles")
    if not depth.cycles:
        st.caption("There are none: every tree ends.")
        return
    st.caption(
        f"{depth.knotted:,} goals lead back to themselves, and {depth.endless:,} trees meet such a circle; a tree "
        "names the goal met again and stops there."
    )
    ids = sorted({goal for cycle in depth.cycles for goal in cycle})
    names = dict(
        kb.query(
            "SELECT article_id, goal FROM articles WHERE article_id IN (SELECT unnest($ids))", {"ids": ids}
        ).fetchall()
    )
    known = keys(kb, set(ids))
    for number, cycle in enumerate(depth.cycles):
        with st.container(horizontal=True, vertical_alignment="center", key=f"row-use-cycle-{number}"):
            for i, goal in enumerate(cycle[:8]):
                address.link("procedure", f"{'→ ' if i else ''}{label(names[goal], 60)}", goal=known[goal])
            st.markdown(":gray[↻]" if len(cycle) <= 8 else f":gray[and {len(cycle) - 8} more ↻]")


def made(facts: dict[str, Any]) -> None:
    """The run that made the file, and what it left out."""
    part("How it was made")
    summary = facts["summary"]
    st.caption(
        label(
            f"{summary['built_with']}, {summary['built_at']}; encoder {summary['encoder']}; threshold "
            f"{summary['threshold']:.3f}; languages {summary['languages']}",
            400,
        )
    )
    if facts["skipped"]:
        left_out = ", ".join(f"{row['records']:,} {row['reason']}" for row in facts["skipped"])
        st.caption(f"Left out: {label(left_out, 600)}")
    for run in facts["run"]:
        with st.expander("The whole record of the run", type="compact", icon=":material/receipt_long:"):
            st.code(
                json.dumps({key: opened(value) for key, value in run.items()}, indent=2, default=str),
                language="json",
            )


def opened(value: Any) -> Any:
    """A JSON column as what it says."""
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value
    except ValueError:
        return value


if __name__ == "__main__":
    page()
