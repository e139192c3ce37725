"""Free SQL: what it gives, and that nobody can write, reach files or keep the machine busy with it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from support.command import Run

from kb.store import KnowledgeBase

COUNT = "SELECT count(*) AS goals FROM goals"

HOSTILE = {
    "insert": "INSERT INTO edges VALUES (1, 1, 2, 1, 'model', true)",
    "insert into the file": "INSERT INTO kb.edges VALUES (1, 1, 2, 1, 'model', true)",
    "drop": "DROP TABLE kb.articles",
    "create": "CREATE TABLE more AS SELECT 1",
    "attach": "ATTACH 'other.duckdb' AS other",
    "copy": "COPY articles TO 'articles.csv'",
    "export": "EXPORT DATABASE 'folder'",
    "read a file": "SELECT * FROM read_csv('/etc/passwd')",
    "read a file by name": "SELECT * FROM '/etc/passwd'",
    "read text": "SELECT * FROM read_text('/etc/passwd')",
    "list files": "SELECT * FROM glob('/*')",
    "over http": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "unlock": "SET lock_configuration = false",
    "unlock by pragma": "PRAGMA enable_external_access=true",
    "allow files": "SET enable_external_access = true",
    "more memory": "SET memory_limit = '100GB'",
    "two statements": "SELECT 1; SELECT 2",
    "a write behind a select": "SELECT 1; DROP VIEW articles",
    "nothing": "   ",
    "nonsense": "SELEKT 1",
    "unknown table": "SELECT * FROM nowhere",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_or_wrong_query_is_refused_with_a_message(
    run: Run, sample_kb_path: Path, case: str
) -> None:
    before = sample_kb_path.read_bytes()
    done = run("sql", HOSTILE[case], "--kb", sample_kb_path)
    assert done.returncode == 1
    assert done.stderr.startswith("howtree: ") and "Traceback" not in done.stderr
    assert "root:" not in done.stdout
    assert sample_kb_path.read_bytes() == before


ENDLESS = {
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "product": "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c WHERE a.range <> b.range % 7",
}


@pytest.mark.parametrize("case", ENDLESS)
def test_a_query_that_never_ends_is_stopped(run: Run, sample_kb_path: Path, case: str) -> None:
    done = run("sql", ENDLESS[case], "--timeout", "1", "--kb", sample_kb_path, timeout=60)
    assert done.returncode == 1
    assert "stopped" in done.stderr


def test_a_result_without_end_is_cut_with_a_message(run: Run, sample_kb_path: Path) -> None:
    done = run(
        "sql",
        "SELECT * FROM range(100000000000)",
        "--limit",
        "1000",
        "--format",
        "csv",
        "--kb",
        sample_kb_path,
    )
    assert done.returncode == 1
    assert "stopped after 1,000 rows" in done.stderr
    assert len(done.stdout.splitlines()) == 1001


def test_a_value_too_large_for_memory_is_stopped(run: Run, sample_kb_path: Path) -> None:
    done = run(
        "sql",
        "SELECT list(repeat(range::VARCHAR, 1000)) FROM range(10000000)",
        "--kb",
        sample_kb_path,
        "--timeout",
        60,
    )
    assert done.returncode == 1
    assert "memory" in done.stderr


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
