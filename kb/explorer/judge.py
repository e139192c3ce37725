"""One link at a time: is this step that goal? Every answer is written to the reviews file at once."""

from __future__ import annotations

from typing import Any

import streamlit as st

from howtree.errors import HowtreeError
from kb import tree
from kb.explorer import address, answers, candidates
from kb.explorer.frame import heading, part
from kb.explorer.hits import hits
from kb.explorer.queue import ORDERS, Question, checked, question, upcoming
from kb.explorer.session import knowledge_base
from kb.explorer.text import label, markup, plain
from kb.review.judging import review_of
from kb.review.reviews import MAX_NOTE, Verdict, append, undo
from kb.store import KnowledgeBase

MAX_NAME = 60
SHOWN = 9
MEANINGS: dict[Verdict, tuple[str, str, str]] = {
    "exact": ("1", "Exact", "The step is this goal: doing the one is doing the other."),
    "helpful": ("2", "Helpful", "Not quite the same, but the goal's steps are what one does in this step."),
    "related": ("3", "Related", "About the same things, but its steps do not do this step."),
    "unhelpful": ("4", "Unhelpful", "Something else."),
    "no link": ("0", "No goal fits", "No goal here, this one or another, is what the step says."),
}


def page() -> None:
    """Draw the next question, or the one that the address names."""
    kb = knowledge_base()
    heading(
        "Is this step that goal?",
        "Your answer takes the machine's place at once, everywhere. You can take it back.",
    )
    who, order = person()
    said(kb, who)
    asked = current(kb, who, order)
    if asked is None or asked.name == st.session_state.get("judge-answered"):
        st.session_state.pop("judge-answered", None)  # it is asked again, or nothing is
    if asked is None:
        st.success("Nothing is left to judge in this queue.", icon=":material/done_all:")
    else:
        shown(kb, asked)
        verdicts(asked, who, order)
        another(kb, asked, who, order)
    progress(kb, who)


def person() -> tuple[str, str]:
    """Who judges, and from which queue."""
    left, right = st.columns(2, gap="medium")
    with left:
        name = address.given("who", "", address.words)
        who = st.text_input(
            "Your name",
            value=name,
            max_chars=MAX_NAME,
            placeholder="A name or a handle, kept with your answers",
            **address.bound("who", name, ""),
        ).strip()
    with right:
        orders = list(ORDERS)
        order = address.given("queue", orders[0], address.one_of(orders))
        order = st.selectbox(
            "Queue",
            orders,
            index=orders.index(order),
            **address.bound("queue", order, orders[0], resets=("link", "skip")),
        )
    return who, order


def current(kb: KnowledgeBase, who: str, order: str) -> Question | None:
    """The question in the address, else the next of the queue."""
    name = address.given("link", "", checked)
    if name:
        found = question(kb, name)
        if found:
            return found
        address.fault("The step in the address is not in this knowledge base, or nothing was weighed for it.")
    return upcoming(kb, who, order, address.given("skip", 0, address.count(0, 1_000_000)))


def shown(kb: KnowledgeBase, asked: Question) -> None:
    """The step among its neighbours, and beside it the goal with its steps."""
    goals = tree.goals(kb, [asked.article_id, asked.child_id])
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("The step")
        st.html(f'<h2 class="part question">{markup(asked.text)}</h2>')
        if asked.body or asked.bullets:
            st.text(plain("\n".join([asked.body, *(f"• {bullet}" for bullet in asked.bullets)]).strip()))
        with st.container(horizontal=True, vertical_alignment="center", key="row-use-step"):
            address.link("procedure", f"in: {label(asked.goal, 80)}", goal=asked.article)
        st.html(listing(goals[asked.article_id], asked.step_id))
    with right:
        st.caption("The goal")  # without its probability, which would sway the judge
        st.html(f'<h2 class="part question">{markup(asked.child_goal)}</h2>')
        with st.container(horizontal=True, vertical_alignment="center", key="row-use-goal"):
            address.link(
                "procedure", "Open it", icon=":material/account_tree:", help="With what its steps are linked to",
                goal=asked.child,
            )  # fmt: skip
        st.html(listing(goals[asked.child_id], None))


