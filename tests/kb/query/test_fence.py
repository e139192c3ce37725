"""The fence around people's SQL: nobody writes, reaches files or leaves anything behind with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.asking import answered
from support.command import Run
from support.visiting import Visit, whole

import howtree
from howtree.errors import BadQuery
from kb.query.ask import running
from kb.query.children import Children
from kb.query.limits import Limits
from kb.review.judging import review_of
from kb.review.reviews import append
from kb.store import KnowledgeBase

HOSTILE = {
    "insert": "INSERT INTO edges VALUES (1, 1, 2, 1, 'model', NULL)",
    "insert into the file": "INSERT INTO kb.edges VALUES (1, 1, 2, 1, 'model', NULL)",
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
    "a write explained": "EXPLAIN ANALYZE INSERT INTO decided SELECT step_id FROM steps",
    "a write in a WITH": "WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) SELECT * FROM x",
    "a kind without a name": "UPDATE EXTENSIONS",
    "a byte that is no text": "SELECT '\udcff'",
}


def test_a_hostile_or_wrong_query_is_refused_with_a_message(sample_kb_path: Path) -> None:
    before = sample_kb_path.read_bytes()
    with howtree.open(sample_kb_path) as kb:
        for case, sql in HOSTILE.items():
            with pytest.raises(BadQuery) as refused:
                kb.sql(sql)
            assert "Traceback" not in str(refused.value) and "root:" not in str(refused.value), case
    assert sample_kb_path.read_bytes() == before


@pytest.mark.parametrize("case", ["insert", "read text", "a kind without a name", "a byte that is no text"])
def test_the_command_refuses_it_as_well(run: Run, sample_kb_path: Path, case: str) -> None:
    done = run("sql", HOSTILE[case], "--kb", sample_kb_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("howtree: ") and "Traceback" not in done.stderr


WRITES = (
    "INSERT INTO decided SELECT step_id FROM steps",
    "UPDATE verdicts SET who = 'x'",
    "DELETE FROM verdicts",
    "TRUNCATE decided",
    "MERGE INTO decided USING (SELECT 1 AS i) n ON step_id = n.i WHEN NOT MATCHED THEN INSERT VALUES (1)",
    "DROP VIEW edges",
    "CREATE OR REPLACE VIEW memory.main.links AS SELECT 1",
    "CREATE TABLE more AS SELECT 1",
    "CREATE TABLE more AS PIVOT links ON source USING count(*)",
    "CREATE TEMP TABLE more AS SELECT 1",
    "CREATE TEMP TABLE more AS PIVOT links ON source USING count(*)",
    "CREATE TEMP MACRO more() AS 1",
    "CREATE OR REPLACE MACRO goal_id(name) AS 1",
    "CREATE SEQUENCE more",
    "CREATE SCHEMA more",
    "CREATE TYPE more AS ENUM ('a')",
    "CREATE INDEX more ON decided (step_id)",
    "CREATE SECRET more (TYPE s3)",
    "ALTER TABLE decided ADD COLUMN more INTEGER",
    "ALTER TABLE decided ADD COLUMN more DOUBLE DEFAULT random()",
    "COMMENT ON TABLE decided IS 'more'",
    "COPY articles TO 'more.csv'",
    "COPY decided FROM 'more.csv'",
    "COPY FROM DATABASE kb TO memory",
    "EXPORT DATABASE 'more'",
    "IMPORT DATABASE 'more'",
    "ATTACH ':memory:' AS more",
    "DETACH kb",
    "USE kb",
    "SET threads = 1",
    "SET SESSION search_path = 'kb'",
    "SET VARIABLE more = 1",
    "RESET search_path",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "PREPARE more AS SELECT 1",
    "PREPARE more AS PIVOT links ON source USING count(*)",
    "EXECUTE more",
    "DEALLOCATE more",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "LOAD json",
    "INSTALL json",
    "UPDATE EXTENSIONS",
)
HIDDEN_WRITES = (
    "WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM verdicts RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE verdicts SET who = 'x' RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) PIVOT x ON step_id USING count(*)",
    "EXPLAIN ANALYZE WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) SELECT * FROM x",
    "/* é */ EXPLAIN /* é */ ANALYZE /* é */ DROP VIEW edges",
    "EXPLAIN (ANALYZE, FORMAT json) DROP VIEW edges",
    "; EXPLAIN ANALYZE COMMIT",
    "EXPLAIN ANALYZE EXPLAIN ANALYZE DROP VIEW edges",
    "FROM query('DROP VIEW edges')",
    "FROM query('INSERT INTO decided VALUES (1) RETURNING *')",
    "FROM query('WITH x AS (INSERT INTO decided VALUES (1) RETURNING *) SELECT * FROM x')",
    "FROM query_table('more')",
    "FROM enable_profiling()",
    "FROM force_checkpoint()",
    "SELECT nextval('more')",
    "SELECT 1 \0 DROP VIEW edges",
    "SELECT '\0'",
    "SELECT '\ud800'",
    "EXPLAIN ANALYZE",
    "-- nothing",
)
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
)


LEFT = (
    "(SELECT view_name, sql FROM duckdb_views())",
    "(SELECT table_name, sql FROM duckdb_tables())",
    "(SELECT function_name, macro_definition FROM duckdb_functions())",
    "(SELECT name, value FROM duckdb_settings())",
    "(SELECT database_name, readonly FROM duckdb_databases())",
    "duckdb_sequences()",
    "duckdb_variables()",
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
        explained = [f"EXPLAIN {analyze}{sql}" for sql in WRITES for analyze in ("", "ANALYZE ")]
        for several in (WRITES, explained, HIDDEN_WRITES):
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
    (table,) = visit(
        "query", sql="SELECT (SELECT count(*) FROM decided) AS d, count(*) AS l FROM links"
    ).dataframe
    decided, links = table.value.iloc[0]
    assert decided == 0 and links > 40


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
