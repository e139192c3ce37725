"""Drawing a procedure tree as text, as a Markdown checklist, as Graphviz or as a Mermaid diagram."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from kb.tree import Goal, Link, Method, Step

RELATION_WORDS = {
    "alternatives": "one is enough",
    "all needed": "all are needed",
    "answers": "each an answer",
}
STOP_WORDS = {"cycle": "already open above", "depth": "…"}
MAX_LABEL = 120
MAX_TEXT = 100_000


def as_text(goal: Goal) -> str:
    """The tree with box-drawing lines, one line per step."""
    return "\n".join([one_line(goal.goal), *_goal_lines(goal, "")])


def _goal_lines(goal: Goal, indent: str) -> Iterator[str]:
    if len(goal.methods) == 1 and not goal.methods[0].name:
        yield from _step_lines(goal.methods[0], indent)
        return
    for i, method in enumerate(goal.methods):
        last = i == len(goal.methods) - 1
        yield f"{indent}{'└─' if last else '├─'} {method_label(goal, method)}"
        yield from _step_lines(method, indent + ("   " if last else "│  "))


def _step_lines(method: Method, indent: str) -> Iterator[str]:
    for i, step in enumerate(method.steps):
        last = i == len(method.steps) - 1
        yield f"{indent}{'└─' if last else '├─'} {step_label(step)}"
        if step.link:
            yield from _goal_lines(step.link.goal, indent + ("   " if last else "│  "))


def method_label(goal: Goal, method: Method) -> str:
    """E.g. "Method 2 of 3 (one is enough): Grilling a Whole Fish"."""
    name = f": {one_line(method.name)}" if method.name else ""
    if method.kind == "single":
        return f"Steps{name}"
    words = RELATION_WORDS.get(goal.relation, "")
    return f"{method.kind.capitalize()} {method.number} of {len(goal.methods)} ({words}){name}"


def step_label(step: Step) -> str:
    """E.g. "3. Clean the house  ->  Deep Clean Your House  [0.87 model]"."""
    label = f"{step.number}. {one_line(step.text)}"
    return f"{label}  ->  {link_label(step.link)}" if step.link else label


def link_label(link: Link) -> str:
    """E.g. "Deep Clean Your House  [0.87 model]", with why it is not opened."""
    stop = f"  ({STOP_WORDS[link.goal.stop]})" if link.goal.stop == "cycle" else ""
    others = (
        f"  (or {link.goal.others:,} other{'s' if link.goal.others > 1 else ''} like it)"
        if link.goal.others
        else ""
    )
    return f"{one_line(link.goal.goal)}  [{link_mark(link)}]{others}{stop}"


def link_mark(link: Link) -> str:
    """E.g. "0.87 model", or "1.00 person, exact" where the relation was decided."""
    relation = f", {link.relation}" if link.relation else ""
    return f"{link.probability:.2f} {link.source}{relation}"


def one_line(text: str, most: int = MAX_LABEL) -> str:
    """`text` on one line, without control characters, cut to a readable length."""
    words = " ".join(re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ", text).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def as_checklist(goal: Goal, bodies: Mapping[int, Sequence[str]] | None = None) -> str:
    """The tree as Markdown with a box to tick for every step, below it what else it says (`bodies`, by step id)."""
    return "\n".join([f"# {markdown(goal.goal)}", "", *_checklist_lines(goal, "", bodies or {})]) + "\n"


def _checklist_lines(goal: Goal, indent: str, bodies: Mapping[int, Sequence[str]]) -> Iterator[str]:
    for method in goal.methods:
        inner = indent
        if method.kind != "single" or len(goal.methods) > 1:
            yield f"{indent}- **{markdown(method_label(goal, method))}**"
            inner = indent + "  "
        for step in method.steps:
            link = f" → *{markdown(link_label(step.link))}*" if step.link else ""
            yield f"{inner}- [ ] {step.number}\\. {markdown(step.text)}{link}"
            yield from (f"\n{inner}  {markdown(text, MAX_TEXT)}\n" for text in bodies.get(step.step_id, ()))
            if step.link:
                yield from _checklist_lines(step.link.goal, inner + "  ", bodies)


def markdown(text: str, most: int = MAX_LABEL) -> str:
    """`text` on one line with what Markdown would read as markup taken literally."""
    return re.sub(r"([\\`*_\[\]<>#$~|&])", r"\\\1", one_line(text, most))


DOT_HEAD = """digraph tree {
    graph [rankdir=LR, bgcolor=transparent, ranksep=0.35, nodesep=0.12]
    node [shape=box, style="rounded,filled", fillcolor="#f1f1ee", color="#c9c9c2", fontcolor="#242422",
          fontname="Helvetica,Arial,sans-serif", fontsize=12, margin="0.12,0.06"]
    edge [color="#9a9a92", arrowsize=0.6]"""
LINKED = 'fillcolor="#d8efe6", color="#0b6b52"'


def as_dot(goal: Goal) -> str:
    """The tree in Graphviz' language: a box a step, green where it is linked, with the goal it is linked to."""
    lines = [DOT_HEAD, f"    n0 [label={dot_label(goal.goal)}, {LINKED}, penwidth=2]"]
    _dot_goal(goal, "n0", lines)
    return "\n".join([*lines, "}"])


def _dot_goal(goal: Goal, node: str, lines: list[str]) -> None:
    for method in goal.methods:
        parent = node
        if method.kind != "single" or len(goal.methods) > 1:
            parent = f"n{len(lines)}"
            label = dot_label(method_label(goal, method))
            lines += [f'    {parent} [label={label}, style="", shape=plaintext, fontcolor="#77776f"]']
            lines += [f"    {node} -> {parent}"]
        for step in method.steps:
            below = f"n{len(lines)}"
            looks = f", {LINKED}" if step.link else ""
            link = f"→ {link_label(step.link)}" if step.link else ""
            lines += [f"    {below} [label={dot_label(f'{step.number}. {step.text}', link)}{looks}]"]
            lines += [f"    {parent} -> {below}"]
            if step.link:
                _dot_goal(step.link.goal, below, lines)


def dot_label(*texts: str) -> str:
    """Texts as one quoted label, each begun on a new line and wrapped."""
    wrapped = [line for text in texts for line in textwrap.wrap(one_line(text), 34)]
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in wrapped)
    return '"' + "\\n".join(quoted) + '"'