def listing(goal: tree.Goal, marked: int | None) -> str:
    """The steps of a goal as HTML, those around the marked one where there are too many."""
    steps = [(method, step) for method in goal.methods for step in method.steps]
    at = next((i for i, (_, step) in enumerate(steps) if step.step_id == marked), 0)
    first = max(0, min(at - SHOWN // 2, len(steps) - SHOWN))
    lines = ["<p>…</p>"] if first else []
    method_before: tree.Method | None = None
    for method, step in steps[first : first + SHOWN]:
        if method is not method_before and method.name:
            lines.append(f"<p>{markup(method.name, 80)}</p>")
        method_before = method
        mark = ' class="marked"' if step.step_id == marked else ""
        lines.append(f"<div{mark}><span>{step.number}.</span> {markup(step.text, 160)}</div>")
    rest = len(steps) - first - SHOWN
    return f'<div class="listing">{"".join(lines)}{f"<p>and {rest} more</p>" if rest > 0 else ""}</div>'


def verdicts(asked: Question, who: str, order: str) -> None:
    """The buttons, each with its key."""
    note = st.session_state.get("judge-note", "")
    if not who:
        st.caption("Give your name above, then answer with the buttons or the keys 1, 2, 3, 4 and 0.")
    with st.container(horizontal=True, vertical_alignment="center", key="row-verdicts"):
        for verdict, (shortcut, name, meaning) in MEANINGS.items():
            goal = None if verdict == "no link" else asked.child_id
            st.button(
                name,
                key=f"judge-{verdict}-{asked.name}",  # of this question alone: a second click finds no button
                help=meaning if who else "Give your name first.",
                shortcut=shortcut,
                disabled=not who,
                on_click=decide,
                args=(asked, verdict, goal, who, order, note),
            )
        st.button(
            "Skip",
            key=f"judge-skip-{asked.name}",
            icon=":material/skip_next:",
            shortcut="s",
            type="tertiary",
            on_click=skip,
            args=(asked, who, order),
        )
        address.link(
            "judge",
            "Link to this",
            icon=":material/link:",
            link=asked.name,
            queue=st.query_params.get("queue"),
        )
    if not who:
        meanings = (f"<li><b>{name}</b>: {meaning}</li>" for _, name, meaning in MEANINGS.values())
        st.html(f'<ul class="meanings">{"".join(meanings)}</ul>')


def another(kb: KnowledgeBase, asked: Question, who: str, order: str) -> None:
    """Name the goal that the step is instead, and leave a note."""
    with st.expander(
        "Another goal fits better, or a note",
        type="compact",
        icon=":material/alt_route:",
        key="judge-more",
        on_change="rerun",
    ) as box:
        if not box.open:
            return
        st.text_input("Note", key="judge-note", max_chars=MAX_NOTE, placeholder="Kept with your answer")
        words = st.text_input(
            "Search for the goal", key="judge-words", type="search", live=True, max_chars=address.MAX_WORDS
        )
        if words.strip():
            options = {hit.article_id: hit.goal for hit in hits(kb, words)[:20]}
        else:
            options = {row["article_id"]: row["goal"] for row in candidates.of_step(kb, asked.step_id)}
        options = {
            key: goal for key, goal in options.items() if key not in (asked.child_id, asked.article_id)
        }
        chosen = st.selectbox(
            "The right goal", list(options), index=None, format_func=lambda goal: plain(options.get(goal, "")),
            placeholder="Choose a goal", key="judge-other",
        )  # fmt: skip
        st.button(
            "It is this goal", disabled=not who or chosen is None, on_click=decide,
            args=(asked, "another goal", chosen, who, order, st.session_state.get("judge-note", "")),
        )  # fmt: skip


def decide(asked: Question, verdict: Verdict, goal_id: int | None, who: str, order: str, note: str) -> None:
    """Save an answer and go on to the next question."""
    if st.session_state.get("judge-answered") == asked.name:
        return  # a double click, whose second half came before the next question was drawn
    try:
        kb = knowledge_base()
        now = question(kb, asked.name)
        if now is None or now.seen != asked.seen or now.child != asked.child:
            st.toast("The knowledge base has changed meanwhile: look again.", icon=":material/sync_problem:")
            return
        goal_id = now.child_id if goal_id == asked.child_id else goal_id
        append(kb.reviews_path, review_of(kb, now.step_id, verdict, goal_id, who, note))
    except HowtreeError as error:
        st.toast(label(str(error)), icon=":material/error:")
        return
    st.session_state["judge-note"] = ""
    st.session_state["judge-answered"] = asked.name
    st.toast(f"Saved: {verdict}", icon=":material/check:")
    go_on(kb, asked, who, order)


def skip(asked: Question, who: str, order: str) -> None:
    """Leave a question for later."""
    address.put("skip", str(address.given("skip", 0, address.count(0, 1_000_000)) + 1))
    go_on(knowledge_base(), asked, who, order)


def go_on(kb: KnowledgeBase, asked: Question, who: str, order: str) -> None:
    """Put the next question into the address, so Back leads to the one just answered."""
    following = upcoming(kb, who, order, address.given("skip", 0, address.count(0, 1_000_000)))
    address.put("link", following.name if following else "")


def said(kb: KnowledgeBase, who: str) -> None:
    """What the person said last, with the button that takes it back."""
    last = answers.rows(
        kb,
        "SELECT v.review_id, v.verdict, step_text(s.headline, s.body) FROM verdicts v "
        "JOIN steps s USING (step_id) WHERE v.who = ? ORDER BY v.rowid DESC LIMIT 1",  # as written: clocks jump
        [who],
    )
    for review_id, verdict, text in last:
        with st.container(horizontal=True, vertical_alignment="center", key="row-said"):
            st.caption(f"Your last answer: **{verdict}** for “{label(text, 80)}”")
            st.button(
                "Undo",
                icon=":material/undo:",
                shortcut="u",
                type="tertiary",
                on_click=take_back,
                args=(review_id, who),
            )


def take_back(review_id: str, who: str) -> None:
    """Undo an answer and show its question again."""
    kb = knowledge_base()
    try:
        review = undo(kb.reviews_path, review_id, who)
    except HowtreeError as error:
        st.toast(label(str(error)), icon=":material/error:")
        return
    address.put("link", f"{review.article}~{review.method}.{review.step}")
    st.toast("Taken back", icon=":material/undo:")


def progress(kb: KnowledgeBase, who: str) -> None:
    """How much is judged, by whom."""
    part("So far")
    counts: dict[str, Any] = answers.records(
        kb,
        """
        WITH people AS (FROM verdicts WHERE is_person(who))
        SELECT (SELECT count(DISTINCT step_id) FROM verdicts WHERE who = $who) AS own,
               (SELECT count(DISTINCT step_id) FROM people) AS steps,
               (SELECT count(DISTINCT who) FROM people) AS people,
               (SELECT count(*) FROM machine_links WHERE chosen AND source = 'model') AS chosen,
               (SELECT count(DISTINCT e.step_id) FROM machine_links e SEMI JOIN people USING (step_id)
                WHERE e.chosen AND e.source = 'model') AS chosen_judged
        """,
        {"who": who},
    )[0]
    share = counts["chosen_judged"] / max(1, counts["chosen"])
    st.progress(
        min(1.0, share),
        f"{counts['chosen_judged']:,} of the model's {counts['chosen']:,} chosen links are judged",
    )
    own = f"{counts['own']:,} by you, " if who else ""
    st.caption(f"Steps judged: {own}{counts['steps']:,} by {counts['people']:,} people.")
    for note in kb.review_notes:
        st.warning(label(note, 400), icon=":material/warning:")


if __name__ == "__main__":
    page()
