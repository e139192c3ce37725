"""The steps of a goal as a tree that opens in place: one component of the page; its keys and chevrons are outline.js.

It is a tree as WAI-ARIA has it: https://www.w3.org/WAI/ARIA/apg/patterns/treeview/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from kb import tree
from kb.draw import method_label
from kb.explorer import address, candidates
from kb.explorer.address import StepPath, spelt
from kb.explorer.files import component
from kb.explorer.steps import Grown, Openness, link_words
from kb.explorer.text import markup
from kb.store import KnowledgeBase

KEY = "outline"
LONG = 100_000


@dataclass(frozen=True, slots=True)
class Outline:
    """What the tree shows: the grown part, and where its links lead."""

    kb: KnowledgeBase
    grown: Grown
    trail: tuple[str, ...]
    """Keys of the goals walked through to the root, the root included."""
    threshold: float | None
    first: dict[int, list[str]]
    """The first steps of each goal that is named, by article id."""


def draw(outline: Outline, goal: tree.Goal, method: tree.Method, levels: int) -> None:
    """Draw the steps of one method of the goal with all that is open below them."""
    items = "".join(group(outline, method, (), (goal.article_id,)))
    component("outline", "asking.js")(
        key=KEY,
        data={"html": f'<ul role="tree" aria-label="Steps of {markup(goal.goal)}">{items}</ul>'},
        on_turned_change=partial(turned, KEY, levels),
    )


def turned(key: str, levels: int) -> None:
    """Write into the address what a person opened and shut, in that order; a turn without a place shut everything."""
    for said in st.session_state[key]["turned"]:
        if said["place"]:
            turn(levels, address.path(said["place"]), said["open"], said["linked"])
        else:
            levels = 1
            for name in ("open", "shut", "levels", "weigh"):
                address.put(name, "")


def turn(levels: int, path: StepPath, opens: bool, linked: bool) -> None:
    """Write into the address that a step, which `linked` says is a goal, was opened or shut."""
    openness = Openness.of_address(levels)
    if opens:
        opened, shut = openness.opened | {path}, openness.shut - {path}
    else:
        opened = frozenset(other for other in openness.opened if other[: len(path)] != path)
        shut = openness.shut | ({path} if linked and len(path) < levels else set())
    parents = {other[:-1] for other in opened}
    address.put("open", address.spelt_all(opened - parents))
    address.put("shut", address.spelt_all(shut))


def group(
    outline: Outline, method: tree.Method, above: StepPath, ancestors: tuple[int, ...]
) -> Iterator[str]:
    """The steps of one list."""
    for step in method.steps:
        yield item(outline, step, (*above, (method.number, step.number)), ancestors)


def item(outline: Outline, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> str:
    """A step: its line, and if it is open what it says and what is below it."""
    place, opened = spelt(path), path in outline.grown.open_steps
    below = f'<div class="inside">{"".join(inside(outline, step, path, ancestors))}</div>' if opened else ""
    return (
        f'<li role="treeitem" tabindex="-1" aria-expanded="{str(opened).lower()}" aria-level="{len(path)}" '
        f'aria-labelledby="name-{place}" data-place="{place}"{" data-linked" if step.link else ""}>'
        f'<div class="line"><span class="chevron" aria-hidden="true"></span>'
        f'<span class="number">{step.number}.</span> '
        f'<span id="name-{place}"><span class="name">{markup(step.text)}</span>{goal(outline, step, path, ancestors)}'
        f"</span></div>{below}{''.join(children(outline, step, path, ancestors)) if opened else ''}</li>"
    )


def goal(outline: Outline, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> str:
    """The goal that a step is: a link to its page that shows its first steps under the pointer or the focus."""
    if step.link is None:
        return ""
    child = step.link.goal.article_id
    target = href(outline.grown, child, outline.trail, ancestors, outline.threshold)
    lines = "".join(f"<span>{n}. {markup(text, 90)}</span>" for n, text in enumerate(outline.first[child], 1))
    again = " ↻" if child in ancestors else ""
    relation = f" {step.link.relation}" if step.link.relation else ""
    return (
        f' <span class="link">→ <a class="goal" tabindex="-1" href="{target}">{markup(step.link.goal.goal)}</a>{again}'
        f' <span class="figure">{step.link.probability:.2f}{relation}</span>'
        f'<span class="first" aria-hidden="true">{lines}</span></span>'
    )


def href(
    grown: Grown, child: int, trail: tuple[str, ...], ancestors: tuple[int, ...], threshold: float | None
) -> str:
    """The address of a goal of the tree, with the way to it: `trail` leads to the root, `ancestors` from there."""
    via = [*trail, *(grown.keys[goal_id] for goal_id in ancestors[1:])]
    bold = None if threshold is None else f"{threshold:g}"
    return address.href("procedure", goal=grown.keys[child], via=via, threshold=bold)


def inside(outline: Outline, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> Iterator[str]:
    """What an open step says, and how its link was found."""
    headline, body, bullets = outline.grown.texts.get(step.step_id, ("", "", []))
    if headline and body:
        yield f"<p>{markup(body, LONG)}</p>"
    if bullets:
        yield f"<ul>{''.join(f'<li>{markup(bullet, LONG)}</li>' for bullet in bullets)}</ul>"
    if not (headline and body) and not bullets and not step.link:
        yield '<p class="how">The article says no more about this step.</p>'
    said = []
    if step.link:
        said.append(markup(link_words(step.link.relation, step.link.source, step.link.probability)))
        question = f"{outline.grown.keys[ancestors[-1]]}~{spelt(path[-1:])}"
        said.append(address.anchor("judge", "is it right?", link=question))
    weighed = st.query_params.get("weigh") == spelt(path)
    words = "hide the other goals" if weighed else "other goals that were weighed"
    said.append(
        address.anchor("procedure", words, looks="goal still", **kept("" if weighed else spelt(path)))
    )
    yield f'<p class="how">{" · ".join(said)}</p>'
    if weighed:
        yield candidates.table(outline.kb, candidates.of_step(outline.kb, step.step_id))
    if step.link and step.link.goal.article_id in ancestors:
        yield '<p class="how">↻ This goal is already open above, so the tree ends here: a cycle.</p>'


def kept(weigh: str) -> dict[str, Any]:
    """The address as it is, but for the step whose candidates are shown."""
    now: dict[str, Any] = {name: st.query_params.get_all(name) for name in st.query_params}
    return now | {"view": "Steps", "weigh": weigh}


def children(outline: Outline, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> Iterator[str]:
    """The steps of the goal that an open step is, list by list."""
    if step.link is None or path not in outline.grown.open_links:
        return
    child = outline.grown.goals[step.link.goal.article_id]
    for method in child.methods:
        name = ""
        if method.kind != "single" or len(child.methods) > 1:
            name = markup(method_label(child, method))
            yield f'<p class="method">{name}</p>'
        steps = "".join(group(outline, method, path, (*ancestors, child.article_id)))
        yield f'<ul role="group" aria-label="{name or markup(child.goal)}">{steps}</ul>'
