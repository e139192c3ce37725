"""Procedure trees: Python and SQL agree with each other and with networkx, on random graphs with cycles."""

from __future__ import annotations

import json
import random
from pathlib import Path

import networkx as nx
import pytest
from support.command import Run
from support.small_kb import Edge, article, small_kb

from kb.above import goals_above
from kb.store import KnowledgeBase
from kb.tree import Goal, tree

STEPS = 4


def random_edges(goals: int, seed: int) -> list[Edge]:
    """At most one edge a step, to any other goal: cycles of every length occur."""
    dice = random.Random(seed)
    return [
        (parent, position, child, round(dice.random(), 3))
        for parent in range(goals)
        for position in range(STEPS)
        if dice.random() < 0.5
        for child in [dice.choice([g for g in range(goals) if g != parent])]
    ]


def graph_of(kb: KnowledgeBase, threshold: float) -> nx.MultiDiGraph:
    """The edges as networkx sees them, keyed by step."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(row[0] for row in kb.query("SELECT article_id FROM articles").fetchall())
    for parent, step, child, probability in kb.query(
        "SELECT parent_id, step_id, child_id, probability FROM best_links"
    ).fetchall():
        if probability >= threshold:
            graph.add_edge(parent, child, key=step)
    return graph


def walks(graph: nx.MultiDiGraph, root: int, depth: int) -> set[tuple[int, ...]]:
    """Every way of steps below `root` that opens at most `depth` goals and none below itself."""
    found: set[tuple[int, ...]] = set()
    for goal in graph.nodes:
        if goal != root:
            for path in nx.all_simple_edge_paths(graph, root, goal, cutoff=depth):
                found.add(tuple(step for *_, step in path))
    closing = {
        (*steps, step)
        for steps in [(), *found]
        if len(steps) < depth
        for end in [(steps and next(v for _, v, k in graph.edges(keys=True) if k == steps[-1])) or root]
        for _, child, step in graph.out_edges(end, keys=True)
        if child == root or any(child == goal_at(graph, s) for s in steps)
    }
    return found | closing


def goal_at(graph: nx.MultiDiGraph, step: int) -> int:
    """The goal that a step leads to."""
    return next(child for _, child, key in graph.edges(keys=True) if key == step)


def linked_paths(goal: Goal, above: tuple[int, ...] = ()) -> set[tuple[int, ...]]:
    """The ways of linked steps in a tree of ours."""
    found = set()
    for method in goal.methods:
        for step in method.steps:
            if step.link:
                path = (*above, step.step_id)
                found |= {path} | linked_paths(step.link.goal, path)
    return found


def python_rows(goal: Goal, path: tuple[int, ...] = ()) -> list[tuple[object, ...]]:
    """Our tree as the rows that the SQL macro gives."""
    rows: list[tuple[object, ...]] = []
    for method in goal.methods:
        for step in method.steps:
            here = (*path, step.step_id)
            link = step.link
            rows.append((len(here), list(here), link and link.goal.article_id, link and link.goal.stop))
            if link:
                rows += python_rows(link.goal, here)
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_python_sql_and_networkx_grow_the_same_tree(tmp_path: Path, seed: int) -> None:
    goals = 7
    articles = [article(f"Goal {g:02}", *(f"step {g} {s}" for s in range(STEPS))) for g in range(goals)]
    with KnowledgeBase(small_kb(tmp_path, articles, random_edges(goals, seed))) as kb:
        for threshold in (None, 0.2):
            graph = graph_of(kb, 0.5 if threshold is None else threshold)
            for root in (1, 1 + seed % goals):
                for depth in (1, 4):
                    grown = tree(kb, root, depth, threshold)
                    rows = kb.query(
                        "SELECT depth, path, child_id, stop "
                        "FROM procedure_tree(?, max_depth := ?, min_probability := ?)",
                        [root, depth, threshold],
                    ).fetchall()
                    assert python_rows(grown) == [tuple(row) for row in rows]
                    assert linked_paths(grown) == walks(graph, root, depth)


@pytest.mark.parametrize("seed", range(6))
def test_ancestors_and_paths_agree_with_networkx(tmp_path: Path, seed: int) -> None:
    goals = 9
    articles = [article(f"Goal {g:02}", *(f"step {g} {s}" for s in range(STEPS))) for g in range(goals)]
    with KnowledgeBase(small_kb(tmp_path, articles, random_edges(goals, seed + 100))) as kb:
        graph = graph_of(kb, 0.5)
        for goal in graph.nodes:
            expected = dict(nx.single_source_shortest_path_length(graph.reverse(), goal))
            expected.pop(goal)
            rows = kb.query("SELECT article_id, distance FROM ancestors(?)", [goal]).fetchall()
            assert dict(rows) == expected
            above = kb.query(
                "SELECT key, goal, distance FROM ancestors(?) JOIN articles USING (article_id, goal) "
                "ORDER BY distance, goal, key",
                [goal],
            ).fetchall()
            for limit in (1, 3, goals):
                assert goals_above(kb, goal, limit) == above[:limit]
            other = 1 + goal % goals
            if other != goal:
                found = kb.query("SELECT steps FROM paths(?, ?, max_depth := 4)", [goal, other]).fetchall()
                simple = nx.all_simple_edge_paths(graph, goal, other, cutoff=4)
                assert {tuple(r[0]) for r in found} == {tuple(k for *_, k in path) for path in simple}


def test_a_goal_that_links_to_itself_over_another_is_named_and_not_opened(tmp_path: Path) -> None:
    articles = [article("Bake Bread", "make starter"), article("Make Starter", "bake bread with it")]
    with KnowledgeBase(small_kb(tmp_path, articles, [(0, 0, 1, 0.9), (1, 0, 0, 0.8)])) as kb:
        root = tree(kb, 1, 10)
    starter = root.methods[0].steps[0].link
    assert starter is not None and starter.goal.goal == "Make Starter"
    again = starter.goal.methods[0].steps[0].link
    assert again is not None and again.goal.stop == "cycle" and again.goal.methods == ()


def test_sample_trees_reach_four_levels_and_tell_methods_from_parts(run: Run, sample_kb_path: Path) -> None:
    done = run("tree", "how to HOST a dinner party", "--depth", 6, "--format", "json", "--kb", sample_kb_path)
    assert done.returncode == 0, done.stderr
    root = json.loads(done.stdout)
    levels, relations, sources = set(), set(), set()

    def visit(goal: dict, level: int) -> None:
        levels.add(level)
        relations.add(goal.get("relation"))
        for method in goal.get("methods", []):
            for step in method["steps"]:
                if "link" in step:
                    sources.add(step["link"]["source"])
                    visit(step["link"], level + 1)

    visit(root, 1)
    assert max(levels) >= 4
    assert {"alternatives", "all needed", "one list"} <= relations
    assert sources == {"model", "editor"}


def test_the_cycle_of_the_sample_is_shown_as_one(run: Run, sample_kb_path: Path) -> None:
    done = run("tree", "Bake-Sourdough-Bread", "--kb", sample_kb_path)
    assert "Bake Sourdough Bread  [" in done.stdout and "(already open above)" in done.stdout


def test_mermaid_gives_each_node_a_name_and_no_raw_quotes(tmp_path: Path, run: Run) -> None:
    hostile = 'Say "hi"]; click g0 callback <script>'
    path = small_kb(tmp_path, [article("Greet", hostile), article("Talk", "a")], [(0, 0, 1, 0.9)])
    shown = run("tree", "Greet", "--format", "mermaid", "--kb", path).stdout
    assert shown.startswith("flowchart LR\n")
    assert "<script>" not in shown and '"hi"' not in shown
    assert '==>|"0.90 model"|' in shown


def test_control_characters_in_a_text_do_not_reach_the_terminal(tmp_path: Path, run: Run) -> None:
    path = small_kb(tmp_path, [article("Greet", "red \x1b[31m text \u202e turned")])
    shown = run("tree", "Greet", "--kb", path).stdout
    assert "\x1b" not in shown and "\u202e" not in shown


def test_an_unknown_goal_suggests_the_nearest_and_exits_1(run: Run, sample_kb_path: Path) -> None:
    done = run("tree", "host a diner partty", "--kb", sample_kb_path)
    assert done.returncode == 1 and done.stdout == ""
    assert '"Host a Dinner Party"' in done.stderr and "Traceback" not in done.stderr
