"""`import howtree`: what Python programs get, what they are told when something is wrong, and what is loaded for it."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.command import SAMPLE, Run, surroundings, work_folder
from support.small_kb import article, small_kb

import howtree
from kb.search import goal_id
from kb.tree import tree

HEAVY = ("torch", "faiss", "duckdb", "streamlit", "numpy", "pyarrow", "pandas")
WRONG: dict[str, tuple[type[Exception], str, str]] = {
    "a title with a slip": (
        howtree.NotFound,
        "kb.goal('Host a Diner Party')",
        'did you mean "Host a Dinner Party"',
    ),
    "an unknown id": (howtree.NotFound, "kb.tree(999)", "999"),
    "an id that is another's title": (howtree.NotFound, "kb.goal(-1)", "-1"),
    "a number beyond ids": (howtree.NotFound, "kb.goal(2**200)", "no goal"),
    "nothing": (howtree.NotFound, "kb.goal('')", "no goal"),
    "no text": (howtree.NotFound, "kb.goal('\\udcff')", "no goal"),
    "a lower goal": (howtree.NotFound, "kb.paths('Clean an Oven', 'qqqq')", "qqqq"),
    "an unknown ancestor": (howtree.NotFound, "kb.ancestors(0)", "no goal"),
    "no depth": (howtree.BadUsage, "kb.tree(3, depth=0)", "depth is a number from 1 to 50, not 0"),
    "too many paths": (howtree.BadUsage, "kb.paths(3, 4, max_depth=10**6)", "max_depth"),
    "no probability": (howtree.BadUsage, "kb.tree(3, threshold=float('nan'))", "threshold"),
    "two thresholds": (howtree.BadUsage, "kb.tree(3, threshold=0.5, beta=1)", "one of them"),
    "no such beta": (howtree.NotFound, "kb.tree(3, beta=7)", "beta 7"),
    "no limit": (howtree.BadUsage, "kb.search('oven', 0)", "limit"),
    "a write": (howtree.BadQuery, "kb.sql('EXPLAIN ANALYZE DROP VIEW edges')", "only queries that read"),
    "no statement": (howtree.BadQuery, "kb.sql('')", "one statement"),
    "too many rows": (howtree.BadQuery, "kb.sql('FROM range(10)', limit=9)", "9 rows"),
    "no end": (
        howtree.BadQuery,
        "kb.sql('FROM range(1000000000000000000) r WHERE range = -1', timeout=0.2)",
        "seconds",
    ),
    "a date beyond Python's": (howtree.BadQuery, "kb.sql(\"SELECT '290000-01-01'::DATE\").rows", "VARCHAR"),
    "no file": (howtree.NotFound, "howtree.open('nowhere.duckdb')", "howtree build"),
    "a folder": (howtree.NotFound, "howtree.open('/')", "no knowledge base"),
    "two thresholds of a build": (
        howtree.BadUsage,
        "howtree.build('.', 'never.duckdb', threshold=0.5, beta=1)",
        "one of them",
    ),
    "no threshold of a build": (
        howtree.BadUsage,
        "howtree.build('.', 'never.duckdb', threshold=2)",
        "from 0 to 1",
    ),
    "no source": (howtree.BadInput, "howtree.build('nowhere', 'never.duckdb')", "nowhere"),
    "no such name": (AttributeError, "howtree.nothing", "nothing"),
}


def ran(code: str) -> str:
    """What a Python program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_loads_nothing_and_reading_no_torch(sample_kb_path: Path) -> None:
    shown = ran(
        f"""
import sys, howtree
loaded = lambda: [name for name in {(*HEAVY, "kb", "crawl", "linking")!r} if name in sys.modules]
print(loaded(), howtree.__version__ != "", issubclass(howtree.NotFound, howtree.HowtreeError))
with howtree.open({str(sample_kb_path)!r}) as kb:
    kb.tree("Host a Dinner Party"), kb.search("oven"), kb.ancestors(3), kb.paths(3, 4)
print(loaded())
"""
    )
    assert shown.splitlines() == ["[] True True", "['duckdb', 'numpy', 'kb', 'linking']"]


