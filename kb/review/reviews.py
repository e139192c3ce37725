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
        if len(self.note) > MAX_NOTE:
            raise BadInput(f"the note has {len(self.note):,} characters, more than {MAX_NOTE:,}: shorten it")


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


def append(path: Path, record: Review | Undo) -> None:
    """Add one line to the reviews file, whole and on the disk when this returns.

    One write under a lock, so lines of several writers never mix. After a torn line a new one is started.

    Raises:
        BadInput: the file cannot be written; it is then as it was.
    """
    line = json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        with locked(path) as file:
            size = os.fstat(file).st_size
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
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


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
        try:
            record = parse(line)
        except (ValueError, KeyError, TypeError, AttributeError, BadInput):
            broken.append(number)
            continue
        if isinstance(record, Undo):
            undone.add(record.undoes)
        else:
            reviews[record.id] = record
    kept = tuple(review for review in reviews.values() if review.id not in undone)
    return Log(kept, len(reviews) - len(kept), tuple(broken))


def parse(line: bytes) -> Review | Undo:
    """The record of a line.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, BadInput: it is not one.
    """
    values: dict[str, Any] = json.loads(line.decode("utf-8"))
    kind: type[Review | Undo] = Undo if "undoes" in values else Review
    record = kind(**{f.name: values[f.name] for f in dataclasses.fields(kind)})
    for name, value in dataclasses.asdict(record).items():
        whole = isinstance(value, int) and 0 < value < 2**31
        if not (
            whole
            if name in ("method", "step")
            else isinstance(value, str) or (name == "goal" and value is None)
        ):
            raise ValueError(f"{name} is {value!r}")
    if datetime.fromisoformat(record.when).tzinfo is None:
        raise ValueError(f"the time {record.when} has no zone")
    return record
