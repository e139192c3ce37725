"""What is in the knowledge base, how it was made, and how good it is: in plots as well as numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from howtree.files import read_json
from kb.explorer import address
from kb.explorer.figures import figures, judged
from kb.explorer.frame import heading, part
from kb.explorer.session import knowledge_base, stamp
from kb.explorer.steps import keys
from kb.explorer.text import label, plain
from kb.store import KnowledgeBase
from kb.summary import in_words

MAX_EVALUATIONS = 5
MAX_REPORT = 20_000
LEAST = 0.05  # below it, most steps have no goal, and their bar would dwarf all others
COLOURS = {
    "model, chosen": "#1b8a6b",
    "model, not chosen": "#b9b9b1",
    "set by an editor": "#3b6fb6",
    "set by a person": "#c2571a",
}


drawn_once = st.cache_data(max_entries=2, show_spinner=False)
"""A part whose elements are kept, since to describe a chart takes longer than all else that the page does."""


def page() -> None:
    """Draw every part of the page."""
    kb = knowledge_base()
    heading(
        "What is in this knowledge base",
        "Its size, its links and how sure they are, how deep the trees go, and the run that made it.",
    )
    facts = figures(kb, stamp())
    counts(facts["summary"])
    histogram(facts["links"], kb.threshold)
    verdicts(kb)
    left, right = st.columns(2, gap="large")
    with left:
        depths(facts["depths"])
    with right:
        verbs(facts["verbs"])
    left, right = st.columns(2, gap="large")
    with left:
        most_used(facts["most used"])
    with right:
        cycles(kb, facts["cycles"])
    evaluations(kb)
    made(facts)


def counts(summary: dict[str, Any]) -> None:
    """The sizes in a row."""
    shown = {
        "Goals": f"{summary['goals']:,}",
        "Steps": f"{summary['steps']:,}",
        "Steps linked": f"{summary['share_of_steps_linked']:.1%}",
        "Links by editors": f"{summary['linked_by_editors']:,}",
        "Goals linked to": f"{summary['goals_linked_to']:,}",
    }
    with st.container(horizontal=True, key="row-counts"):
        for name, value in shown.items():
            st.metric(name, value, width=150)


@drawn_once
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
                legend=alt.Legend(
                    orient="top", columns=2, labelLimit=0
                ),  # a phone has room for two side by side
            ),
            tooltip=["kind", "probability", "links"],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"threshold": [threshold]}))
        .mark_rule(strokeDash=[4, 4], color="#8a8a82")
        .encode(x="threshold:Q")
    )
    st.altair_chart((bars + rule).properties(height=240))


def verdicts(kb: KnowledgeBase) -> None:
    """How right the model's links are, by what people say."""
    part("What people say of the links")
    reviewed = judged(kb, stamp())
    known = [p for p in reviewed["parts"] if p.judged]
    if not known:
        with st.container(horizontal=True, vertical_alignment="center", key="row-none-judged"):
            st.caption("Nobody has judged the model's links yet.", width="content")
            address.link("judge", "Judge some", icon=":material/rule:")
        return
    agreed = reviewed["agreement"]
    alpha = "not defined yet" if agreed.alpha is None else f"{agreed.alpha:.2f}"
    st.caption(
        f"{sum(p.judged for p in known):,} of the model's best links are judged by {agreed.people:,} people. A link is "
        "right where they decide for it; the line is the 95% interval. Over all judged ranges, each by its number of "
        f"links, {reviewed['precision']:.0%} are right. Agreement (Krippendorff's alpha) over {agreed.shared:,} links "
        f"graded by two or more: {alpha}."
    )
    shown = pd.DataFrame(
        {
            "probability": f"{p.low:.1f} – {p.high:.1f}",
            "right": p.precision,
            "low": p.interval[0],
            "high": p.interval[1],
            "judged": p.judged,
        }
        for p in known
    )
    across = alt.X("probability:N", sort=None, title="probability", axis=alt.Axis(labelAngle=0))
    base = alt.Chart(shown).encode(x=across, tooltip=["probability", "right", "low", "high", "judged"])
    whole = alt.Scale(domain=[0, 1])
    bars = base.mark_bar(color=COLOURS["model, chosen"], opacity=0.75).encode(
        y=alt.Y("right:Q", title="share right", scale=whole, axis=alt.Axis(format="%"))
    )
    lines = base.mark_rule(strokeWidth=2, color="#8a8a82").encode(y=alt.Y("low:Q", scale=whole), y2="high:Q")
    st.altair_chart((bars + lines).properties(height=240))


