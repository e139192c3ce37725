"""What a build asks of a reranker, whatever it is: another may be put in the place of the one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from linking.arrays import Rows
from linking.retrieve.lists import GoalLists
from linking.retrieve.retrieve import Retriever
from linking.run.executors import Executor


class RerankedLists(Protocol):
    """The goals of every step text in the better order, kept on disk."""

    def update(self, executor: Executor | None = None) -> int:
        """Bring the lists of all texts up to date; returns how many pairs of a step and a goal were compared."""

    def lists(self, rows: Rows) -> GoalLists:
        """The lists of step texts, by their rows. Call `update` first."""


class Reranker(Protocol):
    """Puts each step's goals into a better order than the retriever's."""

    @property
    def digest(self) -> str:
        """Changes with anything that could change an order: lists of one digest may be kept together."""

    @property
    def reads(self) -> int:
        """How many of the retriever's goals it looks at."""

    def over(self, folder: Path, retriever: Retriever, depth: int) -> RerankedLists:
        """The lists of `retriever` in the better order, cut to the best `depth` goals and kept in `folder`."""
