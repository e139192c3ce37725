"""The power goes while a knowledge base is built or judged: what was not synced is lost, and nothing else is."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import work_folder
from support.contents import content
from support.disk import TRACER, cuts
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
    calls: Path


@pytest.fixture(scope="module")
def recorded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    found = Recorded(*(folder / name for name in ("building", "judging", "before", "calls")))
    for each in (found.building, found.judging, found.before):
        each.mkdir()
        shutil.copy(world.kb, each / "kb.duckdb")
        shutil.copytree(work_folder(world.kb), work_folder(each / "kb.duckdb"))
    with Victims(world.kb.parent, [*TRACER, str(found.calls)]) as traced:
        for at, *job in (
            (found.building, "build", found.building / "kb.duckdb", "1"),
            (found.judging, "judge", found.judging / "kb.duckdb", "ann", "1", "40"),
        ):
            done = traced.run(*job, folder=at)
            assert done.code == 0, done.said
    return found


@pytest.mark.parametrize("points", [1, pytest.param(25, marks=pytest.mark.torture)])
def test_during_a_build(world: World, recorded: Recorded, tmp_path: Path, points: int) -> None:
    """There is the old knowledge base or the whole new one, and a build from what is left gives the new one."""
    seen, calls = 0, (recorded.building, recorded.before, recorded.calls)
    for number, (disk, _) in enumerate(cuts(*calls, points)):
        for strict in (True, False):
            here = tmp_path / f"left-{number}-{strict}"
            disk.left(here, strict)
            assert content(here / "kb.duckdb") in world.expected, (number, strict)
            world.build(here / "kb.duckdb")
            assert content(here / "kb.duckdb") == world.expected[1], (number, strict)
            shutil.rmtree(here)
            seen += 1
    assert seen == 2 * points
    here = tmp_path / "end"
    for disk, _ in cuts(*calls, 10_000):
        end = disk
    end.left(here, strict=True)
    assert content(here / "kb.duckdb") == world.expected[1], "what was said to be written is not on the disk"


@pytest.mark.parametrize("points", [5, pytest.param(25, marks=pytest.mark.torture)])
def test_while_people_judge(recorded: Recorded, tmp_path: Path, points: int) -> None:
    """Every verdict that was said to be saved is there."""
    most = 0
    for number, (disk, said) in enumerate(cuts(recorded.judging, recorded.before, recorded.calls, points)):
        saved = set(re.findall(r"^saved (\w+)$", said, re.MULTILINE))
        for strict in (True, False):
            here = tmp_path / f"left-{number}-{strict}"
            disk.left(here, strict)
            log = read(reviews_path(here / "kb.duckdb"))
            assert {review.id for review in log.reviews} >= saved and len(log.broken) <= 1
        most = max(most, len(saved))
    assert most > 20
