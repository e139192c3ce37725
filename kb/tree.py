"""Procedure trees: a goal, its methods and steps, and below a linked step the goal that it is, and so on.

An AND/OR tree. Of methods one is enough, parts are all needed, and within a method every step is. A goal met again
below itself is named but not opened, and so is one below the last open level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any, Literal

from howtree import BadQuery
from kb.store import KnowledgeBase

MAX_STEPS = 50_000
RELATIONS = {"method": "alternatives", "part": "all needed", "question": "answers", "single": "one list"}

Stop = Literal["cycle", "depth"]


@dataclass(frozen=True, slots=True)
class Link:
    """What a step is linked to."""

    probability: float
    source: str
    """'person', 'editor' (a hyperlink) or 'model'."""
    goal: Goal


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and the goal it is if it is linked."""

    step_id: int
    number: int
    text: str
    link: Link | None


@dataclass(frozen=True, slots=True)
class Method:
    """One list of steps."""

    kind: str
    number: int
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal; its methods are empty where it is not opened, and `stop` says why."""

    article_id: int
    goal: str
    methods: tuple[Method, ...] = ()
    stop: Stop | None = None

    @property
    def relation(self) -> str:
        """How the methods stand to each other: 'alternatives', 'all needed', 'answers' or 'one list'."""
        return RELATIONS.get(self.methods[0].kind, "alternatives") if self.methods else ""

    def walk(self, depth: int = 1) -> Iterator[tuple[int, Goal, Step]]:
        """Every step below, in reading order, with its depth (1 for this goal's own) and its goal."""
        for method in self.methods:
            for step in method.steps:
                yield depth, self, step
                if step.link:
                    yield from step.link.goal.walk(depth + 1)

    def to_dict(self) -> dict[str, Any]:
        """The tree as plain dictionaries, the form of `--format json`."""
        shown: dict[str, Any] = {"article_id": self.article_id, "goal": self.goal}
        if self.stop:
            return {**shown, "stop": self.stop}
        return {**shown, "relation": self.relation, "methods": [_method_dict(m) for m in self.methods]}


def _method_dict(method: Method) -> dict[str, Any]:
    steps = []
    for step in method.steps:
        shown: dict[str, Any] = {"step_id": step.step_id, "number": step.number, "text": step.text}
        if step.link:
            shown["link"] = {
                "probability": round(step.link.probability, 4),
                "source": step.link.source,
                **step.link.goal.to_dict(),
            }
        steps.append(shown)
    return {"kind": method.kind, "number": method.number, "name": method.name, "steps": steps}


def tree(kb: KnowledgeBase, article_id: int, depth: int = 3, threshold: float | None = None) -> Goal:
    """The procedure tree below a goal, with `depth` levels of goals open.

    Args:
        kb: the knowledge base.
        article_id: the root.
        depth: levels of goals that are opened; 1 shows the goal's own steps.
        threshold: least probability of a link; None for the chosen links.

    Raises:
        BadQuery: the tree has more than `MAX_STEPS` steps.
    """
    shelf = _Shelf(kb, threshold)
    shelf.fetch({article_id}, depth)
    return shelf.open(article_id, depth, frozenset())


def goals(kb: KnowledgeBase, article_ids: Iterable[int], threshold: float | None = None) -> dict[int, Goal]:
    """Goals with their own steps and what these are linked to, nothing further opened; for trees opened by hand."""
    shelf = _Shelf(kb, threshold)
    asked = frozenset(article_ids)
    shelf.fetch(asked)
    return {article_id: shelf.open(article_id, 1, frozenset()) for article_id in asked}


@dataclass(frozen=True, slots=True)
class _Row:
    """A step with its edge, as fetched."""

    method: tuple[int, str, str]
    step_id: int
    number: int
    text: str
    child_id: int | None
    probability: float | None
    source: str | None


class _Shelf:
    """The goals of a tree, each fetched once, a level at a time."""

    def __init__(self, kb: KnowledgeBase, threshold: float | None) -> None:
        self._kb = kb
        self._condition = "e.chosen" if threshold is None else "e.probability >= $threshold"
        self._parameters = {} if threshold is None else {"threshold": threshold}
        self._names: dict[int, str] = {}
        self._rows: dict[int, list[_Row]] = {}
        self._steps = 0

    def fetch(self, roots: Set[int], depth: int = 1) -> None:
        """Fetch every goal that trees of this depth may open or name."""
        level = set(roots)
        for _ in range(depth):
            if not level:
                break
            self._fetch(sorted(level))
            level = {
                row.child_id
                for article_id in level
                for row in self._rows[article_id]
                if row.child_id is not None
            } - self._rows.keys()
        self._fetch_names(sorted(level | roots))

    def open(self, article_id: int, depth: int, above: frozenset[int]) -> Goal:
        """The goal with `depth` levels open, `above` being its ancestors."""
        methods: dict[tuple[int, str, str], list[Step]] = {}
        for row in self._rows[article_id]:
            self._steps += 1
            methods.setdefault(row.method, []).append(self._step(row, depth, above | {article_id}))
        if self._steps > MAX_STEPS:
            raise BadQuery(
                f"the tree has more than {MAX_STEPS:,} steps: use a smaller depth or a higher threshold"
            )
        return Goal(
            article_id,
            self._names[article_id],
            tuple(
                Method(kind, number, name, tuple(steps)) for (number, kind, name), steps in methods.items()
            ),
        )

    def _step(self, row: _Row, depth: int, above: frozenset[int]) -> Step:
        if row.child_id is None or row.probability is None or row.source is None:
            return Step(row.step_id, row.number, row.text, None)
        if row.child_id in above:
            goal = Goal(row.child_id, self._names[row.child_id], stop="cycle")
        elif depth == 1:
            goal = Goal(row.child_id, self._names[row.child_id], stop="depth")
        else:
            goal = self.open(row.child_id, depth - 1, above)
        return Step(row.step_id, row.number, row.text, Link(row.probability, row.source, goal))

    def _fetch(self, article_ids: list[int]) -> None:
        for article_id in article_ids:
            self._rows[article_id] = []
        rows = self._kb.query(
            f"""
            SELECT s.article_id, s.method_number, m.kind, coalesce(m.name, ''), s.step_id, s.step_number,
                   coalesce(nullif(s.headline, ''), s.body), e.child_id, e.probability, e.source
            FROM steps s
            JOIN methods m ON m.article_id = s.article_id AND m.method_number = s.method_number
            LEFT JOIN edges e ON e.parent_id = s.article_id AND e.step_id = s.step_id AND {self._condition}
            WHERE s.article_id IN (SELECT unnest($ids))
            ORDER BY s.step_id
            """,
            {"ids": article_ids, **self._parameters},
        ).fetchall()
        for article_id, number, kind, name, *rest in rows:
            self._rows[article_id].append(_Row((number, kind, name), *rest))
        self._fetch_names(article_ids)

    def _fetch_names(self, article_ids: list[int]) -> None:
        self._names.update(
            self._kb.query(
                "SELECT article_id, goal FROM articles WHERE article_id IN (SELECT unnest($ids))",
                {"ids": article_ids},
            ).fetchall()
        )
