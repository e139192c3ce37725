"""A new knowledge base file: made, filled from the stages' Parquet shards, counted and checked."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from howtree.errors import BadInput
from howtree.files import digest_of
from howtree.progress import warn
from kb.build.alternatives import group_goals
from kb.build.comments import write_comments
from kb.build.mentions import mark_own_links
from kb.build.sites import only_of
from kb.check import problems
from kb.meaning.goals import write_goal_vectors
from kb.store import define_views, literal, sql_file

STORAGE_VERSION = "v1.4.0"
"""The oldest form of file that serves, so that older versions of duckdb can read it."""
ROW_GROUP_SIZE = 16_384
"""Rows that are read or passed over together: small, for a tree wants few rows here and there of sorted tables."""
MEMORY_LIMIT = "1500MB"


@contextmanager
def new_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session that writes a new knowledge base file, closed whole at the end."""
    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    spill = path.with_name("spill")
    settings = {"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)}
    with duckdb.connect(":memory:", config=settings) as session:  # type: ignore[arg-type]
        session.execute(
            f"ATTACH {literal(str(path))} AS kb "
            f"(STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {ROW_GROUP_SIZE})"
        )
        session.execute("USE kb")
        session.execute(sql_file("schema.sql"))
        define_views(session)
        yield session
        session.execute("USE memory")
        session.execute("DETACH kb")
    shutil.rmtree(spill, ignore_errors=True)


def load_corpus(
    session: duckdb.DuckDBPyConnection, corpus: Path, sites: Sequence[str] = (), group: bool = False
) -> None:
    """Fill the tables of articles from the shards of a corpus.

    Args:
        session: over the new file.
        corpus: the folder.
        sites: take their articles alone; all where none is named.
        group: group equal goals of several sites as alternatives.

    Raises:
        BadInput: the corpus has no article of one of the sites.
    """
    shards = file_list(corpus.glob("part-*.parquet"))
    session.execute(f"CREATE TEMP VIEW corpus AS FROM read_parquet({shards})")
    chosen = only_of(session, sites)
    session.execute(f"CREATE OR REPLACE TEMP VIEW corpus AS FROM read_parquet({shards}) WHERE {chosen}")
    session.execute(sql_file("load.sql"))
    session.execute("DROP VIEW corpus")
    session.execute(sql_file("lookup.sql"))
    if group:
        group_goals(session)
    write_goal_vectors(session)
    skipped = file_list(corpus.glob("skipped-*.parquet"))
    session.execute(f'INSERT INTO skipped SELECT "where", reason, detail FROM read_parquet({skipped})')


def load_links(session: duckdb.DuckDBPyConnection, candidates: Path, threshold: float) -> None:
    """Fill the tables of candidates, edges and guesses."""
    shards = file_list(candidates.glob("*/part-*.parquet"))
    session.execute(f"INSERT INTO candidates BY NAME FROM read_parquet({shards}) ORDER BY step_id, rank")
    choose_links(session, threshold)


def choose_links(session: duckdb.DuckDBPyConnection, threshold: float) -> None:
    """Fill the tables of edges and guesses from those of candidates and hyperlinks."""
    mark_own_links(session)
    session.execute(f"SET VARIABLE threshold = {float(threshold)!r}")
    session.execute(sql_file("edges.sql"))


def file_list(paths: Iterable[Path]) -> str:
    """Paths as an SQL list, each taken to the letter: a folder's name may hold what a pattern would read."""
    return "[" + ", ".join(literal(glob.escape(str(path))) for path in sorted(paths)) + "]"


def sizes(session: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of the tables, and how many edges are editors' hyperlinks."""
    counts = {
        table: number(session, f"SELECT count(*) FROM {table}")
        for table in ("articles", "steps", "candidates", "edges", "guesses", "hyperlinks")
    }
    counts["hyperlinked"] = number(session, "SELECT count(*) FROM edges WHERE source = 'editor'")
    counts["mentions"] = number(session, "SELECT count(*) FROM mentions")
    return counts


def number(session: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number that a query gives."""
    row = session.execute(sql).fetchone()
    return int(row[0]) if row else 0


def articles_digest(session: duckdb.DuckDBPyConnection) -> str:
    """Digest of the articles in the order of their ids: the same ids mean the same articles where it is the same."""
    return digest_of(
        *(row[0] for row in session.execute("SELECT content_hash FROM articles ORDER BY key").fetchall())
    )


def finish(session: duckdb.DuckDBPyConnection) -> None:
    """Make the public views of a filled file, with a comment on everything, and check that it holds together.

    Raises:
        BadInput: an invariant is broken; the message names each.
    """
    define_views(session)
    write_comments(session)
    refuse_broken(session)


def refuse_broken(session: duckdb.DuckDBPyConnection) -> None:
    """Stop the build where the file does not hold together.

    Raises:
        BadInput: an invariant is broken; the message names each.
    """
    broken = problems(session)
    if broken:
        warn("\n".join(broken))
        raise BadInput(
            "the new knowledge base does not hold together, so the old one stays; please report this"
        )