def as_mermaid(goal: Goal) -> str:
    """The tree as a Mermaid flowchart: goals as boxes, methods as hexagons, steps as rounded boxes."""
    lines = ["flowchart LR"]
    _Mermaid(lines).goal(goal, "g0")
    return "\n".join(lines)


class _Mermaid:
    """Writes nodes and arrows, giving each node a name of its own."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.count = 0

    def goal(self, goal: Goal, node: str) -> None:
        again = " (again)" if goal.stop == "cycle" else ""
        self.lines.append(f'    {node}["{escape(goal.goal)}{again}"]')
        for method in goal.methods:
            parent = node
            if method.kind != "single":
                parent = self.name("m")
                self.lines.append(f'    {node} --> {parent}{{{{"{escape(method_label(goal, method))}"}}}}')
            for step in method.steps:
                self.step(step, parent)

    def step(self, step: Step, parent: str) -> None:
        node = self.name("s")
        self.lines.append(f'    {parent} --> {node}("{step.number}. {escape(step.text)}")')
        if step.link:
            target = self.name("g")
            dotted = "-.->" if step.link.goal.stop == "cycle" else "==>"
            self.lines.append(f'    {node} {dotted}|"{link_mark(step.link)}"| {target}')
            self.goal(step.link.goal, target)

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"


def escape(text: str) -> str:
    """`text` as it may be between the quotes of a Mermaid label."""
    return "".join(c if c.isalnum() or c in " .,'()-" else f"#{ord(c)};" for c in one_line(text))
