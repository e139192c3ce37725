"""Work folders that a disk, a copy or a person damaged: the next build gives what it gives from an intact one."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest
from support.command import work_folder
from support.contents import content
from support.damage import HARMS, files_in
from support.tiny_world import World


@pytest.mark.parametrize("tries", [6, pytest.param(300, marks=pytest.mark.torture)])
def test_a_damaged_work_folder_gives_the_same_knowledge_base(
    world: World, tmp_path: Path, tries: int
) -> None:
    for seed in random.Random(1).sample(range(300), tries):
        harmed(world, seed, tmp_path / "kb.duckdb")


def harmed(world: World, seed: int, output: Path) -> None:
    """Harm a copy of the work folder and build from it again, with or without more articles.

    Each kind of file comes in turn, and with it each kind of harm.
    """
    dice, work = random.Random(seed), work_folder(output)
    shutil.copytree(work_folder(world.kb), work)
    files = files_in(work)
    kinds = sorted({kind_of(path) for path in files})
    path = dice.choice([path for path in files if kind_of(path) == kinds[seed % len(kinds)]])
    harm = HARMS[seed // len(kinds) % len(HARMS)]
    how = harm(path, files, dice) if path.stat().st_size else "empty as it was"
    more = dice.randrange(2)
    world.build(output, more)
    said, wanted = content(output), world.expected[more]
    shutil.rmtree(work)
    differing = [table for table in wanted if said[table] != wanted[table]]
    assert not differing, f"seed {seed}, {path.relative_to(work)} {how}: other {', '.join(differing)}"


def kind_of(path: Path) -> str:
    """What a file of a work folder is, by its stage and its name without numbers."""
    return path.parent.name.split("-")[0] + "/" + re.sub(r"\d+|goals-[0-9a-f]+", "", path.name)
