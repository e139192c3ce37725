"""What people may give a build by mistake: it goes on and says so, or stops with a clear message."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Run, surroundings
from support.contents import rows
from support.reading import lines, simple

BAD_LINES = {
    "no title": ({"methods": [{"name": "", "steps": ["a"]}]}, "no title"),
    "no steps": ({"title": "Rest", "methods": []}, "no steps"),
    "broken": ('{"title": "Rest", "methods"\n', "broken JSON"),
    "double": (simple("Boil Water", "other words"), "duplicate"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_record_is_named_counted_and_skipped(run: Run, tmp_path: Path, case: str) -> None:
    record, reason = BAD_LINES[case]
    around = simple("Boil Water", "fill the kettle"), simple("Make Tea", "boil the water")
    source = lines(tmp_path / "articles.jsonl", around[0], record, around[1])
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "kept 2" in done.stderr and reason in done.stderr
    assert rows(output, "SELECT source, reason FROM skipped") == [(f"{source}:2", reason)]
    assert rows(output, "SELECT goal FROM articles ORDER BY 1") == [("Boil Water",), ("Make Tea",)]


def test_an_empty_step_is_dropped_and_a_huge_one_kept(run: Run, tmp_path: Path) -> None:
    long = simple("Write a Lot", "", "  ", "word " * 200_000, "rest")
    source = lines(tmp_path / "articles.jsonl", long)
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "2 blank steps dropped" in done.stderr
    assert rows(output, "SELECT len(headline) >= 999999 FROM steps ORDER BY step_id") == [(True,), (False,)]


def test_a_truncated_gzip_gives_what_is_whole_and_says_so(run: Run, tmp_path: Path) -> None:
    dice = random.Random(1)
    records = [simple(f"Goal {i}", f"step {dice.random()}") for i in range(300)]
    packed = gzip.compress(lines(tmp_path / "whole.jsonl", *records).read_bytes())
    source = tmp_path / "articles.jsonl.gz"
    source.write_bytes(packed[: len(packed) * 3 // 4])
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "truncated gzip" in done.stderr
    assert 0 < rows(output, "SELECT count(*) FROM articles")[0][0] < 300


@pytest.mark.parametrize("kind", ["missing", "empty file", "empty folder", "no articles"])
def test_nothing_to_build_from_is_said_and_the_old_file_stays(run: Run, tmp_path: Path, kind: str) -> None:
    source, output = tmp_path / "source.jsonl", tmp_path / "kb.duckdb"
    output.write_bytes(b"what was there")
    if kind == "empty file":
        source.touch()
    elif kind == "empty folder":
        source.mkdir()
    elif kind == "no articles":
        source.write_text("{}\n", encoding="utf-8")
    done = run("build", source, "-o", output)
    assert done.returncode == 1
    assert str(source) in done.stderr and "Traceback" not in done.stderr
    assert output.read_bytes() == b"what was there"


def test_an_unreadable_folder_is_said(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "page.html").write_text("<html></html>", encoding="utf-8")
    closed.chmod(0)
    command = [sys.executable, "-m", "kb", "build", str(closed), "-o", str(tmp_path / "kb.duckdb")]
    if os.geteuid() == 0:  # root reads everything unless it gives that right up
        if not shutil.which("setpriv"):
            pytest.skip("run as root, and setpriv is missing")
        rights = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    closed.chmod(0o700)
    assert done.returncode == 1
    assert str(closed) in done.stderr and "unreadable" in done.stderr and "Traceback" not in done.stderr


def test_any_name_of_a_folder_will_do(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "it's [my] *folder* {a,b} ü"
    folder.mkdir()
    water, tea = simple("Boil Water", "fill the kettle"), simple("Make Tea", "boil the water")
    source = lines(folder / "articles?.jsonl", water, tea)
    done = run("build", source, "-o", folder / "kb.duckdb")
    assert done.returncode == 0, done.stderr
    assert (
        "Boil Water  [" in run("tree", "make tea", "--threshold", 0.01, "--kb", folder / "kb.duckdb").stdout
    )
