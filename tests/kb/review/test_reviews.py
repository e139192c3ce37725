"""People's verdicts: the file that several write at once, what they change in every tree, and what they tell."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.command import ROOT, Run, surroundings
from support.small_kb import article, small_kb

from crawl.article import Article
from howtree.errors import BadInput, NotFound
from kb.review.agreement import agreement, precision, training_pairs
from kb.review.judging import review_of, sample
from kb.review.overlay import NO_LINK, majority
from kb.review.reviews import Review, Undo, Verdict, append, read, reviews_path, undo
from kb.store import KnowledgeBase
from kb.tree import tree
from linking.gold.links import read_gold

ARTICLES = (
    article("Bake a Cake", "Line the tin.", "Beat the eggs.", "Heat the oven."),
    article("Clean an Oven", "Scrub the racks."),
    article("Line a Pan", "Cut the paper."),
    article("Preheat an Oven", "Turn the dial."),
)
CAKE, CLEAN, LINE, PREHEAT = 1, 2, 3, 4
EDGES = ((0, 0, 2, 0.9), (0, 1, 1, 0.2), (0, 2, 1, 0.6))
"""Line the tin -> Line a Pan; beat the eggs -> Clean an Oven, a guess; heat the oven -> Clean an Oven, wrongly."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_kb(tmp_path, ARTICLES, EDGES)


def say_of(kb: KnowledgeBase, step: int, verdict: Verdict, goal: int | None, who: str = "ann") -> Review:
    review = review_of(kb, step, verdict, goal, who)
    append(kb.reviews_path, review)
    return review


def links(kb: KnowledgeBase) -> list[tuple[int, int, str]]:
    return kb.query("SELECT step_id, child_id, source FROM links ORDER BY step_id").fetchall()


def test_a_verdict_counts_at_once_in_every_view_and_tree(path: Path) -> None:
    with KnowledgeBase(path) as kb:
        assert links(kb) == [(1, LINE, "model"), (3, CLEAN, "model")]
        say_of(kb, 3, "another goal", PREHEAT)
        say_of(kb, 2, "no link", None)
        say_of(kb, 1, "exact", LINE)
        assert links(kb) == [(1, LINE, "person"), (3, PREHEAT, "person")]
        python = [(s.step_id, s.link and s.link.goal.goal) for _, _, s in tree(kb, CAKE, 1).walk()]
        assert python == [(1, "Line a Pan"), (2, None), (3, "Preheat an Oven")]
        sql = kb.query("SELECT step_id, child FROM procedure_tree('Bake a Cake', max_depth := 1)").fetchall()
        assert sql == python
        lower = kb.query(
            "SELECT step_id, child_id FROM procedure_tree(1, max_depth := 1, min_probability := 0)"
        )
        assert lower.fetchall() == [(1, LINE), (2, None), (3, PREHEAT)]
        assert kb.query("SELECT goal FROM ancestors('Preheat an Oven')").fetchall() == [("Bake a Cake",)]
        assert kb.query("SELECT goal FROM ancestors('Clean an Oven')").fetchall() == []
        assert kb.query("SELECT step_id FROM unlinkable_steps() WHERE article_id = 1").fetchall() == [(2,)]
    with KnowledgeBase(path) as again:
        assert links(again) == [(1, LINE, "person"), (3, PREHEAT, "person")]


def test_a_person_beats_an_editor(sample_kb_path: Path, own_sample_kb: Path) -> None:
    with KnowledgeBase(own_sample_kb) as kb:
        row = kb.query("SELECT step_id, child_id FROM edges WHERE source = 'editor' LIMIT 1").fetchone()
        assert row is not None
        step, child = row
        say_of(kb, step, "unhelpful", child)
        assert kb.query("FROM edges WHERE step_id = ?", [step]).fetchall() == []
        say_of(kb, step, "helpful", child)
        assert kb.query("SELECT source, probability FROM edges WHERE step_id = ?", [step]).fetchall() == [
            ("person", 1)
        ]


