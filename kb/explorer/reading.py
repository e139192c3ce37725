"""A goal as one reads it: all its text open, what one needs beside it, linked procedures folded in at their steps.

It is one piece of HTML, so that folding and ticking need no server; kb/explorer/page.js keeps the ticks in the browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import streamlit as st

from howtree.files import FileStamp
from kb import tree
from kb.alternatives import alternatives
from kb.explorer import address
from kb.explorer.address import StepPath, spelt
from kb.explorer.mentions import MOST_NAMED, hyperlinks, related
from kb.explorer.session import stamp
from kb.explorer.steps import Grown, Openness, grow, link_words, places, texts
from kb.explorer.text import markup
from kb.store import KnowledgeBase
from kb.things import KINDS

LEVELS = 4
"""Levels of goals that are folded in."""
MAX_READ = 250
"""Steps on the page; what is below is one click away."""
KEPT = 100
"""Pages that are kept for whoever opens one again, or after somebody else."""
LONG = 100_000
"""Characters of one text, more than any article has."""
LISTS = {
    "method": "One of these {} methods is enough.",
    "part": "All {} parts are needed.",
    "question": "The article answers {} questions.",
}
NOTES = {"tip": "Tips", "warning": "Warnings"}


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the page shows of a goal."""

    article: dict[str, Any]
    grown: Grown
    texts: dict[int, tuple[str, str, list[str]]]
    """Headline, body and bullets by step id."""
    links: dict[int, list[dict[str, Any]]]
    """The hyperlinks of each step to goals that are here."""
    trail: tuple[str, ...]
    threshold: float | None
    things: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    citations: list[str] = field(default_factory=list)
    related: list[tuple[str, str]] = field(default_factory=list)
    """Keys and titles of the related articles that are here."""
    equal: list[tuple[str, str]] = field(default_factory=list)
    """Keys and names, with their sites, of the articles whose goal is the same."""


def draw(kb: KnowledgeBase, article: dict[str, Any], trail: tuple[str, ...], threshold: float | None) -> None:
    """Draw the reading view of an article."""
    st.html(_html(kb, stamp(), article, trail, threshold))


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _html(
    _kb: KnowledgeBase,
    stamp: tuple[FileStamp, FileStamp],
    article: dict[str, Any],
    trail: tuple[str, ...],
    threshold: float | None,
) -> str:
    return page(fetched(_kb, article, trail, threshold))


def fetched(
    kb: KnowledgeBase, article: dict[str, Any], trail: tuple[str, ...], threshold: float | None
) -> Reading:
    """Everything that the page shows, in a handful of queries."""
    root = article["article_id"]
    grown = grow(kb, root, Openness(LEVELS, frozenset(), frozenset()), threshold, MAX_READ)
    ids = {step.step_id for goal in grown.goals.values() for _, step in places(goal, ())}
    others = alternatives(kb, [root]).get(root, ())
    return Reading(
        article,
        grown,
        texts(kb, ids),
        hyperlinks(kb, ids),
        trail,
        threshold,
        grouped(kb, "SELECT kind, text FROM things WHERE article_id = $id ORDER BY kind, number", root),
        grouped(kb, "SELECT kind, text FROM notes WHERE article_id = $id ORDER BY kind, number", root),
        grouped(kb, "SELECT '', text FROM citations WHERE article_id = $id ORDER BY number", root).get(
            "", []
        ),
        related(kb, root),
        [(each.key, ", ".join(filter(None, (each.goal, each.site)))) for each in others[:MOST_NAMED]],
    )


def grouped(kb: KnowledgeBase, sql: str, article_id: int) -> dict[str, list[str]]:
    """Texts by their kind."""
    found: dict[str, list[str]] = {}
    for kind, text in kb.query(sql, {"id": article_id}).fetchall():
        found.setdefault(kind, []).append(text)
    return found


def page(reading: Reading) -> str:
    """The page as HTML."""
    root = reading.grown.goals[reading.article["article_id"]]
    main = [lists(reading, root), *notes(reading), ending(reading)]
    aside = f"{contents(reading, root)}{needed(reading)}"
    return (
        f'<div class="reading" data-goal="{markup(reading.article["key"], LONG)}">{tools()}'
        f'<aside>{aside}</aside><div class="article">{"".join(main)}</div></div>'
    )


def tools() -> str:
    """What one does with the page, all of it in the browser."""
    acts = (("fold", "Open all"), ("print", "Print"), ("untick", "Clear ticks"))
    return f'<div class="acts">{"".join(f"<button data-act={act!r}>{name}</button>" for act, name in acts)}</div>'


