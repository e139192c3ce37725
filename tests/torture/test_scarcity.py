"""Too little of everything: a full disk, a folder that cannot be written, few files, little memory, another clock.

Whatever is short, a command ends with its work done or with a message, and what was there before stays whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import SAMPLE, Run, surroundings, work_folder
from support.contents import content
from support.crawl_site import Site, answer, article
from support.damage import files_in
from support.shortage import has_own_disks
from support.tiny_world import World
from support.victims import Ended, Victims

from crawl.corpus.write import read_corpus
from crawl.readers.files import is_finished
from kb.review.reviews import Review, append, read, reviews_path

LITTLE_MEMORY = 1_500_000_000
KB = 1 << 10


@pytest.fixture(scope="module")
def own_disks() -> None:
    """Skips where a process cannot have a disk of its own."""
    if not has_own_disks():
        pytest.skip("the system gives no namespaces, in which a process has a disk of its own")


@pytest.fixture
def here(world: World, tmp_path: Path) -> Path:
    """A folder with a knowledge base, its work folder and some reviews."""
    here = tmp_path / "here"
    here.mkdir()
    kb = here / "kb.duckdb"
    shutil.copy(world.kb, kb)
    shutil.copytree(work_folder(world.kb), work_folder(kb))
    for step in range(1, 4):
        append(reviews_path(kb), Review("en:/Nowhere", 1, step, "0" * 16, "no link", None, "ann"))
    return here


def size_of(folder: Path) -> int:
    """The bytes that the files in a folder take on a disk."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files_in(folder))


def told(ended: Ended) -> bool:
    """Whether it ended well, or with a message of ours."""
    said = ended.said.rstrip().splitlines()
    return "Traceback" not in ended.said and (
        ended.code == 0 or (ended.code == 1 and any(line.startswith("howtree: ") for line in said))
    )


def left_of(folder: Path) -> Path:
    """What was on the disk of its own that a job had."""
    return folder.with_name(f"{folder.name}.left")


