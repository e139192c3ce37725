"""A flipped bit in a knowledge base: `check` finds it, and no command answers wrongly or with a traceback."""

from __future__ import annotations

import random
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest
from support.command import Run
from support.tiny_world import World

from kb.store import OVERLAID, TABLES

COMMANDS = (["check"], ["info"], ["search", "part"], ["tree", "1"], ["sql", "FROM steps"])


def rows(path: Path) -> dict[str, list[tuple]] | None:
    """All that the file holds, None where the engine cannot read it."""
    try:
        with duckdb.connect(str(path), read_only=True) as session:
            tables = (*TABLES, *OVERLAID)
            return {table: session.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in tables}
    except (duckdb.Error, UnicodeDecodeError):
        return None


def asked(run: Run, command: list[str], path: Path) -> CompletedProcess[str]:
    return run(*command, *([path] if command == ["check"] else ["--kb", path]))


@pytest.mark.parametrize("tries", [5, pytest.param(150, marks=pytest.mark.torture)])
def test_a_flipped_bit_is_found_or_does_no_harm(run: Run, world: World, tmp_path: Path, tries: int) -> None:
    whole, path = world.kb.read_bytes(), tmp_path / "kb.duckdb"
    path.write_bytes(whole)
    told = [asked(run, command, path) for command in COMMANDS]
    assert all(done.returncode == 0 for done in told), told
    right = [done.stdout for done in told]
    intact = rows(path)
    dice = random.Random(tries)
    found = 0
    for _ in range(tries):
        at, bit = dice.randrange(len(whole)), 1 << dice.randrange(8)
        data = bytearray(whole)
        data[at] ^= bit
        path.write_bytes(data)
        for command, expected in zip(COMMANDS, right, strict=True):
            done = asked(run, command, path)
            where = f"bit {bit} of byte {at}, {command[0]}: {done.stderr}"
            assert "Traceback" not in done.stderr, where
            assert done.returncode == 1 or (done.returncode, done.stdout) == (0, expected), where
            if command[0] == "check" and done.returncode == 0:
                assert rows(path) == intact, where
            found += command[0] == "check" and done.returncode == 1
    assert found
