"""A build that is killed, started twice, read while it writes, or out of room: what was there stays whole."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import PATIENCE, SAMPLE, SMALL_PARTS, Run, surroundings, work_folder
from support.contents import content
from support.reading import lines, simple


def parts_done(output: Path) -> dict[Path, int]:
    """The parts that stages of a build of `output` have finished, by their seals, and when each was written."""
    seals = (work_folder(output) / "links").rglob("part-*.sha256")
    return {path: path.stat().st_mtime_ns for path in seals}


Moment = Callable[[subprocess.Popen[bytes], Path], None]
"""Waits until a build of that output is to be killed; the build may end before."""


def after_more_parts(dice: random.Random) -> Moment:
    """When some more parts of a stage are done, and a moment later: the same on slow and quick machines."""

    def wait(process: subprocess.Popen[bytes], output: Path) -> None:
        wanted = len(parts_done(output)) + dice.randint(1, 9)
        while process.poll() is None and len(parts_done(output)) < wanted:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.05))

    return wait


def after_a_while(dice: random.Random) -> Moment:
    """At a random time, when the build may still load its libraries, or be done."""
    longest = 9.0
    before: dict[Path, int] = {}

    def wait(process: subprocess.Popen[bytes], output: Path) -> None:
        nonlocal longest, before
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=dice.uniform(0.2, longest))
        now = parts_done(output)
        longest += 2 if before == now else 0  # a slow machine needs longer to get anywhere
        before = now

    return wait


@pytest.mark.parametrize(
    ("executor", "kills", "moment"),
    [
        ("process", 1, after_more_parts),
        pytest.param("pool", 1, after_more_parts, marks=pytest.mark.torture),
        pytest.param("process", 12, after_a_while, marks=pytest.mark.torture),
        pytest.param("pool", 8, after_a_while, marks=pytest.mark.torture),
    ],
)
def test_killed_at_any_time_and_started_again_it_ends_the_same(
    sample_kb_path: Path, tmp_path: Path, executor: str, kills: int, moment: Callable[[random.Random], Moment]
) -> None:
    """The file that was there before stays whole until the end.

    What a killed run had finished of a stage is never done again: it loses at most the parts in hand.
    """
    command = [*SMALL_PARTS, str(SAMPLE), "-o", str(tmp_path / "kb.duckdb"), "--executor", executor]
    output = tmp_path / "kb.duckdb"
    shutil.copy(sample_kb_path, output)
    before = output.read_bytes()
    wait = moment(random.Random(7))
    finished = False
    done: dict[Path, int] = {}
    for _ in range(kills):
        process = subprocess.Popen(
            command, env=surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait(process, output)
        finished |= process.poll() is not None
        process.kill()
        process.wait()
        if not finished:
            assert output.read_bytes() == before or content(output) == content(sample_kb_path)
        now = parts_done(output)
        assert done.items() <= now.items()
        done = now
    assert len(done) >= kills
    assert subprocess.run(command, env=surroundings(), capture_output=True, check=False).returncode == 0
    assert content(output) == content(sample_kb_path)
    assert len(parts_done(output)) > 10 and done.items() <= parts_done(output).items()


def test_of_two_builds_of_one_output_the_second_says_so(run: Run, own_sample_kb: Path) -> None:
    import fcntl

    with (work_folder(own_sample_kb) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("build", SAMPLE, "-o", own_sample_kb)
    assert done.returncode == 1
    assert "another build" in done.stderr


READER = """
import sys
from pathlib import Path
from kb.store import KnowledgeBase
seen, end = set(), Path(sys.argv[2])
while not end.exists():
    before = len(seen)
    with KnowledgeBase(Path(sys.argv[1])) as kb:
        seen.add(kb.query("SELECT (SELECT count(*) FROM steps), (SELECT count(*) FROM edges)").fetchone())
    if len(seen) > before:
        print(len(seen), flush=True)
"""


def test_readers_see_the_old_or_the_new_file_while_builds_swap_it(
    own_sample_kb: Path, run: Run, tmp_path: Path
) -> None:
    """Readers keep opening and querying while the file is replaced; none meets an error or a part."""
    end = tmp_path / "end"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(own_sample_kb), str(end)],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "1\n", "it does not read"
        for _ in range(2):
            assert run("build", SAMPLE, "-o", own_sample_kb).returncode == 0
    finally:
        end.touch()
    for reader in readers:
        more, err = reader.communicate(timeout=PATIENCE)
        assert reader.returncode == 0, err
        assert more == "", "it saw something else"


def test_a_full_disk_is_said_and_nothing_is_lost(own_sample_kb: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writes fail in the same way."""
    dice = random.Random(3)
    words = [
        simple(f"Goal {i}", *(f"{dice.random()} {dice.random()}" for _ in range(30))) for i in range(400)
    ]
    source = lines(tmp_path / "many.jsonl", *words)
    before = own_sample_kb.read_bytes()
    limit = 200_000
    done = subprocess.run(
        [sys.executable, "-m", "kb", "build", str(source), "-o", str(own_sample_kb)],
        env=surroundings(),
        preexec_fn=lambda: (
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "could not write" in done.stderr and "Traceback" not in done.stderr
    assert own_sample_kb.read_bytes() == before
