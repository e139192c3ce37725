"""The page of queries, run by Streamlit's own test runner: values of every type, goals as links, the rules."""

from __future__ import annotations

import hashlib
import html
import re

import pytest
from support.command import ROOT
from support.visiting import Visit, follow, rows_shown, whole

from kb.store import KnowledgeBase


def test_a_query_is_answered_with_table_chart_and_files(visit: Visit, sample_kb: KnowledgeBase) -> None:
    sql = "SELECT child AS goal, count(*) AS uses FROM links GROUP BY child ORDER BY uses DESC, child"
    test = visit("query", sql=sql)
    expected = sample_kb.query(sql).fetchall()
    assert rows_shown(test) == [[goal, str(uses)] for goal, uses in expected]
    assert test.get("vega_lite_chart") and len(test.get("download_button")) == 2


VALUES = {
    "170141183460469231731687303715884105727::HUGEINT": "170141183460469231731687303715884105727",
    "-9223372036854775808": "-9223372036854775808",
    "18446744073709551615::UBIGINT": "18446744073709551615",
    "12345678901234567.89::DECIMAL(20, 2)": "12345678901234567.89",
    "0.84::FLOAT": "0.84",
    "'nan'::DOUBLE": "nan",
    "{'a': [1, NULL]}::VARIANT": "{'a': [1, NULL]}",
    "[[1], []]": "[[1], []]",
    "{'x': 1, 'y': DATE '2024-02-29'}": "{'x': 1, 'y': 2024-02-29}",
    "map {'k': 1.5}": "{k=1.5}",
    "(1, 'b')": "(1, b)",
    "'\\xAA\\x00'::BLOB": "\\xAA\\x00",
    "DATE '0044-03-15 (BC)'": "0044-03-15 (BC)",
    "'infinity'::TIMESTAMP": "infinity",
    "INTERVAL '3 days 2 hours'": "3 days 02:00:00",
    "'101'::BIT": "101",
    "'  two\n lines <b>'": "  two\n lines <b>",
    "NULL": None,
}


def test_values_of_every_type_are_shown_and_saved(visit: Visit) -> None:
    columns = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(VALUES))
    test = visit("query", sql=f"SELECT {columns}")
    assert rows_shown(test) == [list(VALUES.values())]
    with_numbers = visit("query", sql=f"SELECT range AS n, {columns} FROM range(3)")
    assert [row[1:] for row in rows_shown(with_numbers)] == [list(VALUES.values())] * 3
    assert with_numbers.get("vega_lite_chart") and not with_numbers.error


def test_only_what_is_surely_a_goal_is_a_link(visit: Visit) -> None:
    sql = (
        "SELECT 'Clean an Oven' AS goal, 'Clean an Oven' AS child, 'en:700101' AS key, 'Clean an Oven' AS headline, "
        "'Clean an oven' AS parent, 'none such' AS nearest, 700101 AS goal, NULL AS goal"
    )
    test = visit("query", sql=sql)
    (table,) = [element.value for element in test.get("html") if 'class="rows"' in element.value]
    found = re.findall(r'<td><a class="goal" href="procedure\?goal=([^"]+)"><bdi>(.*?)</bdi></a>', table)
    oven = visit("procedure", goal="Clean-an-Oven")
    assert "Clean an Oven" in whole(oven)
    assert [text for _, text in found] == ["Clean an Oven", "Clean an Oven", "en:700101"]
    assert found[2][0] == "en%3A700101" and found[0] == found[1]


def test_the_query_of_the_address_is_also_in_a_plain_form(visit: Visit) -> None:
    sql = "SELECT '</textarea><b>' AS a"
    (form,) = [element.value for element in visit("query", sql=sql).get("html") if "<form" in element.value]
    assert html.escape(sql) in form and 'name="sql"' in form and "</textarea><b>" not in form


def test_the_editor_that_ships_is_made_of_its_sources() -> None:
    sources = [
        (ROOT / "kb" / "explorer" / "editor" / name).read_text()
        for name in ("editor.js", "package-lock.json")
    ]
    shipped = (ROOT / "kb/explorer/editor.js").read_text(encoding="utf-8")
    assert hashlib.sha256("\0".join(sources).encode()).hexdigest() in shipped[:300], "run `make editor`"
    assert "Permission is hereby granted" in shipped and "Marijn Haverbeke" in shipped


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE articles", "only queries that read"),
        ("FROM read_csv('/etc/passwd')", "may not reach files"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELEKT", "failed"),
        ("FROM range(20000)", "stopped after 10,000 rows"),
        ("SELECT 1 AS a, 2 AS a", "1 row in"),
        ("SELECT goal FROM goals WHERE false", "0 rows in"),
    ],
)
def test_queries_keep_the_rules(visit: Visit, sql: str, told: str) -> None:
    assert told in whole(visit("query", sql=sql))


def test_every_example_runs(visit: Visit) -> None:
    examples = [link for link in visit("query").get("page_link") if "sql=" in link.proto.query_string]
    assert len(examples) == 6
    for example in examples:
        test = follow(visit, example)
        assert not test.error and len(rows_shown(test)) > 0, example.proto.label
