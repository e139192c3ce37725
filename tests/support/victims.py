"""Jobs that are killed, or run short of something, in copies of one process that has all libraries loaded.

    with Victims(folder) as victims:
        done = victims.run("command", "import", source, "-o", corpus, kill_at=7)

The process loads everything once and starts nothing that has threads; a job is a fork of it, which takes milliseconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from support.command import ROOT, surroundings
from support.shortage import Shortage, short_of

NEVER = 1 << 40
CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.rmtree",
}  # fmt: skip
"""What Python says of itself (PEP 578) before it changes the names in a folder."""


@dataclass(frozen=True)
class Job:
    """What a copy of the process is to do."""

    name: str
    arguments: list[str]
    folder: str
    """Where it may write: its own changes there are counted."""
    kill_at: int = NEVER
    """The change before which it is killed, counted from 1."""
    short: Shortage = field(default_factory=Shortage)


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    code: int
    """Exit code; -9 where it was killed."""
    said: str
    """What it wrote to stdout and stderr."""
    changes: int
    """The changes that it made or was about to make."""
    seconds: float

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Running:
    """A job that has been started."""

    def __init__(self, victims: Victims, process: int, log: Path) -> None:
        self.victims, self.process, self.log, self.began = victims, process, log, time.monotonic()

    def kill(self) -> None:
        """Kill it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)

    def end(self) -> Ended:
        """Wait for it."""
        code = self.victims.asked({"wait": self.process})
        said = self.log.read_text(encoding="utf-8", errors="replace")
        count = self.log.with_suffix(".count")
        changes = int(count.read_text() or 0) if count.exists() else 0
        return Ended(code, said, changes, time.monotonic() - self.began)


class Victims:
    """The process that has everything loaded; `with` ends it."""

    def __init__(self, folder: Path, tracer: Sequence[str] = ()) -> None:
        """Start it; `folder` is for what it writes down, and has the articles of its builds (`tiny_sources`).

        `tracer` is a command that starts it and watches it; then each job loads what it needs, and nothing else has
        to be watched.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._number = folder, 0
        self._process = subprocess.Popen(
            [*tracer, sys.executable, "-m", "support.victims", str(folder), *(() if tracer else LOADED)],
            env=surroundings(PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")])),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self) -> Victims:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(
        self, name: str, *arguments: object, folder: Path, kill_at: int = NEVER, **short: Any
    ) -> Running:
        """Start a job, which is the name of a function here (`JOBS`)."""
        self._number += 1
        log = self.folder / f"job-{self._process.pid}-{self._number}.log"  # others may write there too
        job = Job(name, [str(each) for each in arguments], str(folder), kill_at, Shortage(**short))
        return Running(self, self.asked({"log": str(log), "job": asdict(job)}), log)

    def run(self, name: str, *arguments: object, **options: Any) -> Ended:
        """Run a job to its end."""
        return self.start(name, *arguments, **options).end()

    def asked(self, request: dict[str, Any]) -> int:
        """What the process answers."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def moments(dice: random.Random, whole: Ended, tries: int) -> Iterator[tuple[int, float]]:
    """When to kill a job that ran once to its end: before a change or after some seconds, by turns.

    The changes are spread evenly from the first to the last.
    """
    for number in range(tries):
        if number % 2:
            yield NEVER, dice.uniform(0, whole.seconds)
        else:
            yield 1 + dice.randrange(2) + number * max(1, whole.changes - 2) // tries, NEVER


def killed(victims: Victims, moment: tuple[int, float], name: str, *arguments: object, folder: Path) -> Ended:
    """Run a job and kill it at that moment; it may have ended before."""
    change, seconds = moment
    running = victims.start(name, *arguments, folder=folder, kill_at=change)
    if seconds < NEVER:
        time.sleep(seconds)
        running.kill()
    return running.end()


# What the copies do. Here, in the process itself, nothing is imported by the names above alone.


def command(words: list[str]) -> None:
    """Run `howtree` as a person does."""
    from kb.commands import cli

    sys.argv = ["howtree", *words]
    cli.main()


def judge(arguments: list[str]) -> None:
    """Write reviews of the steps of a knowledge base one after the other, and say the id of each that is saved."""
    from kb.review.judging import review_of
    from kb.review.reviews import append
    from kb.store import KnowledgeBase

    path, who, first, last = arguments
    with mistakes_told(), KnowledgeBase(path) as kb:
        for step in range(int(first), int(last)):
            saved = append(kb.reviews_path, review_of(kb, step, "no link", None, who))
            os.write(1, f"saved {saved}\n".encode())


def tiny_build(arguments: list[str]) -> None:
    """Build with the model drawn by lot: the output, and whether with the further articles."""
    from kb.build.build import build

    output, more = arguments
    sources, options = WORLD[0]
    with mistakes_told():
        build(sources[int(more)], Path(output), options)


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Say an error of ours as the command does."""
    from howtree.errors import HowtreeError
    from kb.commands import cli

    try:
        yield
    except HowtreeError as error:
        cli.fail(str(error), error.exit_code)


JOBS: dict[str, Callable[[list[str]], None]] = {"command": command, "judge": judge, "build": tiny_build}
WORLD: list[Any] = []
"""The sources and the options of a tiny build."""
LOADED = (
    "kb.commands.cli", "kb.build.build", "kb.review.judging", "kb.review.bake", "kb.check", "kb.exchange.export",
    "kb.exchange.paper", "kb.video.retrieval", "kb.video.report", "kb.video.folds", "kb.query.ask",
    "crawl.corpus.write", "faiss", "pyarrow.parquet", "pyarrow.dataset", "pandas", "scipy.stats", "bm25s",
    "ir_measures", "torch", "sentence_transformers", "sklearn.linear_model",
)  # fmt: skip


def main(folder: Path, loaded: Sequence[str]) -> None:
    """Load libraries, then answer requests until stdin ends."""
    import importlib

    for name in loaded:
        importlib.import_module(name)
    from support.tiny_world import tiny_sources

    WORLD.append(tiny_sources(folder))
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = forked(request["job"], Path(request["log"]))
        print(answer, flush=True)


def forked(asked: dict[str, Any], log: Path) -> int:
    """Start a copy that does a job; gives its number."""
    process = os.fork()
    if process:
        return process
    job = Job(**{**asked, "short": Shortage(**asked["short"])})
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 70
    try:
        with short_of(job.short, Path(job.folder)):
            counting = counted(job, log.with_suffix(".count"))
            try:
                JOBS[job.name](job.arguments)
                code = 0
            finally:
                counting()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def counted(job: Job, note: Path) -> Callable[[], None]:
    """Count the changes that this process makes below a folder, and kill it before one of them; gives what notes it."""
    count, own = 0, os.getpid()
    real = os.fsync

    def change() -> None:
        nonlocal count
        if os.getpid() != own:
            return
        count += 1
        if count == job.kill_at:
            os.kill(own, signal.SIGKILL)

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES:
            change()
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR) if arguments[2] is not None else 0
            if writes and os.fsdecode(arguments[0]).startswith(job.folder):
                change()

    def synced(file: int) -> None:
        change()
        real(file)

    os.fsync = synced  # type: ignore[assignment]
    sys.addaudithook(heard)

    def noted() -> None:
        nonlocal own
        own = 0  # what comes now is ours
        note.write_text(str(count))

    return noted


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