def contents(reading: Reading, root: tree.Goal) -> str:
    """A table of contents, where there is more than one thing on the page."""
    entries = [("need", "What you need")] if reading.things else []
    entries += [(f"list-{method.number}", list_name(root, method)) for method in root.methods]
    entries += [(kind, name) for kind, name in NOTES.items() if kind in reading.notes]
    if len(entries) < 2:
        return ""
    lines = (f'<li><a href="#{place}">{markup(name, 90)}</a></li>' for place, name in entries)
    return f'<nav class="contents" aria-label="On this page"><ul>{"".join(lines)}</ul></nav>'


def list_name(goal: tree.Goal, method: tree.Method) -> str:
    """E.g. "Part 2: Cleaning the Kitchen"."""
    if method.kind == "single" or (len(goal.methods) == 1 and not method.name):
        return method.name or "Steps"
    number = f"{method.kind.capitalize()} {method.number}" if len(goal.methods) > 1 else ""
    return ": ".join(part for part in (number, method.name) if part)


def needed(reading: Reading) -> str:
    """Ingredients, things and tools, each with a box to tick."""
    if not reading.things:
        return ""
    kinds = [(kind, name) for kind, name in KINDS.items() if kind in reading.things]
    parts = []
    for kind, name in kinds:
        lines = (
            f"<li>{ticked(f'{kind}.{number}', markup(text, LONG))}</li>"
            for number, text in enumerate(reading.things[kind], 1)
        )
        parts.append((f"<h3>{name}</h3>" if len(kinds) > 1 else "") + f"<ul>{''.join(lines)}</ul>")
    return section("need", "What you need", "".join(parts))


def ticked(place: str, words: str) -> str:
    """Words with a box to tick, whose place the browser keeps."""
    return f'<label><input type="checkbox" data-tick="{place}"><span>{words}</span></label>'


def lists(reading: Reading, root: tree.Goal) -> str:
    """The lists of steps of the goal, one below the other."""
    several = len(root.methods) > 1
    lead = LISTS.get(root.methods[0].kind, "").format(len(root.methods)) if several else ""
    sections = (
        section(
            f"list-{method.number}", list_name(root, method), steps(reading, method, (), (root.article_id,))
        )
        for method in root.methods
    )
    return "".join([f'<p class="lists">{lead}</p>' if lead else "", *sections])


def section(place: str, title: str, inside: str) -> str:
    """A part of the page, which its table of contents can lead to."""
    heading = f'<h2 class="part">{markup(title, LONG)}</h2>'
    return f'<section id="{place}" class="{place}" tabindex="-1">{heading}{inside}</section>'


def steps(reading: Reading, method: tree.Method, above: StepPath, ancestors: tuple[int, ...]) -> str:
    """The steps of one list."""
    places = ((step, (*above, (method.number, step.number))) for step in method.steps)
    lines = (
        f'<li value="{step.number}">{"".join(shown(reading, step, place, ancestors))}</li>'
        for step, place in places
    )
    return f"<ol>{''.join(lines)}</ol>"


