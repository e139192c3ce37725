"""The remarks in our SQL files as COMMENTs in the knowledge base, so that the file explains itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from kb.store import literal, sql_file

_TABLE = re.compile(r"((?:^--[^\n]*\n)+)CREATE TABLE (\w+) \(\n(.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (\w+) .*?-- (.+)$", re.MULTILINE)
_SHOWN = re.compile(
    r"((?:^--[^\n]*\n)+)CREATE OR REPLACE (VIEW|MACRO) (\w+)(?:\([^\n]*?\))? AS( TABLE)?", re.MULTILINE
)
SHOWN = ("texts.sql", "views.sql", "search.sql", "statistics.sql")

OF_VIEWS = {
    "goal": 'the title without "How to"',
    "other_id": "the article to choose instead",
    "methods": "number of lists of steps",
    "steps": "number of steps",
    "method": "heading of the list of steps",
    "parent": "goal of the article that holds the step",
    "child": "the goal that the step is linked to",
    "step": "headline of the step",
    "parent_site": "site of the article that holds the step; NULL where its source names none",
    "child_site": "site of the goal that the step is linked to; NULL where its source names none",
    "across": "number of steps that are linked to a goal of another site",
    "target": "goal of the article that the hyperlink leads to",
    "chosen": "true for a link, false for a guess",
    "linked": "number of linked steps",
    "share": "linked steps by steps",
    "by_people": "number of links by people's verdicts",
    "by_editors": "number of links by editors' hyperlinks",
    "by_model": "number of links by the model",
    "goals": "number of goals",
    "verb": "first word of a step",
    "decomposed": "number of steps that are linked",
    "substep_verb": "first word of a step of the linked goal",
    "times": "number of pairs of a linked step and a step of its goal",
}
"""What the columns of views hold that no table has, or that mean something else there."""


def write_comments(session: duckdb.DuckDBPyConnection) -> None:
    """Comment every table, view, column and macro of the knowledge base that a session has in use."""
    columns: dict[str, str] = {}
    for table, remark, remarks in tables():
        session.execute(f"COMMENT ON TABLE {table} IS {literal(remark)}")
        for column, said in remarks.items():
            session.execute(f"COMMENT ON COLUMN {table}.{column} IS {literal(said)}")
        columns = remarks | columns
    for kind, name, remark in shown():
        session.execute(f"COMMENT ON {kind} {name} IS {literal(remark)}")
        if kind == "VIEW":
            for column, *_ in session.execute(f"DESCRIBE {name}").fetchall():
                session.execute(
                    f"COMMENT ON COLUMN {name}.{column} IS {literal((columns | OF_VIEWS)[column])}"
                )


def tables() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each table of schema.sql: its name, the remark above it, and the remarks behind its columns."""
    for above, name, body in _TABLE.findall(sql_file("schema.sql")):
        yield name, _plain(above), dict(_COLUMN.findall(body))


def shown() -> Iterator[tuple[str, str, str]]:
    """Each view and macro of the public SQL: 'VIEW', 'MACRO' or 'MACRO TABLE', its name, and the remark above it."""
    for file in SHOWN:
        for above, kind, name, table in _SHOWN.findall(sql_file(file)):
            yield kind + table, name, _plain(above)


def _plain(remark: str) -> str:
    """The words of a block of remarks."""
    return " ".join(line.lstrip("- ") for line in remark.splitlines())
