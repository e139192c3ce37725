"""`howtree import`: sources -> a corpus of Parquet shards, resumed after a kill, without duplicates."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from support.command import Run, surroundings

from crawl.article import Article, Skip
from crawl.corpus import write as corpus_module
from crawl.corpus.shards import SCHEMA, content_hash
from crawl.corpus.write import digests_of, read_corpus, write_corpus
from crawl.readers.sources import read
from howtree.errors import BadInput
from howtree.files import read_json

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"


def dump(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def record(title: str, step: str = "Go.", **more: Any) -> dict[str, Any]:
    return {"title": title, "methods": [{"name": "", "steps": [step]}], **more}


def goals(folder: Path) -> list[str]:
    return [article.goal for article in read_corpus(folder)]


def test_import_writes_one_row_an_article_and_prints_a_tally(run: Run, tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", record("One"), record("Two", "a "), {"title": ""})
    done = run("import", source, PAGES, "-o", tmp_path / "corpus")
    assert (done.returncode, done.stderr) == (0, "")
    kept = sum(isinstance(outcome, Article) for outcome in read([source, PAGES]))
    assert f"read {kept + 5}, kept {kept}, skipped 5\n" in done.stdout
    assert "1 skipped: no title" in done.stdout
    count = duckdb.sql(
        f"SELECT count(*), count(DISTINCT key) FROM '{tmp_path}/corpus/part-*.parquet'"
    ).fetchall()
    assert count == [(kept, kept)]
    reasons = duckdb.sql(f"SELECT reason FROM '{tmp_path}/corpus/skipped-*.parquet' ORDER BY 1").fetchall()
    assert reasons == [("no steps",), ("no title",), ("not an article",), ("redirect",), ("restricted",)]


def test_rows_hold_every_field_and_their_digest(tmp_path: Path) -> None:
    write_corpus([PAGES], tmp_path / "corpus")
    direct = [outcome for outcome in read([PAGES]) if isinstance(outcome, Article)]
    assert list(read_corpus(tmp_path / "corpus")) == direct
    table = pq.read_table(tmp_path / "corpus" / "part-00000.parquet")
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert [row["key"] for row in rows] == [article.key for article in direct]
    assert [row["content_hash"] for row in rows] == [content_hash(article.to_dict()) for article in direct]
    steps = duckdb.sql(
        f"SELECT sum(len(m.steps)) FROM (SELECT unnest(methods) m FROM '{tmp_path}/corpus/part-*.parquet')"
    ).fetchall()
    assert steps == [(sum(article.step_count for article in direct),)]


def test_show_prints_what_was_read(run: Run, tmp_path: Path) -> None:
    done = run("import", PAGES, "--show", 3)
    assert done.returncode == 0
    assert done.stdout.startswith("How to Wash a Wool Hat\n  key: en:910003\n")
    assert "part 1: Washing\n  1. Make a rough schedule for the day.\n     Wool dries slowly." in done.stdout
    assert "-> Plan-a-Wash-Day (headline: 'rough schedule')" in done.stdout
    assert run("import", PAGES, "--show", 99).returncode == 1
    assert run("import", PAGES).returncode == 2
    missing = run("import", tmp_path / "nowhere", "-o", tmp_path / "corpus")
    assert (missing.returncode, "no such file" in missing.stderr, missing.stdout) == (1, True, "")


def test_of_two_records_the_newest_revision_wins(tmp_path: Path) -> None:
    source = dump(
        tmp_path / "a.jsonl",
        record("Old", page_id=7, revision=1),
        record("First Without", "first"),
        record("New", page_id=7, revision=9),
        record("First Without", "second"),
        record("Older", page_id=7, revision=3),
        record("Same Slug", page_id=8),
        record("Same Slug", "known by its title alone"),
    )
    tally = write_corpus([source], tmp_path / "corpus", shard_size=2)
    assert goals(tmp_path / "corpus") == ["First Without", "New", "Same Slug"]
    assert tally.skipped == {"duplicate": 4}
    assert (tally.read, tally.kept) == (7, 3)
    details = duckdb.sql(
        f'SELECT "where", detail FROM \'{tmp_path}/corpus/skipped-*.parquet\' ORDER BY "where"'
    ).fetchall()
    assert details == [
        (f"{source}:1", f"kept: {source}:3"),
        (f"{source}:4", f"kept: {source}:2"),
        (f"{source}:5", f"kept: {source}:3"),
        (f"{source}:7", f"kept: {source}:6"),
    ]


def test_a_second_run_does_nothing_and_a_changed_source_starts_anew(tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", record("One"), record("Two"))
    first = write_corpus([source], tmp_path / "corpus")
    stamp = (tmp_path / "corpus" / "part-00000.parquet").stat().st_mtime_ns
    assert write_corpus([source], tmp_path / "corpus") == first
    assert (tmp_path / "corpus" / "part-00000.parquet").stat().st_mtime_ns == stamp
    dump(source, record("Three"))
    assert write_corpus([source], tmp_path / "corpus").kept == 1
    assert goals(tmp_path / "corpus") == ["Three"]


@pytest.mark.parametrize("stage", ["shard", "duplicates", "manifest"])
def test_a_run_broken_off_anywhere_ends_the_same(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [record(f"Title {number % 17}", f"Stir {number} times") for number in range(40)]
    source = dump(tmp_path / "a.jsonl", *records)
    expected = write_corpus([source], tmp_path / "whole", shard_size=5)
    calls = 0

    def breaks(module: Any, name: str, at: int) -> None:
        real = getattr(module, name)

        def stop(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, stop)

    if stage == "shard":
        breaks(corpus_module, "write_shard", 4)
    elif stage == "duplicates":
        breaks(pq, "write_table", 20)  # the skipped file is written, the shard is not
    else:
        breaks(corpus_module, "_count", 1)
    with pytest.raises(KeyboardInterrupt):
        write_corpus([source], tmp_path / "corpus", shard_size=5)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="unfinished"):
        read_corpus(tmp_path / "corpus")
    assert write_corpus([source], tmp_path / "corpus", shard_size=5) == expected
    assert list(read_corpus(tmp_path / "corpus")) == list(read_corpus(tmp_path / "whole"))


def test_a_killed_command_goes_on_and_loses_nothing(run: Run, tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", *(record(f"Title {number}", "word " * 40) for number in range(6000)))
    output = tmp_path / "corpus"
    command = [sys.executable, "-m", "kb", "import", str(source), "-o", str(output), "--shard-size", "100"]
    process = subprocess.Popen(command, env=surroundings(), start_new_session=True)
    while not (output / "part-00003.sha256").exists() and process.poll() is None:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in output.glob("part-*.sha256")}
    assert not read_json(output / "manifest.json")["finished"]
    done = run("import", source, "-o", output, "--shard-size", 100)
    assert (done.returncode, done.stderr) == (0, "")
    assert "read 6,000, kept 6,000, skipped 0" in done.stdout
    assert len(finished) >= 3
    assert all((output / name).stat().st_mtime_ns == stamp for name, stamp in finished.items())
    assert not list(output.glob(".*"))
    assert goals(output) == [f"Title {number}" for number in range(6000)]


def test_several_processes_give_the_same_corpus(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(80):
        text = (PAGES / "2020-en.html").read_text().replace("910003", str(1000 + number))
        (pages / f"{number:03}.html").write_text(text)
    shutil.copy(PAGES / "quiz-en.html", pages / "zz.html")
    one = write_corpus([pages], tmp_path / "one")
    two = write_corpus([pages], tmp_path / "two", workers=2)
    assert one == two
    assert one.kept == 80
    assert list(read_corpus(tmp_path / "one")) == list(read_corpus(tmp_path / "two"))
    assert [article.page_id for article in read_corpus(tmp_path / "two")] == list(range(1000, 1080))


def test_a_corpus_knows_what_its_sources_held_wherever_they_were(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "in").mkdir(parents=True)
        dump(tmp_path / name / "in" / "a.jsonl", record("One"))
        shutil.copy(PAGES / next(PAGES.glob("*.html")).name, tmp_path / name / "b.html")
    file = tmp_path / "here" / "in" / "a.jsonl"
    write_corpus([tmp_path / "here", tmp_path / "there", file], tmp_path / "corpus")
    digests = digests_of(tmp_path / "corpus")
    assert digests.keys() == {str(tmp_path / "here"), str(tmp_path / "there"), str(file)}
    assert digests[str(file)] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert digests[str(tmp_path / "here")] == digests[str(tmp_path / "there")]
    dump(file, record("Uno"))
    write_corpus([tmp_path / "here", tmp_path / "there", file], tmp_path / "corpus")
    changed = digests_of(tmp_path / "corpus")
    assert [name for name in digests if changed[name] == digests[name]] == [str(tmp_path / "there")]


def test_folders_that_are_no_corpus_are_left_alone(tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", record("One"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("keep")
    with pytest.raises(BadInput, match="no corpus"):
        write_corpus([source], other)
    with pytest.raises(BadInput, match="is a file"):
        write_corpus([source], source)
    with pytest.raises(BadInput, match="no corpus"):
        read_corpus(other)
    assert (other / "precious.txt").read_text() == "keep"
    dump(source, {"title": ""})
    with pytest.raises(BadInput, match="1 x no title"):
        write_corpus([source], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_skips_and_articles_add_up(tmp_path: Path) -> None:
    tally = write_corpus([PAGES], tmp_path / "corpus", shard_size=3)
    outcomes = list(read([PAGES]))
    assert tally.read == len(outcomes)
    assert tally.skipped.total() == sum(isinstance(outcome, Skip) for outcome in outcomes)
    assert tally.notes == {"blank steps dropped": 1}
    assert tally.lines()[-1] == "  1 blank steps dropped"


def test_an_edit_of_the_same_size_with_the_old_time_is_seen(run: Run, tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", record("Bake Cakes"))
    write_corpus([source], tmp_path / "corpus")
    status = source.stat()
    source.write_text(source.read_text().replace("Bake", "Make"))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    write_corpus([source], tmp_path / "corpus")
    assert goals(tmp_path / "corpus") == ["Make Cakes"]


def test_of_two_imports_into_one_folder_the_second_says_so(run: Run, tmp_path: Path) -> None:
    source = dump(tmp_path / "a.jsonl", record("Bake Cakes"))
    with FileLock(tmp_path / ".corpus.lock"):
        done = run("import", source, "-o", tmp_path / "corpus")
    assert done.returncode == 1 and "another import into" in done.stderr
    assert run("import", source, "-o", tmp_path / "corpus").returncode == 0


@pytest.mark.parametrize(
    "name", ["part-00001.parquet", "skipped-00001.parquet", "part-00001.sha256", "manifest.json"]
)
@pytest.mark.parametrize("harm", ["flip", "gone"])
def test_a_damaged_shard_is_read_again_alone(run: Run, tmp_path: Path, name: str, harm: str) -> None:
    source = dump(
        tmp_path / "a.jsonl", *(record(f"Title {number % 9}", f"Stir {number} times") for number in range(14))
    )
    corpus = tmp_path / "corpus"
    first = run("import", source, "-o", corpus, "--shard-size", 5).stdout
    before, times = list(read_corpus(corpus)), (corpus / "part-00000.parquet").stat().st_mtime_ns
    data = bytearray((corpus / name).read_bytes())
    data[len(data) // 2] ^= 1
    (corpus / name).unlink()
    if harm == "flip":
        (corpus / name).write_bytes(data)
    done = run("import", source, "-o", corpus, "--shard-size", 5)
    assert (done.returncode, done.stdout) == (0, first), done.stderr
    assert "had been damaged" in done.stderr or (name, harm) == ("manifest.json", "gone"), done.stderr
    assert list(read_corpus(corpus)) == before
    if name != "manifest.json":
        assert (corpus / "part-00000.parquet").stat().st_mtime_ns == times
