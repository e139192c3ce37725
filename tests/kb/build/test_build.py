"""The build through the command line: whole, repeatable, and brought up to date."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from support.command import ROOT, SAMPLE, Run, work_folder
from support.contents import CANDIDATES, EDGES, content, rows
from support.reading import lines


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
           WHERE e.source = 'model'""",
    )
    right = sum(gold.get(tuple(place)) == child for *place, child in chosen)
    assert right / len(chosen) >= 0.95
    assert right >= 35


def test_an_editors_hyperlink_beats_the_model_and_the_candidates_stay(sample_kb_path: Path) -> None:
    edited = rows(
        sample_kb_path,
        """SELECT count(*), count(*) FILTER (e.child_id = h.target_id), min(e.probability)
           FROM edges e JOIN hyperlinks h ON h.step_id = e.step_id AND h.target_id = e.child_id
           WHERE e.source = 'editor'""",
    )[0]
    assert edited[0] >= 6 and edited[1] == edited[0] and edited[2] == 1
    stay = """SELECT count(DISTINCT step_id) FROM edges JOIN candidates USING (step_id) WHERE source = 'editor'"""
    assert rows(sample_kb_path, stay)[0][0] == edited[0]


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


@pytest.mark.parametrize("change", ["added", "removed and changed"])
def test_an_incremental_build_equals_a_full_one(
    run: Run, sample_kb_path: Path, tmp_path: Path, change: str
) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(SAMPLE, pages)
    output, full = tmp_path / "kb.duckdb", tmp_path / "full.duckdb"
    if change == "added":  # the first build lacks a page that many link to, and in the end it is the sample
        full = sample_kb_path
        (pages / "Make-a-Vinegar-Cleaning-Spray.html").rename(tmp_path / "kept-back.html")
        assert run("build", pages, "-o", output).returncode == 0
        (tmp_path / "kept-back.html").rename(pages / "Make-a-Vinegar-Cleaning-Spray.html")
    else:
        shutil.copy(sample_kb_path, output)
        shutil.copytree(work_folder(sample_kb_path), work_folder(output))
        (pages / "Make-a-Baking-Soda-Paste.html").unlink()
        page = pages / "Clean-an-Oven.html"
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("Clean an Oven", "Scrub a Kitchen Range"), encoding="utf-8")
    done = run("build", pages, "-o", output)
    assert done.returncode == 0, done.stderr
    assert full.exists() or run("build", pages, "-o", full).returncode == 0
    assert rows(output, CANDIDATES) == rows(full, CANDIDATES)
    assert rows(output, EDGES) == rows(full, EDGES)
    fresh = int(done.stderr.split(" texts encoded")[0].split()[-1].replace(",", ""))
    assert fresh <= 12


def test_the_run_names_its_sources_with_their_digests(run: Run, tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", {"title": "One", "steps": ["Go."]})
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
        own_sample_kb, "SELECT bool_and(chosen = (source = 'editor' OR probability >= 0.9)) FROM best_links"
    ) == [(True,)]


def test_other_languages_are_linked_among_themselves(sample_kb_path: Path) -> None:
    foreign = """SELECT count(*) FROM candidates c JOIN steps s USING (step_id)
                 JOIN articles p ON p.article_id = s.article_id JOIN articles g ON g.article_id = c.article_id
                 WHERE p.language <> g.language"""
    assert rows(sample_kb_path, foreign) == [(0,)]
    assert len(rows(sample_kb_path, "SELECT DISTINCT language FROM articles")) == 3
