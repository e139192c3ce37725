"""A plan written down: as text, as a Markdown checklist, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kb.draw import link_mark, markdown, one_line
from kb.plan.choose import Choice
from kb.plan.grow import Part, goal_of
from kb.plan.plan import Plan
from kb.plan.wish import Rule
from kb.tree import Goal

Written = Callable[[str], str]

RULES = {
    Rule.asked: "its name is asked for",
    Rule.hand: "it needs fewest things that are not at hand",
    Rule.surest: "its links are the surest",
    Rule.fewest: "it has the fewest steps",
    Rule.found: "it is the one that was found",
}
STOPS = {"cycle": "open above", "depth": "deeper than asked for", "budget": "no room", "repeat": "as in"}


def as_text(plan: Plan) -> str:
    """A checklist for a terminal."""
    steps = [
        f"{'   ' * depth}[ ] {part.number}. {one_line(part.text)}{_arrow(part, plan, one_line)}"
        if part
        else f"{'   ' * depth}{name}:"
        for depth, part, name in _lines(plan)
    ]
    return "\n".join([one_line(plan.found.goal), *_facts(plan, one_line), *steps, *_rest(plan)])


def as_markdown(plan: Plan) -> str:
    """A Markdown checklist."""
    steps = [
        f"{'  ' * depth}- [ ] {markdown(part.number)}\\. {markdown(part.text)}{_arrow(part, plan, markdown)}"
        if part
        else f"{'  ' * depth}- **{markdown(name)}**"
        for depth, part, name in _lines(plan)
    ]
    facts = "\n\n".join(_facts(plan, markdown))
    return "\n".join(
        [f"# {markdown(plan.found.goal)}", "", facts, "", *steps, "", "\n\n".join(_rest(plan)), ""]
    )


def as_json(plan: Plan) -> str:
    """One line of JSON, as docs/json/plan.schema.json describes it."""
    return json.dumps(as_dict(plan), ensure_ascii=False)


def as_dict(plan: Plan) -> dict[str, Any]:
    """The plan as plain dictionaries."""
    against = {part.number for part in plan.against}
    return {
        "question": one_line(plan.wish.text),
        "goal": {
            "article_id": plan.found.article_id,
            "goal": plan.found.goal,
            "score": plan.found.score,
            "reason": plan.found.reason,
        },
        "others": [
            {"article_id": hit.article_id, "goal": hit.goal, "score": hit.score} for hit in plan.others
        ],
        **_choice_dict(plan.tree.choice, plan),
        "steps": [_part_dict(part, plan, against) for part in plan.tree.parts],
        "needed": [
            {"kind": each.need.kind, "name": each.need.name, "amount": each.need.amount,
             "goals": list(each.need.article_ids), "at_hand": each.at_hand, "without": each.without}
            for each in plan.needed
        ],
        "sources": [
            {"article_id": each.article_id, "key": each.key, "goal": each.goal, "url": each.url,
             "site": each.site, "licence": each.licence}
            for each in plan.origins
        ],
        "left_out": {"steps": plan.left_out, "things": plan.things_left_out},
        "truncated": plan.truncated,
    }  # fmt: skip


def _choice_dict(choice: Choice, plan: Plan) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "methods": [{"kind": each.kind, "number": each.number, "name": each.name} for each in choice.methods],
        "rule": choice.rule,
        "not_taken": [each.name for each in choice.others],
    }
    if choice.equal:
        origins = [plan.tree.origins[goal.article_id] for goal in choice.equal]
        others = [{"article_id": each.article_id, "goal": each.goal, "site": each.site} for each in origins]
        taken = choice.goal.article_id
        shown["alternatives"] = {"taken": taken, "rule": choice.preferred, "others": others}
    return shown


def _part_dict(part: Part, plan: Plan, against: set[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"number": part.number, "step_id": part.step_id, "text": part.text}
    if part.method:
        shown["method"] = part.method
    if part.number in against:
        shown["against"] = True
    if part.link:
        shown["link"] = {
            "article_id": part.link.goal.article_id,
            "goal": part.link.goal.goal,
            "probability": round(part.link.probability, 4),
            "source": part.link.source,
            "relation": part.link.relation,
        }
        if part.stop:
            shown["link"]["stop"] = part.stop
        if part.same_as:
            shown["link"]["same_as"] = part.same_as.number
    if part.choice is not None:
        shown |= _choice_dict(part.choice, plan)
        shown["steps"] = [_part_dict(each, plan, against) for each in part.parts]
    return shown


def _lines(plan: Plan) -> Iterator[tuple[int, Part | None, str]]:
    """The steps in order with their depth, and before the first of each of several lists its name without a step."""
    yield from _lines_of(plan.tree.choice, plan.tree.parts, 0)


def _lines_of(choice: Choice, parts: Sequence[Part], depth: int) -> Iterator[tuple[int, Part | None, str]]:
    named = ""
    for part in parts:
        if len(choice.methods) > 1 and part.method != named:
            yield depth, None, one_line(part.method)
        named = part.method
        yield depth, part, ""
        if part.choice is not None:
            yield from _lines_of(part.choice, part.parts, depth + 1)


def _arrow(part: Part, plan: Plan, written: Written) -> str:
    """E.g. "  ->  Deep Clean Your House  [0.87 model]  (as in 2.1)"."""
    if part.link is None:
        return ""
    why = []
    if part.stop:
        why = [f"{STOPS[part.stop]}{' ' + part.same_as.number if part.same_as else ''}"]
    elif part.choice:
        choice = part.choice
        if choice.goal.article_id != goal_of(part) and choice.preferred:
            why = [f"{_site(plan, choice.goal)}: {RULES[choice.preferred]}"]
        if choice.equal:
            why += ["or " + ", ".join(_site(plan, goal) for goal in choice.equal)]
        if choice.rule:
            why += [f"{choice.methods[0].name}: {RULES[choice.rule]}"]
    parts = (part.link.goal.goal, f"[{link_mark(part.link)}]", f"({'; '.join(why)})" if why else "")
    return "  ->  " + "  ".join(written(each) for each in parts if each)


def _site(plan: Plan, goal: Goal) -> str:
    """What tells an article from equal ones."""
    origin = plan.tree.origins[goal.article_id]
    return origin.site or origin.key


def _facts(plan: Plan, written: Written) -> Iterator[str]:
    """What is said before the steps."""
    reason = f"; {written(plan.found.reason)}" if plan.found.reason else ""
    yield f"Why: {plan.found.score:.2f}{reason}"
    if plan.others:
        yield "Also weighed: " + "; ".join(f"{written(hit.goal)} ({hit.score:.2f})" for hit in plan.others)
    choice = plan.tree.choice
    if choice.rule:
        others = "; ".join(written(each.name) for each in choice.others)
        yield f"Way: {written(choice.methods[0].name)}, since {RULES[choice.rule]}. Others: {others}"
    if choice.equal and choice.preferred:
        others = "; ".join(written(_site(plan, goal)) for goal in choice.equal)
        why = RULES[choice.preferred]
        yield f"Article: {written(_site(plan, choice.goal))}, since {why}. Equal ones: {others}"
    if plan.needed:
        yield "Needed: " + "; ".join(
            written(each.need.label)
            + (" (at hand)" if each.at_hand else " (to be done without)" if each.without else "")
            for each in plan.needed
        )
    if plan.against:
        steps = ", ".join(part.number for part in plan.against)
        yield f"Speak of what is to be done without: {steps}"


def _rest(plan: Plan) -> Iterator[str]:
    """What is said after the steps."""
    if not plan.tree.parts and not plan.left_out:
        yield "This goal has no steps."
    left = [(plan.left_out, "step"), (plan.things_left_out, "thing")]
    said = [f"{count:,} {what}{'s' if count > 1 else ''}" for count, what in left if count]
    if said:
        yield f"Left out for lack of room: {' and '.join(said)}."
    for each in plan.origins:
        parts = (each.goal, each.url or each.key, each.licence or each.site)
        yield "From: " + ", ".join(one_line(part) for part in parts if part)
