"""What a knowledge base file says, read by DuckDB alone."""

from __future__ import annotations

from pathlib import Path

import duckdb

TABLES = ("articles", "categories", "methods", "steps", "hyperlinks", "candidates", "edges", "skipped")
CANDIDATES = "FROM candidates ORDER BY ALL"
EDGES = "FROM edges ORDER BY ALL"


def rows(path: Path, sql: str) -> list[tuple]:
    """What a query gives."""
    with duckdb.connect(str(path), read_only=True) as session:
        return session.execute(sql).fetchall()


def content(path: Path) -> dict[str, list[tuple]]:
    """All that a knowledge base says, but when it was built."""
    with duckdb.connect(str(path), read_only=True) as session:
        return {table: session.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in TABLES}
