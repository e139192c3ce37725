"""docs/sql.md: every view and macro is in it, and every example runs, through howtree and in plain DuckDB."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from support.command import ROOT

from kb.review.judging import review_of
from kb.review.reviews import append
from kb.store import OVERLAID, TABLES, KnowledgeBase

PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ONLY_HOWTREE = re.findall(r"^```sql howtree\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def public_names(session: duckdb.DuckDBPyConnection) -> set[str]:
    """The views and macros that a knowledge base file holds."""
    return {
        name
        for (name,) in session.execute(
            "SELECT view_name FROM duckdb_views() WHERE database_name = 'kb' AND NOT internal "
            "UNION SELECT function_name FROM duckdb_functions() "
            "WHERE database_name = 'kb' AND function_type IN ('macro', 'table_macro') AND NOT internal"
        ).fetchall()
    }


@pytest.fixture
def shell(sample_kb_path: Path):
    """The file as the duckdb shell opens it."""
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{sample_kb_path}' AS kb (READ_ONLY)")
        session.execute("USE kb")
        yield session


def test_every_view_macro_and_table_is_on_the_page_with_an_example(shell: duckdb.DuckDBPyConnection) -> None:
    names = public_names(shell)
    assert {"goals", "procedure_tree", "cycles", "substep_verbs"} <= names
    code = "\n".join(EXAMPLES)
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)] == []
    assert [name for name in sorted({*names, *TABLES, *OVERLAID}) if f"`{name}" not in PAGE] == []


def test_the_page_names_nothing_that_is_not_there(shell: duckdb.DuckDBPyConnection) -> None:
    headed = {
        name for line in re.findall(r"^### (.*)$", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)", line)
    }
    assert len(headed) >= 17 and headed <= public_names(shell)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_rows_and_the_same_in_plain_duckdb(
    example: str, sample_kb: KnowledgeBase, shell: duckdb.DuckDBPyConnection
) -> None:
    rows = sample_kb.query(example).fetchall()
    assert rows
    ordered = (lambda found: found) if "ORDER BY" in example else sorted
    assert ordered(rows) == ordered(shell.execute(example).fetchall())


def test_the_examples_with_verdicts_run(own_sample_kb: Path) -> None:
    with KnowledgeBase(own_sample_kb) as kb:
        append(kb.reviews_path, review_of(kb, 1, "no link", None, "ann"))
        assert [kb.query(example).fetchall() for example in ONLY_HOWTREE] == [[("ann", "no link", 1)]]