@drawn_once
def depths(shown: pd.DataFrame) -> None:
    """How many levels of linked goals the trees have."""
    part("How deep the trees go")
    st.caption(
        "Goals by the levels of linked goals below them: 0 means that no step is linked; the last bar has the trees "
        "that run into a circle, and those of ten levels and more. The scale is logarithmic."
    )
    shown = shown.assign(levels=shown["depth"].astype(str).replace("10", "10 or circle"))
    st.altair_chart(
        alt.Chart(shown)
        .mark_bar(color=COLOURS["model, chosen"])
        .encode(
            x=alt.X("levels:N", sort=None, title="levels below", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(
                "goals:Q",
                title="goals (logarithmic scale)",
                scale=alt.Scale(type="symlog"),
                axis=alt.Axis(values=[0, *(10**power for power in range(7))], format=",d"),
            ),
            tooltip=["depth", "goals"],
        )
        .properties(height=320)
    )


@drawn_once
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
            x=alt.X("decomposed:Q", title="linked steps", axis=alt.Axis(tickMinStep=1)),
            tooltip=["verb", "decomposed", "steps", alt.Tooltip("share:Q", format=".0%")],
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


def cycles(kb: KnowledgeBase, found: list[dict[str, Any]]) -> None:
    """Where trees run in circles."""
    part("Circles")
    if not found:
        st.caption("No goal leads back to itself over two or three links.")
        return
    total = found[0]["total"]
    st.caption(
        f"{total:,} way{'s' if total > 1 else ''} back to the same goal over two or three links. A tree names the goal "
        "met again and stops there."
    )
    known = keys(kb, {goal for cycle in found for goal in cycle["ids"]})
    for number, cycle in enumerate(found):
        with st.container(horizontal=True, vertical_alignment="center", key=f"row-use-cycle-{number}"):
            for i, (goal, name) in enumerate(zip(cycle["ids"], cycle["goals"], strict=True)):
                address.link("procedure", f"{'→ ' if i else ''}{label(name, 60)}", goal=known[goal])
            st.markdown(":gray[↻]")


def evaluations(kb: KnowledgeBase) -> None:
    """What `howtree evaluate` measured with this knowledge base, where its results lie in a folder beside it."""
    for file in sorted(kb.path.parent.glob("*/results.txt"))[:MAX_EVALUATIONS]:
        manifest = read_json(file.with_name("manifest.json")) or {}
        measured = manifest.get("inputs", {}).get("kb", {}).get("path", "")
        if Path(measured).name != kb.path.name:
            continue
        part(f"Evaluation: {file.parent.name}")
        if file.stat().st_mtime < kb.path.stat().st_mtime:
            st.caption("Measured before this knowledge base was built: evaluate again.")
        st.code(
            plain(file.read_text(encoding="utf-8", errors="replace"))[:MAX_REPORT],
            language=None,
            wrap_lines=True,
        )


def made(facts: dict[str, Any]) -> None:
    """The run that made the file, and what it left out."""
    part("How it was made")
    summary, words = facts["summary"], in_words(facts["summary"])
    st.caption(
        label(
            f"{words['built with']}, {words['built at']}; encoder {words['encoder']}; threshold "
            f"{summary['threshold']:.3f}; languages {words['languages']}",
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
