"""How quick a reader of a large knowledge base is, and how much memory it takes.

    python tests/benchmarks/synthetic_kb.py -o synthetic.duckdb
    python tests/benchmarks/query_scale.py synthetic.duckdb

Each line is over 100 random goals: the time on the clock and the processor time of all threads, in milliseconds,
each as the median and the longest; and the rows of the result, as the median and the most. The first round over
ten other goals, which reads the file for the first time, does not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kb.search import search
from kb.store import KnowledgeBase
from kb.tree import tree

GOALS = 100
WARM_UP = 10


def measure(name: str, work: Callable[[Any], Any], goals: Sequence[Any]) -> None:
    """Print the times of `work` over the goals; it returns the rows of its result."""
    clock, processor, rows = [], [], []
    for number, goal in enumerate(goals):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work(goal)
        if number >= WARM_UP:
            clock.append(1e3 * (time.perf_counter() - wall))
            processor.append(1e3 * (time.process_time() - cpu))
            rows.append(len(result))
    print(
        f"{name:<44} {statistics.median(clock):8.1f} {max(clock):8.1f} {statistics.median(processor):8.1f} "
        f"{max(processor):8.1f} {statistics.median(rows):8.0f} {max(rows):8,}",
        flush=True,
    )


def some_goals(kb: KnowledgeBase, condition: str = "true") -> list[tuple[int, str]]:
    """Goals in an order that is random but always the same: ids and titles."""
    return kb.query(
        f"SELECT article_id, goal FROM articles WHERE {condition} ORDER BY hash(article_id), article_id LIMIT ?",
        [WARM_UP + GOALS],
    ).fetchall()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    path = parser.parse_args().kb
    clock = time.perf_counter()
    with KnowledgeBase(path) as kb:
        counts = kb.query("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM steps)").fetchone()
        print(f"{path}: {path.stat().st_size / 1e9:.2f} GB, {counts[0]:,} goals, {counts[1]:,} steps")
        print(
            f"opened in {1e3 * (time.perf_counter() - clock):.0f} ms; load of the machine {os.getloadavg()[0]:.1f}"
        )
        print(f"{'':<44} {'clock ms':>17} {'processor ms':>17} {'rows':>17}")
        goals = some_goals(kb)
        linked_to = some_goals(kb, "article_id IN (SELECT child_id FROM edges)")

        def sql(query: str) -> Callable[[Any], list[Any]]:
            return lambda goal: kb.query(query, [goal[1]]).fetchall()

        measure("procedure_tree, depth 4", sql("FROM procedure_tree(?, max_depth := 4)"), goals)
        measure("the same tree by Python", lambda goal: list(tree(kb, goal[0], 4).walk()), goals)
        measure("ancestors", sql("FROM ancestors(?)"), goals)
        measure("ancestors of goals that steps are linked to", sql("FROM ancestors(?)"), linked_to)
        measure("children", sql("FROM children(?)"), goals)
        for which, order in (("any word", "hash(word)"), ("the most frequent words", "count(*) DESC, word")):
            words = kb.query(
                f"SELECT '', word FROM things_by_word GROUP BY word ORDER BY {order} LIMIT 110"
            ).fetchall()
            measure(f"goals_using, {which}", sql("FROM goals_using(?)"), words)
        measure("search_goals, all of a title's words", lambda goal: search(kb, goal[1]), goals)
        measure("search_goals, one letter wrong", lambda goal: search(kb, goal[1][:-1] + "q"), goals)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
