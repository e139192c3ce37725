"""What lies beside a knowledge base under its whole name: the work folder of its builds and people's reviews.

Earlier versions left out the end of the name (kb.work for kb.duckdb), so that wiki-2024.01 and wiki-2024.02 shared what
was theirs. What is found under such a name moves once to the one knowledge base that it can belong to.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import duckdb

from howtree.errors import BadInput
from howtree.files import put_in_place, read_json

OWNER = "output.json"
"""In a work folder: the name of the knowledge base that it belongs to."""
DUCKDB_MARK = slice(8, 12), b"DUCK"
"""Where a file of DuckDB says what it is."""


def beside(kb: Path, suffix: str) -> Path:
    """The place beside a knowledge base for what has this suffix: kb.duckdb.work for kb.duckdb and .work."""
    return kb.with_name(kb.name + suffix)


def take_over(kb: Path, suffix: str) -> str | None:
    """Move what an earlier version left for `kb`; returns what the person is to do where that cannot be done."""
    old, new = kb.with_suffix(suffix), beside(kb, suffix)
    if old == new or new.exists() or not old.exists():
        return None
    owners = owners_of(old, suffix)
    move = f"mv {shlex.quote(str(old))} {shlex.quote(str(new))}"
    if owners == [kb]:
        try:
            old.rename(new)
        except OSError as error:
            return f"{old} has to be called {new} now and cannot be moved ({error.strerror}): {move}"
    elif kb in owners or not owners:
        others = ", ".join(str(owner) for owner in owners if owner != kb)
        of = f"of {others} or of {kb}" if others else f"of {kb}"
        return (
            f"{old} was left by an earlier version, and it cannot be told whether it is {of}. If so: {move}"
        )
    return None


def refuse_foreign(kb: Path, suffix: str) -> None:
    """Refuse the place beside `kb` where what is there is another knowledge base's, under its earlier name.

    Raises:
        BadInput: it is.
    """
    place = beside(kb, suffix)
    owners = owners_of(place, suffix) if place.exists() else []
    for owner in owners if kb not in owners else ():
        theirs = beside(owner, suffix)
        if owner.exists() and not theirs.exists():
            raise BadInput(
                f"{place} belongs to {owner}: move it there first, mv {shlex.quote(str(place))} "
                f"{shlex.quote(str(theirs))}, or give another -o"
            )


def owners_of(place: Path, suffix: str) -> list[Path]:
    """The knowledge bases that a work folder or a file of reviews can belong to.

    A work folder names its own, or holds an index of the goals of one; the rest goes by the name alone.
    """
    named = read_json(place / OWNER) if place.is_dir() else None
    if isinstance(named, dict) and isinstance(named.get("output"), str):
        return [place.with_name(Path(named["output"]).name)]
    here = [
        path
        for path in sorted(place.parent.iterdir())
        if place in (path.with_suffix(suffix), beside(path, suffix)) and is_duckdb(path)
    ]
    if not place.is_dir():
        return here
    indexed = {
        manifest.get("goal_set")
        for path in place.glob("index/*/manifest.json")
        if isinstance(manifest := read_json(path), dict)
    }
    return [path for path in here if articles_digest(path) in indexed]


def is_duckdb(path: Path) -> bool:
    """Whether this is a file of DuckDB, as knowledge bases are."""
    where, mark = DUCKDB_MARK
    try:
        with path.open("rb") as file:
            return file.read(where.stop)[where] == mark
    except OSError:
        return False


def put_kb(aside: Path, kb: Path) -> None:
    """Let a new knowledge base take the place of `kb`. A log of changes to another file, left there, would spoil it."""
    kb.with_name(f"{kb.name}.wal").unlink(missing_ok=True)
    put_in_place(aside, kb)


def articles_digest(path: Path) -> str | None:
    """The digest of the articles in a knowledge base, None where it has none."""
    try:
        with duckdb.connect(str(path), read_only=True) as session:
            row = session.execute("SELECT value FROM meta WHERE key = 'articles_digest'").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None