def test_an_undone_review_counts_no_more(path: Path) -> None:
    with KnowledgeBase(path) as kb:
        review = say_of(kb, 3, "unhelpful", CLEAN)
        assert links(kb) == [(1, LINE, "model")]
        assert undo(kb.reviews_path, review.id, "bob") == review
        assert links(kb) == [(1, LINE, "model"), (3, CLEAN, "model")]
        assert read(kb.reviews_path).undone == 1
        with pytest.raises(NotFound):
            undo(kb.reviews_path, review.id, "bob")


def reviews(*said: str) -> list[Review]:
    """Reviews in short: "ann exact g", "bob no link"."""
    made = []
    for text in said:
        who, verdict, goal = (*text.replace("no link", "no-link").split(), None)[:3]
        made.append(Review("a", 1, 1, "h", verdict.replace("-", " "), goal, who))  # type: ignore[arg-type, union-attr]
    return made


@pytest.mark.parametrize(
    ("said", "decided"),
    [
        (["ann exact m"], "m"),
        (["ann helpful m"], "m"),
        (["ann related m"], NO_LINK),
        (["ann unhelpful m"], NO_LINK),
        (["ann no link"], NO_LINK),
        (["ann another-goal g"], "g"),
        (["ann related g"], None),  # of another goal than the machine's: that decides nothing
        (["ann exact m", "ann helpful g"], "m"),  # the higher grade, not the later
        (["ann helpful m", "ann helpful g"], "g"),  # the later of equals
        (["ann unhelpful m", "ann exact m"], "m"),  # the latest on a goal
        (["ann exact m", "ann unhelpful m"], NO_LINK),
        (["ann exact m", "ann no link"], NO_LINK),
        (["ann no link", "ann helpful g"], "g"),
        (["ann another-goal g", "ann unhelpful g"], None),
        (["ann exact m", "bob no link"], None),  # even: the machine's link stays
        (["ann exact m", "bob exact m", "cy no link"], "m"),
        (["ann unhelpful m", "bob another-goal g", "cy another-goal g"], "g"),
        (["ann exact m", "ann exact m", "bob no link", "cy no link"], NO_LINK),  # one person, one vote
        (["model:a no link", "model:b no link"], None),  # models have no vote
        (["ann exact m", "model:a no link", "model:b no link"], "m"),
        (["ann exact m", "bob no link", "model:a exact m"], None),
    ],
)  # fmt: skip
def test_what_several_verdicts_amount_to(said: list[str], decided: str | None) -> None:
    assert majority(reviews(*said), "m") == decided


def rebuilt(folder: Path, articles: Sequence[object]) -> Path:
    (folder / "kb.duckdb").unlink()
    return small_kb(folder, articles, ())  # type: ignore[arg-type]


def test_verdicts_survive_a_rebuild_but_not_a_changed_step(tmp_path: Path, path: Path) -> None:
    with KnowledgeBase(path) as kb:
        for step, goal in ((1, LINE), (2, CLEAN), (3, PREHEAT)):
            say_of(kb, step, "exact", goal)
    changed = (
        article("Air a Room", "Open a window."),
        article("Bake a Cake", "Wash your hands.", "Line the tin.", "Beat three eggs.", "Heat the oven."),
        article("Clean an Oven", "Scrub the racks."),
        article("Line a Pan", "Cut the paper."),
    )
    with KnowledgeBase(rebuilt(tmp_path, changed)) as kb:
        rows = kb.query("SELECT step, child FROM links").fetchall()
        assert rows == [("Line the tin.", "Line a Pan")]  # moved, and found again by its text
        states = kb.query("SELECT state, count(*) FROM verdicts GROUP BY ALL ORDER BY ALL").fetchall()
        assert states == [("current", 1), ("goal gone", 1), ("stale", 1)]
        assert len(kb.review_notes) == 2


WRITER = """
import sys
from pathlib import Path
from kb.review.reviews import Review, append
for i in range(int(sys.argv[3])):
    append(Path(sys.argv[1]), Review("en:1", 1, i + 1, "h", "exact", "en:2", sys.argv[2], note="é" * 300))
    print(i, flush=True)
"""


