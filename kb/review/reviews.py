"""What people say about links: a file of reviews beside the knowledge base, to which lines are only added.

The file kb.duckdb.reviews.jsonl holds one JSON object per line. A review names its step by keys that a new build keeps
(article key, method number, step number) and by a hash of the text that was judged, so a verdict on a step that
has changed since is known as stale. Nothing is ever rewritten: a review is taken back by a line that undoes it.
Several people may write at once, and a line that a crash left unfinished costs that line alone.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from howtree.errors import BadInput, NotFound
from howtree.files import sync_folder
from kb.beside import beside

Verdict = Literal["exact", "helpful", "related", "unhelpful", "no link", "another goal"]
"""The paper's scale for a step and a goal; or the step has no goal; or the goal named is the right one instead."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
GRADES = VERDICTS[:4]
CONFIRMING = ("exact", "helpful", "another goal")
"""The verdicts that say: link the step to this goal. 'related' and 'unhelpful' say: do not."""
MODEL_NAME = "model:"
"""What the name of a reviewer begins with that is a model: its verdicts are kept, but it has no vote."""
MAX_NOTE = 2_000
LONGEST = {
    "article": 2_000, "goal": 2_000, "who": 200, "note": MAX_NOTE, "text_hash": 64, "verdict": 64, "when": 64, "id": 64,
    "undoes": 64,
}  # fmt: skip
"""Most characters of each field."""
MAX_LINE = 64_000
"""Most bytes of a line: more than all fields at their longest, escaped as JSON may be."""
REVIEWS_SUFFIX = ".reviews.jsonl"


def now() -> str:
    """The time, in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_id() -> str:
    """A name for a line, unlike any other."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Review:
    """One person's verdict on a step and a goal."""

    article: str
    """Key of the article that holds the step, e.g. "en:2053"."""
    method: int
    step: int
    text_hash: str
    """`text_hash` of the step's text when it was judged."""
    verdict: Verdict
    goal: str | None
    """Key of the goal; None with the verdict "no link"."""
    who: str
    note: str = ""
    when: str = field(default_factory=now)
    id: str = field(default_factory=new_id)

    @property
    def by_person(self) -> bool:
        """Whether a person says it, and no model; as the macro is_person of texts.sql."""
        return not self.who.strip().lower().startswith(MODEL_NAME)

    @property
    def judged_at(self) -> datetime:
        """When it was written, in UTC and without a zone, as the tables hold it."""
        return utc(self.when)

    @property
    def whose(self) -> tuple[str, str, int, int]:
        """The person and the step."""
        return self.who, self.article, self.method, self.step

    def says_the_same(self, other: Review) -> bool:
        """Whether the two are alike but for their times and ids."""
        return dataclasses.replace(other, when=self.when, id=self.id) == self

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise BadInput(f"a verdict is one of {', '.join(VERDICTS)}, not {self.verdict!r}")
        if (self.goal is None) != (self.verdict == "no link"):
            raise BadInput('name a goal, except with the verdict "no link"')
        if self.goal == self.article:
            raise BadInput("a step is never linked to the article it is in: name another goal")
        if not self.who.strip():
            raise BadInput("say who judges: a name or a handle")
        if self.who.strip().lower() == MODEL_NAME:
            raise BadInput(f"say which model judges: {MODEL_NAME}NAME")
        for name, text in (("note", self.note), ("name", self.who)):
            most = LONGEST["who" if name == "name" else name]
            if len(text) > most:
                raise BadInput(f"the {name} has {len(text):,} characters, more than {most:,}: shorten it")


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes a review back."""

    undoes: str
    """The id of the review."""
    who: str
    when: str = field(default_factory=now)
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Log:
    """What a reviews file holds."""

    reviews: tuple[Review, ...] = ()
    """In the order written, without those that were taken back."""
    undone: int = 0
    broken: tuple[int, ...] = ()
    """The numbers of the lines that are no whole record, e.g. after a crash; they are left out."""


def reviews_path(kb: Path) -> Path:
    """The reviews file of a knowledge base: kb.duckdb.reviews.jsonl for kb.duckdb."""
    return beside(kb, REVIEWS_SUFFIX)


def text_hash(text: str) -> str:
    """The hash of a step's text as people see it: its headline, or its body where it has no headline."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def utc(when: str) -> datetime:
    """A time as the file has it, in UTC and without a zone.

    Raises:
        ValueError, OverflowError: it is no time, has no zone, or is beyond the years that there are in UTC.
    """
    time = datetime.fromisoformat(when)
    if time.tzinfo is None:
        raise ValueError(f"the time {when} has no zone")
    return time.astimezone(UTC).replace(tzinfo=None)


