"""A knowledge base as Python programs have it: goals are named by title or id, and what is found is read off objects.

`howtree.open` gives it. The parts are those that the commands call; nothing here reads the file in a way of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from howtree.errors import BadUsage, NotFound, require_within
from kb import store
from kb.query.answer import Answer
from kb.query.children import Children
from kb.query.limits import Limits
from kb.search import FoundGoal, goal_id, search
from kb.things import Need, needs
from kb.tree import Goal, tree

if TYPE_CHECKING:
    from kb.plan.plan import Plan

MAX_DEPTH = 50
MAX_FOUND = 1000
MAX_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A goal that another is a part of."""

    article_id: int
    goal: str
    distance: int
    """The least number of links between the two."""


@dataclass(frozen=True, slots=True)
class Descent:
    """A way down from one goal to another."""

    goals: tuple[str, ...]
    """Their titles, from the upper to the lower goal: one more than steps."""
    steps: tuple[int, ...]
    """The ids of the steps passed."""
    probability: float
    """That all of its links are right: the product of their probabilities."""


class KnowledgeBase(store.KnowledgeBase):
    """A knowledge base opened for reading; threads may share it, and `with` closes it.

    A goal is named as in the commands: by its title (case and "How to" do not matter), its slug, its key or its id.
    """

    def __repr__(self) -> str:
        return f"KnowledgeBase({str(self.path)!r})"

    def goal(self, goal: str | int) -> Goal:
        """A goal with its methods and steps; what a step is linked to is named, not opened.

        Raises:
            NotFound: there is no such goal; the message suggests the nearest titles.
        """
        return self.tree(goal, depth=1)

    def tree(
        self, goal: str | int, depth: int = 3, *, threshold: float | None = None, beta: float | None = None
    ) -> Goal:
        """The procedure tree below a goal.

        Args:
            goal: its title, slug, key or id.
            depth: levels of goals that are opened, from 1 (the goal's own steps) to 50.
            threshold: least probability of a link, from 0 to 1; None for the links chosen when it was built.
            beta: in place of a threshold: follow links from the threshold of the best F-beta on.

        Raises:
            NotFound: there is no such goal, or no threshold was fitted for this beta.
            BadUsage: depth or threshold is out of bounds, or both threshold and beta are given.
            BadQuery: the tree is too large.
        """
        require_within("depth", depth, 1, MAX_DEPTH)
        if threshold is not None:
            require_within("threshold", threshold, 0, 1)
        if beta is not None:
            if threshold is not None:
                raise BadUsage("threshold and beta both say which links are followed: give one of them")
            threshold = self.threshold_for(beta)
        return tree(self, self._id(goal), depth, threshold)

    def things(
        self, goal: str | int, depth: int = 3, *, threshold: float | None = None, beta: float | None = None
    ) -> list[Need]:
        """What all goals of a procedure tree need: ingredients, things and tools, each once, with its amounts added up.

        The arguments and the errors are those of `tree`; depth 1 is what the goal itself needs.
        """
        return needs(self, self.tree(goal, depth, threshold=threshold, beta=beta))

    def search(
        self, words: str, limit: int = 20, *, semantic: bool = False, model: bool = True
    ) -> list[FoundGoal]:
        """The goals that a question in your own words asks for by its words or its meaning, best first.

        Args:
            words: the question, of at most 1,000 characters.
            limit: most goals to find, from 1 to 1,000; never more than 30 but with `semantic`.
            semantic: by meaning alone, with the encoder of the build; this loads torch.
            model: whether the encoder that made the links has a say, where it is installed.

        Raises:
            NotFound: for a search by meaning, the build's work folder is gone or belongs to another build.
            BadUsage: the limit is out of bounds, or the question is too long.
        """
        require_within("limit", limit, 1, MAX_FOUND)
        if semantic:
            from kb.semantic import semantic_search

            return semantic_search(self, words, limit)
        return search(self, words, limit, model)

    def plan(self, text: str, **bounds: Any) -> Plan:
        """A checklist for what somebody wants to do.

        Args:
            text: a goal's title, slug, key or id, or a question of at most 1,000 characters.
            bounds: the other fields of `kb.plan.wish.Wish`: rule, have, without, depth, max_steps, max_tokens (of
                the plan as JSON), threshold.

        Raises:
            NotFound: no goal fits.
            BadUsage: a bound is out of bounds, or the question is too long.
            TypeError: there is no such bound.
        """
        from kb.plan.draw import as_json
        from kb.plan.plan import plan
        from kb.plan.wish import Wish

        return plan(self, Wish(text, **bounds), as_json)

    def sql(
        self,
        query: str,
        *,
        limit: int = Limits.rows,
        timeout: float = Limits.seconds,
        memory: int = Limits.memory,
        size: int = Limits.size,
    ) -> Answer:
        """The answer to one SQL statement that reads, without access to files, network or settings.

        Args:
            query: over the views, macros and tables of docs/sql.md.
            limit: most rows.
            timeout: most seconds.
            memory: most MB that the query may use.
            size: most MB of the answer.

        Raises:
            BadQuery: it is refused, it is wrong, or it reached a limit.
            BadUsage: a limit is out of bounds.
        """
        require_within("limit", limit, 0, MAX_LIMIT)
        require_within("timeout", timeout, 0.001, MAX_LIMIT)
        require_within("memory", memory, 50, 10**6)
        require_within("size", size, 1, MAX_LIMIT)
        from kb.query.ask import ask

        return ask(self._children, query, Limits(timeout, limit, memory, size))

    @cached_property
    def _children(self) -> Children:
        return Children(self.path, self.file)

    def close(self) -> None:
        """Let go of the file, and end the processes of queries."""
        if "_children" in self.__dict__:
            self._children.close()
        super().close()

    def ancestors(self, goal: str | int, max_distance: int = 100) -> list[Ancestor]:
        """The goals that a goal is a part of, nearest first.

        Raises:
            NotFound: there is no such goal.
        """
        found = self.query(
            "SELECT article_id, goal, distance FROM ancestors(?, max_distance := ?)",
            [self._id(goal), max_distance],
        )
        return [Ancestor(*row) for row in found.fetchall()]

    def paths(self, upper: str | int, lower: str | int, max_depth: int = 6) -> list[Descent]:
        """The ways down from one goal to another over chosen links, shortest first.

        Args:
            upper: the goal to start from.
            lower: the goal to arrive at.
            max_depth: most links of a way, from 1 to 50.

        Raises:
            NotFound: there is no such goal.
            BadUsage: max_depth is out of bounds.
        """
        require_within("max_depth", max_depth, 1, MAX_DEPTH)
        found = self.query(
            "SELECT goals, steps, probability FROM paths(?, ?, max_depth := ?)",
            [self._id(upper), self._id(lower), max_depth],
        )
        return [Descent(tuple(goals), tuple(steps), p) for goals, steps, p in found.fetchall()]

    def _id(self, goal: str | int) -> int:
        found = goal_id(self, str(goal))
        if not isinstance(goal, str) and found != goal:  # a number may be the title of another goal
            raise NotFound(f"no goal with the id {goal} in {self.path}. Try: howtree search WORDS")
        return found