def writer(path: Path, who: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), who, str(count)],
        env=surroundings(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_several_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kb.review.reviews.jsonl"
    people = [writer(path, who, 40) for who in ("ann", "bob", "cy", "dee")]
    for person in people:
        person.communicate()
    log = read(path)
    assert not log.broken and len(log.reviews) == 160 and len({r.id for r in log.reviews}) == 160
    assert [r.step for r in log.reviews if r.who == "bob"] == list(range(1, 41))


def test_a_writer_that_is_killed_loses_at_most_the_review_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "kb.review.reviews.jsonl"
    person = writer(path, "ann", 100_000)
    assert person.stdout is not None
    said = [person.stdout.readline() for _ in range(20)]
    person.kill()
    said += person.stdout.readlines()
    person.wait()
    person.stdout.close()
    told = sum(line.endswith("\n") for line in said)
    log = read(path)
    assert told <= len(log.reviews) <= told + 1 and len(log.broken) <= 1


@pytest.mark.parametrize("torn", [b'{"article": "en:1", "me', b"\xff\xfe", b"[1]", b'{"undoes": 3}'])
def test_a_torn_line_is_reported_and_never_glued_to_the_next(path: Path, torn: bytes) -> None:
    with KnowledgeBase(path) as kb:
        first = say_of(kb, 1, "exact", LINE)
        with kb.reviews_path.open("ab") as file:
            file.write(torn)
        assert read(kb.reviews_path).reviews == (first,) and read(kb.reviews_path).broken == (2,)
        second = say_of(kb, 3, "exact", CLEAN)
        append(kb.reviews_path, Undo(first.id, "ann"))
        log = read(kb.reviews_path)
        assert log.reviews == (second,) and log.broken == (2,) and log.undone == 1
        assert links(kb) == [(1, LINE, "model"), (3, CLEAN, "person")]
        assert "line 2" in kb.review_notes[0]


@pytest.mark.parametrize(
    "change",
    [{"method": "1"}, {"method": True}, {"step": 0}, {"step": 2**31}, {"who": "\ud800"}, {"note": "a\0b"},
     {"article": "\udfff"}, {"id": "x" * 65}, {"who": "x" * 201}, {"goal": "x" * 2001}, {"text_hash": "x" * 65},
     {"when": "9999-12-31T23:59:59-12:00"}, {"when": "0001-01-01T00:00:00+12:00"}, {"when": "2024-W01-1T00:00:00"},
     {"when": "today"}, {"when": "2026-01-01"}, {"verdict": "good"}, {"who": ""},
     {"goal": None}, {"goal": "en:1"}, {"note": 3}, {"id": None}],
)  # fmt: skip
def test_a_record_with_a_wrong_value_is_left_out(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "kb.review.reviews.jsonl"
    append(path, Review("en:1", 1, 1, "h", "exact", "en:2", "ann"))
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, **change}) + "\n" + json.dumps(values) + "\n")
    assert read(path).broken == (1,) and len(read(path).reviews) == 1


DEEP = b"[" * 200_000
ODD_LINES = [
    DEEP,
    DEEP[:30_000],
    b'{"undoes": ' + DEEP[:30_000],
    b'"\\ud800"',
    b'{"undoes": "\\ud800", "who": "ann", "when": "2026-01-01T00:00:00+00:00", "id": "1"}',
    b"9" * 70_000,
    b"NaN",
    b"{}",
    b"null",
    b"\0" * 500,
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("odd", ODD_LINES, ids=[str(line[:12]) for line in ODD_LINES])
def test_an_odd_line_costs_that_line_alone(run: Run, path: Path, odd: bytes) -> None:
    with KnowledgeBase(path) as kb:
        say_of(kb, 3, "another goal", PREHEAT)
        kb.reviews_path.write_bytes(odd + b"\n" + kb.reviews_path.read_bytes() + odd)
    done = run("sql", "SELECT child_id FROM links WHERE step_id = 3", "--format", "json", "--kb", path)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"child_id": PREHEAT}), done.stderr
    assert "line 1 is no whole review" in done.stderr and "line 3" in done.stderr


