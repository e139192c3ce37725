"""A work folder that is not as a build left it: what is whole is used, the rest is made again, and it is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support.command import surroundings, work_folder
from support.contents import content
from support.damage import files_in
from support.tiny_world import World, tiny_world

from howtree.seals import SUFFIX


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tiny_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def output(whole: World, tmp_path: Path) -> Path:
    """A place to build at, with a copy of the world's work folder."""
    shutil.copytree(work_folder(whole.kb), work_folder(tmp_path / "kb.duckdb"))
    return tmp_path / "kb.duckdb"


def only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    assert found, pattern
    return found[0]


def as_before(work: Path) -> None:
    """Make a work folder like those from before there were seals."""
    for seal in work.rglob(f"*{SUFFIX}"):
        seal.unlink()
    manifest = work / "corpus" / "manifest.json"
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({name: values[name] for name in values.keys() - {"sha256", "shards"}}))


@pytest.mark.parametrize(
    ("pattern", "encoded"),
    [
        ("steps/part-00000.npy", 16),
        ("steps/part-00000.tokens.npz", 16),
        ("goals/part-00001.hash.npy", 5),
        ("lists/part-00000.arrow", 0),
        ("lists/goals-*.npy", 0),
        ("reranked/part-00001.arrow", 0),
        ("pairs-*/part-00000.npy", 0),
        ("corpus/part-00000.parquet", 0),
        ("corpus/manifest.json", 0),
    ],
)
def test_one_flipped_bit_is_said_once_and_mended(
    whole: World, output: Path, capfd: pytest.CaptureFixture[str], pattern: str, encoded: int
) -> None:
    path = only(work_folder(output), pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    tally = whole.build(output, 0)
    said = capfd.readouterr().err
    assert said.count("had been damaged") == 1 and str(path.parent) in said, said
    assert content(output) == whole.expected[0] and tally.links.encoded == encoded
    whole.build(output, 0)
    assert "damaged" not in capfd.readouterr().err


def test_a_folder_from_before_there_were_seals_is_used_and_gets_them(
    whole: World, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    as_before(work_folder(output))
    tally = whole.build(output, 0)
    assert tally.links.encoded == tally.links.searched == tally.links.compared == 0
    assert content(output) == whole.expected[0] and "damaged" not in capfd.readouterr().err
    path = only(work_folder(output), "goals/part-00000.npy")
    path.write_bytes(path.read_bytes()[:-1])
    assert whole.build(output, 0).links.encoded == 16
    assert "goals/part-00000" in capfd.readouterr().err and content(output) == whole.expected[0]


@pytest.mark.parametrize("pattern", ["goals/part-00000.npy", "steps/part-00001.texts.parquet", "lists/part-00000.arrow",
                                     "lists/goals-*.npy", "steps/part-00000.tokens.npz"])  # fmt: skip
def test_a_cut_file_of_a_folder_from_before_is_made_again(whole: World, output: Path, pattern: str) -> None:
    as_before(work_folder(output))
    path = only(work_folder(output), pattern)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    whole.build(output)
    assert content(output) == whole.expected[1]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "last", ["goals/part-00000.npy", "goals/part-00001.texts.sha256", "steps/part-00000.npy"]
)
def test_a_copy_that_broke_off_before_the_tokens_is_made_whole(
    whole: World, output: Path, last: str, before: bool
) -> None:
    work = work_folder(output)
    files = files_in(work)
    for file in files[files.index(only(work, last)) + 1 :]:
        file.unlink()
    if before:
        as_before(work)
    whole.build(output, 0)
    assert content(output) == whole.expected[0]


def test_texts_laid_out_in_another_order_leave_no_list_of_the_old_one(whole: World, output: Path) -> None:
    """As where lists were copied from one folder and vectors from another: each is whole, and they do not fit."""
    other = output.with_name("other.duckdb")
    whole.build(other)
    for name in ("goals", "steps"):
        mine, theirs = (only(work_folder(kb), f"links/en/*/{name}") for kb in (output, other))
        shutil.rmtree(mine)
        shutil.copytree(theirs, mine)
    whole.build(output)
    assert content(output) == whole.expected[1]


def test_the_seals_are_those_of_sha256sum(output: Path) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("no sha256sum")
    for seal in work_folder(output).rglob(f"*{SUFFIX}"):
        done = subprocess.run(
            ["sha256sum", "--check", "--quiet", seal.name],
            cwd=seal.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout


def test_a_folder_of_another_user_is_said(whole: World, output: Path) -> None:
    rights = "-dac_override,-dac_read_search"
    if os.geteuid() == 0 and not shutil.which(
        "setpriv"
    ):  # root reads everything unless it gives that right up
        pytest.skip("run as root, and setpriv is missing")
    limited = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"] if os.geteuid() == 0 else []
    work = work_folder(output)
    for path in (*files_in(work), *(path for path in work.rglob("*") if path.is_dir()), work):
        path.chmod(0)
    command = [*limited, sys.executable, "-m", "kb", "build", str(whole.sources[0][0]), "-o", str(output)]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    for path in (work, *sorted(work.rglob("*"))):
        path.chmod(0o700)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Permission denied" in done.stderr and str(work) in done.stderr and "another -o" in done.stderr


def test_a_log_of_changes_to_another_file_does_not_survive_the_build(whole: World, output: Path) -> None:
    with duckdb.connect(str(output)) as other:
        other.execute("PRAGMA disable_checkpoint_on_shutdown")
        other.execute("CREATE TABLE foreign_one AS FROM range(9)")
    log = output.with_name("kb.duckdb.wal")
    log.write_bytes(b"of another file") if not log.exists() else None
    whole.build(output, 0)
    assert not log.exists() and content(output) == whole.expected[0]
