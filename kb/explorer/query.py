"""Free SQL: the schema beside it, examples to click, the result as a table, as a chart and as files."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from howtree.errors import BadQuery
from howtree.streams import csv_cell
from kb.explorer import address, answers
from kb.explorer.frame import heading, part
from kb.explorer.session import children, knowledge_base, stamp
from kb.explorer.text import label, markup
from kb.query.ask import running
from kb.query.children import SEATS
from kb.query.limits import Limits
from kb.store import KnowledgeBase, literal

LIMITS = Limits(seconds=20, rows=10_000, size=50)
WAITING = f"{SEATS} other queries are being run. Yours waits for its turn."
MAX_SQL = 10_000
MAX_POINTS = 2_000
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


def page() -> None:
    """Draw the editor, the schema, and the result of the query that the address holds."""
    kb = knowledge_base()
    children()  # gets ready while people read and type
    heading(
        "Ask in SQL",
        "Any query that reads, over every goal, step and link. Files, network and settings are out of reach.",
    )
    asked = address.given("sql", "", sql_text)
    if asked or "sql-text" not in st.session_state:
        st.session_state["sql-text"] = asked
    left, right = st.columns([2, 1], gap="medium")
    with left:
        examples(kb)
        with st.form("sql-form", border=False):
            st.text_area(
                "Query", key="sql-text", height=200, max_chars=MAX_SQL, placeholder="SELECT … FROM links"
            )
            st.form_submit_button("Run", type="primary", icon=":material/play_arrow:", on_click=run_asked)
    with right:
        schema(kb)
    if asked:
        answer(asked)


def sql_text(raw: str) -> str:
    """A query of an acceptable length."""
    if len(raw) > MAX_SQL:
        raise ValueError(raw)
    return raw


def run_asked() -> None:
    """Put what was typed into the address, which runs it."""
    address.put("sql", st.session_state["sql-text"].strip())


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


def schema(kb: KnowledgeBase) -> None:
    """The views and tables with their columns, and the macros."""
    st.caption("Views, tables and macros")
    lines = [
        f"<p><b>{markup(name)}</b> <span>{markup(', '.join(columns), 600)}</span></p>"
        for name, columns in tables(kb, stamp()).items()
    ]
    st.html(f'<div class="schema" tabindex="0" role="region" aria-label="Schema">{"".join(lines)}</div>')


@st.cache_data(max_entries=2, show_spinner=False)
def tables(_kb: KnowledgeBase, stamp: tuple[Any, ...]) -> dict[str, list[str]]:
    """Columns by table, the parameters of macros by macro."""
    found: dict[str, list[str]] = {}
    for name, column in _kb.query(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'memory' AND NOT internal "
        "ORDER BY table_name NOT IN ('goals', 'links', 'goal_steps'), table_name, column_index"
    ).fetchall():
        found.setdefault(name, []).append(column)
    for name, parameters in _kb.query(
        "SELECT function_name, parameters FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal "
        "ORDER BY function_name"
    ).fetchall():
        found[f"{name}({', '.join(parameters)})"] = []
    return found


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The rows of a query, and why there are no more."""

    frame: pd.DataFrame
    seconds: float
    stopped: str


def fetched(sql: str) -> QueryAnswer:
    """Run a query within the limits; rows that came before a limit are kept.

    Raises:
        BadQuery: it is refused, wrong, or reached a limit before the first row.
    """
    notice = st.empty()
    began, stopped = 0.0, ""
    rows: list[tuple[Any, ...]] = []
    columns: list[str] = []
    try:
        with running(children(), sql, LIMITS, lambda: notice.info(WAITING)) as result:
            notice.empty()
            began = time.perf_counter()
            columns = result.columns
            rows.extend(result.rows)
    except BadQuery as error:
        if not rows:
            raise
        stopped = str(error)
    return QueryAnswer(pd.DataFrame(rows, columns=unique(columns)), time.perf_counter() - began, stopped)


def unique(names: list[str]) -> list[str]:
    """Column names kept apart by a number where they are the same."""
    seen: dict[str, int] = {}
    apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        apart.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return apart


def answer(sql: str) -> None:
    """The result, or what is wrong with the query."""
    try:
        found = fetched(sql)
    except BadQuery as error:
        st.error("The query was not answered.", icon=":material/error:")
        st.code(str(error), language=None)
        return
    if found.stopped:
        st.warning(label(found.stopped, 500), icon=":material/content_cut:")
    rows = len(found.frame)
    part(f"{rows:,} row{'s' if rows != 1 else ''} in {found.seconds:.2f} s")
    table, plot = st.tabs(["Table", "Chart"])
    with table:
        st.dataframe(found.frame, hide_index=True, height=min(36 * (rows + 1) + 3, 520))
    with plot:
        chart(found.frame)
    with st.container(horizontal=True, key="row-save"):
        st.download_button(
            "CSV",
            found.frame.rename(columns=csv_cell).map(csv_cell).to_csv(index=False),
            "result.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Parquet", as_parquet(found.frame), "result.parquet", "application/vnd.apache.parquet",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def as_parquet(frame: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def chart(frame: pd.DataFrame) -> None:
    """Bars where there are names and numbers, points where there are two columns of numbers."""
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if not numbers or len(frame.columns) < 2:
        st.caption("A chart needs a column of numbers and another column.")
        return
    across, up = st.columns(2)
    names = list(frame.columns)
    with across:
        x = st.selectbox("Across", names, format_func=lambda name: label(name, 60))
    with up:
        y = st.selectbox("Up", numbers, index=len(numbers) - 1, format_func=lambda name: label(name, 60))
    shown = pd.DataFrame({"across": frame[x], "up": frame[y]}).head(MAX_POINTS)
    few = shown["across"].nunique() <= 60
    encoding = {
        "y": alt.Y("up:Q", title=str(y)),
        "tooltip": ["across", "up"],
    }
    if few:
        drawn = alt.Chart(shown).mark_bar().encode(x=alt.X("across:N", title=str(x), sort=None), **encoding)
    else:
        kind = "Q" if x in numbers else "N"
        drawn = (
            alt.Chart(shown)
            .mark_circle(opacity=0.6)
            .encode(x=alt.X(f"across:{kind}", title=str(x)), **encoding)
        )
    st.altair_chart(drawn)
    if len(frame) > MAX_POINTS:
        st.caption(f"The first {MAX_POINTS:,} of {len(frame):,} rows.")


if __name__ == "__main__":
    page()