@pytest.mark.parametrize(
    ("when", "utc"),
    [
        ("2024-W01-1T00:00:00+00:00", "2024-01-01 00:00:00"),
        ("20260131T093000+0100", "2026-01-31 08:30:00"),
        ("2026-01-31T09:30:00,5Z", "2026-01-31 09:30:00.5"),
        ("0001-01-01T00:00:00+00:00", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59+00:00", "9999-12-31 23:59:59"),
        ("2026-01-31T09:30:00+00:00:30", "2026-01-31 09:29:30"),
    ],
)
def test_every_time_that_is_one_is_kept_in_utc(path: Path, when: str, utc: str) -> None:
    with KnowledgeBase(path) as kb:
        say_of(kb, 3, "unhelpful", CLEAN)
        values = json.loads(kb.reviews_path.read_text())
        kb.reviews_path.write_text(json.dumps({**values, "when": when}) + "\n")
    with KnowledgeBase(path) as kb:
        assert kb.query("SELECT judged_at::VARCHAR FROM verdicts").fetchall() == [(utc,)]


def test_reviews_that_are_no_file_are_said(run: Run, path: Path) -> None:
    reviews_path(path).mkdir()
    done = run("info", "--kb", path)
    assert done.returncode == 1 and "is no file" in done.stderr
    reviews_path(path).rmdir()
    os.mkfifo(reviews_path(path))
    done = run("info", "--kb", path)
    assert done.returncode == 1 and "is no file" in done.stderr


def test_what_is_said_twice_is_written_once_and_taken_back_whole(path: Path) -> None:
    with KnowledgeBase(path) as kb:
        first = append(kb.reviews_path, review_of(kb, 3, "unhelpful", CLEAN, "ann"))
        append(kb.reviews_path, review_of(kb, 3, "unhelpful", CLEAN, "bob"))
        assert append(kb.reviews_path, review_of(kb, 3, "unhelpful", CLEAN, "ann")) == first
        assert len(read(kb.reviews_path).reviews) == 2
        undo(kb.reviews_path, first, "ann")
        assert [review.who for review in read(kb.reviews_path).reviews] == ["bob"]
        again = append(kb.reviews_path, review_of(kb, 3, "unhelpful", CLEAN, "ann"))
        assert again != first and len(read(kb.reviews_path).reviews) == 2
        append(kb.reviews_path, review_of(kb, 3, "exact", CLEAN, "ann"))
        append(kb.reviews_path, review_of(kb, 3, "unhelpful", CLEAN, "ann"))
        assert len(read(kb.reviews_path).reviews) == 4, "another mind, and back: both count"


def test_a_disk_without_room_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kb.review.reviews.jsonl"
    append(path, Review("en:1", 1, 1, "h", "exact", "en:2", "ann"))
    before = path.read_bytes()
    import os

    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, data: whole(file, data[: len(data) // 2]))
    with pytest.raises(BadInput, match="not saved"):
        append(path, Review("en:1", 1, 2, "h", "exact", "en:2", "ann"))
    assert path.read_bytes() == before


def test_a_plan_takes_equal_shares_of_every_tenth_and_repeats_itself(sample_kb: KnowledgeBase) -> None:
    plan = sample(sample_kb, 30, seed=3)
    assert plan == sample(sample_kb, 30, seed=3) != sample(sample_kb, 30, seed=4)
    tenth = "least(floor(probability::DOUBLE * 10), 9)::INT"
    tenths = dict(
        sample_kb.query(
            f"SELECT (a.key, s.method_number, s.step_number), {tenth} FROM best_links e JOIN steps s USING (step_id) "
            "JOIN articles a USING (article_id) WHERE e.source = 'model'"
        ).fetchall()
    )
    drawn = [tenths[row["article"], row["method"], row["step"]] for row in plan]
    counts = Counter(tenths.values())
    assert len(drawn) == 30
    most = max(drawn.count(tenth) for tenth in counts)
    assert all(drawn.count(tenth) >= min(most - 1, n) for tenth, n in counts.items())
    assert "probability" not in plan[0]


def test_judging_by_plan_from_the_command_line(run: Run, own_sample_kb: Path, tmp_path: Path) -> None:
    plan, filled = tmp_path / "plan.csv", tmp_path / "filled.csv"
    assert run("review", "sample", "--size", 12, "-o", plan, "--kb", own_sample_kb).returncode == 0
    rows = list(csv.DictReader(plan.open(encoding="utf-8")))
    for who, grades in (("ann", ["exact"] * 6 + ["unhelpful"] * 6), ("bob", ["exact"] * 7 + ["related"] * 5)):
        with filled.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows({**row, "verdict": grade} for row, grade in zip(rows, grades, strict=True))
        assert run("review", "add", "--file", filled, "--who", who, "--kb", own_sample_kb).returncode == 0
    shown = json.loads(run("review", "agreement", "--json", "--kb", own_sample_kb).stdout)
    assert shown["agreement"]["people"] == 2 and shown["agreement"]["shared"] == 12
    # Of 24 link-or-not votes 13 are yes; one pair differs: alpha = 1 - (24 - 1) * 1 / (13 * 11).
    assert shown["agreement"]["alpha_link"] == pytest.approx(1 - 23 / (13 * 11))
    assert (
        sum(part["judged"] for part in shown["precision"]) == 11
    )  # the pair that differs is even, so not counted
    assert sum(part["right"] for part in shown["precision"]) == 6
    text = run("review", "agreement", "--kb", own_sample_kb)
    assert text.returncode == 0 and "Krippendorff" in text.stdout
    listed = run(
        "review", "list", "--who", "ann", "--format", "json", "--kb", own_sample_kb
    ).stdout.splitlines()
    assert len(listed) == 12 and json.loads(listed[0])["state"] == "current"
    gold = tmp_path / "gold.jsonl"
    assert run("review", "export", "-o", gold, "--kb", own_sample_kb).returncode == 0
    pairs = read_gold(gold)
    assert len(pairs.steps) == 11 and pairs.goals.count("") == 5


def test_adding_and_undoing_from_the_command_line(run: Run, path: Path) -> None:
    done = run("review", "add", 3, "another goal", "preheat an oven", "--who", "ann", "--kb", path)
    assert done.returncode == 0, done.stderr
    shown = run("tree", "Bake a Cake", "--kb", path).stdout
    assert "Preheat an Oven  [1.00 person, exact]" in shown
    (review,) = read(reviews_path(path)).reviews
    assert review.when.endswith("+00:00")
    assert run("review", "undo", review.id, "--who", "ann", "--kb", path).returncode == 0
    assert "Clean an Oven  [0.60 model]" in run("tree", "Bake a Cake", "--kb", path).stdout
    assert run("review", "add", 1, "related", "--who", "ann", "--kb", path).returncode == 0
    assert "Line a Pan" not in run("tree", "Bake a Cake", "--kb", path).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["add", 3, "great"], 1, "verdict"),
        (["add", 99, "exact", "Line a Pan"], 1, "no step 99"),
        (["add", 3, "exact", "Fly a Kite"], 1, "no goal"),
        (["add", 3, "exact", "Bake a Cake"], 1, "it is in"),
        (["add", 3, "another goal"], 1, "name a goal"),
        (["add", 3, "no link", "Line a Pan"], 1, "except"),
        (["add"], 2, "name a step"),
        (["add", 3, "exact", "--who", " "], 1, "who"),
        (["add", 3, "exact", "--note", "x" * 3000], 1, "note"),
        (["add", "--file", "missing.csv"], 1, "missing.csv"),
        (["undo", "0"], 1, "no review"),
        (["list", "--format", "xml"], 2, "format"),
    ],
)
def test_bad_input_is_reported(run: Run, path: Path, arguments: list[object], code: int, word: str) -> None:
    done = run("review", *arguments, *([] if "--who" in arguments or arguments[0] == "list" else ["--who", "ann"]),
               "--kb", path)  # fmt: skip
    if arguments[0] == "undo" and code == 1:
        assert "review list" in done.stderr
    assert done.returncode == code and word in done.stderr, done.stderr
    assert not read(reviews_path(path)).reviews


