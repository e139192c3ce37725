"""The build through the command line: whole, repeatable, resumable, and clear about bad input."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from support.command import ROOT, SAMPLE, SMALL_PARTS, Run, surroundings, work_folder

CANDIDATES = "FROM candidates ORDER BY ALL"
EDGES = "FROM edges ORDER BY ALL"


def rows(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as session:
        return session.execute(sql).fetchall()


def content(path: Path) -> dict[str, list[tuple]]:
    """All that a knowledge base says, but when it was built."""
    tables = ("articles", "categories", "methods", "steps", "hyperlinks", "candidates", "edges", "skipped")
    return {table: rows(path, f"FROM {table} ORDER BY ALL") for table in tables}


def lines(*records: object) -> str:
    return "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records)


def simple(title: str, *steps: str) -> dict:
    return {"title": title, "methods": [{"name": "", "steps": list(steps)}]}


def test_every_step_of_the_sample_is_in_it_once(sample_kb_path: Path) -> None:
    pages = sorted(SAMPLE.glob("*.html"))
    kept = rows(sample_kb_path, "SELECT count(*) FROM articles")[0][0]
    skipped = rows(sample_kb_path, "SELECT reason FROM skipped WHERE source LIKE '%.html'")
    assert kept + len(skipped) == len(pages) and kept >= 60
    assert {reason for (reason,) in skipped} == {"restricted", "redirect", "not an article"}
    doubles = "SELECT count(*) - count(DISTINCT (article_id, method_number, step_number)) FROM steps"
    assert rows(sample_kb_path, doubles) == [(0,)]


def test_links_of_the_sample_are_mostly_those_intended(sample_kb_path: Path) -> None:
    gold = {}
    for line in (ROOT / "data" / "eval" / "sample_links.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        gold[record["article"], record["method"], record["step"]] = record["goal"]
    chosen = rows(
        sample_kb_path,
        """SELECT p.slug, s.method_number, s.step_number, c.slug FROM edges e JOIN steps s USING (step_id)
           JOIN articles p ON p.article_id = e.parent_id JOIN articles c ON c.article_id = e.child_id
           WHERE e.chosen AND e.source = 'model'""",
    )
    right = sum(gold.get(tuple(place)) == child for *place, child in chosen)
    assert right / len(chosen) >= 0.9
    assert right >= 40


def test_an_editors_hyperlink_beats_the_model_and_the_candidates_stay(sample_kb_path: Path) -> None:
    edited = rows(
        sample_kb_path,
        """SELECT count(*), count(*) FILTER (e.child_id = h.target_id), min(e.probability)
           FROM edges e JOIN hyperlinks h ON h.step_id = e.step_id AND h.target_id = e.child_id
           WHERE e.source = 'editor'""",
    )[0]
    assert edited[0] >= 20 and edited[1] == edited[0] and edited[2] == 1
    overruled = """SELECT count(*) FROM edges e JOIN candidates c ON c.step_id = e.step_id AND c.rank = 1
                   WHERE e.source = 'editor' AND c.article_id <> e.child_id"""
    assert rows(sample_kb_path, overruled)[0][0] > 0


def test_a_second_build_gives_the_same_knowledge_base(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.duckdb"
    assert run("build", SAMPLE, "-o", again).returncode == 0
    assert content(again) == content(sample_kb_path)


def test_a_rebuild_encodes_nothing_again(run: Run, own_sample_kb: Path) -> None:
    before = content(own_sample_kb)
    done = run("build", SAMPLE, "-o", own_sample_kb)
    assert "0 texts encoded, 0 searched" in done.stderr
    assert content(own_sample_kb) == before
    runs = rows(
        own_sample_kb,
        "SELECT run_id, version, (tally->>'kept')::INT, models->>'encoder', models->>'encoder_digest', "
        "models->>'reranker_digest' FROM runs ORDER BY 1",
    )
    assert [run[0] for run in runs] == [1, 2] and runs[0][1:] == runs[1][1:]
    assert all(runs[0])


@pytest.mark.parametrize("change", ["added", "removed", "changed"])
def test_an_incremental_build_equals_a_full_one(
    run: Run, sample_kb_path: Path, tmp_path: Path, change: str
) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(SAMPLE, pages)
    output, full = tmp_path / "kb.duckdb", tmp_path / "full.duckdb"
    if change == "added":  # the first build lacks a page that many link to
        (pages / "Make-a-Vinegar-Cleaning-Spray.html").rename(tmp_path / "kept-back.html")
        assert run("build", pages, "-o", output).returncode == 0
        (tmp_path / "kept-back.html").rename(pages / "Make-a-Vinegar-Cleaning-Spray.html")
    else:
        shutil.copy(sample_kb_path, output)
        shutil.copytree(work_folder(sample_kb_path), work_folder(output))
        page = pages / "Clean-an-Oven.html"
        if change == "removed":
            page.unlink()
        else:
            text = page.read_text(encoding="utf-8")
            page.write_text(text.replace("Clean an Oven", "Scrub a Kitchen Range"), encoding="utf-8")
    done = run("build", pages, "-o", output)
    assert done.returncode == 0, done.stderr
    assert run("build", pages, "-o", full).returncode == 0
    assert rows(output, CANDIDATES) == rows(full, CANDIDATES)
    assert rows(output, EDGES) == rows(full, EDGES)
    fresh = int(done.stderr.split(" texts encoded")[0].split()[-1].replace(",", ""))
    assert fresh <= 12


def parts_done(output: Path) -> dict[Path, int]:
    """The parts that stages of a build of `output` have finished, and when each was written.

    Texts and tokens of a part are written before the file that finishes it, and again where a kill came between.
    """
    folder = work_folder(output) / "links"
    finished = (
        path for path in folder.rglob("part-*") if not path.name.endswith((".parquet", ".tokens.npz"))
    )
    return {path: path.stat().st_mtime_ns for path in finished}


@pytest.mark.parametrize(("executor", "kills"), [("process", 12), ("pool", 8)])
def test_killed_at_any_time_and_started_again_it_ends_the_same(
    sample_kb_path: Path, tmp_path: Path, executor: str, kills: int
) -> None:
    """Kills at random moments of a build; the file that was there before stays whole until the end.

    What a killed run had finished of a stage is never done again: it loses at most the parts in hand.
    """
    command = [*SMALL_PARTS, str(SAMPLE), "-o", str(tmp_path / "kb.duckdb"), "--executor", executor]
    output = tmp_path / "kb.duckdb"
    shutil.copy(sample_kb_path, output)
    before = output.read_bytes()
    dice = random.Random(7)
    finished, longest = False, 9.0
    done: dict[Path, int] = {}
    for _ in range(kills):
        process = subprocess.Popen(
            command,
            env=surroundings(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=dice.uniform(0.2, longest))
            finished = True
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            if not finished:
                assert output.read_bytes() == before or content(output) == content(sample_kb_path)
        now = parts_done(output)
        assert done.items() <= now.items()
        longest += 2 if done == now else 0  # a slow machine needs longer to get anywhere
        done = now
    assert subprocess.run(command, env=surroundings(), capture_output=True, check=False).returncode == 0
    assert content(output) == content(sample_kb_path)
    assert len(done) > 10 and done.items() <= parts_done(output).items()


def test_of_two_builds_of_one_output_the_second_says_so(run: Run, own_sample_kb: Path) -> None:
    import fcntl

    with (work_folder(own_sample_kb) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("build", SAMPLE, "-o", own_sample_kb)
    assert done.returncode == 1
    assert "another build" in done.stderr


READER = """
import sys, time
from pathlib import Path
from kb.store import KnowledgeBase
seen, end = set(), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    with KnowledgeBase(Path(sys.argv[1])) as kb:
        seen.add(kb.query("SELECT (SELECT count(*) FROM steps), (SELECT count(*) FROM edges)").fetchone())
