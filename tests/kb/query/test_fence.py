"""The fence around people's SQL: nobody writes, reaches files or leaves anything behind with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.asking import answered
from support.command import Run
from support.hostile import EVERY, EXPLAINED, HIDDEN_WRITES, HOSTILE, REACHING, WRITES
from support.visiting import Visit, rows_shown, whole

import howtree
from howtree.errors import BadQuery
from kb.query.ask import running
from kb.query.children import Children
from kb.query.limits import Limits
from kb.review.judging import review_of
from kb.review.reviews import append
from kb.store import KnowledgeBase


def test_a_hostile_or_wrong_query_is_refused_with_a_message(sample_kb_path: Path) -> None:
    assert len(set(EVERY)) > 200
    before = sample_kb_path.read_bytes()
    with howtree.open(sample_kb_path) as kb:
        for sql in (*HOSTILE.values(), *REACHING):
            with pytest.raises(BadQuery) as refused:
                kb.sql(sql)
            said = str(refused.value)
            assert "Traceback" not in said and "root:" not in said and "SIG" not in said, (sql, said)
    assert sample_kb_path.read_bytes() == before


@pytest.mark.parametrize("case", ["insert", "read text", "a kind without a name", "a byte that is no text"])
def test_the_command_refuses_it_as_well(run: Run, sample_kb_path: Path, case: str) -> None:
    done = run("sql", HOSTILE[case], "--kb", sample_kb_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("howtree: ") and "Traceback" not in done.stderr


READS = (
    "PIVOT links ON source USING count(*)",
    "(PIVOT links ON source USING count(*))",
    "WITH p AS (PIVOT links ON source USING count(*)) FROM p",
    "DESCRIBE PIVOT links ON source USING count(*)",
    "UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b",
    "-- comment\n; SUMMARIZE links;",
    "DESCRIBE links",
    "SHOW TABLES",
    "TABLE links",
    "VALUES (1)",
    "FROM query('SELECT 1')",
    "FROM query_table('links')",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE FROM links",
    "EXPLAIN (ANALYZE, FORMAT json) FROM (PIVOT links ON source USING count(*))",
    "FROM procedure_tree('Host a Dinner Party')",
    "SELECT write_log('more')",  # into a log that is switched off, and no query can switch it on
)


LEFT = (
    "(SELECT view_name, sql FROM duckdb_views())",
    "(SELECT table_name, sql FROM duckdb_tables())",
    "(SELECT function_name, macro_definition FROM duckdb_functions())",
    "(SELECT name, value FROM duckdb_settings())",
    "(SELECT database_name, readonly FROM duckdb_databases())",
    "duckdb_sequences()",
    "duckdb_variables()",
    "duckdb_logs()",
    "duckdb_prepared_statements()",
    "(SELECT type_name FROM duckdb_types())",
    "decided",
    "verdicts",
    "person_edges",
)
"""All that a query could leave behind in the process that answers the next one."""
STATE = f"SELECT {', '.join(f'(SELECT list(x::VARCHAR ORDER BY x::VARCHAR) FROM {what} x)' for what in LEFT)}"


def test_nothing_that_writes_passes_the_fence_and_nothing_is_left_of_it(own_sample_kb: Path) -> None:
    """Bare, explained and hidden, one after the other in one process that knows a verdict."""
    with KnowledgeBase(own_sample_kb) as kb, Children(own_sample_kb) as children:
        append(kb.reviews_path, review_of(kb, 1, "no link", None, "ann"))
        before = answered(children, STATE)
        assert answered(children, "SELECT count(*) FROM decided") == [(1,)]
        for several in (WRITES, EXPLAINED, HIDDEN_WRITES, REACHING):
            for sql in several:
                with pytest.raises(BadQuery):
                    answered(children, sql)
            assert answered(children, STATE) == before


def test_whatever_reads_is_answered_and_leaves_nothing(children: Children) -> None:
    before = answered(children, STATE)
    for sql in READS:
        assert len(answered(children, sql)) > 0
        with running(children, sql, Limits()) as result:
            assert sum(batch.num_rows for batch in result.arrow()[1]) > 0
        assert answered(children, STATE) == before, sql


def test_a_write_by_a_link_to_the_explorer_is_refused_for_all_its_visitors(visit: Visit) -> None:
    for sql in (
        "EXPLAIN ANALYZE INSERT INTO decided SELECT step_id FROM steps",
        "EXPLAIN ANALYZE DROP VIEW edges",
        "EXPLAIN ANALYZE CREATE OR REPLACE VIEW memory.main.links AS SELECT 1",
        "WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) SELECT * FROM x",
        "UPDATE EXTENSIONS",
        "SELECT '\0'",
    ):
        shown = whole(visit("query", sql=sql))
        assert "The query was not answered." in shown
        assert "only queries that read" in shown or "no text" in shown
    ((decided, links),) = rows_shown(
        visit("query", sql="SELECT (SELECT count(*) FROM decided) AS d, count(*) AS l FROM links")
    )
    assert decided == "0" and int(links or 0) > 40


def test_threads_ask_while_others_try_to_write_and_people_judge(own_sample_kb: Path) -> None:
    with (
        KnowledgeBase(own_sample_kb) as kb,
        Children(own_sample_kb) as children,
        ThreadPoolExecutor(6) as pool,
    ):
        steps = [
            step_id for (step_id,) in kb.query("SELECT step_id FROM links ORDER BY 1 LIMIT 8").fetchall()
        ]
        machine = kb.query("SELECT count(*) FROM links").fetchall()[0][0]

        def judge(step_id: int) -> None:
            append(kb.reviews_path, review_of(kb, step_id, "no link", None, "ann"))

        def attack(sql: str) -> None:
            with pytest.raises(BadQuery):
                answered(children, sql)

        def read(_: int) -> int:
            return len(answered(children, "FROM links"))

        attacks = [
            pool.submit(attack, sql) for sql in 20 * ("EXPLAIN ANALYZE DROP VIEW edges", HIDDEN_WRITES[0])
        ]
        judged = [pool.submit(judge, step_id) for step_id in steps]
        reads = [pool.submit(read, n) for n in range(40)]
        for each in attacks + judged:
            each.result()
        assert {each.result() for each in reads} <= set(range(machine - len(steps), machine + 1))
        assert len(answered(children, "FROM links")) == machine - len(steps)
        assert len(answered(children, "FROM decided")) == len(steps)
