"""The power goes while a knowledge base is built or judged: what was not synced is lost, and nothing else is."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import work_folder
from support.contents import content
from support.disk import TRACER, Call, Left, calls_in, cuts, write
from support.tiny_world import World
from support.victims import Victims

from kb.review.reviews import read, reviews_path

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: apt-get install strace")


@dataclass(frozen=True)
class Recorded:
    """What two jobs did, each in a folder of its own with a knowledge base and its work folder."""

    building: Path
    """Where it was built on, with more articles."""
    judging: Path
    """Where 40 steps were judged."""
    before: Path
    """What either folder was before."""
    calls: list[Call]


@pytest.fixture(scope="module")
def recorded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    building, judging, before = (folder / name for name in ("building", "judging", "before"))
    for each in (building, judging, before):
        each.mkdir()
        shutil.copy(world.kb, each / "kb.duckdb")
        shutil.copytree(work_folder(world.kb), work_folder(each / "kb.duckdb"))
    with Victims(world.kb.parent, [*TRACER, str(folder / "calls")]) as traced:
        for at, *job in (
            (building, "build", building / "kb.duckdb", "1"),
            (judging, "judge", judging / "kb.duckdb", "ann", "1", "40"),
        ):
            done = traced.run(*job, folder=at)
            assert done.code == 0, done.said
    return Recorded(building, judging, before, calls_in(folder / "calls"))


@pytest.mark.parametrize("points", [1, pytest.param(25, marks=pytest.mark.torture)])
def test_during_a_build(world: World, recorded: Recorded, tmp_path: Path, points: int) -> None:
    """There is the old knowledge base or the whole new one, and a build from what is left gives the new one.

    Many cuts leave the same, as none but what was synced is left: that is looked at once.
    """
    count, tried = 0, list[Left]()
    for disk, _ in cuts(recorded.building, recorded.before, recorded.calls, points):
        count += 1
        for left in (disk.left(strict=True), disk.left(strict=False)):
            if left not in tried:
                tried.append(left)
                here = tmp_path / f"left-{len(tried)}"
                write(left, here)
                built_on(world, here / "kb.duckdb")
                shutil.rmtree(here)
    write(disk.left(strict=True), here)
    assert content(here / "kb.duckdb") == world.expected[1], "what was said to be written is not on the disk"
    print(f"{count} cuts left {len(tried)} different disks")
    assert count == points + 1


def built_on(world: World, kb: Path) -> None:
    """Check what a cut left of a knowledge base, and that a build from it gives the new one."""
    assert content(kb) in world.expected, kb.parent.name
    world.build(kb)
    assert content(kb) == world.expected[1], kb.parent.name


@pytest.mark.parametrize("points", [5, pytest.param(25, marks=pytest.mark.torture)])
def test_while_people_judge(recorded: Recorded, tmp_path: Path, points: int) -> None:
    """Every verdict that was said to be saved is there."""
    most = 0
    for number, (disk, said) in enumerate(cuts(recorded.judging, recorded.before, recorded.calls, points)):
        saved = set(re.findall(r"^saved (\w+)$", said, re.MULTILINE))
        for strict in (True, False):
            here = tmp_path / f"left-{number}-{strict}"
            write(disk.left(strict), here)
            log = read(reviews_path(here / "kb.duckdb"))
            assert {review.id for review in log.reviews} >= saved and len(log.broken) <= 1
        most = max(most, len(saved))
    assert most > 20