def test_a_plan_row_that_is_no_verdict_is_reported_and_the_others_kept(
    run: Run, path: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.csv"
    run("review", "sample", "-o", plan, "--kb", path)
    rows = list(csv.DictReader(plan.open(encoding="utf-8")))
    assert len(rows) == 3
    with plan.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row, verdict in zip(rows, ("exact", "so-so", ""), strict=True):
            writer.writerow({**row, "verdict": verdict})
    done = run("review", "add", "--file", plan, "--who", "ann", "--kb", path)
    assert done.returncode == 1 and "plan.csv:3" in done.stderr and "so-so" in done.stderr
    assert len(read(reviews_path(path)).reviews) == 1


def test_alpha_of_a_worked_table() -> None:
    grades = {
        "ann": ("exact", "exact", "related", "unhelpful"),
        "bob": ("exact", "helpful", "related", "related"),
    }
    given = [
        Review("a", 1, step, "h", verdict, "g", who)  # type: ignore[arg-type]
        for who, verdicts in grades.items()
        for step, verdict in enumerate(verdicts, 1)
    ]
    # By hand: the ordinal distance of grades c and k is (sum of the counts from c to k - (n_c + n_k) / 2) squared.
    counts = {"unhelpful": 1, "related": 3, "helpful": 1, "exact": 3}
    order = list(counts)

    def distance(c: str, k: str) -> float:
        low, high = sorted((order.index(c), order.index(k)))
        return (sum(counts[g] for g in order[low : high + 1]) - (counts[c] + counts[k]) / 2) ** 2

    observed = sum(2 * distance(a, b) for a, b in zip(*grades.values(), strict=True)) / 8
    expected = sum(counts[c] * counts[k] * distance(c, k) for c in order for k in order if c != k) / (8 * 7)
    assert agreement(given).alpha == pytest.approx(1 - observed / expected)
    assert agreement(given[:1]).alpha is None


def test_precision_counts_what_people_decided(path: Path) -> None:
    with KnowledgeBase(path) as kb:
        say_of(kb, 1, "exact", LINE)
        say_of(kb, 3, "another goal", PREHEAT)
        parts = precision(kb)
        assert [(p.links, p.judged, p.right) for p in parts if p.links] == [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
        assert training_pairs(kb) == [
            {"step": "Line the tin.", "goal": "Line a Pan", "not": []},
            {"step": "Heat the oven.", "goal": "Preheat an Oven", "not": ["Clean an Oven"]},
        ]


def test_a_model_is_kept_and_exported_but_is_no_person(run: Run, path: Path, tmp_path: Path) -> None:
    with KnowledgeBase(path) as kb:
        before = links(kb)
        for judge in ("model:a", "Model:b"):
            say_of(kb, 1, "exact", LINE, judge)
            say_of(kb, 2, "no link", None, judge)
            say_of(kb, 3, "another goal", PREHEAT, judge)
        assert links(kb) == before
        assert agreement(kb.log.reviews).people == 0 and agreement(kb.log.reviews).models == 2
        assert agreement(kb.log.reviews).shared == 0 and agreement(kb.log.reviews).alpha is None
        assert sum(part.judged for part in precision(kb)) == 0
        kept = kb.query(
            "SELECT who, state, count(*) FROM verdicts WHERE NOT is_person(who) GROUP BY ALL ORDER BY 1"
        )
        assert kept.fetchall() == [("Model:b", "current", 3), ("model:a", "current", 3)]
        models = {"models": ["Model:b", "model:a"]}
        assert training_pairs(kb) == [
            {"step": "Line the tin.", "goal": "Line a Pan", "not": [], **models},
            {"step": "Beat the eggs.", "goal": None, "not": ["Clean an Oven"], **models},
            {"step": "Heat the oven.", "goal": "Preheat an Oven", "not": ["Clean an Oven"], **models},
        ]
        say_of(kb, 1, "helpful", LINE)
        say_of(kb, 3, "unhelpful", PREHEAT)
        assert links(kb) == [(1, LINE, "person"), (3, CLEAN, "model")]
        relation = kb.query("SELECT relation FROM edges WHERE step_id = 1").fetchall()
        assert relation == [("helpful",)]  # not the models' "exact"
        assert agreement(kb.log.reviews).people == 1
        assert training_pairs(kb) == [
            {"step": "Line the tin.", "goal": "Line a Pan", "not": []},
            {"step": "Beat the eggs.", "goal": None, "not": ["Clean an Oven"], **models},
        ]
    exported = tmp_path / "gold.jsonl"
    assert run("review", "export", "-o", exported, "--kb", path).returncode == 0
    assert [json.loads(line).get("models") for line in exported.read_text().splitlines()] == [
        None,
        models["models"],
    ]
    assert "1 people" in run("review", "agreement", "--kb", path).stdout
    assert "model:a" in run("review", "list", "--kb", path).stdout
    baked = tmp_path / "baked.duckdb"
    assert run("review", "bake", "-o", baked, "--kb", path).returncode == 0
    with KnowledgeBase(baked) as kb:
        assert links(kb) == [(1, LINE, "person"), (3, CLEAN, "model")]
        assert kb.query("SELECT count(*) FROM verdicts WHERE NOT is_person(who)").fetchall() == [(6,)]
    done = run("review", "add", 1, "exact", "--who", "model:", "--kb", path)
    assert done.returncode == 1 and "model:NAME" in done.stderr
    done = run("review", "add", 1, "exact", "--who", "model:c", "--kb", path)
    assert done.returncode == 0 and "changes no link" in done.stderr


def test_reading_commands_do_not_load_what_only_reviews_need() -> None:
    code = "import kb.store, sys; print([m for m in ('krippendorff', 'scipy', 'numpy', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_reviews_find_articles_of_other_sites_by_their_former_keys(tmp_path: Path) -> None:
    def of_site(title: str, slug: str, *steps: str) -> Article:
        return article(title, *steps, slug=slug, url=f"https://{slug}")

    articles = (
        article("Boil Eggs", "Fill the pot."),
        of_site("Boil Eggs", "a.example/eggs", "Heat the water."),
        of_site("Boil Eggs", "b.example/eggs", "Heat the milk."),
        of_site("Warm Milk", "b.example/r.php?id=1", "Warm it."),
        of_site("Warm Water", "b.example/r.php?id=2", "Warm it well."),
    )
    path = small_kb(tmp_path, articles)
    hashes = {}
    with KnowledgeBase(path) as kb:
        for key, step, text_hash in kb.query(
            "SELECT key, step_id, text_hash(step_text(headline, body)) FROM steps JOIN articles USING (article_id)"
        ).fetchall():
            hashes[key.removeprefix("en:/")] = step, text_hash
    said = [
        ("en:/Boil-Eggs", "b.example/eggs", "en:/Warm-Milk"),  # its title was its key, and that of the goal
        ("en:/b.example/r.php", "b.example/r.php?id=2", "en:/Boil-Eggs"),  # its query was no part of it
        ("en:/Warm-Milk", "b.example/r.php?id=1", "en:/b.example/r.php"),  # a goal that may be either
        ("en:/Nowhere", "a.example/eggs", "en:/Boil-Eggs"),  # no key that it ever had
    ]
    for number, (former, now, goal) in enumerate(said):
        assert former != f"en:/{now}"
        review = Review(former, 1, 1, hashes[now][1], "exact", goal, "ann", id=str(number))
        append(reviews_path(path), review)
    with KnowledgeBase(path) as kb:
        states = dict(kb.query("SELECT review_id, state FROM verdicts").fetchall())
        chosen = dict(
            kb.query("SELECT step_id, key FROM edges JOIN articles ON child_id = article_id").fetchall()
        )
    assert states == {"0": "current", "1": "current", "2": "goal gone", "3": "stale"}
    assert chosen == {
        hashes["b.example/eggs"][0]: "en:/b.example/r.php?id=1",
        hashes["b.example/r.php?id=2"][0]: "en:/Boil-Eggs",
    }
