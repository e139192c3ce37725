"""The tree of a goal as a graph to use: zoom, pan, open and shut, each goal a link; where nodes stand is picture.js.

It is an AND/OR tree: of the methods of a goal one is enough (or), the steps of a method are all needed (and). As HTML
it is lists within lists, which a reader without eyes for pictures hears as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from kb import tree
from kb.explorer.address import StepPath, spelt
from kb.explorer.files import component
from kb.explorer.outline import href, turned
from kb.explorer.steps import Grown
from kb.explorer.text import markup, short

KEY = "picture"
FORKS = {"all needed": "and", "one list": "and"}
"""How the methods of a goal count together; others are alternatives."""
ALL = "all of these are needed, in order"
ONE = "one of these is enough"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: the grown part of a tree, and where its links lead."""

    grown: Grown
    trail: tuple[str, ...]
    """Keys of the goals walked through to the root, the root included."""
    threshold: float | None


def draw(picture: Picture, root: int, levels: int) -> None:
    """Draw the goal `root` with all that is open below it."""
    goal = picture.grown.goals[root]
    node = f'<div class="node root">{markup(goal.goal)}</div>'
    html = f'<li data-place="">{node}{"".join(below(picture, goal, (), (root,)))}</li>'
    component("picture", "asking.js")(
        key=KEY,
        data={"html": f"<ul>{html}</ul>", "name": f"{short(goal.goal)} as a graph"},
        on_turned_change=partial(turned, KEY, levels),
    )


def below(picture: Picture, goal: tree.Goal, above: StepPath, ancestors: tuple[int, ...]) -> Iterator[str]:
    """The methods of a goal, or the steps of its only one."""
    if len(goal.methods) == 1 and not goal.methods[0].name:
        yield from steps(picture, goal.methods[0], above, ancestors)
    elif goal.methods:
        items = (
            f'<li><div class="node method">{name(method)}</div>{"".join(steps(picture, method, above, ancestors))}</li>'
            for method in goal.methods
        )
        yield fork(FORKS.get(goal.relation, "or"), items)


def name(method: tree.Method) -> str:
    """E.g. "Part 2: Cleaning the Kitchen"."""
    kind = "" if method.kind == "single" else f"<small>{method.kind.capitalize()} {method.number}</small> "
    return f"{kind}{markup(method.name, 120)}"


def steps(
    picture: Picture, method: tree.Method, above: StepPath, ancestors: tuple[int, ...]
) -> Iterator[str]:
    """The steps of a method."""
    yield fork(
        "and",
        (item(picture, step, (*above, (method.number, step.number)), ancestors) for step in method.steps),
    )


def fork(kind: str, items: Iterator[str]) -> str:
    """Nodes below another one, and how they count together."""
    said = ALL if kind == "and" else ONE
    return f'<span class="fork {kind}" title="{said}">{kind}</span><ul class="{kind}">{"".join(items)}</ul>'


def item(picture: Picture, step: tree.Step, path: StepPath, ancestors: tuple[int, ...]) -> str:
    """A step, and below it if it is open the goal that it is."""
    text = f'<span class="text"><b>{step.number}.</b> {markup(step.text)}</span>'
    if step.link is None:
        return f'<li><div class="node step">{text}</div></li>'
    child, place = step.link.goal.article_id, spelt(path)
    opened, again = path in picture.grown.open_links, child in ancestors
    target = href(picture.grown, child, picture.trail, ancestors, picture.threshold)
    title = markup(step.link.goal.goal)
    link = f'<a class="goal" href="{target}">→ {title}</a>{" ↻" if again else ""}'
    turn = (
        ""
        if again
        else f'<button class="turn" aria-expanded="{str(opened).lower()}" aria-label="Steps of {title}"></button>'
    )
    inner = "".join(below(picture, picture.grown.goals[child], path, (*ancestors, child))) if opened else ""
    figure = f'<span class="figure">{step.link.probability:.2f}</span>'
    node = f'<div class="node linked">{text}<span class="link">{link} {figure}</span>{turn}</div>'
    return f'<li data-place="{place}">{node}{inner}</li>'
