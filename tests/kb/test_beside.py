"""Side files carry the whole name of their knowledge base; those of earlier versions move to the one that is meant."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from support.command import SAMPLE, Run, work_folder

from howtree.errors import BadInput
from kb.beside import take_over
from kb.work import WorkFolder


def kb_file(path: Path, digest: str) -> Path:
    """A file of DuckDB that names the digest of its articles, as knowledge bases do."""
    with duckdb.connect(str(path)) as session:
        session.execute("CREATE TABLE meta AS SELECT 'articles_digest' AS key, ? AS value", [digest])
    return path


def old_work(path: Path, goal_set: str) -> Path:
    """A work folder as earlier versions left it, with the index of a set of goals."""
    (path / "index" / "en").mkdir(parents=True)
    (path / "index" / "en" / "manifest.json").write_text(json.dumps({"goal_set": goal_set}), encoding="utf-8")
    return path


def test_names_that_differ_in_their_ends_share_nothing(tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("wiki-2024.01", "wiki-2024.02", "kbfile", "kbfile.db")]
    folders = []
    for output in outputs:
        with WorkFolder(output).held():
            folders.append(WorkFolder(output).path)
    assert folders == [work_folder(output) for output in outputs] and len(set(folders)) == 4


def test_an_old_work_folder_moves_to_the_one_whose_goals_it_indexes(tmp_path: Path) -> None:
    first, second = kb_file(tmp_path / "wiki-2024.01", "a"), kb_file(tmp_path / "wiki-2024.02", "b")
    old = old_work(tmp_path / "wiki-2024.work", "b")
    assert take_over(first, ".work") is None and old.exists()
    assert take_over(second, ".work") is None and not old.exists()
    assert (work_folder(second) / "index").is_dir() and not work_folder(first).exists()


@pytest.mark.parametrize("digests", [("x", "y"), ("b", "b")])
def test_where_it_cannot_be_told_it_stays_and_the_way_is_said(
    tmp_path: Path, digests: tuple[str, str]
) -> None:
    first, second = kb_file(tmp_path / "my wiki.01", digests[0]), kb_file(tmp_path / "my wiki.02", digests[1])
    old = old_work(tmp_path / "my wiki.work", "b")
    note = take_over(first, ".work")
    assert note is not None and old.exists()
    assert (str(second) in note) == (digests == ("b", "b"))
    subprocess.run(shlex.split(note.partition("If so: ")[2]), check=True)
    assert not old.exists() and (work_folder(first) / "index").is_dir()
    assert take_over(first, ".work") is None


def test_a_folder_of_another_output_is_refused(tmp_path: Path) -> None:
    owner = kb_file(tmp_path / "kb.duckdb", "a")
    old_work(tmp_path / "kb.work", "a")
    with pytest.raises(BadInput, match="belongs to") as refused, WorkFolder(tmp_path / "kb").held():
        pass
    assert f"mv {tmp_path / 'kb.work'} {work_folder(owner)}" in str(refused.value)


def test_a_copied_folder_serves_and_a_renamed_one_too(tmp_path: Path) -> None:
    first, copy = kb_file(tmp_path / "a.duckdb", "a"), kb_file(tmp_path / "b.duckdb", "a")
    with WorkFolder(first).held():
        pass
    shutil.copytree(work_folder(first), work_folder(copy))
    with WorkFolder(copy).held():
        pass
    first.rename(tmp_path / "c.duckdb")
    work_folder(first).rename(tmp_path / "c.duckdb.work")
    with WorkFolder(tmp_path / "c.duckdb").held():
        pass


def test_reviews_of_an_earlier_version_move_and_count(run: Run, own_sample_kb: Path) -> None:
    assert run("review", "add", 1, "no link", "--who", "ann", "--kb", own_sample_kb).returncode == 0
    now = own_sample_kb.with_name("kb.duckdb.reviews.jsonl")
    now.rename(own_sample_kb.with_name("kb.reviews.jsonl"))
    done = run("review", "list", "--format", "csv", "--kb", own_sample_kb)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ann" in done.stdout and now.exists() and not own_sample_kb.with_name("kb.reviews.jsonl").exists()


def test_reviews_that_two_may_claim_count_for_neither(run: Run, own_sample_kb: Path) -> None:
    assert run("review", "add", 1, "no link", "--who", "ann", "--kb", own_sample_kb).returncode == 0
    other = own_sample_kb.with_name("kb.db")
    shutil.copy(own_sample_kb, other)
    own_sample_kb.with_name("kb.duckdb.reviews.jsonl").rename(own_sample_kb.with_name("kb.reviews.jsonl"))
    for kb in (own_sample_kb, other):
        done = run("review", "list", "--format", "csv", "--kb", kb)
        assert "cannot be told" in done.stderr and "mv " in done.stderr and "ann" not in done.stdout


def test_search_by_meaning_finds_the_index_of_an_earlier_version(run: Run, own_sample_kb: Path) -> None:
    folder = work_folder(own_sample_kb)
    (folder / "output.json").unlink()
    folder.rename(own_sample_kb.with_name("kb.work"))
    done = run("search", "--semantic", "get rid of weeds", "--kb", own_sample_kb)
    assert (done.returncode, done.stderr) == (0, "") and folder.is_dir()


def test_a_failed_build_leaves_no_empty_folder(run: Run, tmp_path: Path) -> None:
    done = run("build", tmp_path / "nothing.jsonl", "-o", tmp_path / "kb.duckdb")
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_not_a_full_disk(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run("build", SAMPLE, "-o", tmp_path / "file" / "kb.duckdb")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "may read and write" in done.stderr and "Make room" not in done.stderr
    if os.geteuid():  # nothing is closed to root
        (tmp_path / "closed").mkdir(mode=0o500)
        done = run("build", SAMPLE, "-o", tmp_path / "closed" / "kb.duckdb")
        assert done.returncode == 1 and "may read and write" in done.stderr and "Make room" not in done.stderr
