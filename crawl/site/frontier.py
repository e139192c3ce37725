"""The frontier: the pages a crawl knows, which of them wait and what became of the rest, in one SQLite file.

One transaction per page: its outcome, the place of its raw answer, the pages it led to and the pace to keep
are recorded together or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from crawl.site.addresses import Address, AddressKind, Hosts
from crawl.site.page import OUTCOMES, Assessment, Entry, Outcome, Page
from crawl.site.segments import Span
from howtree.errors import BadInput

NAME = "frontier.sqlite"
MAX_HOPS = 10
"""Redirects in a row that are followed (browsers follow 20, robots.txt readers 5)."""
VERSION = "1"

_COLUMNS = """p.id, h.origin, p.path, p.kind, p.depth, p.seed, p.due, p.tries, p.hops, p.outcome, p.validator,
    p.target"""
_UPSERT = """
    INSERT INTO pages (host, path, kind, depth, seed, hops, due) VALUES (?, ?, ?, ?, ?, ?, 0)
    ON CONFLICT (host, path) DO UPDATE SET
        depth = min(depth, excluded.depth),
        seed = max(seed, excluded.seed),
        followed = CASE WHEN excluded.depth < depth THEN 0 ELSE followed END
    WHERE excluded.depth < depth OR excluded.seed > seed"""


class Frontier:
    """The open frontier of a folder."""

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        """Open the frontier in `folder`, or make it.

        Raises:
            BadInput: the file is no frontier, is damaged, or was made by another version.
            sqlite3.OperationalError: the folder cannot be written.
        """
        path = folder / NAME
        if read_only and not path.is_file():
            raise BadInput(f"{folder} holds no crawl ({NAME} is missing)")
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._db.execute(f"PRAGMA {'query_only = 1' if read_only else 'journal_mode = WAL'}")
            if not read_only:
                self._db.execute("PRAGMA synchronous = FULL")  # a power cut takes back no recorded page
                self._db.executescript(Path(__file__).with_name("frontier.sql").read_text(encoding="utf-8"))
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (VERSION,))
            found = self.meta("version")
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError) and not read_only:
                raise  # a full or locked disk, not a damaged file
            raise BadInput(
                f"{path}: not a frontier, or damaged ({error}); move it away to start over"
            ) from error
        if found != VERSION:
            raise BadInput(
                f"{path}: made by another version of howtree (frontier {found}, this one: {VERSION})"
            )
        hosts = self._db.execute("SELECT id, origin FROM hosts")
        self._hosts: dict[str, int] = {origin: number for number, origin in hosts}

    def close(self) -> None:
        """Close the file; nothing is waiting to be written."""
        self._db.close()

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of a query."""
        return self._db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's changes or none; a block inside another one is part of it."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def meta(self, name: str) -> str | None:
        """A remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return cast(str, row[0]) if row else None

    def remember(self, name: str, value: object) -> None:
        """Keep a value for later runs."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, str(value)))

    def add(self, entries: Iterable[Entry], hops: int = 0) -> int:
        """Put unknown pages in line; known ones take the smaller depth. Returns how many are new."""
        with self.transaction():
            before = self.newest()
            rows = [
                (self._host(e.address.origin), e.address.path, e.address.kind, e.depth, int(e.seed), hops)
                for e in entries
            ]
            self._db.executemany(_UPSERT, rows)
            return self.newest() - before

    def next(self, origins: Iterable[str]) -> Page | None:
        """The page of these hosts that is due first, by depth and age where several are; None: none waits."""
        best = None
        for origin in origins:
            row = self._db.execute(
                "SELECT due, depth, id FROM pages WHERE host = ? AND due IS NOT NULL "
                "ORDER BY due, depth, id LIMIT 1",
                (self._host(origin),),
            ).fetchone()
            if row and (best is None or row < best):
                best = row
        return self._page("p.id = ?", best[2]) if best else None

    def page_at(self, address: Address) -> Page | None:
        """The page of an address, where it is known."""
        return self._page("p.host = ? AND p.path = ?", self._host(address.origin), address.path)

    def unfollowed(self, depth: int) -> tuple[Page, str, int] | None:
        """An article above `depth` whose links were not followed, with its segment's name and first byte."""
        row = self._db.execute(
            "SELECT p.id, s.name, p.start FROM pages p JOIN segments s ON s.id = p.segment "
            "WHERE outcome = 'ok' AND kind = 'article' AND followed = 0 AND depth < ? LIMIT 1",
            (depth,),
        ).fetchone()
        return (cast(Page, self._page("p.id = ?", row[0])), row[1], row[2]) if row else None

    def follow(self, page: Page, found: Iterable[Entry]) -> int:
        """Record the links of a page that was fetched before. Returns how many are new."""
        with self.transaction():
            self._db.execute("UPDATE pages SET followed = 1 WHERE id = ?", (page.id,))
            return self.add(found)

    def follow_anew(self) -> None:
        """Forget whose links were followed: another kind of link is asked for."""
        self._db.execute("UPDATE pages SET followed = 0 WHERE followed = 1")

    def postpone(self, page: Page, due: float, reason: str) -> None:
        """Leave a page in line after a failed request, behind all that have not been tried."""
        self._db.execute(
            "UPDATE pages SET tries = tries + 1, due = ?, reason = ? WHERE id = ?",
            (int(due) + 1, reason, page.id),
        )

    def settle(
        self, page: Page, assessment: Assessment, at: float, span: Span | None, validator: str = ""
    ) -> Outcome | None:
        """Record what became of a page, with all that follows from it.

        Returns the outcome as recorded, or None where the page stays in line under another spelling.

        A redirect puts its target in line, unless that leads back here or too many led here already.
        """
        with self.transaction():
            if span:
                self._db.execute("UPDATE segments SET bytes = ? WHERE id = ?", (span.end, span.segment))
            if assessment.spelling and page.hops < MAX_HOPS:
                self._db.execute(
                    "UPDATE pages SET target = ?, hops = hops + 1 WHERE id = ?",
                    (assessment.spelling, page.id),
                )
                return None
            outcome, reason, alias = assessment.outcome, assessment.reason, None
            if outcome == "redirect":
                outcome, reason, alias = self._redirect(page, assessment)
                if assessment.body_is_targets and alias is None:
                    outcome, reason = "ok", ""  # the other address leads here, so this one is the page
            if assessment.unchanged or (page.outcome == "ok" and outcome in ("failed", "blocked")):
                outcome = page.outcome or "ok"  # a failed second visit takes no page away
                span = None
            if alias is not None and assessment.body_is_targets:
                self._record(alias, "ok", "", at, span, validator, None, "", assessment.followed)
            keep = None if alias is not None and assessment.body_is_targets else span
            self._record(
                page.id,
                outcome,
                reason,
                at,
                keep,
                validator,
                alias,
                assessment.elsewhere,
                assessment.followed,
            )
            self.add(assessment.found)
            return outcome

    def _record(
        self,
        number: int,
        outcome: str,
        reason: str,
        at: float,
        span: Span | None,
        validator: str,
        alias: int | None,
        target: str,
        followed: bool,
    ) -> None:
        self._db.execute(
            "UPDATE pages SET due = NULL, tries = 0, outcome = ?, reason = nullif(?, ''), fetched_at = ?, "
            "validator = coalesce(nullif(?, ''), validator), segment = coalesce(?, segment), "
            "start = coalesce(?, start), alias = ?, target = coalesce(nullif(?, ''), target), "
            "followed = max(followed, ?) WHERE id = ?",
            (
                outcome,
                reason,
                int(at),
                validator,
                span and span.segment,
                span and span.start,
                alias,
                target,
                int(followed),
                number,
            ),
        )

    def _redirect(self, page: Page, assessment: Assessment) -> tuple[Outcome, str, int | None]:
        if assessment.spelling or page.hops >= MAX_HOPS:
            return "failed", "too many redirects", None
        if assessment.target is None:
            return "redirect", assessment.reason, None
        self.add([Entry(assessment.target, page.depth)], page.hops + 1)
        target = cast(Page, self.page_at(assessment.target)).id
        step: int | None = target
        for _ in range(MAX_HOPS + 1):
            if step is None:
                return "redirect", assessment.reason, target
            if step == page.id:
                break
            step = self._db.execute("SELECT alias FROM pages WHERE id = ?", (step,)).fetchone()[0]
        return "failed", "redirect loop", None

    def requeue(self, outcome: Outcome) -> int:
        """Put all pages of an outcome back in line as if never asked for. Returns how many."""
        return self._changed(
            "UPDATE pages SET due = 0, tries = 0, hops = 0, outcome = NULL, alias = NULL, target = NULL, "
            "validator = NULL WHERE outcome = ? AND due IS NULL",
            outcome,
        )

    def refresh(self) -> int:
        """Put all pages that we hold, and all lists, in line for another visit. Returns how many."""
        return self._changed(
            "UPDATE pages SET due = 0, tries = 0, hops = 0 WHERE outcome = 'ok' AND due IS NULL"
        )

    def _changed(self, sql: str, *values: object) -> int:
        return self._db.execute(sql, values).rowcount

    def counts(self) -> dict[str, int]:
        """Number of pages by outcome, in the order of OUTCOMES, without the outcomes that no page has."""
        found = dict(
            self._db.execute("SELECT outcome, count(*) FROM pages WHERE outcome NOT NULL GROUP BY 1")
        )
        return {outcome: found[outcome] for outcome in OUTCOMES if outcome in found}

    def waiting(self) -> int:
        """Number of pages in line."""
        return cast(int, self._db.execute("SELECT count(*) FROM pages WHERE due IS NOT NULL").fetchone()[0])

    def begin_segment(self, name: str) -> int:
        """Announce a new segment; returns its number."""
        return cast(int, self._db.execute("INSERT INTO segments (name) VALUES (?)", (name,)).lastrowid)

    def segments(self) -> list[tuple[int, str, int]]:
        """Number, name and counted bytes of all segments."""
        return self._db.execute("SELECT id, name, bytes FROM segments ORDER BY id").fetchall()

    def begin_run(self, at: float) -> int:
        """Record that a run begins; returns its number.

        Where the clock was set back since the last run, so are the times before which nothing is to be asked.
        """
        last = self._db.execute("SELECT updated FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        if last and (back := last[0] - at) > 0:
            self._db.execute("UPDATE pages SET due = max(0, due - ?)", (int(back),))
            self._db.execute("UPDATE meta SET value = value - ? WHERE name = 'not before'", (back,))
        return cast(
            int, self._db.execute("INSERT INTO runs (began, updated) VALUES (?, ?)", (at, at)).lastrowid
        )

    def note_run(self, run: int, at: float, requests: int, settled: int) -> None:
        """Record how far a run has come."""
        self._db.execute(
            "UPDATE runs SET updated = ?, requests = ?, settled = ? WHERE id = ?",
            (at, requests, settled, run),
        )

    def allow(self, hosts: Hosts) -> Hosts:
        """Remember hosts that may be asked; returns them with those of earlier runs."""
        for origin in hosts.origins.values():
            self._host(origin)
        return Hosts(self._hosts)

    def _host(self, origin: str) -> int:
        if origin not in self._hosts:
            cursor = self._db.execute("INSERT INTO hosts (origin) VALUES (?)", (origin,))
            self._hosts[origin] = cast(int, cursor.lastrowid)
        return self._hosts[origin]

    def newest(self) -> int:
        """The number of the page that came last."""
        return cast(int, self._db.execute("SELECT coalesce(max(id), 0) FROM pages").fetchone()[0])

    def _page(self, where: str, *values: object) -> Page | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM pages p JOIN hosts h ON h.id = p.host WHERE {where}", values
        ).fetchone()
        if row is None:
            return None
        number, origin, path, kind, depth, seed, due, tries, hops, outcome, validator, target = row
        address = Address(origin, path, cast(AddressKind, kind))
        spelling = target if target and outcome != "redirect" else ""
        return Page(
            id=number,
            address=address,
            depth=depth,
            seed=bool(seed),
            due=due or 0,
            waits=due is not None,
            tries=tries,
            hops=hops,
            outcome=outcome,
            validator=validator or "",
            spelling=spelling,
        )
