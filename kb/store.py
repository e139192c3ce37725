"""Open a knowledge base for reading: one session over the file, locked against everything but queries.

The tables of the file are shown as views of a session in memory, and the public views and macros of views.sql are
made over them there. So what people decided can be laid over the machine's edges without touching the file, and
readers of one file never disturb each other or a build that replaces it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from howtree.errors import BadInput, NotFound, first_line
from howtree.files import FileStamp, stamp_of
from kb.beside import is_duckdb, take_over
from kb.engine import errors_told, in_use, told
from kb.review.overlay import lay_over
from kb.review.reviews import REVIEWS_SUFFIX, Log, read, reviews_path

SCHEMA_VERSION = 2
TABLES = (
    "articles", "aliases", "categories", "methods", "steps", "things", "notes", "citations", "related", "alternatives",
    "hyperlinks", "candidates", "goal_vectors", "names", "words", "goal_words", "step_words", "things_by_word",
    "skipped", "runs", "meta",
)  # fmt: skip
"""The tables of a file that a session shows as they are."""
OVERLAID = ("edges", "guesses", "verdicts")
"""The tables of a file over which a session lays what people said."""
MEMORY_LIMIT = "800MB"
BUILD_AGAIN = (
    "run the `howtree build` that made it once more, with the same sources, -o and --encoder: it goes on from its work "
    "folder and encodes nothing again"
)


def default_path() -> Path:
    """The knowledge base that commands read unless another is named: HOWTREE_KB, else kb.duckdb here."""
    return Path(os.environ.get("HOWTREE_KB") or "kb.duckdb")


def sql_file(name: str) -> str:
    """The text of an SQL file of this package."""
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")


def define_views(session: duckdb.DuckDBPyConnection) -> None:
    """Make the public views and macros over the tables of a session."""
    for name in ("texts.sql", "views.sql", "search.sql", "statistics.sql"):
        session.execute(sql_file(name))


class KnowledgeBase:
    """A knowledge base opened for reading. Every query runs on a cursor of its own, so threads may share it."""

    def __init__(
        self, path: str | os.PathLike[str], memory_limit: str = MEMORY_LIMIT, lossless: bool = False
    ) -> None:
        """Open the file at `path`.

        Args:
            path: the file.
            memory_limit: what DuckDB may use, with its unit.
            lossless: whether results leave as Arrow with DuckDB's own types where Arrow has none, for DuckDB to read.

        Raises:
            NotFound: there is no such file.
            BadInput: it is no knowledge base, or one of another schema version.
        """
        path = Path(path)
        if not path.is_file():
            raise NotFound(
                f"no knowledge base at {path}. Build one with: howtree build SOURCE -o {path}, or name another "
                "with --kb or HOWTREE_KB"
            )
        self.path = path
        self._not_moved = take_over(path, REVIEWS_SUFFIX)
        self.reviews_path = reviews_path(path)
        self.log = Log()
        """The reviews as last read."""
        self.review_notes: list[str] = []
        """What is to be reported of the reviews file: lines left out, verdicts on steps that have changed."""
        self.file = file_at(path)
        """The device and inode of the file, which tell whether another has taken its place since."""
        self._session = attach(path, memory_limit)
        self._reviews_seen: FileStamp | None = None
        self._reviews_lock = threading.Lock()
        self._steady = False
        with errors_told(path):
            self._heed_reviews()
            self.meta = dict(self.query("SELECT key, value FROM meta").fetchall())
            define_views(self._session)
        self._session.execute(f"SET arrow_lossless_conversion = {lossless}")
        lock(self._session)

    def query(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one query of ours and return the cursor to fetch from."""
        return self.cursor().execute(sql, parameters or None)

    def records(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries."""
        cursor = self.query(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for a query that is limited or interrupted apart from the others."""
        self._heed_reviews()
        return self._session.cursor()

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Within, all queries see the verdicts that there are now, for what compares one with another."""
        self._heed_reviews()
        before, self._steady = self._steady, True
        try:
            yield
        finally:
            self._steady = before

    def _heed_reviews(self) -> None:
        """Lay people's verdicts over the edges again where the reviews file has changed."""
        if self._steady:
            return
        seen = stamp_of(self.reviews_path)
        if seen == self._reviews_seen:
            return
        with self._reviews_lock:
            if seen != self._reviews_seen:
                self.log = read(self.reviews_path)
                states = lay_over(self._session.cursor(), self.log)
                left = [self._not_moved] if self._not_moved else []
                self.review_notes = left + notes(self.reviews_path, self.log, states)
                self._reviews_seen = seen

    @property
    def threshold(self) -> float:
        """The probability from which on the model's links are chosen."""
        return float(self.meta["threshold"])

    @property
    def thresholds(self) -> dict[str, float]:
        """By beta, as text: the threshold of the best F-beta where the decision was fitted; {} where unknown."""
        return dict(json.loads(self.meta.get("thresholds", "{}")))

    @cached_property
    def has_alternatives(self) -> bool:
        """Whether any goals are equal: where none are, as in the articles of one site, nobody need look for them."""
        return bool(self.query("SELECT EXISTS (FROM alternatives)").fetchall()[0][0])

    def threshold_for(self, beta: float) -> float:
        """The probability from which on links have the best F-beta.

        Raises:
            NotFound: none was fitted for this beta.
        """
        if f"{beta:g}" not in self.thresholds:
            known = ", ".join(self.thresholds) or "none"
            raise NotFound(
                f"{self.path} has no threshold for beta {beta:g} (it has: {known}): give --threshold instead"
            )
        return self.thresholds[f"{beta:g}"]

    def close(self) -> None:
        """Let go of the file."""
        self._session.close()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Close the file; an engine's error inside becomes a message.

        Raises:
            BadInput: in place of the engine's error.
        """
        with errors_told(self.path):
            self.close()
            if isinstance(error, (duckdb.Error, UnicodeDecodeError)):
                raise error


def file_at(path: Path) -> tuple[int, int]:
    """The device and inode of the file at `path`."""
    status = path.stat()
    return status.st_dev, status.st_ino


def attach(path: Path, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A session in memory with the tables of the file at `path` as views.

    Raises:
        BadInput: the file is no knowledge base, or one of another schema version.
    """
    session = in_memory(memory_limit)
    try:
        attach_as(session, "kb", path)
    except BadInput:
        session.close()
        raise
    for table in TABLES:
        session.execute(f"CREATE VIEW {table} AS FROM kb.{table}")
    return session


def in_memory(memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A session that knows the macros over texts, and writes nothing to the disk."""
    session = duckdb.connect(":memory:", config={"memory_limit": memory_limit, "temp_directory": ""})
    session.execute(sql_file("texts.sql"))
    return session


def attach_as(session: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Attach the knowledge base at `path` to a session, for reading.

    Raises:
        BadInput: the file is no knowledge base, or one of another schema version.
    """
    try:
        session.execute(f"ATTACH {literal(str(path))} AS {name} (READ_ONLY)")
        require_version(session, name, path)
        require_tables(session, name, path)
        for table in (*TABLES, *OVERLAID):
            session.execute(f"FROM {name}.{table} LIMIT 0")
    except duckdb.Error as error:
        damaged = is_duckdb(path) and not isinstance(error, (duckdb.CatalogException, duckdb.BinderException))
        if damaged or in_use(error, path):
            raise BadInput(told(error, path)) from error
        raise BadInput(
            f"{path} is not a knowledge base of howtree ({first_line(error)}). Build one with: howtree build"
        ) from error


def require_version(session: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Check that an attached file has the schema that this version reads.

    Raises:
        BadInput: it has another; the message says how to get one that has it.
    """
    row = session.execute(f"SELECT value FROM {name}.meta WHERE key = 'schema_version'").fetchone()
    version = row[0] if row else "unknown"
    if version == str(SCHEMA_VERSION):
        return
    older = version.isdigit() and int(version) < SCHEMA_VERSION
    advice = BUILD_AGAIN if older else "install the version of howtree that made it"
    raise BadInput(
        f"{path} has schema version {version}, this howtree reads version {SCHEMA_VERSION}: {advice}"
    )


def require_tables(session: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Check that an attached file has every table that this state of howtree reads.

    Raises:
        BadInput: it lacks one, as files of an earlier state of this version do; the message says what to do.
    """
    tables = session.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [name])
    lacking = {*TABLES, *OVERLAID} - {row[0] for row in tables.fetchall()}
    if lacking:
        raise BadInput(f"{path} lacks {', '.join(sorted(lacking))}, which howtree now reads: {BUILD_AGAIN}")


def notes(path: Path, log: Log, states: Mapping[str, int]) -> list[str]:
    """What is to be reported of a reviews file."""
    found = [f"{path}: line {number} is no whole review and is left out" for number in log.broken]
    if states.get("stale"):
        found.append(
            f"{path}: {states['stale']:,} reviews judge steps that have changed or gone, and do not count"
        )
    if states.get("goal gone"):
        found.append(
            f"{path}: {states['goal gone']:,} reviews name goals that are not here, and do not count"
        )
    return found


def lock(session: duckdb.DuckDBPyConnection) -> None:
    """Take from a session, permanently, files, network, extensions and its own settings."""
    session.execute("SET enable_external_access = false")
    session.execute("SET lock_configuration = true")


def literal(text: str) -> str:
    """`text` as an SQL string literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