def append(path: Path, record: Review | Undo) -> str:
    """Add one line to the reviews file, whole and on the disk when this returns, and return the id of the record.

    One write under a lock, so lines of several writers never mix. After a torn line a new one is started. Where the
    person has just said the same of the step, as a double click does, nothing is added, and the id is of that record.

    Raises:
        BadInput: the file cannot be written; it is then as it was.
    """
    line = json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        with locked(path) as file:
            size = os.fstat(file).st_size
            if isinstance(record, Review) and (said := _said_before(file, size, record)):
                return said.id
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            data = b"\n" + line if torn else line
            try:
                if os.write(file, data) != len(data):
                    raise OSError(None, "no room left on the disk")
                os.fsync(file)
            except OSError:
                os.ftruncate(file, size)
                raise
    except OSError as error:
        raise BadInput(f"the review was not saved: cannot write {path}: {error.strerror}") from error
    return record.id


def _said_before(file: int, size: int, review: Review) -> Review | None:
    """The latest review of the same person and step, where it is in the last lines and says the same as this one."""
    start = max(0, size - MAX_LINE)
    undone: set[str] = set()
    for line in reversed(os.pread(file, size - start, start).split(b"\n")):
        earlier = _record_or_none(line)
        if isinstance(earlier, Undo):
            undone.add(earlier.undoes)
        elif earlier and earlier.id not in undone and earlier.whose == review.whose:
            return earlier if earlier.says_the_same(review) else None
    return None


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file opened for appending, with no other writer."""
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
    if new:  # the name too is to outlast a crash
        sync_folder(path.parent)


def undo(path: Path, review_id: str, who: str) -> Review:
    """Take a review back, and return it.

    Raises:
        NotFound: there is no such review, or it was taken back before.
        BadInput: the file cannot be written.
    """
    for review in read(path).reviews:
        if review.id == review_id:
            append(path, Undo(review_id, who))
            return review
    raise NotFound(f"no review {review_id} is in {path}. See them with: howtree review list")


def read(path: Path) -> Log:
    """Read a reviews file; there need be none.

    Raises:
        BadInput: the file cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"{path} is no file: move it away, since people's reviews are kept there")
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Log()
    except OSError as error:
        raise BadInput(f"cannot read the reviews in {path}: {error.strerror}") from error
    reviews: dict[str, Review] = {}
    undone: set[str] = set()
    broken: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _record_or_none(line)
        if record is None:
            broken.append(number)
        elif isinstance(record, Undo):
            undone.add(record.undoes)
        else:
            reviews[record.id] = record
    kept = tuple(review for review in reviews.values() if review.id not in undone)
    return Log(kept, len(reviews) - len(kept), tuple(broken))


def _record_or_none(line: bytes) -> Review | Undo | None:
    """The record of a line, None where it is not one, whatever it is instead."""
    try:
        return parse(line)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, BadInput):
        return None


def parse(line: bytes) -> Review | Undo:
    """The record of a line. What it holds is sure to go into a table.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, BadInput: it is not one.
    """
    if len(line) > MAX_LINE:
        raise ValueError(f"the line has {len(line):,} bytes, more than {MAX_LINE:,}")
    values: dict[str, Any] = json.loads(line.decode("utf-8"))
    kind: type[Review | Undo] = Undo if "undoes" in values else Review
    record = kind(**{f.name: values[f.name] for f in dataclasses.fields(kind)})
    for name, value in dataclasses.asdict(record).items():
        if not _fits(name, value):
            raise ValueError(f"{name} is {str(value)[:100]!r}")
    utc(record.when)
    return record


def _fits(name: str, value: object) -> bool:
    """Whether a field is of its kind and within its limits."""
    if name in ("method", "step"):
        return type(value) is int and 0 < value < 2**31
    if name == "goal" and value is None:
        return True
    if not isinstance(value, str) or len(value) > LONGEST[name] or "\0" in value:
        return False
    value.encode("utf-8")  # a lone surrogate is refused here, as a ValueError
    return True
