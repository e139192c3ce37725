"""`howtree review bake`: people's verdicts in the tables of a copy, for programs that know nothing of reviews."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from support.command import Run

from howtree.files import digest_of_file
from kb.review.judging import review_of
from kb.review.reviews import append, reviews_path
from kb.store import OVERLAID, TABLES, KnowledgeBase


@pytest.fixture
def judged(own_sample_kb: Path) -> Path:
    """The sample with a link rejected, a guess made a link, an editor overruled, and a guess rejected."""
    with KnowledgeBase(own_sample_kb) as kb:
        (linked, _), (edited, other) = (
            kb.query(
                f"SELECT step_id, child_id FROM edges WHERE source = '{source}' ORDER BY step_id"
            ).fetchall()[0]
            for source in ("model", "editor")
        )
        (guess, goal), (rejected, _) = kb.query(
            "SELECT step_id, child_id FROM guesses ORDER BY step_id LIMIT 2"
        ).fetchall()
        append(kb.reviews_path, review_of(kb, linked, "no link", None, "ann"))
        append(kb.reviews_path, review_of(kb, guess, "helpful", goal, "ann"))
        append(kb.reviews_path, review_of(kb, edited, "unhelpful", other, "bob"))
        append(kb.reviews_path, review_of(kb, rejected, "no link", None, "bob"))
    return own_sample_kb


def test_plain_duckdb_sees_what_readers_of_the_judged_file_see(
    run: Run, judged: Path, tmp_path: Path
) -> None:
    before = judged.read_bytes()
    output = tmp_path / "baked.duckdb"
    done = run("review", "bake", "-o", output, "--kb", judged)
    assert done.returncode == 0 and "4 reviews are in its links." in done.stderr, done.stderr
    assert judged.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*baked*")) == ["baked.duckdb"]
    with KnowledgeBase(judged) as seen, duckdb.connect(str(output), read_only=True) as plain:
        for table in (*TABLES, *OVERLAID):
            if table != "meta":
                query = f"FROM {table} ORDER BY ALL"
                assert plain.execute(query).fetchall() == seen.query(query).fetchall(), table
        tree = "FROM procedure_tree('Host a Dinner Party', min_probability := 0)"
        assert plain.execute(tree).fetchall() == seen.query(tree).fetchall() != []
        assert plain.execute("SELECT source, relation FROM edges WHERE source = 'person'").fetchall() == [
            ("person", "helpful")
        ]
        meta = dict(plain.execute("FROM meta").fetchall())
    assert meta == seen.meta | {"reviews_digest": digest_of_file(reviews_path(judged))}
    comments = "SELECT count(*) FROM duckdb_tables() WHERE comment IS NULL"
    with duckdb.connect(str(output), read_only=True) as plain:
        assert plain.execute(comments).fetchone() == (0,)
    assert run("check", output).returncode == 0
    facts = json.loads(run("info", "--json", "--kb", output).stdout)
    assert facts["reviews_digest"] == digest_of_file(reviews_path(judged))


def test_a_baked_file_can_be_judged_again(run: Run, judged: Path, tmp_path: Path) -> None:
    output = tmp_path / "baked.duckdb"
    assert run("review", "bake", "-o", output, "--kb", judged).returncode == 0
    with KnowledgeBase(output) as kb:
        ((step,),) = kb.query("SELECT step_id FROM edges WHERE source = 'person'").fetchall()
        append(kb.reviews_path, review_of(kb, step, "no link", None, "cy"))
        assert kb.query("SELECT step_id FROM edges WHERE source = 'person'").fetchall() == []
        assert kb.query("SELECT count(*) FROM verdicts").fetchone() == (5,)


@pytest.mark.parametrize(
    ("output", "word"),
    [("kb.duckdb", "-o"), (".", "-o"), ("missing/kb2.duckdb", "missing")],
)
def test_an_output_that_cannot_be_written_is_refused(run: Run, judged: Path, output: str, word: str) -> None:
    done = run("review", "bake", "-o", judged.parent / output, "--kb", judged)
    assert done.returncode == 1 and word in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_without_reviews_there_is_nothing_to_bake(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    done = run("review", "bake", "-o", tmp_path / "baked.duckdb", "--kb", sample_kb_path)
    assert done.returncode == 1 and "nothing to bake" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = run("review", "bake", "-o", tmp_path / "baked.duckdb", "--kb", tmp_path / "none.duckdb")
    assert done.returncode == 1 and "no knowledge base" in done.stderr