print(len(seen), seen)
"""


def test_readers_see_the_old_or_the_new_file_while_builds_swap_it(own_sample_kb: Path, run: Run) -> None:
    """Readers keep opening and querying while the file is replaced; none meets an error or a part."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(own_sample_kb), "14"],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    ends = time.monotonic() + 11
    while time.monotonic() < ends:
        assert run("build", SAMPLE, "-o", own_sample_kb).returncode == 0
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err
        assert out.startswith("1 ")


BAD_LINES = {
    "no title": ({"methods": [{"name": "", "steps": ["a"]}]}, "no title"),
    "no steps": ({"title": "Rest", "methods": []}, "no steps"),
    "broken": ('{"title": "Rest", "methods"\n', "broken JSON"),
    "double": (simple("Boil Water", "other words"), "duplicate"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_record_is_named_counted_and_skipped(run: Run, tmp_path: Path, case: str) -> None:
    record, reason = BAD_LINES[case]
    source = tmp_path / "articles.jsonl"
    source.write_text(
        lines(simple("Boil Water", "fill the kettle"), record, simple("Make Tea", "boil the water")),
        encoding="utf-8",
    )
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "kept 2" in done.stderr and reason in done.stderr
    assert rows(output, "SELECT source, reason FROM skipped") == [(f"{source}:2", reason)]
    assert rows(output, "SELECT goal FROM articles ORDER BY 1") == [("Boil Water",), ("Make Tea",)]


def test_an_empty_step_is_dropped_and_a_huge_one_kept(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text(lines(simple("Write a Lot", "", "  ", "word " * 200_000, "rest")), encoding="utf-8")
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "2 blank steps dropped" in done.stderr
    assert rows(output, "SELECT len(headline) >= 999999 FROM steps ORDER BY step_id") == [(True,), (False,)]


def test_a_truncated_gzip_gives_what_is_whole_and_says_so(run: Run, tmp_path: Path) -> None:
    dice = random.Random(1)
    records = [simple(f"Goal {i}", f"step {dice.random()}") for i in range(3000)]
    source = tmp_path / "articles.jsonl.gz"
    packed = gzip.compress(lines(*records).encode())
    source.write_bytes(packed[: len(packed) * 3 // 4])
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "truncated gzip" in done.stderr
    assert 0 < rows(output, "SELECT count(*) FROM articles")[0][0] < 3000


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


def test_a_full_disk_is_said_and_nothing_is_lost(own_sample_kb: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writes fail in the same way."""
    source = tmp_path / "many.jsonl"
    dice = random.Random(3)
    words = [
        simple(f"Goal {i}", *(f"{dice.random()} {dice.random()}" for _ in range(30))) for i in range(400)
    ]
    source.write_text(lines(*words), encoding="utf-8")
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


def test_any_name_of_a_folder_will_do(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "it's [my] *folder* {a,b} ü"
    folder.mkdir()
    source = folder / "articles?.jsonl"
    source.write_text(
        lines(simple("Boil Water", "fill the kettle"), simple("Make Tea", "boil the water")), "utf-8"
    )
    done = run("build", source, "-o", folder / "kb.duckdb")
    assert done.returncode == 0, done.stderr
    assert (
        "Boil Water  [" in run("tree", "make tea", "--threshold", 0.01, "--kb", folder / "kb.duckdb").stdout
    )


def test_the_run_names_its_sources_with_their_digests(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps({"title": "One", "steps": ["Go."]}), encoding="utf-8")
    done = run("build", source, "-o", tmp_path / "kb.duckdb")
    assert done.returncode == 0, done.stderr
    ((sources, digests),) = rows(
        tmp_path / "kb.duckdb", "SELECT inputs->'sources', inputs->'digests' FROM runs"
    )
    assert json.loads(sources) == [str(source)]
    assert json.loads(digests) == {str(source): hashlib.sha256(source.read_bytes()).hexdigest()}


def test_a_threshold_chooses_and_keeps_the_candidates(run: Run, own_sample_kb: Path) -> None:
    before = rows(own_sample_kb, CANDIDATES)
    assert run("build", SAMPLE, "-o", own_sample_kb, "--threshold", "0.9").returncode == 0
    assert rows(own_sample_kb, CANDIDATES) == before
    assert rows(
        own_sample_kb, "SELECT bool_and(chosen = (source = 'editor' OR probability >= 0.9)) FROM edges"
    ) == [(True,)]


def test_other_languages_are_linked_among_themselves(sample_kb_path: Path) -> None:
    foreign = """SELECT count(*) FROM candidates c JOIN steps s USING (step_id)
                 JOIN articles p ON p.article_id = s.article_id JOIN articles g ON g.article_id = c.article_id
                 WHERE p.language <> g.language"""
    assert rows(sample_kb_path, foreign) == [(0,)]
    assert len(rows(sample_kb_path, "SELECT DISTINCT language FROM articles")) == 3