def shown(reading: Reading, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> Iterator[str]:
    """A step: its text, what it mentions, and the procedure that it is."""
    headline, body, bullets = reading.texts.get(step.step_id, ("", "", []))
    if headline:
        yield ticked(spelt(path), f"<strong>{markup(headline, LONG)}</strong>")
        yield f"<p>{markup(body, LONG)}</p>" if body else ""
    else:
        yield ticked(spelt(path), markup(body or f"Step {step.number}", LONG))
    if bullets:
        yield f"<ul>{''.join(f'<li>{markup(bullet, LONG)}</li>' for bullet in bullets)}</ul>"
    hyperlinked = reading.links.get(step.step_id, [])
    child = step.link.goal.article_id if step.link else 0
    if step.link:
        anchors = [row["anchor"] for row in hyperlinked if row["target_id"] == child and row["anchor"]]
        yield procedure(reading, step.link, path, ancestors, anchors)
    others = {row["target_id"]: row for row in hyperlinked if row["target_id"] not in (child, ancestors[-1])}
    if others:
        named = (f"{goal_link(reading, row['key'], row['goal'], ancestors)}" for row in others.values())
        yield f'<p class="mentions">Mentions: {", ".join(named)}</p>'


def procedure(
    reading: Reading, link: tree.Link, path: StepPath, ancestors: tuple[int, ...], anchors: list[str]
) -> str:
    """The procedure that a step is: its name as a link, how it was found, and its steps folded in."""
    child = link.goal.article_id
    name = goal_link(reading, reading.grown.keys[child], link.goal.goal, ancestors)
    words = markup(link_words(link.relation, link.source, link.probability, anchors))
    question = f"{reading.grown.keys[ancestors[-1]]}~{spelt(path[-1:])}"
    root, place = reading.article["key"], spelt(path)
    ask = address.anchor("judge", "is it right?", link=question)
    others = address.anchor(
        "procedure", "other goals", goal=root, via=reading.trail[:-1], open=place, weigh=place
    )
    how = " · ".join((words, ask, others))
    head = f'<p class="found"><span class="arrow">→</span> {name} <span class="how">{how}</span></p>'
    if child in ancestors:
        return f'<div class="sub">{head}<p class="how">↻ This goal is open above: the tree goes in a circle.</p></div>'
    if path not in reading.grown.open_links:
        return f'<div class="sub">{head}</div>'
    goal = reading.grown.goals[child]
    inside = []
    for method in goal.methods:
        if len(goal.methods) > 1 or method.name:
            inside.append(f'<p class="method">{markup(list_name(goal, method), LONG)}</p>')
        inside.append(steps(reading, method, path, (*ancestors, child)))
    summary = f'{size(reading, goal, path)}<span class="unseen"> of {markup(goal.goal)}</span>'
    return f'<div class="sub">{head}<details><summary>{summary}</summary>{"".join(inside)}</details></div>'


def size(reading: Reading, goal: tree.Goal, path: StepPath) -> str:
    """E.g. "12 steps, 3 levels": of the goal's own steps, and how deep its tree goes, with a + where it may go on."""
    count = sum(len(method.steps) for method in goal.methods)
    levels, more = depth(reading.grown, goal, path)
    said = f"{count} step{'s' if count != 1 else ''}"
    return f"{said}, {levels}{'+' if more else ''} levels" if levels > 1 or more else said


def depth(grown: Grown, goal: tree.Goal, path: StepPath) -> tuple[int, bool]:
    """How many levels of goals are open from this goal on, and whether any goes on unopened."""
    deepest, more = 1, False
    for place, step in places(goal, path):
        if place in grown.open_links and step.link:
            levels, goes_on = depth(grown, grown.goals[step.link.goal.article_id], place)
            deepest, more = max(deepest, 1 + levels), more or goes_on
        elif step.link and len(place) >= LEVELS:
            more = True
    return deepest, more


def goal_link(reading: Reading, key: str, goal: str, ancestors: tuple[int, ...]) -> str:
    """A link to the page of a goal, which keeps the way walked to it."""
    via = [*reading.trail, *(reading.grown.keys[each] for each in ancestors[1:])][-address.MAX_VIA :]
    threshold = None if reading.threshold is None else f"{reading.threshold:g}"
    return address.anchor("procedure", markup(goal), goal=key, via=via, threshold=threshold)


def notes(reading: Reading) -> Iterator[str]:
    """Tips, warnings and references."""
    for kind, name in NOTES.items():
        if kind in reading.notes:
            yield section(kind, name, bullets(map_markup(reading.notes[kind])))
    if reading.equal:
        named = (goal_link(reading, key, goal, ()) for key, goal in reading.equal)
        yield section("equal", "The same, done otherwise", bullets(named))
    if reading.related:
        named = (goal_link(reading, key, goal, ()) for key, goal in reading.related)
        yield section("related", "Related", bullets(named))
    if reading.citations:
        summary = f"<summary>References ({len(reading.citations)})</summary>"
        yield f'<details class="references">{summary}{bullets(map_markup(reading.citations))}</details>'


def map_markup(found: Iterable[str]) -> Iterator[str]:
    """Texts as HTML."""
    return (markup(text, LONG) for text in found)


def bullets(lines: Iterable[str]) -> str:
    """Pieces of HTML as a list."""
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def ending(reading: Reading) -> str:
    """Where the text comes from, what may be done with it, and how old it is."""
    article = reading.article
    source = markup(article["site"] or PurePath(article["source"] or "").name, 120)
    if (article["url"] or "").startswith(("http://", "https://")):
        target = f'href="{markup(article["url"], LONG)}" target="_blank" rel="noopener noreferrer"'
        source = f"<a {target}>{source or 'Source article'}</a>"
    said = [
        f"Source: {source}" if source else "",
        f"Licence: {markup(article['licence'], 400)}" if article["licence"] else "",
        f"Published {markup(article['published'][:10])}" if article["published"] else "",
        f"Changed {markup(article['modified'][:10])}" if article["modified"] else "",
        f"Fetched {markup(article['fetched_at'][:10])}" if article["fetched_at"] else "",
    ]
    return f'<p class="ending">{" · ".join(filter(None, said))}</p>' if any(said) else ""
