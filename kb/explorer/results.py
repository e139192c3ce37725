"""The result of a query: a table with links to the goals that it names, a chart, and files to take away."""

from __future__ import annotations

import csv
import html
import io
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from howtree.errors import BadQuery
from howtree.streams import csv_cell
from kb.explorer import address, answers
from kb.explorer.frame import part
from kb.explorer.session import children, knowledge_base
from kb.explorer.text import label, plain, short
from kb.query.arrow import numbers_of, texts_of
from kb.query.arrow import plain as plain_table
from kb.query.ask import running
from kb.query.children import SEATS
from kb.query.limits import Limits
from kb.store import KnowledgeBase

LIMITS = Limits(seconds=20, rows=10_000, size=50)
WAITING = f"{SEATS} other queries are being run. Yours waits for its turn."
MAX_SHOWN = 1_000
"""Rows of the table on the screen."""
MAX_CELL = 500
MAX_POINTS = 2_000
FEW = 60
"""Values that have room for a bar each."""
COLOUR = "#1b8a6b"
GOALS = ("goal", "child", "parent", "nearest", "target", "key")
"""Columns in which our views and macros name goals, by title or key."""
_NUMBER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|BIGNUM|DECIMAL\(\d+,\d+\)")


@dataclass(frozen=True)
class Found:
    """The rows of a query as they came, and why there are no more."""

    names: list[str]
    types: list[str]
    """What DuckDB calls the types of the columns."""
    table: pa.Table
    """The rows as Arrow that loses nothing of these types."""
    seconds: float
    stopped: str

    @cached_property
    def texts(self) -> list[tuple[str | None, ...]]:
        """The rows, every value as DuckDB writes it: whole numbers of any size, values of any type."""
        return texts_of(self.table, self.types)

    @property
    def numbers(self) -> list[int]:
        """The columns of numbers, counted from 0."""
        return [n for n, kind in enumerate(self.types) if is_number(kind)]


def is_number(kind: str) -> bool:
    """Whether a type of DuckDB's is one of numbers."""
    return _NUMBER.fullmatch(kind) is not None


def answer(sql: str) -> None:
    """The result, or what is wrong with the query."""
    try:
        found = fetched(sql)
        found.texts  # noqa: B018  # what has no text is found out here
    except (BadQuery, duckdb.Error, pa.ArrowException) as error:
        st.error("The query was not answered.", icon=":material/error:")
        st.code(plain(str(error)), language=None, wrap_lines=True)
        return
    if found.stopped:
        st.warning(label(found.stopped, 500), icon=":material/content_cut:")
    rows = len(found.texts)
    part(f"{rows:,} row{'s' if rows != 1 else ''} in {found.seconds:.2f} s")
    shown, plot = st.tabs(["Table", "Chart"])
    with shown:
        table(found)
    with plot:
        chart(found)
    files(found)


def fetched(sql: str) -> Found:
    """Run a query within the limits; rows that came before a limit are kept.

    Raises:
        BadQuery: it is refused, wrong, or reached a limit before the first row.
    """
    notice = st.empty()
    stopped = ""
    tables: list[pa.Table] = []
    with running(children(), sql, LIMITS, lambda: notice.info(WAITING)) as result:
        notice.empty()
        began = time.perf_counter()
        try:
            tables.extend(result.tables)
        except BadQuery as error:
            if sum(map(len, tables)) == 0:
                raise
            stopped = str(error)
        return Found(
            result.columns, result.types, pa.concat_tables(tables), time.perf_counter() - began, stopped
        )


