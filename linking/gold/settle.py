"""Lines of gold that repeat or contradict each other -> gold that says one thing of each step and goal.

Who says more: a person (a line with "not", as `howtree review export` writes), then an editor, then a model (a line
with "models"). A pair that one line gives and another rejects belongs to whoever says more; where both say as
much it is neither right nor wrong. A step that has a goal in one line and none in another has the goal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from linking.gold.links import Gold, Line, read_lines
from linking.text import goal_text, step_text

Said = dict[tuple[str, str], "Voice"]
"""By step and goal, as the models read them: who says most of those that give, or reject, the pair."""


class Voice(IntEnum):
    """Who says something, in ascending order of what it counts."""

    MODEL = 0
    EDITOR = 1
    PERSON = 2


@dataclass(slots=True)
class GoldTally:
    """What lines of gold amount to."""

    pairs: int = 0
    """Of a step and a goal."""
    unlinked: int = 0
    """Steps that have no goal."""
    rejected: int = 0
    """Pairs that are wrong."""
    repeated: int = 0
    """Lines that say what another has said; they count again."""
    overruled: int = 0
    """Pairs left out since somebody who says more rejects them."""
    disputed: int = 0
    """Pairs that are given and rejected alike, and so are neither."""
    mentions: int = 0
    """Lines left out that are hyperlinks which only mention a goal."""
    both: int = 0
    """Lines left out that give no goal to a step which has one in another line."""

    def line(self) -> str:
        """The tally for people."""
        left = {
            "hyperlinks that only mention a goal": self.mentions,
            "given but rejected by people": self.overruled,
            "given and rejected alike": self.disputed,
            "without a goal although another line gives the step one": self.both,
        }
        said = (
            f"Gold: {self.pairs:,} pairs of a step and a goal, {self.unlinked:,} steps without a goal, "
            f"{self.rejected:,} rejected pairs; {self.repeated:,} lines repeat another."
        )
        named = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
        return f"{said} Left out: {named}." if named else said


def read_settled(path: Path) -> tuple[Gold, GoldTally]:
    """Read gold links to train on.

    Raises:
        BadInput: the file cannot be read, a line is no such record, or there are no lines.
    """
    return settled(list(read_lines(path)))


def settled(lines: Sequence[Line]) -> tuple[Gold, GoldTally]:
    """The gold of lines: those that count, in their order, and what is wrong."""
    tally = GoldTally(mentions=sum(line.mentions for line in lines))
    lines = [line for line in lines if not line.mentions]
    given = loudest(lines, lambda line: (line.goal,) if line.goal else ())
    rejected = loudest(lines, lambda line: line.rejected or ())
    for pair in given.keys() & rejected.keys():
        tally.overruled += rejected[pair] > given[pair]
        tally.disputed += rejected[pair] == given[pair]
    right = {pair for pair, voice in given.items() if voice > rejected.get(pair, -1)}
    wrong = {pair for pair, voice in rejected.items() if voice > given.get(pair, -1)}
    linked = {step for step, _ in right}
    kept = []
    for line in lines:
        step = step_text(line.step)
        if line.goal and (step, goal_text(line.goal)) not in right:
            continue
        if not line.goal and step in linked:
            tally.both += 1
            continue
        kept.append(line)
    said = [(step_text(line.step), goal_text(line.goal)) for line in kept]
    tally.pairs, tally.unlinked, tally.rejected = len(right), sum(not g for _, g in set(said)), len(wrong)
    tally.repeated = len(said) - len(set(said))
    of_step: dict[str, set[str]] = {}
    for step, goal in wrong:
        of_step.setdefault(step, set()).add(goal)
    rejections = {step: frozenset(goals) for step, goals in sorted(of_step.items())}
    return Gold([line.step for line in kept], [line.goal for line in kept], rejections), tally


def loudest(lines: Iterable[Line], titles: Callable[[Line], Iterable[str]]) -> Said:
    """By pair, who says most of those whose lines name it among `titles`."""
    said: Said = {}
    for line in lines:
        for title in titles(line):
            pair = step_text(line.step), goal_text(title)
            said[pair] = max(said.get(pair, Voice.MODEL), voice_of(line))
    return said


def voice_of(line: Line) -> Voice:
    """Who says a line."""
    if line.by_models:
        return Voice.MODEL
    return Voice.EDITOR if line.rejected is None else Voice.PERSON