def test_all_names_are_there_and_only_they_are_shown() -> None:
    assert dir(howtree) == sorted(howtree.__all__)
    assert all(getattr(howtree, name) is not None for name in howtree.__all__)
    assert isinstance(howtree.KnowledgeBase, type) and issubclass(howtree.BadQuery, howtree.HowtreeError)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_by_an_error_of_the_family(
    sample_kb_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, code, message = WRONG[case]
    monkeypatch.chdir(tmp_path)
    with howtree.open(str(sample_kb_path)) as kb, pytest.raises(kind) as caught:
        eval(code, {"howtree": howtree, "kb": kb})
    assert message in str(caught.value)


def test_goals_are_named_by_title_slug_key_and_id(sample_kb_path: Path) -> None:
    with howtree.open(sample_kb_path) as kb:
        for name in (
            "Host a Dinner Party",
            "how to host a dinner party",
            "host-a-dinner-party",
            "en:700101",
            3,
        ):
            assert kb.goal(name).article_id == 3, name
            assert kb.tree(name, 4) == tree(kb, goal_id(kb, "Host a Dinner Party"), 4)


def test_an_id_is_never_taken_for_a_title(tmp_path: Path) -> None:
    with howtree.open(small_kb(tmp_path, [article("99", "a step"), article("Rest", "lie down")])) as kb:
        assert kb.goal("99").article_id == 1
        with pytest.raises(howtree.NotFound):
            kb.goal(99)


def test_ancestors_and_paths_are_those_of_the_macros(sample_kb_path: Path) -> None:
    with howtree.open(sample_kb_path) as kb:
        paste = "Make a Baking Soda Paste"
        above = [(a.article_id, a.goal, a.distance) for a in kb.ancestors(paste)]
        assert above == kb.sql(f"FROM ancestors('{paste}')").rows != []
        assert {a.distance for a in kb.ancestors(paste, max_distance=1)} == {1}
        ways = kb.paths("Host a Dinner Party", paste)
        asked = kb.sql(f"SELECT goals, steps FROM paths('Host a Dinner Party', '{paste}')").rows
        assert [(list(way.goals), list(way.steps)) for way in ways] == asked != []
        assert kb.paths(paste, "Host a Dinner Party") == []


def test_the_answer_to_a_query_is_the_commands(run: Run, sample_kb_path: Path) -> None:
    query = "SELECT article_id, goal, steps, steps / 2 AS half FROM goals ORDER BY ALL"
    with howtree.open(sample_kb_path) as kb:
        answer = kb.sql(query)
        assert answer.columns == ["article_id", "goal", "steps", "half"]
        assert answer.arrow().to_pylist() == kb.records(query)
        assert list(answer) == answer.rows == kb.query(query).fetchall()
        assert (
            answer.pandas().to_csv(index=False)
            == run("sql", query, "--kb", kb.path, "--format", "csv").stdout
        )


def test_values_of_every_kind_come_as_those_of_python(sample_kb_path: Path) -> None:
    kinds: dict[str, Any] = {
        "sum(steps)": 660,
        "'x'::ENUM('x')": "x",
        "NULL": None,
        "[1, NULL]": [1, None],
        "{'a': 1}": {"a": 1},
        "1.5::DECIMAL(4, 1)": Decimal("1.5"),
        "2::HUGEINT << 70": 2**71,
        "'\\xC3\\xA9'::BLOB": "é".encode(),
    }
    with howtree.open(sample_kb_path) as kb:
        answer = kb.sql(f"SELECT {', '.join(kinds)} FROM goals")
        assert answer.rows == [tuple(kinds.values())]
        assert answer.pandas().iloc[0, 0] == 660.0
        nothing = kb.sql("SELECT goal FROM goals WHERE false")
        assert (len(nothing), nothing.rows, list(nothing.pandas().columns)) == (0, [], ["goal"])
        twice = kb.sql("SELECT 1 AS a, 2 AS a")
        assert twice.rows == [(1, 2)] and list(twice.pandas().columns) == ["a", "a"]


def test_a_build_by_python_is_the_commands(sample_kb_path: Path, own_sample_kb: Path) -> None:
    again = own_sample_kb.with_name("again.duckdb")
    work_folder(own_sample_kb).rename(work_folder(again))
    own_sample_kb.unlink()
    tally = howtree.build([str(SAMPLE)], str(again), threshold=0.9)
    with howtree.open(again) as kb, howtree.open(sample_kb_path) as other:
        assert kb.threshold == 0.9 and tally.counts["articles"] == len(kb.sql("FROM articles"))
        candidates = "FROM candidates ORDER BY ALL"
        assert kb.sql(candidates).rows == other.sql(candidates).rows
    without_reranker = replace(howtree.Model.load("howtree-retriever"), reranker=None)
    howtree.build(SAMPLE, again, model=without_reranker)
    with howtree.open(again) as kb, howtree.open(sample_kb_path) as other:
        reranked = "SELECT count(rerank_score) > 0 FROM candidates"
        assert (kb.sql(reranked).rows, other.sql(reranked).rows) == ([(False,)], [(True,)])
    with pytest.raises(TypeError):
        howtree.build(SAMPLE, again, treshold=0.5)


def test_type_checkers_see_what_is_loaded_lazily_where_it_is() -> None:
    """And no other name: `__getattr__` is hidden from them."""
    source = ast.parse(Path(howtree.__file__).read_text(encoding="utf-8"))
    guarded = [node for node in source.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in guarded[0].body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = set(howtree.__all__) & set(seen)
    assert (
        ast.unparse(guarded[0].test) == "TYPE_CHECKING" and {"KnowledgeBase", "BuildOptions", "Model"} <= lazy
    )
    for name in lazy:
        found = getattr(howtree, name)
        assert f"{found.__module__}.{found.__qualname__}" == seen[name]
    assert ast.unparse(guarded[1].test) == "not TYPE_CHECKING"
    assert [node.name for node in guarded[1].body if isinstance(node, ast.FunctionDef)] == ["__getattr__"]
    assert not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in source.body)
    assert all(
        (Path(howtree.__file__).parents[1] / package / "py.typed").exists()
        for package in ("howtree", "kb", "crawl", "linking")
    )
