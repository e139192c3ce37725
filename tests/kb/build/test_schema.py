"""The file that a build writes: links apart from guesses, all that an article says, and a comment on everything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.command import SAMPLE, Run, work_folder
from support.reading import PAGES
from support.small_kb import article, small_kb

from crawl.article import Article, Method, Step, StepLink
from crawl.corpus.write import read_corpus
from crawl.readers.records import article_of
from kb.store import KnowledgeBase
from kb.work import WorkFolder
from linking.model import Model

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def plain(sample_kb_path: Path):
    """The sample in plain DuckDB, as a program has it that knows nothing of howtree."""
    with duckdb.connect(str(sample_kb_path), read_only=True) as session:
        yield lambda sql: session.execute(sql).fetchall()


# Links and guesses


def test_edges_are_what_a_person_calls_links(run: Run, plain: Query, sample_kb_path: Path) -> None:
    ((edges,),) = plain("SELECT count(*) FROM edges")
    facts = json.loads(run("info", "--json", "--kb", sample_kb_path).stdout)
    assert facts["linked_steps"] == edges > 40
    ((guesses,),) = plain("SELECT count(*) FROM guesses")
    assert guesses > 0 and plain("SELECT count(*) FROM steps")[0][0] >= edges + guesses
    assert (
        plain(
            "SELECT * FROM edges WHERE source = 'model' AND probability < "
            "(SELECT value::FLOAT FROM meta WHERE key = 'threshold')"
        )
        == []
    )
    assert plain(
        "SELECT step_id, child_id, probability FROM best_links WHERE source = 'model' ORDER BY ALL"
    ) == plain(
        "SELECT step_id, article_id, probability FROM candidates ANTI JOIN "
        "(SELECT step_id FROM edges WHERE source = 'editor') USING (step_id) WHERE rank = 1 ORDER BY ALL"
    )


def linked(goal: dict[str, Any]) -> dict[int, float]:
    """Steps and the probability of their links, of a tree as JSON."""
    found: dict[int, float] = {}
    for method in goal.get("methods", ()):
        for step in method["steps"]:
            if "link" in step:
                found |= {step["step_id"]: step["link"]["probability"]} | linked(step["link"])
    return found


@pytest.mark.parametrize(
    ("option", "value"), [("--threshold", 0), ("--threshold", 0.1), ("--threshold", 0.9), ("--beta", 2)]
)
def test_a_tree_takes_guesses_below_the_threshold_and_fewer_links_above_it(
    run: Run, sample_kb: KnowledgeBase, option: str, value: float
) -> None:
    def shown(*options: object) -> dict[int, float]:
        done = run(
            "tree", "Host a Dinner Party", "--depth", 3, "--format", "json", *options, "--kb", sample_kb.path
        )
        assert done.returncode == 0, done.stderr
        return linked(json.loads(done.stdout))

    built, asked = shown(), shown(option, value)
    least = value if option == "--threshold" else sample_kb.threshold_for(value)
    assert all(probability >= round(least, 4) for probability in asked.values())
    assert (built.keys() < asked.keys()) if least < sample_kb.threshold else (asked.keys() < built.keys())
    rows = sample_kb.query(
        "SELECT step_id, round(probability, 4) FROM procedure_tree('Host a Dinner Party', 3, ?) "
        "WHERE child_id IS NOT NULL",
        [least],
    ).fetchall()
    assert asked == pytest.approx(dict(rows), abs=1e-4)


# All that an article says


def read_again(path: Path) -> list[Article]:
    """The articles of an export, each field as a reader of records has it."""
    lines = path.read_text("utf-8").splitlines()
    return [article_of(json.loads(line), "", keep_source=True) for line in lines]


def round_trip(run: Run, kb: Path, folder: Path) -> list[Article]:
    """The articles of the corpus that `kb` was built from, after checking that exports give them back to the letter."""
    articles = sorted(read_corpus(WorkFolder(kb).corpus), key=lambda each: each.key)
    files = []
    for number, source in enumerate((kb, folder / "again.duckdb")):
        files.append(folder / f"{number}.jsonl")
        if number:
            shutil.copytree(work_folder(kb) / "links", work_folder(source) / "links")
            done = run("build", files[0], "-o", source)
            assert done.returncode == 0 and "0 texts encoded" in done.stderr, done.stderr
        done = run("export", "--format", "articles", "-o", files[number], "--kb", source)
        assert done.returncode == 0, done.stderr
    first, second = map(read_again, files)
    assert first == articles
    assert second == [
        replace(each, source=again.source) for each, again in zip(articles, second, strict=True)
    ]
    return articles


FULL = Article(
    language="de",
    title="How to Straße kehren",
    methods=(
        Method(
            "method", 1, "", (Step(1, "", "Body alone.", ("a", "b")), Step(2, "Sweep \u2028 it.", "", ("",)))
        ),
        Method(
            "method",
            2,
            "With a broom",
            (
                Step(
                    1,
                    "Take a broom.",
                    links=(
                        StepLink("Besen", "", "broom", "headline"),
                        StepLink("Besen", "Besen", "a broom", "bullet", "en"),
                        StepLink("Broom", "", "", "body", "de"),
                    ),
                ),
            ),
        ),
    ),
    slug="Strasse",
    goal="Straße kehren",
    page_id=0,
    revision=7,
    url="https://www.example.org/Strasse?a=1&b",
    site="streets",
    introduction="Intro with <b>.",
    categories=("Home", "Home"),
    ingredients=("½ l water", "½ l water"),
    things=("Broom", "brush"),
    tools=("Cart",),
    tips=("b", "a"),
    warnings=("w",),
    related=("z", "a", "z"),
    aliases=("z", "a", "Strasse"),
    references=("r2", "r1"),
    licence="CC0",
    published="2001-02-03",
    modified="2001-02-03T04:05:06Z",
    fetched_at="2002",
    source="pages/a.html",
)


def test_every_field_of_an_article_comes_back(run: Run, tmp_path: Path) -> None:
    bare = Article("en", "Wait", (Method("single", 1, "", (Step(1, "Wait."),)),))
    kb, output = small_kb(tmp_path, [FULL, bare]), tmp_path / "again.jsonl"
    done = run("export", "--format", "articles", "-o", output, "--kb", kb)
    assert done.returncode == 0, done.stderr
    again, least = read_again(output)
    (stored,) = [each for each in read_corpus(tmp_path / "corpus") if each.language == "de"]
    assert again == stored
    for field in fields(Article):
        if field.name not in ("source", "methods"):  # file and line replace the one, blanks of the other go
            assert getattr(again, field.name) == getattr(FULL, field.name) != getattr(least, field.name), (
                field.name
            )
    assert [link.language for link in again.methods[1].steps[0].links] == ["", "en", ""]


def test_the_sample_comes_back_to_the_letter(
    run: Run, plain: Query, sample_kb_path: Path, tmp_path: Path
) -> None:
    articles = round_trip(run, sample_kb_path, tmp_path)
    for table, count in {
        "things": sum(len(each.ingredients) + len(each.things) + len(each.tools) for each in articles),
        "notes": sum(len(each.tips) + len(each.warnings) for each in articles),
        "citations": sum(len(each.references) for each in articles),
        "related": sum(len(each.related) for each in articles),
    }.items():
        assert plain(f"SELECT count(*) FROM {table}") == [(count,)] and count > 0, table
    dated = sum(bool(each.modified or each.published) for each in articles)
    assert plain("SELECT count(*) FROM articles WHERE coalesce(modified, published) IS NOT NULL") == [
        (dated,)
    ]
    assert plain("SELECT DISTINCT site FROM articles WHERE url IS NOT NULL AND site IS NULL") == []


def test_the_pages_of_the_fixtures_come_back_to_the_letter(run: Run, tmp_path: Path) -> None:
    kb = tmp_path / "kb.duckdb"
    assert run("build", PAGES, "-o", kb).returncode == 0
    assert len(round_trip(run, kb, tmp_path)) >= 8


def test_saved_pages_come_back_to_the_letter(run: Run, real_data: Path, tmp_path: Path) -> None:
    pages = sorted(real_data.rglob("*.html"))[:40]
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, page in enumerate(pages):
        shutil.copy(page, folder / f"{number}-{page.name}")
    kb = tmp_path / "kb.duckdb"
    assert run("build", folder, "-o", kb).returncode == 0
    assert len(round_trip(run, kb, tmp_path)) > 10


AMOUNTS = {
    "2 cups of flour": "2 cups",
    "1 1/2 tbsp sugar": "1 1/2 tbsp",
    "½ teaspoon salt": "½ teaspoon",
    "3-4 eggs": "3-4",
    "250 g butter": "250 g",
    "1 to 2 Tbsp. (30 ml) oil": "1 to 2 Tbsp.",
    "A large bowl": None,
    "12-inch pan": None,
    "9 x 5 inch tin": None,
    "Vinegar, 1 cup": None,
}


def test_what_one_needs_is_found_by_its_words(tmp_path: Path) -> None:
    path = small_kb(
        tmp_path,
        (
            article("Bake a Cake", "Line the tin.", ingredients=tuple(AMOUNTS), things=("Cake tin",)),
            article("Clean an Oven", "Scrub the racks.", things=("White vinegar",), tips=("Air the room.",)),
        ),
    )
    with KnowledgeBase(path) as kb:
        rows = kb.query(
            "SELECT text, amount FROM things WHERE kind = 'ingredient' ORDER BY number"
        ).fetchall()
        assert dict(rows) == AMOUNTS
        using = kb.query("SELECT goal, kind, text FROM goals_using('VINEGAR')").fetchall()
        assert using == [
            ("Bake a Cake", "ingredient", "Vinegar, 1 cup"),
            ("Clean an Oven", "thing", "White vinegar"),
        ]
        both = kb.query("SELECT text FROM goals_using('cup vinegar CUP')").fetchall()
        assert both == [("Vinegar, 1 cup",)]
        assert kb.query("FROM goals_using(' ')").fetchall() == []
        assert kb.query("SELECT count(*) FROM goal_things").fetchone() == (len(AMOUNTS) + 2,)


# A file that explains itself


def test_everything_in_the_file_has_a_comment(plain: Query) -> None:
    ours = "database_name = current_database() AND NOT internal AND comment IS NULL"
    assert plain(f"SELECT table_name FROM duckdb_tables() WHERE {ours}") == []
    assert plain(f"SELECT view_name FROM duckdb_views() WHERE {ours}") == []
    assert plain(f"SELECT table_name, column_name FROM duckdb_columns() WHERE {ours}") == []
    assert plain(f"SELECT function_name FROM duckdb_functions() WHERE {ours}") == []
    ((said,),) = plain("SELECT comment FROM duckdb_tables() WHERE table_name = 'edges'")
    assert "one row per step that is linked" in said
    ((said,),) = plain(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'links' AND column_name = 'step'"
    )
    assert said == "headline of the step"


UNKNOWN = (
    "FROM children('Host a Diner Partty')",
    "FROM procedure_tree('Host a Diner Partty')",
    "FROM ancestors('Host a Diner Partty')",
    "FROM paths('Host a Diner Partty', 'Clean an Oven')",
    "FROM paths('Clean an Oven', 'Host a Diner Partty')",
)


@pytest.mark.parametrize("sql", UNKNOWN)
def test_a_macro_on_an_unknown_goal_names_the_nearest(
    run: Run, plain: Query, sample_kb_path: Path, sql: str
) -> None:
    with pytest.raises(duckdb.Error, match=r"there is no goal.*Host a Dinner Party"):
        plain(sql)
    done = run("sql", sql, "--kb", sample_kb_path)
    assert done.returncode == 1 and done.stdout == ""
    assert 'there is no goal "Host a Diner Partty". Near ones: Host a Dinner Party' in done.stderr
    assert "Invalid Input" not in done.stderr


def test_a_goal_id_that_is_not_there_is_null(plain: Query) -> None:
    assert plain("SELECT goal_id('Host a Diner Partty'), goal_id(NULL), goal_id(99999)") == [
        (None, None, None)
    ]
    with pytest.raises(duckdb.Error, match=r"no goal .zzz."):
        plain("FROM children('zzz')")


# What made the file


def test_the_file_names_what_it_was_made_of(run: Run, plain: Query, sample_kb_path: Path) -> None:
    meta = dict(plain("FROM meta"))
    ((inputs, models),) = plain("SELECT inputs, models FROM runs")
    assert json.loads(meta["sources"]) == json.loads(inputs)["digests"] and str(SAMPLE) in meta["sources"]
    recorded = json.loads(models)
    for part in ("encoder_digest", "reranker_digest", "decision_digest"):
        assert meta[part] == recorded[part] and len(meta[part]) >= 16
    facts = json.loads(run("info", "--json", "--kb", sample_kb_path).stdout)
    assert facts["sources"] == json.loads(meta["sources"])
    assert facts["decision_digest"] == meta["decision_digest"]
    assert f"{SAMPLE} ({facts['sources'][str(SAMPLE)]})" in run("info", "--kb", sample_kb_path).stdout


def test_another_decision_takes_the_place_of_the_encoder_s_own(
    run: Run, own_sample_kb: Path, tmp_path: Path
) -> None:
    path = tmp_path / "decision.json"
    own = Model.load().decision
    assert own is not None
    own.save(path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"threshold": 0.9, "temperature": 2.0}))
    done = run("build", SAMPLE, "-o", own_sample_kb, "--decision", path)
    assert done.returncode == 0 and "0 texts encoded" in done.stderr, done.stderr
    with KnowledgeBase(own_sample_kb) as kb:
        assert kb.threshold == 0.9
        digests = [
            json.loads(models)["decision_digest"]
            for (models,) in kb.query("SELECT models FROM runs ORDER BY run_id").fetchall()
        ]
        assert digests[0] == own.digest != digests[1] == kb.meta["decision_digest"]
        ((parameters,),) = kb.query("SELECT parameters FROM runs WHERE run_id = 2").fetchall()
        assert json.loads(parameters)["decision"] == str(path) and json.loads(parameters)["temperature"] == 2
    before = own_sample_kb.read_bytes()
    path.write_text(json.dumps(values | {"weights": "of another encoder"}))
    for file, word in (
        (path, "fitted for other weights"),
        (tmp_path / "none.json", "none.json holds no decision"),
    ):
        done = run("build", SAMPLE, "-o", own_sample_kb, "--decision", file)
        assert done.returncode == 1 and word in done.stderr and "Traceback" not in done.stderr
    assert own_sample_kb.read_bytes() == before


# A file of schema version 1

VERSION_1 = """
CREATE OR REPLACE TABLE edges AS
SELECT parent_id, step_id, child_id, probability, source, true AS chosen FROM edges
UNION ALL SELECT parent_id, step_id, child_id, probability, source, false FROM guesses;
DROP TABLE guesses;
DROP TABLE things;
DROP TABLE notes;
DROP TABLE citations;
DROP TABLE related;
DROP TABLE alternatives;
DROP TABLE verdicts;
DROP TABLE goal_vectors;
ALTER TABLE candidates DROP COLUMN relation;
ALTER TABLE articles DROP COLUMN site;
UPDATE meta SET value = '1' WHERE key = 'schema_version';
"""


@pytest.fixture
def version_1(own_sample_kb: Path) -> Path:
    """The sample with the tables of schema version 1."""
    with duckdb.connect(str(own_sample_kb)) as session:
        session.execute(VERSION_1)
    return own_sample_kb


def test_an_older_file_is_refused_with_what_to_do(run: Run, version_1: Path) -> None:
    for command in (["info"], ["tree", "Clean an Oven"], ["sql", "FROM goals"]):
        done = run(*command, "--kb", version_1)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert (
            f"{version_1} has schema version 1, this howtree reads version 2: run the `howtree build`"
            in done.stderr
        )
    assert run("diff", version_1, version_1).returncode == 1


def test_a_file_that_lacks_a_table_is_refused_with_what_to_do(run: Run, own_sample_kb: Path) -> None:
    with duckdb.connect(str(own_sample_kb)) as session:
        session.execute("DROP TABLE things_by_word")
    done = run("info", "--kb", own_sample_kb)
    assert done.returncode == 1
    assert (
        f"{own_sample_kb} lacks things_by_word, which howtree now reads: run the `howtree build`"
        in done.stderr
    )


def test_a_build_over_an_older_file_encodes_nothing_again_and_keeps_its_runs(
    run: Run, version_1: Path
) -> None:
    done = run("build", SAMPLE, "-o", version_1)
    assert done.returncode == 0 and "0 texts encoded, 0 searched" in done.stderr, done.stderr
    with KnowledgeBase(version_1) as kb:
        assert kb.query("SELECT count(*), max(run_id) FROM runs").fetchone() == (2, 2)
        assert kb.meta["schema_version"] == "2"


def test_a_newer_file_is_refused(run: Run, own_sample_kb: Path) -> None:
    with duckdb.connect(str(own_sample_kb)) as session:
        session.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    done = run("info", "--kb", own_sample_kb)
    assert done.returncode == 1 and "install the version of howtree that made it" in done.stderr
