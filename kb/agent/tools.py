"""What a program may ask of a knowledge base: short answers with handles to go on, for whatever protocol."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from howtree.errors import NotFound, require_within
from kb.above import goals_above
from kb.agent.answers import Hit, Hits, Procedure, Rows, Use, Uses
from kb.draw import link_mark, method_label, one_line
from kb.meaning.model import load_ahead
from kb.plan.draw import as_dict, as_json
from kb.plan.plan import plan
from kb.plan.wish import CHARACTERS_PER_TOKEN, LEAST_TOKENS, Wish
from kb.query.ask import ask
from kb.query.children import Children
from kb.query.limits import Limits
from kb.search import goal_id, search
from kb.store import KnowledgeBase
from kb.tree import Goal, tree

MOST = 30
"""Goals in an answer."""
MOST_ROWS = 200
MOST_CELL = 2_000
"""Characters of a value in the answer to a query."""
MOST_TOKENS = 20_000
QUERY = Limits(seconds=10, rows=MOST_ROWS + 1, memory=500, size=1)


class Tools:
    """The tools over one open knowledge base; threads may share them."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb
        self._children = Children(kb.path, kb.file)
        load_ahead(kb)  # so that the first question does not wait for it

    def close(self) -> None:
        """End the processes of queries."""
        self._children.close()

    def find_procedure(self, question: str, limit: int = 5) -> Hits:
        """Goals that a question in one's own words asks for; none where nothing fits."""
        require_within("limit", limit, 1, MOST)
        found = search(self._kb, question, MOST)
        keys = self._keys([hit.article_id for hit in found])
        hits = [
            Hit(keys[hit.article_id], hit.goal, hit.score, hit.reason, list(hit.alternatives))
            for hit in found
        ]
        return Hits(hits[:limit], len(hits) > limit)

    def get_procedure(
        self, key: str, depth: int = 1, max_tokens: int = 1500, from_line: int = 0
    ) -> Procedure:
        """A goal with all its methods and steps, `depth` levels of goals open."""
        require_within("depth", depth, 1, 5)
        require_within("max_tokens", max_tokens, LEAST_TOKENS, MOST_TOKENS)
        require_within("from_line", from_line, 0, 10**6)
        root = goal_id(self._kb, key)
        goal = tree(self._kb, root, depth)
        lines = list(lines_of(goal))
        most, shown = max_tokens * CHARACTERS_PER_TOKEN, []
        for line in lines[from_line:]:
            most -= len(line) + 1
            if most < 0:
                break
            shown.append(line)
        end = from_line + len(shown)
        more = end < len(lines)
        return Procedure(self._keys([root])[root], goal.goal, "\n".join(shown), more, end if more else None)

    def plan(
        self,
        question: str,
        have: list[str] | None = None,
        without: list[str] | None = None,
        depth: int = 2,
        max_tokens: int = 1500,
    ) -> dict[str, Any]:
        """An ordered checklist for what somebody wants to do, as docs/json/plan.schema.json describes it."""
        require_within("max_tokens", max_tokens, LEAST_TOKENS, MOST_TOKENS)
        wish = Wish(question, None, tuple(have or ()), tuple(without or ()), depth, max_tokens=max_tokens)
        return as_dict(plan(self._kb, wish, as_json))

    def expand_step(self, step_id: int, depth: int = 1, max_tokens: int = 1500) -> Procedure:
        """The procedure of the goal that a step is linked to."""
        found = self._kb.query("SELECT child_id FROM edges WHERE step_id = ?", [step_id]).fetchone()
        if found is None:
            raise NotFound(f"step {step_id} is linked to no goal: get_procedure shows the steps that are")
        return self.get_procedure(str(found[0]), depth, max_tokens)

    def where_used(self, key: str, limit: int = 20) -> Uses:
        """The goals that a goal is a part of, nearest first."""
        require_within("limit", limit, 1, MOST)
        rows = goals_above(self._kb, goal_id(self._kb, key), limit + 1)
        return Uses([Use(*row) for row in rows[:limit]], len(rows) > limit)

    def query(self, sql: str, limit: int = 50) -> Rows:
        """The answer to one SQL statement that reads, fenced and within limits (docs/sql.md)."""
        require_within("limit", limit, 1, MOST_ROWS)
        answer = ask(self._children, sql, QUERY)
        rows = [[plain(value) for value in row] for row in answer.rows[:limit]]
        return Rows(answer.columns, rows, len(answer) > limit)

    def _keys(self, ids: list[int]) -> dict[int, str]:
        rows = self._kb.query(
            "SELECT article_id, key FROM articles WHERE article_id IN (SELECT unnest(?))", [ids]
        )
        return dict(rows.fetchall())


def lines_of(goal: Goal, depth: int = 0) -> Iterator[str]:
    """A goal's methods and steps, a line each."""
    for method in goal.methods:
        if method.kind != "single":
            yield f"{'  ' * depth}{one_line(method_label(goal, method))}:"
        for step in method.steps:
            link = ""
            if step.link:
                why = " (open above)" if step.link.goal.stop == "cycle" else ""
                link = f" #{step.step_id} -> {one_line(step.link.goal.goal)} [{link_mark(step.link)}]{why}"
            yield f"{'  ' * depth}{step.number}. {one_line(step.text)}{link}"
            if step.link:
                yield from lines_of(step.link.goal, depth + 1)


def plain(value: Any) -> Any:
    """A value as JSON has it, long text cut; a number that is none as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= MOST_CELL else text[: MOST_CELL - 1] + "…"