def table(found: Found) -> None:
    """The first rows as a table; what is a goal is a link to its page."""
    rows = found.texts[:MAX_SHOWN]
    keys = goals_of(knowledge_base(), found.names, rows)
    right = set(found.numbers)
    head = "".join(
        f'<th scope="col"{NUMBER if n in right else ""}>{cut(name)}</th>'
        for n, name in enumerate(found.names)
    )
    body = "".join(
        "<tr>"
        + "".join(cell(value, n in right, keys.get((n, value or ""))) for n, value in enumerate(row))
        + "</tr>"
        for row in rows
    )
    st.html(
        f'<div class="rows" tabindex="0" role="region" aria-label="Result"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    if len(found.texts) > MAX_SHOWN:
        st.caption(f"The first {MAX_SHOWN:,} of {len(found.texts):,} rows; the files have all of them.")


NUMBER = ' class="number"'


def cell(value: str | None, is_right: bool, key: str | None) -> str:
    """A value, as HTML; `key` is that of the goal that it is."""
    if value is None:
        return '<td class="none">NULL</td>'
    shown = address.anchor("procedure", cut(value), goal=key) if key else cut(value)
    return f"<td{NUMBER if is_right else ''}>{shown}</td>"


def cut(text: str) -> str:
    """A text with its blanks and lines, as HTML, cut where it is long; no direction of it turns what follows."""
    shown = plain(text)
    return f"<bdi>{html.escape(shown if len(shown) <= MAX_CELL else shown[: MAX_CELL - 1] + '…')}</bdi>"


def goals_of(
    kb: KnowledgeBase, names: list[str], rows: list[tuple[str | None, ...]]
) -> dict[tuple[int, str], str]:
    """The keys of goals by column and text.

    Only what can be nothing else: the column is named as our views name goals, and the text is the title or the key of
    one goal alone.
    """
    columns = [number for number, name in enumerate(names) if name.lower() in GOALS]
    said = {(number, text) for row in rows for number in columns if (text := row[number])}
    if not said:
        return {}
    found = dict(
        answers.rows(
            kb,
            """
            SELECT said, any_value(key) FROM (SELECT unnest($said) AS said)
            JOIN (SELECT goal AS said, key FROM articles UNION ALL SELECT key, key FROM articles) USING (said)
            GROUP BY said HAVING count(DISTINCT key) = 1
            """,
            {"said": sorted({text for _, text in said})},
        )
    )
    return {place: found[place[1]] for place in said if place[1] in found}


def chart(found: Found) -> None:
    """Bars where there are names and numbers, points where there are two columns of numbers."""
    names, numbers = unique(found.names), found.numbers
    if not numbers or len(names) < 2:
        st.caption("A chart needs a column of numbers and another column.")
        return
    across, up = st.columns(2)
    with across:
        x = st.selectbox("Across", range(len(names)), format_func=lambda n: label(names[n], 60))
    with up:
        y = st.selectbox("Up", numbers, index=len(numbers) - 1, format_func=lambda n: label(names[n], 60))
    first = found.table.slice(0, MAX_POINTS)
    texts = [row[x] for row in found.texts[:MAX_POINTS]]
    few = len(set(texts)) <= FEW
    measured = x in numbers and not few
    shown = pd.DataFrame(
        {
            "across": numbers_of(first, found.types, x) if measured else texts,
            "up": numbers_of(first, found.types, y),
        }
    )
    drawn = alt.Chart(shown).encode(
        x=alt.X("across:Q" if measured else "across:N", title=short(names[x], 60), sort=None),
        y=alt.Y("up:Q", title=short(names[y], 60)),
        tooltip=["across", "up"],
    )
    st.altair_chart(drawn.mark_bar(color=COLOUR) if few else drawn.mark_circle(color=COLOUR, opacity=0.6))
    if len(found.texts) > MAX_POINTS:
        st.caption(f"The first {MAX_POINTS:,} of {len(found.texts):,} rows.")


def unique(names: list[str]) -> list[str]:
    """Column names kept apart by a number where they are the same."""
    seen: dict[str, int] = {}
    apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        apart.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return apart


def files(found: Found) -> None:
    """Buttons that save all rows, in files that are made when somebody asks."""
    forms: dict[str, tuple[Any, str]] = {
        "CSV": (as_csv, "text/csv"),
        "Parquet": (as_parquet, "application/vnd.apache.parquet"),
    }
    with st.container(horizontal=True, key="row-save"):
        for title, (make, kind) in forms.items():
            st.download_button(
                title, lambda make=make: make(found), f"result.{title.lower()}", kind,
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def as_csv(found: Found) -> bytes:
    """The rows as CSV, every value as DuckDB writes it; no text is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(csv_cell, unique(found.names)))
    right = set(found.numbers)
    for row in found.texts:
        writer.writerow([value if n in right else csv_cell(value) for n, value in enumerate(row)])
    return file.getvalue().encode("utf-8")


def as_parquet(found: Found) -> bytes:
    """The rows as a Parquet file, as `howtree sql --format parquet` writes it."""
    buffer = io.BytesIO()
    shown = plain_table(found.table).rename_columns(unique(found.names))
    pq.write_table(shown, buffer, compression="zstd")
    return buffer.getvalue()
