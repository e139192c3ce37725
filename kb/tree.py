"""Procedure trees: a goal, its methods and steps, and below a linked step the goal that it is, and so on.

An AND/OR tree. Of methods one is enough, parts are all needed, and within a method every step is. A goal met again
below itself is named but not opened, and so is one below the last open level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

from howtree.errors import BadQuery
from kb.store import KnowledgeBase

MAX_STEPS = 50_000
ROOTS_AT_ONCE = 500
RELATIONS = {"method": "alternatives", "part": "all needed", "question": "answers", "single": "one list"}

Stop = Literal["cycle", "depth"]


@dataclass(frozen=True, slots=True)
class Link:
    """What a step is linked to."""

    probability: float
    source: str
    """'person', 'editor' (a hyperlink) or 'model'."""
    relation: str | None
    """'exact' or 'helpful'; None where nobody decided."""
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
    others: int = 0
    """How many articles of this or other sites have an equal goal, which a reader may choose instead."""

    @property
    def relation(self) -> str:
        """How the methods relate to each other: 'alternatives', 'all needed', 'answers' or 'one list'."""
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
        if self.others:
            shown["alternatives"] = self.others
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
                "link_relation": step.link.relation,
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
    shelf = Shelf(threshold)
    shelf.fetch(kb, {article_id}, depth)
    return shelf.grow(article_id, depth)


def trees(kb: KnowledgeBase, article_ids: Sequence[int], depth: int = 3) -> Iterator[Goal | BadQuery]:
    """The procedure trees below many goals, in their order; an error in place of a tree that is too large.

    Goals are fetched many at a time, which takes far less time than a call of `tree` for each.
    """
    for start in range(0, len(article_ids), ROOTS_AT_ONCE):
        roots = article_ids[start : start + ROOTS_AT_ONCE]
        shelf = Shelf(None)
        shelf.fetch(kb, set(roots), depth)
        for root in roots:
            try:
                yield shelf.grow(root, depth)
            except BadQuery as error:
                yield error


def goals(kb: KnowledgeBase, article_ids: Iterable[int], threshold: float | None = None) -> dict[int, Goal]:
    """Goals with their own steps and what these are linked to, nothing further opened; for trees opened by hand."""
    return Shelf(threshold).goals(kb, frozenset(article_ids))


@dataclass(frozen=True, slots=True)
class Row:
    """A step as fetched."""

    method: int
    step_id: int
    number: int
    text: str


class Shelf:
    """Goals of trees, fetched as they are asked for and kept: links, steps, and names of all that are named.

    Threads may share it: what two of them fetch at once is the same.
    """

    def __init__(self, threshold: float | None) -> None:
        """`threshold` is the least probability of a link; None for the chosen links."""
        self._relation = "edges" if threshold is None else "best_links"
        self._condition = "TRUE" if threshold is None else "e.probability >= $threshold"
        self._parameters = {} if threshold is None else {"threshold": threshold}
        self._links: dict[int, tuple[int, float, str, str | None]] = {}
        """The goal, probability, source and relation of each linked step."""
        self._names: dict[int, str] = {}
        self.keys: dict[int, str] = {}
        """Of the goals that are named: identities that stay the same when the knowledge base is built again."""
        self._others: dict[int, int] = {}
        self._rows: dict[int, list[Row]] = {}
        self._methods: dict[tuple[int, int], tuple[int, str, str]] = {}
        """Number, kind and name of the methods of goals that were named, by goal and number."""
        self._steps = 0

    def fetch(self, kb: KnowledgeBase, roots: Set[int], depth: int = 1) -> None:
        """Fetch every goal that trees of this depth below the roots may open or name."""
        opened, level = set(roots), set(roots)
        for left in range(depth, 0, -1):
            children = self._fetch_links(kb, level) if level else set()
            level = children - opened
            if left > 1:
                opened |= level
        self._fetch_steps(kb, opened)
        self.name(kb, opened)

    def add(self, kb: KnowledgeBase, article_ids: Set[int]) -> None:
        """Fetch the links and steps of some goals that are not here yet; names and methods are left for later."""
        missing = set(article_ids) - self._rows.keys()
        if missing:
            self._fetch_links(kb, missing)
            self._fetch_steps(kb, missing)

    def steps(self, article_id: int) -> list[Row]:
        """The steps of a goal that was added."""
        return self._rows[article_id]

    def child(self, step_id: int) -> int | None:
        """The goal that a step of a goal that was added is linked to."""
        link = self._links.get(step_id)
        return link[0] if link else None

    def goals(self, kb: KnowledgeBase, article_ids: Set[int]) -> dict[int, Goal]:
        """Goals with their own steps and what these are linked to."""
        self.add(kb, article_ids)
        self.name(kb, article_ids)
        return {article_id: self.open(article_id, 1, frozenset()) for article_id in article_ids}

    def name(self, kb: KnowledgeBase, article_ids: Set[int]) -> None:
        """Fetch the names and methods of goals that were added, and the names of all that their steps are linked to."""
        self._fetch_methods(kb, article_ids)
        named = set(article_ids)
        for article_id in article_ids:
            for row in self.steps(article_id):
                if child := self.child(row.step_id):
                    named.add(child)
        missing = named - self._names.keys()
        if missing:
            self._fetch_names(kb, missing)

    def grow(self, root: int, depth: int) -> Goal:
        """The tree below a root, its `depth` levels having been fetched."""
        self._steps = 0
        return self.open(root, depth, frozenset())

    def open(self, article_id: int, depth: int, above: frozenset[int]) -> Goal:
        """The goal with `depth` levels open, `above` being its ancestors."""
        methods: dict[tuple[int, str, str], list[Step]] = {}
        for row in self._rows[article_id]:
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise BadQuery(
                    f"the tree has more than {MAX_STEPS:,} steps: use a smaller depth or a higher threshold"
                )
            method = self._methods[article_id, row.method]
            methods.setdefault(method, []).append(self._step(row, depth, above | {article_id}))
        return Goal(
            article_id,
            self._names[article_id],
            tuple(
                Method(kind, number, name, tuple(steps)) for (number, kind, name), steps in methods.items()
            ),
            others=self._others.get(article_id, 0),
        )

    def _step(self, row: Row, depth: int, above: frozenset[int]) -> Step:
        link = self._links.get(row.step_id)
        if link is None:
            return Step(row.step_id, row.number, row.text, None)
        child_id, probability, source, relation = link
        if child_id in above or depth == 1:
            stop: Stop = "cycle" if child_id in above else "depth"
            goal = Goal(child_id, self._names[child_id], stop=stop, others=self._others.get(child_id, 0))
        else:
            goal = self.open(child_id, depth - 1, above)
        return Step(row.step_id, row.number, row.text, Link(probability, source, relation, goal))

    def _fetch_links(self, kb: KnowledgeBase, article_ids: set[int]) -> set[int]:
        """Fetch the links of the steps of some goals; returns the goals linked to."""
        rows = kb.query(
            f"""
            SELECT e.step_id, e.child_id, e.probability, e.source, e.relation
            FROM (SELECT unnest($ids) AS parent_id) JOIN {self._relation} e USING (parent_id)
            WHERE {self._condition}
            """,
            {"ids": list(article_ids), **self._parameters},
        ).fetchall()
        self._links.update({step_id: link for step_id, *link in rows})
        return {link[0] for _, *link in rows}

    def _fetch_steps(self, kb: KnowledgeBase, article_ids: set[int]) -> None:
        found: dict[int, list[Row]] = {article_id: [] for article_id in article_ids}
        rows = kb.query(  # joined with methods, too, all steps would be read
            """
            SELECT article_id, method_number, step_id, step_number, headline
            FROM (SELECT unnest($ids) AS article_id) JOIN steps USING (article_id)
            ORDER BY step_id
            """,
            {"ids": list(article_ids)},
        ).fetchall()
        bodies = self._bodies(kb, [step_id for _, _, step_id, _, headline in rows if not headline])
        for article_id, method, step_id, number, headline in rows:
            text = headline or bodies[step_id]
            found[article_id].append(Row(method, step_id, number, text))
        self._rows.update(found)

    def _fetch_methods(self, kb: KnowledgeBase, article_ids: Set[int]) -> None:
        missing = {
            article_id
            for article_id in article_ids
            if any((article_id, row.method) not in self._methods for row in self.steps(article_id))
        }
        if not missing:
            return
        rows = kb.query(
            """
            SELECT article_id, method_number, kind, coalesce(name, '')
            FROM (SELECT unnest($ids) AS article_id) JOIN methods USING (article_id)
            """,
            {"ids": list(missing)},
        ).fetchall()
        self._methods.update(
            {(article_id, number): (number, kind, name) for article_id, number, kind, name in rows}
        )

    def _bodies(self, kb: KnowledgeBase, step_ids: list[int]) -> dict[int, str]:
        """The texts of steps without a headline. Bodies are long, so those of other steps are not read."""
        if not step_ids:
            return {}
        rows = kb.query(
            "SELECT step_id, body FROM (SELECT unnest($ids) AS step_id) JOIN steps USING (step_id)",
            {"ids": step_ids},
        ).fetchall()
        return dict(rows)

    def _fetch_names(self, kb: KnowledgeBase, article_ids: Set[int]) -> None:
        rows = kb.query(
            "SELECT article_id, goal, key FROM (SELECT unnest($ids) AS article_id) JOIN articles USING (article_id)",
            {"ids": list(article_ids)},
        ).fetchall()
        if kb.has_alternatives:
            grouped = kb.query(
                """
                SELECT own.article_id, count(*) - 1
                FROM alternatives own JOIN alternatives other USING (group_id)
                WHERE own.article_id IN (SELECT unnest($ids)) GROUP BY own.article_id
                """,
                {"ids": list(article_ids)},
            ).fetchall()
            self._others.update(grouped)
        self.keys.update((article_id, key) for article_id, _, key in rows)
        self._names.update((article_id, goal) for article_id, goal, _ in rows)
