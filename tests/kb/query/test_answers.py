"""What people's SQL gives: the rows, in every form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from support.asking import answered
from support.command import Run

from kb.query.ask import ask
from kb.query.children import Children
from kb.query.limits import Limits
from kb.store import KnowledgeBase

COUNT = "SELECT count(*) AS goals FROM goals"


def test_every_format_gives_the_same_rows(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    query = (
        "SELECT article_id, goal, steps / 2 AS half, [steps, methods] AS both FROM goals ORDER BY article_id"
    )
    with KnowledgeBase(sample_kb_path) as kb:
        expected = kb.records(query)
    arguments = ("sql", query, "--kb", sample_kb_path)
    as_json = [json.loads(line) for line in run(*arguments, "--format", "json").stdout.splitlines()]
    assert as_json == expected
    as_csv = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))
    assert [r["goal"] for r in as_csv] == [r["goal"] for r in expected]
    assert [json.loads(r["both"]) for r in as_csv] == [r["both"] for r in expected]
    target = tmp_path / "result.parquet"
    assert run(*arguments, "--format", "parquet", "-o", target).returncode == 0
    assert pq.read_table(target).to_pylist() == expected
    table = run(*arguments).stdout.splitlines()
    assert table[0].split() == ["article_id", "goal", "half", "both"]
    assert len(table) == 2 + len(expected)


def test_an_empty_result_has_its_columns_in_every_format(
    run: Run, sample_kb_path: Path, tmp_path: Path
) -> None:
    query = "SELECT goal, steps FROM goals WHERE false"
    assert run("sql", query, "--kb", sample_kb_path, "--format", "csv").stdout == "goal,steps\n"
    assert run("sql", query, "--kb", sample_kb_path).stdout.split() == ["goal", "steps", "----", "-----"]
    target = tmp_path / "none.parquet"
    assert run("sql", query, "--kb", sample_kb_path, "--format", "parquet", "-o", target).returncode == 0
    assert pq.read_table(target).column_names == ["goal", "steps"]


def test_parquet_keeps_a_column_whose_first_rows_are_empty(
    run: Run, sample_kb_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "late.parquet"
    query = "SELECT CASE WHEN range > 150000 THEN 'x' END AS late FROM range(200000)"
    done = run("sql", query, "--kb", sample_kb_path, "--format", "parquet", "-o", target, "--limit", 300_000)
    assert done.returncode == 0, done.stderr
    assert pq.read_table(target).column("late").null_count == 150_001


def test_schema_of_another_version_and_no_knowledge_base_are_said(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as session:
        session.execute("CREATE TABLE meta AS SELECT 'schema_version' AS key, '999' AS value")
    done = run("sql", COUNT, "--kb", other)
    assert done.returncode == 1 and "schema version 999" in done.stderr
    text = tmp_path / "text.duckdb"
    text.write_text("no database", encoding="utf-8")
    assert "not a knowledge base" in run("info", "--kb", text).stderr
    missing = run("tree", "x", cwd=tmp_path)
    assert missing.returncode == 1 and "no knowledge base at kb.duckdb" in missing.stderr


def test_the_knowledge_base_is_found_by_environment_and_by_folder(run: Run, own_sample_kb: Path) -> None:
    by_folder = run("sql", COUNT, "--format", "csv", cwd=own_sample_kb.parent)
    by_environment = run("sql", COUNT, "--format", "csv", cwd=Path("/"), HOWTREE_KB=str(own_sample_kb))
    assert by_folder.returncode == 0 and by_folder.stdout == by_environment.stdout


def test_the_views_work_in_a_plain_duckdb_session(sample_kb_path: Path) -> None:
    """As in the duckdb shell or a BI tool: the file alone, opened or attached under any name."""
    with duckdb.connect(str(sample_kb_path), read_only=True) as session:
        alone = session.execute("FROM procedure_tree('Host a Dinner Party', max_depth := 4)").fetchall()
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{sample_kb_path}' AS other (READ_ONLY)")
        session.execute("USE other")
        attached = session.execute("FROM procedure_tree('Host a Dinner Party', max_depth := 4)").fetchall()
    assert alone == attached and len(alone) > 50


ODD_VALUES = (
    "'-infinity'::DATE",
    "'290000-01-01'::DATE",
    "INTERVAL 300000 YEARS",
    "170141183460469231731687303715884105727",
    "1::DECIMAL(38, 3)",
    "(1, 'a')",
    "[{'k': (1, 'a')}]",
    "MAP {'a': [1]}",
    "union_value(k := 1)",
    "[1, 2]::INT[2]",
    "[[[[[[1]]]]]]",
    "NULL",
    "1 AS a, 2 AS a, 3 AS A",
)


def test_values_of_every_type_are_those_that_duckdb_gives_to_python(
    sample_kb: KnowledgeBase, children: Children
) -> None:
    kinds = [name for (name, *_) in sample_kb.query("DESCRIBE FROM test_all_types()").fetchall()]
    queries = [f'SELECT "{kind}" FROM test_all_types()' for kind in kinds]
    for sql in queries + [f"SELECT {value}" for value in ODD_VALUES]:
        assert repr(answered(children, sql)) == repr(sample_kb.query(sql).fetchall()), sql
        expected = sample_kb.cursor().sql(sql).to_arrow_table()
        found = ask(children, sql, Limits()).arrow()
        assert (found.schema, repr(found)) == (expected.schema, repr(expected)), sql
