"""What a whole tree needs: the ingredients, things and tools of its goals, each once, its amounts added up."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kb.draw import markdown, one_line
from kb.store import KnowledgeBase
from kb.tree import Goal

KINDS = {"ingredient": "Ingredients", "thing": "Things", "tool": "Tools"}
"""The kinds in the order of a list, with what a list calls them."""

NOTHING = "No ingredients, things or tools are named."
_GLYPHS = {"¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⁄": "/"}
_AMOUNT = re.compile(
    r"(?:(?P<whole>\d+)\s+)?(?P<number>\d+(?:/\d+|[.,]\d+)?)\s*(?P<unit>[a-z. ]*)", re.IGNORECASE
)
_UNITS = {
    "tbsp": "tablespoon", "tsp": "teaspoon", "lb": "pound", "ounce": "oz", "fl oz": "fluid ounce", "gram": "g",
    "kilo": "kg", "liter": "l", "litre": "l", "foot": "feet", "inche": "inch", "pinche": "pinch", "dashe": "dash",
    "bunche": "bunch",
}  # fmt: skip
"""Units without their plural's s, where another spelling is the usual one."""
_ENDLESS = {"l", "ml", "cl", "dl", "g", "mg", "kg", "mm", "cm", "m", "oz", "feet", ""}
"""Units without a plural."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that an article says one needs."""

    kind: str
    """ingredient, thing or tool."""
    text: str
    name: str
    """What it is, without its amount, brackets and what follows a comma."""
    amount: str
    """Empty where the text names none."""
    words: str
    """The words of the name without inflection: by them it is the same thing."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that goals of a tree need."""

    kind: str
    """ingredient, thing or tool."""
    name: str
    """What it is, without amounts."""
    amount: str
    """The amounts of all goals added up, e.g. "3 cups + 1 tablespoon"; empty where no article names any."""
    goals: tuple[str, ...]
    """The goals that need it, in the order of the tree."""
    article_ids: tuple[int, ...]
    """Theirs."""
    texts: tuple[str, ...]
    """What the articles of these goals say, each text once."""

    @property
    def label(self) -> str:
        """E.g. "flour: 2 1/2 cups"."""
        return f"{self.name}: {self.amount}" if self.amount else self.name

    def to_dict(self) -> dict[str, Any]:
        """The need as plain values, the form of `--format json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "amount": self.amount,
            "goals": list(self.goals),
            "texts": list(self.texts),
        }


def opened_goals(root: Goal) -> dict[int, str]:
    """The goals that are open in a tree, each once, in reading order: titles by article id."""
    found = {root.article_id: root.goal}
    for _, _, step in root.walk():
        if step.link and not step.link.goal.stop:
            found.setdefault(step.link.goal.article_id, step.link.goal.goal)
    return found


def needs(kb: KnowledgeBase, root: Goal) -> list[Need]:
    """What the open goals of a tree need: ingredients, then things, then tools, each in the order of the tree.

    Things of the same name are one, whatever their number, brackets and what follows a comma. A goal that is in the
    tree several times counts once.
    """
    goals = opened_goals(root)
    return merged(goals, things_of(kb, goals))


def things_of(kb: KnowledgeBase, ids: Collection[int]) -> dict[int, list[Thing]]:
    """What the articles of some goals say one needs, by article id; those that name nothing are left out."""
    rows = kb.query(
        """
        SELECT t.article_id, t.kind, t.text, thing_name(t.text) AS name, coalesce(t.amount, ''),
               array_to_string(list_transform(words_of(thing_name(t.text)), lambda w: stem_of(w)), ' ')
        FROM (SELECT unnest($ids) AS article_id) JOIN things t USING (article_id)
        ORDER BY t.article_id, t.kind, t.number
        """,
        {"ids": list(ids)},
    ).fetchall()
    found: dict[int, list[Thing]] = {}
    for article_id, *thing in rows:
        found.setdefault(article_id, []).append(Thing(*thing))
    return found


def merged(goals: Mapping[int, str], things: Mapping[int, Sequence[Thing]]) -> list[Need]:
    """What goals need, each thing once.

    Args:
        goals: their titles by article id, in the order in which they are done.
        things: what each needs, by article id.
    """
    same: dict[tuple[str, str], list[tuple[int, Thing]]] = {}
    for article_id in goals:
        for thing in things.get(article_id, ()):
            same.setdefault((thing.kind, thing.words or thing.text), []).append((article_id, thing))
    found = [_need(each, goals) for each in same.values()]
    return sorted(found, key=lambda need: list(KINDS).index(need.kind))


def _need(same: Sequence[tuple[int, Thing]], goals: Mapping[int, str]) -> Need:
    ids = tuple(dict.fromkeys(article_id for article_id, _ in same))
    first = same[0][1]
    return Need(
        first.kind,
        first.name,
        total(thing.amount for _, thing in same if thing.amount),
        tuple(dict.fromkeys(goals[each] for each in ids)),
        ids,
        tuple(dict.fromkeys(thing.text for _, thing in same)),
    )


def total(amounts: Iterable[str]) -> str:
    """Amounts added up as far as their units are the same: "2 cups", "1/2 cup", "3" -> "2 1/2 cups + 3"."""
    sums: dict[str, Fraction] = {}
    others: dict[str, None] = {}
    for amount in amounts:
        parsed = _parsed(amount)
        if parsed is None:
            others[amount] = None
        else:
            number, unit = parsed
            sums[unit] = sums.get(unit, Fraction(0)) + number
    return " + ".join([*(_shown(number, unit) for unit, number in sums.items()), *others])


def _parsed(amount: str) -> tuple[Fraction, str] | None:
    """The number and the unit of an amount; None where it is no number ("3-4") or might be two ("1,000")."""
    if re.search(r",\d{3}", amount):
        return None
    for glyph, plain in _GLYPHS.items():
        amount = amount.replace(glyph, plain if plain == "/" else f" {plain}")
    found = _AMOUNT.fullmatch(amount.strip())
    if not found or found["number"].endswith("/0"):
        return None
    unit = " ".join(found["unit"].lower().replace(".", "").split())
    singular = unit.removesuffix("s")
    number = Fraction(found["number"].replace(",", ".")) + int(found["whole"] or 0)
    return number, _UNITS.get(singular, singular)


def _shown(number: Fraction, unit: str) -> str:
    """E.g. "2 1/2 cups"; a fraction that no cup has is a decimal."""
    whole, rest = divmod(number, 1)
    if rest and rest.denominator not in (2, 3, 4, 8):
        said = f"{float(number):g}"
    else:
        said = " ".join(str(part) for part in (whole, rest) if part) or "0"
    many = number > 1 and unit not in _ENDLESS
    plural = ("es" if unit.endswith(("ch", "sh")) else "s") if many else ""
    return f"{said} {unit}{plural}".strip()


def to_dict(root: Goal, found: Sequence[Need]) -> dict[str, Any]:
    """What a tree needs as plain values, the form of `--format json`."""
    goals = [{"article_id": article_id, "goal": goal} for article_id, goal in opened_goals(root).items()]
    return {"goals": goals, "things": [need.to_dict() for need in found]}


def as_list(root: Goal, found: Sequence[Need]) -> str:
    """What a tree needs as text: a line per need, with the goals that need it."""
    lines = [one_line(title(root))]
    for kind, same in _by_kind(found):
        lines += [
            KINDS[kind],
            *(f"  {one_line(need.label)}  [{one_line('; '.join(need.goals))}]" for need in same),
        ]
    return "\n".join(lines if found else [*lines, NOTHING])


def as_shopping_list(root: Goal, found: Sequence[Need]) -> str:
    """The same as Markdown, with a box to tick for every need."""
    lines = [f"# {markdown(title(root))}"]
    for kind, same in _by_kind(found):
        lines += ["", f"## {KINDS[kind]}", ""]
        lines += [f"- [ ] {markdown(need.label)} *({markdown('; '.join(need.goals))})*" for need in same]
    return "\n".join(lines if found else [*lines, "", NOTHING]) + "\n"


def title(root: Goal) -> str:
    """What a list is of."""
    below = len(opened_goals(root)) - 1
    more = f" and the {below:,} goals below it" if below > 1 else " and the goal below it" if below else ""
    return f'What "{root.goal}"{more} need{"" if below else "s"}'


def _by_kind(found: Sequence[Need]) -> Iterator[tuple[str, list[Need]]]:
    for kind in KINDS:
        same = [need for need in found if need.kind == kind]
        if same:
            yield kind, same
