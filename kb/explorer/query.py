"""Free SQL: an editor that knows the schema, the schema beside it, examples to click, and the result below."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from kb.explorer import address, answers, results
from kb.explorer.files import component
from kb.explorer.frame import heading
from kb.explorer.session import children, knowledge_base, stamp
from kb.explorer.text import markup, plain
from kb.store import KnowledgeBase, literal

MAX_SQL = 10_000
EXAMPLES = {
    "Most used goals": "SELECT child AS goal, count(*) AS uses\nFROM links\nGROUP BY child\n"
    "ORDER BY uses DESC\nLIMIT 20",
    "A procedure tree": "SELECT repeat('    ', depth - 1) || headline AS step, child AS goal, probability\n"
    "FROM procedure_tree({goal}, max_depth := 3)",
    "Steps without a goal": "SELECT goal, headline AS step, nearest, probability\nFROM unlinkable_steps()\n"
    "ORDER BY probability DESC\nLIMIT 50",
    "Links by probability": "SELECT round(probability, 1) AS probability, count(*) AS links\nFROM edges\n"
    "WHERE source = 'model'\nGROUP BY 1\nORDER BY 1",
    "Where a goal is used": "FROM ancestors({part})",
    "Search": "FROM search_goals('clean house')\nLIMIT 20",
}
OTHER_KEYWORDS = (
    "by", "partition", "over", "rows", "range", "preceding", "following", "current", "row", "filter", "within", "nulls",
    "first", "last", "exclude", "replace", "values", "sample", "recursive", "materialized", "if",
)  # fmt: skip
"""Those that DuckDB also allows as names, but that stand in queries as keywords."""
TYPES = (
    "bigint", "blob", "boolean", "date", "decimal", "double", "float", "hugeint", "integer", "interval", "json",
    "smallint", "time", "timestamp", "tinyint", "ubigint", "uuid", "varchar", "variant",
)  # fmt: skip


def page() -> None:
    """Draw the editor, the schema, and the result of the query that the address holds."""
    kb = knowledge_base()
    children()  # gets ready while people read and type
    heading(
        "Ask in SQL",
        "Any query that reads, over every goal, step and link. Files, network and settings are out of reach.",
    )
    asked = address.given("sql", "", sql_text)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        examples(kb)
        editor(kb, asked)
    with right:
        schema(kb)
    if asked:
        results.answer(asked)


def sql_text(raw: str) -> str:
    """A query of an acceptable length."""
    if len(raw) > MAX_SQL:
        raise ValueError(raw)
    return raw.strip()


def examples(kb: KnowledgeBase) -> None:
    """Links that run queries worth knowing."""
    found = answers.rows(
        kb,
        "SELECT p.goal, c.goal FROM edges e JOIN articles p ON p.article_id = e.parent_id "
        "JOIN articles c ON c.article_id = e.child_id "
        "LIMIT 1",
    )
    goal, below = found[0] if found else ("a goal", "a goal")
    with st.container(horizontal=True, key="row-examples"):
        for title, sql in EXAMPLES.items():
            address.link("query", title, sql=sql.format(goal=literal(goal), part=literal(below)))


def editor(kb: KnowledgeBase, asked: str) -> None:
    """The editor, which takes its text from the address; and a plain form in its place, should it not come up."""
    with st.container(key="sql-editor", gap=None):
        component("editor")(key="sql", data=completion(kb, stamp()))
        st.html(
            f'<form class="form" action="query"><label>Query<textarea name="sql" rows="9" maxlength="{MAX_SQL}" '
            f'spellcheck="false">\n{html.escape(plain(asked))}</textarea></label>'
            '<p class="acts"><button>Run</button></p></form>'
        )


def schema(kb: KnowledgeBase) -> None:
    """The views and tables with their columns, and the macros."""
    st.caption("Views, tables and macros")
    found = [(name, ", ".join(columns)) for name, columns in tables(kb, stamp()).items()]
    found += [(f"{name}({parameters})", "") for name, parameters in macros(kb, stamp()).items()]
    lines = [f"<p><b>{markup(name)}</b> <span>{markup(columns, 600)}</span></p>" for name, columns in found]
    st.html(f'<div class="schema" tabindex="0" role="region" aria-label="Schema">{"".join(lines)}</div>')


@st.cache_data(max_entries=2, show_spinner=False)
def tables(_kb: KnowledgeBase, stamp: tuple[Any, ...]) -> dict[str, list[str]]:
    """The columns of views and tables, by their names."""
    found: dict[str, list[str]] = {}
    for name, column in _kb.query(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'memory' AND NOT internal "
        "ORDER BY table_name NOT IN ('goals', 'links', 'goal_steps'), table_name, column_index"
    ).fetchall():
        found.setdefault(name, []).append(column)
    return found


@st.cache_data(max_entries=2, show_spinner=False)
def macros(_kb: KnowledgeBase, stamp: tuple[Any, ...]) -> dict[str, str]:
    """The parameters of the macros that give tables, by their names."""
    return {
        name: ", ".join(parameters)
        for name, parameters in _kb.query(
            "SELECT function_name, parameters FROM duckdb_functions() "
            "WHERE function_type = 'table_macro' AND NOT internal ORDER BY function_name"
        ).fetchall()
    }


@st.cache_data(max_entries=2, show_spinner=False)
def completion(_kb: KnowledgeBase, stamp: tuple[Any, ...]) -> dict[str, Any]:
    """What the editor knows of the language and the schema; the same for every query, so that browsers get it once."""
    keywords = _kb.query(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    ).fetchall()
    functions = _kb.query(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro') "
        "AND regexp_full_match(function_name, '[a-z][a-z0-9_]+') ORDER BY 1"
    ).fetchall()
    return {
        "tables": tables(_kb, stamp),
        "macros": list(macros(_kb, stamp).items()),
        "functions": [name for (name,) in functions],
        "keywords": sorted({word for (word,) in keywords} | set(OTHER_KEYWORDS)),
        "types": list(TYPES),
    }


if __name__ == "__main__":
    page()
