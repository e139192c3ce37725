"""How deep the trees of a knowledge base go, and where they run in circles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.store import KnowledgeBase

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Depths:
    """The shape of all trees together."""

    levels: dict[int, int]
    """Goals by the levels of steps in their whole tree: 1 where none of the steps is linked."""
    endless: int
    """Goals whose tree meets a cycle, so that it has no depth of its own."""
    cycles: tuple[tuple[int, ...], ...]
    """A shortest cycle of each knot of goals that reach one another, as article ids; the smallest knots first."""
    knotted: int
    """Goals in such knots."""


def depths(kb: KnowledgeBase, most_cycles: int = 10) -> Depths:
    """Measure the depth of every goal's tree over the chosen links."""
    goals = np.array(
        kb.query("SELECT article_id FROM articles ORDER BY 1").fetchnumpy()["article_id"], np.int64
    )
    links = kb.query("SELECT DISTINCT parent_id, child_id FROM edges WHERE chosen").fetchnumpy()
    parents = np.searchsorted(goals, np.array(links["parent_id"], np.int64))
    children = np.searchsorted(goals, np.array(links["child_id"], np.int64))
    heights = heights_of(len(goals), parents, children)
    values, counts = np.unique(heights[heights > 0], return_counts=True)
    knots = knots_of(len(goals), parents, children)
    cycles = [shortest_cycle(knot, parents, children) for knot in knots[:most_cycles]]
    return Depths(
        dict(zip(values.tolist(), counts.tolist(), strict=True)),
        int((heights == 0).sum()),
        tuple(tuple(int(goals[place]) for place in cycle) for cycle in cycles),
        sum(map(len, knots)),
    )


def heights_of(count: int, parents: Ids, children: Ids) -> Ids:
    """Levels of each of `count` goals, 0 where its tree meets a cycle.

    Goals without links have height 1; then, round after round, those all of whose children have a height.
    """
    heights = np.zeros(count, np.int64)
    heights[np.setdiff1d(np.arange(count), parents)] = 1
    for level in range(2, count + 2):
        waiting = np.bincount(parents, heights[children] == 0, minlength=count) > 0
        ready = np.setdiff1d(parents[heights[parents] == 0], np.flatnonzero(waiting))
        if not len(ready):
            break
        heights[ready] = level
    return heights


def knots_of(count: int, parents: Ids, children: Ids) -> list[Ids]:
    """The sets of two or more goals that all reach one another, the smallest first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(parents), np.int8), (parents, children)), shape=(count, count))
    _, labels = connected_components(graph, connection="strong")
    sizes = np.bincount(labels, minlength=1) if count else np.zeros(1, np.int64)
    order = np.argsort(sizes, kind="stable")
    return [np.flatnonzero(labels == label) for label in order if sizes[label] > 1]


def shortest_cycle(knot: Ids, parents: Ids, children: Ids) -> tuple[int, ...]:
    """A shortest way from the first goal of a knot back to itself, without the return."""
    inside = np.isin(parents, knot) & np.isin(children, knot)
    below: dict[int, list[int]] = {}
    for parent, child in zip(parents[inside].tolist(), children[inside].tolist(), strict=True):
        below.setdefault(parent, []).append(child)
    start = int(knot[0])
    came: dict[int, int] = {}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if start in below[here]:
            way = [here]
            while way[-1] != start:
                way.append(came[way[-1]])
            return tuple(reversed(way))
        for child in below[here]:
            if child not in came and child != start:
                came[child] = here
                queue.append(child)
    return (start,)
