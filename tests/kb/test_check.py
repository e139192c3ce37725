"""`howtree check` finds every way in which a knowledge base can be broken; `howtree diff` says what changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support.command import Run
from support.small_kb import article, small_kb

from kb import check
from kb.check import INVARIANTS, broken, problems
from kb.review.judging import review_of
from kb.review.reviews import append
from kb.store import KnowledgeBase

LINKED = """(SELECT min(e.step_id) FROM edges e JOIN candidates c ON c.step_id = e.step_id AND c.rank = 2
             WHERE e.source = 'model' AND c.probability > 0)"""
GUESSED = "(SELECT min(step_id) FROM guesses)"
DAMAGE = {
    "articles with the same id or key": "UPDATE articles SET key = 'en:1'",
    "steps with the same id or place": "INSERT INTO steps SELECT * FROM steps WHERE step_id = 1",
    "articles without steps": "DELETE FROM steps WHERE article_id = 1",
    "methods of no article": "INSERT INTO methods VALUES (9999, 1, 'single', NULL)",
    "methods without steps": "INSERT INTO methods VALUES (1, 99, 'part', 'x')",
    "steps of no method": "UPDATE steps SET method_number = 99 WHERE step_id = 1",
    "steps without text": "UPDATE steps SET headline = '', body = '', bullets = [] WHERE step_id = 1",
    "categories of no article": "INSERT INTO categories VALUES (9999, 1, 'x')",
    "hyperlinks of no step": "UPDATE hyperlinks SET step_id = 99999",
    "hyperlinks to no article": "UPDATE hyperlinks SET target_id = 9999",
    "candidates of no step": "INSERT INTO candidates VALUES (99999, 1, 1, 0, NULL, 0, NULL)",
    "candidates that are no article": "UPDATE candidates SET article_id = 9999 WHERE rank = 2",
    "candidates that are the step's own article": f"""
        UPDATE candidates SET article_id = (SELECT article_id FROM steps WHERE step_id = {LINKED})
        WHERE rank = 2 AND step_id = {LINKED}""",
    "candidates with a gap or a double in their ranks": "DELETE FROM candidates WHERE rank = 2",
    "probabilities outside 0 to 1": "UPDATE candidates SET probability = 1.5 WHERE rank = 1",
    "edges of no step": f"UPDATE edges SET step_id = 99999 WHERE step_id = {LINKED}",
    "edges from another article than the step's": "UPDATE edges SET parent_id = parent_id + 1",
    "edges to no article": "UPDATE edges SET child_id = 9999",
    "edges from an article to itself": "UPDATE edges SET child_id = parent_id",
    "goals in two groups of equal goals, or alone in one": "INSERT INTO alternatives VALUES (1, 1)",
    "links or guesses within a group of equal goals": """
        INSERT INTO alternatives SELECT 1, unnest([parent_id, child_id]) FROM guesses LIMIT 2""",
    "steps with more than one edge": "INSERT INTO edges FROM edges LIMIT 1",
    "model's edges or guesses that are not the step's first candidate": f"""
        UPDATE edges SET child_id = (SELECT article_id FROM candidates WHERE rank = 2 AND step_id = {LINKED})
        WHERE step_id = {LINKED}""",
    "model's edges below the threshold, or guesses above it": "UPDATE guesses SET probability = 1",
    "guesses for steps that have an edge": f"UPDATE guesses SET step_id = {LINKED} WHERE step_id = {GUESSED}",
    "steps with more than one guess": "INSERT INTO guesses FROM guesses LIMIT 1",
    "unknown relations": "UPDATE edges SET relation = 'nearly'",
    "things, notes, citations or related articles of no article": "UPDATE notes SET article_id = 9999",
    "editor's edges without such a hyperlink": "DELETE FROM hyperlinks",
    "edges of an unknown source": "UPDATE edges SET source = 'rumour' WHERE source = 'editor'",
    "steps whose first candidate is not the most probable": f"""
        UPDATE candidates SET probability = 0 WHERE rank = 1 AND step_id = {LINKED}""",
    "goals that cannot be found by their title": "DELETE FROM names WHERE place = 1",
    "goals that cannot be found by their words": "DELETE FROM goal_words",
    "words of steps alone that a title has, or of no article": "UPDATE step_words SET article_id = 9999",
    "things that cannot be found by their words": "DELETE FROM things_by_word WHERE number = 1",
}


def test_every_invariant_is_broken_by_a_test() -> None:
    assert DAMAGE.keys() == INVARIANTS.keys()


@pytest.mark.parametrize("name", INVARIANTS)
def test_damage_is_found_and_named(name: str, sample_kb_path: Path) -> None:
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{sample_kb_path}' AS kb (READ_ONLY)")
        session.execute("COPY FROM DATABASE kb TO memory")
        assert problems(session) == []
        session.execute(DAMAGE[name])
        assert name in [problem.split(" ", 1)[1] for problem in problems(session)]


def test_a_whole_knowledge_base_passes_with_people_s_verdicts_too(run: Run, own_sample_kb: Path) -> None:
    with KnowledgeBase(own_sample_kb) as kb:
        for step, verdict, goal in ((1, "no link", None), (2, "another goal", 60), (9, "exact", 61)):
            append(kb.reviews_path, review_of(kb, step, verdict, goal, "ann"))  # type: ignore[arg-type]
    done = run("check", own_sample_kb, "--goals", 90)
    assert done.returncode == 0 and "90 trees" in done.stdout, done.stderr


def test_a_broken_one_fails_naming_what_is_broken(run: Run, own_sample_kb: Path) -> None:
    with duckdb.connect(str(own_sample_kb)) as session:
        session.execute(f"UPDATE edges SET child_id = parent_id WHERE step_id = {LINKED}")
    done = run("check", own_sample_kb)
    assert done.returncode == 1 and "1 edges from an article to itself" in done.stdout
    assert "does not hold together" in done.stderr


def test_a_damaged_file_is_reported_without_a_traceback(run: Run, own_sample_kb: Path) -> None:
    data = bytearray(own_sample_kb.read_bytes())
    data[20_000:-4_096] = bytes(len(data) - 24_096)
    own_sample_kb.write_bytes(data)
    done = run("check", own_sample_kb)
    assert done.returncode == 1 and "Traceback" not in done.stderr and str(own_sample_kb) in done.stderr


def test_diff_tells_what_came_went_and_changed(run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / side for side in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    cake, oven, pan = (
        article("Bake a Cake", "Line the tin.", "Heat the oven.", "Beat the eggs."),
        article("Clean an Oven", "Scrub the racks."),
        article("Line a Pan", "Cut the paper."),
    )
    old = small_kb(folders[0], (cake, oven, pan), ((0, 0, 2, 0.9), (0, 1, 1, 0.8)))
    new = small_kb(
        folders[1],
        (cake, article("Clean an Oven", "Scrub the rack."), article("Preheat an Oven", "Turn the dial.")),
        ((0, 1, 2, 0.9), (0, 2, 1, 0.7)),
    )
    changes = [json.loads(line) for line in run("diff", old, new, "--format", "json").stdout.splitlines()]
    assert [
        (c["change"], c["key"] if "key" in c else (c["step"], c.get("before"), c.get("now"))) for c in changes
    ] == [
        ("articles came", "en:/Preheat-an-Oven"),
        ("articles went", "en:/Line-a-Pan"),
        ("articles changed", "en:/Clean-an-Oven"),
        ("links came", (3, None, "Clean an Oven")),
        ("links went", (1, "Line a Pan", None)),
        ("links changed", (2, "Clean an Oven", "Preheat an Oven")),
    ]
    shown = run("diff", old, new).stdout
    assert "1 links changed" in shown and "Clean an Oven => Preheat an Oven" in shown
    same = run("diff", old, old)
    assert same.returncode == 0 and {line.split()[0] for line in same.stdout.splitlines()} == {"0"}


@pytest.mark.parametrize(
    ("content", "word"), [(None, "no knowledge base"), (b"words", "not a knowledge base")]
)
def test_diff_of_what_is_no_knowledge_base(
    run: Run, tmp_path: Path, content: bytes | None, word: str
) -> None:
    path = small_kb(tmp_path, (article("Bake a Cake", "Line the tin."),))
    other = tmp_path / "other.duckdb"
    if content is not None:
        other.write_bytes(content)
    done = run("diff", path, other)
    assert done.returncode == 1 and word in done.stderr


WRITER = """
import sys, duckdb
session = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_writes_is_said_with_who_holds_it(run: Run, tmp_path: Path) -> None:
    path = small_kb(tmp_path, (article("Bake a Cake", "Line the tin."),))
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "open\n"
        told = [
            run(*command)
            for command in (
                ["tree", "Bake a Cake", "--kb", path],
                ["check", path],
                ["info", "--kb", path],
                ["diff", path, path],
                ["export", "-o", tmp_path / "links.jsonl", "--kb", path],
            )
        ]
        writer.communicate()
    for done in told:
        assert done.returncode == 1 and "Build one" not in done.stderr, done.stderr
        assert f"{path} is in use by process {writer.pid}" in done.stderr
    assert run("check", path).returncode == 0


def test_a_verdict_that_comes_while_it_checks_breaks_nothing(
    own_sample_kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tree by Python would lack a link that the one by SQL has."""
    grown = check.tree
    judged: list[int] = []

    def judged_meanwhile(kb: KnowledgeBase, goal: int, depth: int) -> object:
        found = grown(kb, goal, depth)
        linked = [step.step_id for _, _, step in found.walk() if step.link]
        if linked and not judged:
            judged.append(linked[0])
            append(kb.reviews_path, review_of(kb, linked[0], "no link", None, "ann"))
        return found

    monkeypatch.setattr(check, "tree", judged_meanwhile)
    with KnowledgeBase(own_sample_kb) as kb:
        before = kb.query("SELECT count(*) FROM edges").fetchone()
        assert broken(kb, 100) == [] and judged
        assert kb.query("SELECT count(*) + 1 FROM edges").fetchone() == before
