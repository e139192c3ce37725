"""The build on real articles. Skips without HOWTREE_REAL_DATA."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import duckdb
import pytest
from support.command import Run

from linking.encode.device import has_fast_bfloat16
from linking.encode.encoder import load_encoder
from linking.text import goal_text, step_text

pytestmark = pytest.mark.real

KEYED = """
SELECT p.key, s.method_number, s.step_number, x.rank, g.key, x.retrieval_score, x.probability
FROM candidates x JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = s.article_id JOIN articles g ON g.article_id = x.article_id
"""
EDGES = """
SELECT p.key, s.method_number, s.step_number, g.key, e.probability, e.source, e.chosen
FROM best_links e JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = e.parent_id JOIN articles g ON g.article_id = e.child_id
"""


def records(path: Path) -> list[dict]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def some_records(real_sources: tuple[Path, ...]) -> list[dict]:
    """A sixteenth of wikiHow's articles."""
    return records(real_sources[1])[::4]


def written(text: str) -> str:
    """The text without what may differ: spaces, for a headline that ends at a full-width stop gets one; hyphens that
    are not seen; the dots of a step that its source has cut.
    """
    return "".join(text.split()).replace("\xad", "").replace("...", ".")


def whole_steps(method: dict) -> Iterator[str]:
    """Headlines with their bodies, where a record has bodies; some begin with the headline."""
    for step, body in zip_longest(method["steps"], method.get("bodies") or ()):
        yield body if written(body or "").startswith(written(step)) else f"{step} {body or ''}"


def says_something(text: str) -> bool:
    """Whether it is a step: two of all these are a full stop alone."""
    return any(letter.isalnum() for letter in text)


def difference(one: Path, other: Path, sql: str) -> int:
    """Rows that the query gives on only one of two knowledge bases."""
    with duckdb.connect() as session:
        for name, path in (("one", one), ("other", other)):
            session.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
            session.execute(f"USE {name}")
            session.execute(f"CREATE TABLE memory.{name} AS {sql}")
        session.execute("USE memory")
        sides = "(FROM one EXCEPT ALL FROM other) UNION ALL (FROM other EXCEPT ALL FROM one)"
        row = session.execute(f"SELECT count(*) FROM ({sides})").fetchone()
    assert row is not None
    return int(row[0])


def test_every_real_article_and_step_is_in_it_once(
    real_sources: tuple[Path, ...], real_kb_path: Path
) -> None:
    articles = [record for source in real_sources for record in records(source)]
    with duckdb.connect(str(real_kb_path), read_only=True) as session:
        titles = Counter(row[0] for row in session.execute("SELECT title FROM articles").fetchall())
        steps = Counter(
            (*place, written(text))
            for *place, text in session.execute(
                "SELECT title, method_number, step_number, headline || body FROM steps JOIN articles USING (article_id)"
            ).fetchall()
        )
        skipped = session.execute("SELECT count(*) FROM skipped").fetchone()
    assert skipped == (0,)
    assert titles == Counter(" ".join(record["title"].split()) for record in articles)
    expected = Counter(
        (" ".join(record["title"].split()), i, j, written(text))
        for record in articles
        for i, method in enumerate(record["methods"], 1)
        for j, text in enumerate(filter(says_something, whole_steps(method)), 1)
    )
    assert steps == expected
    assert steps.total() == sum(len(m["steps"]) for record in articles for m in record["methods"]) - 2


def test_adding_one_in_a_hundred_equals_a_full_build(
    run: Run, some_records: list[dict], tmp_path: Path
) -> None:
    lines = [json.dumps(record) for record in some_records[::2]]
    most, rest = tmp_path / "most.jsonl", tmp_path / "rest.jsonl"
    most.write_text("\n".join(line for i, line in enumerate(lines) if i % 100 != 50), encoding="utf-8")
    rest.write_text("\n".join(lines[50::100]), encoding="utf-8")
    full, grown = tmp_path / "full.duckdb", tmp_path / "grown.duckdb"
    for output, *sources in ((full, most, rest), (grown, most), (grown, most, rest)):
        done = run("build", *sources, "-o", output)
        assert done.returncode == 0, done.stderr
    assert difference(grown, full, EDGES) == 0
    assert difference(grown, full, KEYED) == 0


@pytest.mark.skipif(not has_fast_bfloat16(), reason="this processor has no fast bfloat16")
def test_bfloat16_finds_the_same_goal_for_nearly_all_steps(some_records: list[dict]) -> None:
    goals = [goal_text(record["title"]) for record in some_records]
    steps = [step_text(s) for record in some_records[::2] for m in record["methods"] for s in m["steps"]]
    best = []
    for precision in ("float32", "bfloat16"):
        encoder = load_encoder(precision=precision)
        best.append((encoder.encode(steps) @ encoder.encode(goals).T).argmax(axis=1))
    assert len(steps) > 1500
    assert (best[0] == best[1]).mean() >= 0.97