def rooms(most: int, few: int, many: int) -> pytest.MarkDecorator:
    """How much room there is beyond what is there already, in bytes: spread evenly up to `most`."""

    def spread(count: int) -> list[int]:
        return [most * number // count for number in range(count)]

    return pytest.mark.parametrize(
        "rooms", [spread(few), pytest.param(spread(many), marks=pytest.mark.torture)]
    )


@pytest.mark.usefixtures("own_disks")
@rooms(9_000 * KB, 2, 12)
def test_a_full_disk_while_a_build_runs(victims: Victims, world: World, here: Path, rooms: list[int]) -> None:
    """The old knowledge base stays, and with room the same build ends as if nothing had been."""
    full = 0
    for room in rooms:
        done = victims.run("build", here / "kb.duckdb", "1", folder=here, disk=size_of(here) + room)
        left = left_of(here)
        assert told(done), done.said
        assert done.code == 0 or "Make room" in done.said, done.said
        assert content(left / "kb.duckdb") == world.expected[1 if done.code == 0 else 0]
        full += done.code != 0
        world.build(left / "kb.duckdb")
        assert content(left / "kb.duckdb") == world.expected[1]
        shutil.rmtree(left)
    assert full


@pytest.mark.usefixtures("own_disks")
@rooms(120 * KB, 2, 8)
def test_a_full_disk_while_articles_are_imported(
    victims: Victims, world: World, tmp_path: Path, rooms: list[int]
) -> None:
    here, sources, full = tmp_path / "here", world.sources[1], 0
    here.mkdir()
    for room in rooms:
        words = ("import", *sources, "-o", here / "corpus", "--shard-size", "3", "--workers", "1")
        done = victims.run("command", *words, folder=here, disk=4 * KB + room)
        left = left_of(here) / "corpus"
        assert told(done), done.said
        assert done.code == 0 or "room" in done.said, done.said
        assert is_finished(left) is (done.code == 0)
        full += done.code != 0
        again = victims.run(
            "command", "import", *sources, "-o", left, "--shard-size", "3", "--workers", "1", folder=left
        )
        assert again.code == 0 and len(list(read_corpus(left))) == 25, again.said
        shutil.rmtree(left_of(here))
    assert full


@pytest.mark.usefixtures("own_disks")
@rooms(20 * KB, 2, 6)
def test_a_full_disk_while_people_judge(victims: Victims, here: Path, rooms: list[int]) -> None:
    """Every verdict that was said to be saved is there, none is half there, and the reason is said."""
    full = 0
    for room in rooms:
        done = victims.run(
            "judge", here / "kb.duckdb", "bob", "1", "84", folder=here, disk=size_of(here) + room
        )
        log = read(reviews_path(left_of(here) / "kb.duckdb"))
        assert not log.broken and len(log.reviews) == 3 + done.said.count("saved "), done.said
        assert told(done), done.said
        assert done.code == 0 or "the review was not saved: cannot write" in done.said, done.said
        full += done.code != 0
        shutil.rmtree(left_of(here))
    assert full


FORMS = ("edges", "articles", "json", "graphml", "missing-links", "parquet", "paper")


@pytest.mark.usefixtures("own_disks")
@pytest.mark.parametrize("forms", [FORMS[:2], pytest.param(FORMS[2:], marks=pytest.mark.torture)])
def test_a_full_disk_while_a_knowledge_base_is_exported(
    victims: Victims, here: Path, forms: tuple[str, ...]
) -> None:
    """Nothing is taken for a whole export that is none."""
    for form in forms:
        done = victims.run(
            "command", "export", "--format", form, "-o", here / "out", "--kb", here / "kb.duckdb",
            folder=here, disk=size_of(here) + 4 * KB,
        )  # fmt: skip
        assert told(done) and done.code == 1 and "cannot write" in done.said, done.said
        out = left_of(here) / "out"
        assert not out.is_file() and not [path for path in files_in(out) if not path.name.startswith(".")][3:]
        assert not [path for path in left_of(here).rglob("*.part") if path.parent.name != "kb.duckdb.work"]
        shutil.rmtree(left_of(here))


READING = (
    ("info",), ("tree", "1"), ("search", "part"), ("sql", "FROM links"), ("review", "list"),
)  # fmt: skip


@pytest.mark.usefixtures("own_disks")
@pytest.mark.parametrize("kinds", [1, pytest.param(7, marks=pytest.mark.torture)])
def test_a_folder_that_cannot_be_written(victims: Victims, world: World, here: Path, kinds: int) -> None:
    """Whatever reads works there; whatever writes says that it cannot."""
    kb = here / "kb.duckdb"
    for words in (("check",), *READING)[:kinds]:
        named = (kb,) if words == ("check",) else ("--kb", kb)
        done = victims.run("command", *words, *named, folder=here, read_only=True)
        shutil.rmtree(left_of(here))
        assert done.code == 0, (words, done.said)
    writing = {
        "build": ("command", "build", world.sources[0][0], "-o", kb),
        "review": ("command", "review", "add", "1", "no link", "--who", "ann", "--kb", kb),
        "bake": ("command", "review", "bake", "-o", here / "b.duckdb", "--kb", kb),
        "export": ("command", "export", "-o", here / "out", "--kb", kb),
        "import": ("command", "import", world.sources[0][0], "-o", here / "corpus"),
        "crawl": (
            "command",
            "crawl",
            here / "c",
            "Wash a Hat",
            "--contact",
            "a@example.org",
            "--accept-terms",
        ),
        "plan": ("command", "review", "sample", "-o", here / "plan.csv", "--kb", kb),
    }
    for name, words in list(writing.items())[: 2 * kinds]:
        done = victims.run(*words, folder=here, read_only=True)
        shutil.rmtree(left_of(here))
        assert done.code in (1, 2) and told(done), (name, done.said)
        assert "Read-only file system" in done.said or name == "bake", (name, done.said)


@pytest.mark.torture
def test_few_descriptors(victims: Victims, world: World, here: Path, tmp_path: Path) -> None:
    """With 64 of them all works, or says what is short."""
    kb = here / "kb.duckdb"
    jobs = [("build", kb, "1"), *(("command", *words, "--kb", kb) for words in READING)]
    jobs += [
        ("command", "import", *world.sources[1], "-o", here / "corpus", "--shard-size", "1", "--workers", "1")
    ]
    jobs += [("command", "export", "--format", form, "-o", here / form, "--kb", kb) for form in FORMS]
    for job in jobs:
        done = victims.run(*job, folder=here, files=64)
        assert told(done), (job, done.said)
        assert done.code == 0 or "Too many open files" in done.said, (job, done.said)
    assert content(kb) == world.expected[1]


@pytest.mark.torture
def test_little_memory(tmp_path: Path, sample_kb_path: Path) -> None:
    """What only reads does with 1.5 GB; a build says that it cannot, before it begins."""
    limited = ["prlimit", f"--data={LITTLE_MEMORY}"]
    if not shutil.which(limited[0]):
        pytest.skip("no prlimit")
    for words, code, message in (
        (("check", sample_kb_path), 0, ""),
        (("build", SAMPLE, "-o", tmp_path / "kb.duckdb"), 1, "this process is limited to 1.5 GB"),
    ):
        done = subprocess.run(
            [*limited, sys.executable, "-m", "kb", *map(str, words)],
            env=surroundings(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code and message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "kb.duckdb").exists()


YEAR = 365 * 24 * 3600


def test_a_clock_that_jumped_back(world: World, here: Path, run: Run) -> None:
    """Files, reviews and runs from the future: nothing is thought new that is not, and the last word counts."""
    later = time.time() + YEAR
    for path in files_in(here):
        os.utime(path, (later, later))
    kb = here / "kb.duckdb"
    tally = world.build(kb, 0)
    assert tally.links.encoded == 0 and content(kb) == world.expected[0]
    linked = json.loads(
        run("sql", "SELECT step_id FROM links LIMIT 1", "--format", "json", "--kb", kb).stdout
    )
    step = linked["step_id"]
    assert run("review", "add", step, "exact", "--who", "ann", "--kb", kb).returncode == 0
    lines = reviews_path(kb).read_text().splitlines()
    latest = json.loads(lines[-1])
    latest["when"] = "2199-01-01T00:00:00+00:00"
    reviews_path(kb).write_text("\n".join([*lines[:-1], json.dumps(latest)]) + "\n")
    assert run("review", "add", step, "no link", "--who", "ann", "--kb", kb).returncode == 0
    counted = run(
        "sql", f"SELECT count(*) AS n FROM links WHERE step_id = {step}", "--format", "csv", "--kb", kb
    )
    assert counted.stdout == "n\n0\n", "the verdict before counts, since its date is later"


@pytest.mark.parametrize("ahead", [600.0, float(YEAR)])
def test_a_crawl_whose_clock_jumped_back(tmp_path: Path, ahead: float) -> None:
    """The pause that the run before had to keep is kept, and no more."""
    import sqlite3

    with Site() as site:
        site.at("/Hat", answer(200, article("Hat")))
        site.at("/Coat", answer(200, article("Coat")))
        words = ["--host", site.origin, "--delay", "0.01", "--contact", "a@example.org", "--accept-terms"]

        def crawl(title: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "kb", "crawl", str(tmp_path / "c"), title, *words],
                env=surroundings(), capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip

        assert crawl("Hat").returncode == 0
        with sqlite3.connect(tmp_path / "c" / "frontier.sqlite") as db:
            db.execute("UPDATE meta SET value = value + ? WHERE name = 'not before'", (ahead,))
            db.execute("UPDATE runs SET updated = updated + ?", (ahead,))
        db.close()
        done = crawl("Coat")
        assert done.returncode == 0, done.stderr


Pair = tuple[Callable[[Path], tuple[object, ...]], Callable[[Path], tuple[object, ...]]]


def verbs(world: World) -> dict[str, Callable[[Path], tuple[object, ...]]]:
    """Jobs over the knowledge base in a folder, by name."""
    return {
        "build": lambda at: ("build", at / "kb.duckdb", "1"),
        "judge": lambda at: ("judge", at / "kb.duckdb", "bob", "1", "40"),
        "judge too": lambda at: ("judge", at / "kb.duckdb", "eve", "1", "40"),
        "export": lambda at: (
            "command",
            "export",
            "--format",
            "edges",
            "-o",
            at / "out",
            "--kb",
            at / "kb.duckdb",
        ),
        "import": lambda at: (
            "command",
            "import",
            *world.sources[1],
            "-o",
            at / "corpus",
            "--shard-size",
            "2",
        ),
        "bake": lambda at: ("command", "review", "bake", "-o", at / "baked.duckdb", "--kb", at / "kb.duckdb"),
        "check": lambda at: ("command", "check", at / "kb.duckdb"),
        "sql": lambda at: ("command", "sql", "FROM links", "--kb", at / "kb.duckdb"),
        "tree": lambda at: ("command", "tree", "1", "--kb", at / "kb.duckdb"),
    }


PAIRS = (
    ("build", "build"), ("build", "judge"), ("build", "sql"), ("judge", "judge too"), ("import", "import"),
    ("build", "export"), ("build", "bake"), ("build", "check"), ("build", "tree"), ("judge", "bake"),
    ("judge", "export"), ("judge", "check"), ("judge", "sql"), ("export", "export"), ("bake", "bake"),
    ("build", "import"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("pairs", "times"), [(PAIRS[1:3], 1), pytest.param(PAIRS, 3, marks=pytest.mark.torture)]
)
def test_two_at_once_on_one_knowledge_base(
    victims: Victims, world: World, here: Path, tmp_path: Path, pairs: tuple[tuple[str, str], ...], times: int
) -> None:
    """Each does its work or says who is at work; what both leave is whole."""
    jobs = verbs(world)
    for names in pairs:
        for again in range(times):
            at = tmp_path / "-".join((*names, str(again)))
            shutil.copytree(here, at)
            both = [victims.start(*jobs[name](at), folder=at) for name in names]
            ended = [each.end() for each in both]
            for name, done in zip(names, ended, strict=True):
                assert told(done), (names, name, done.said)
                refused = "another" in done.said or "running" in done.said
                assert done.code == 0 or refused or name in ("sql", "tree"), (names, name, done.said)
            assert any(done.code == 0 for done in ended), names
            log = read(reviews_path(at / "kb.duckdb"))
            saved = sum(done.said.count("saved ") for done in ended)
            assert not log.broken and len(log.reviews) == 3 + saved, names
            if "build" in names:
                assert content(at / "kb.duckdb") == world.expected[1]
            if "import" in names:
                assert len(list(read_corpus(at / "corpus"))) == 25
            shutil.rmtree(at)
