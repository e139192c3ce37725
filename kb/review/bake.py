"""People's verdicts written into a copy of a knowledge base, so that any DuckDB client sees them."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import duckdb

from howtree.errors import BadInput, NotFound
from howtree.files import digest_of_file, written_aside
from kb.review.overlay import lay_over
from kb.review.reviews import read, reviews_path
from kb.store import OVERLAID, attach, literal


def bake(kb: Path, output: Path) -> Counter[str]:
    """Write the knowledge base at `kb`, with the verdicts of its reviews file in it, to `output`.

    The tables `edges`, `guesses` and `verdicts` of the output are what a reader of `kb` sees; all else is alike.

    Returns:
        how many reviews are 'current', 'stale' or name a 'goal gone'.

    Raises:
        NotFound: there is no knowledge base, or nobody has judged.
        BadInput: the file is no knowledge base, the output would replace it, or it cannot be written.
    """
    if not kb.is_file():
        raise NotFound(f"no knowledge base at {kb}: name one with --kb")
    if output.is_dir() or (output.exists() and output.samefile(kb)):
        raise BadInput(f"{output} cannot be written to: give -o the name of a new file beside {kb.name}")
    reviews = reviews_path(kb)
    log = read(reviews)
    if not log.reviews:
        raise NotFound(f"no reviews of {kb}: {reviews} is missing or empty, so there is nothing to bake")
    try:
        with attach(kb) as session, written_aside(output) as aside:
            states = lay_over(session, log)
            shutil.copyfile(kb, aside)
            write_verdicts(session, aside, digest_of_file(reviews))
            output.with_name(f"{output.name}.wal").unlink(missing_ok=True)  # of a file that was there before
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror or error}") from error
    return states


def write_verdicts(session: duckdb.DuckDBPyConnection, path: Path, reviews_digest: str) -> None:
    """Put what a session shows of the tables that people change in their place in the file at `path`."""
    session.execute(f"ATTACH {literal(str(path))} AS baked")
    for table in OVERLAID:
        session.execute(f"CREATE TEMP TABLE seen AS FROM {table}")
        session.execute(f"DELETE FROM baked.{table}")
        session.execute(f"INSERT INTO baked.{table} FROM temp.seen ORDER BY ALL")
        session.execute("DROP TABLE temp.seen")
    session.execute("DELETE FROM baked.meta WHERE key = 'reviews_digest'")
    session.execute("INSERT INTO baked.meta VALUES ('reviews_digest', ?)", [reviews_digest])
    session.execute("DETACH baked")
