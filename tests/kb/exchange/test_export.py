"""Every export is read again, by this project or by another program, and holds what the knowledge base holds."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path

import duckdb
import networkx as nx
import pyarrow.parquet as pq
import pytest
from support.command import Run, work_folder
from support.small_kb import article, small_kb

from kb.exchange.export import TABLES_OUT
from kb.exchange.paper import probabilities
from kb.review.judging import review_of
from kb.review.reviews import append
from kb.store import KnowledgeBase

LINKS = "SELECT parent, step, child, round(probability::DOUBLE, 4) FROM links ORDER BY ALL"


@pytest.fixture
def judged(own_sample_kb: Path) -> Path:
    """The sample knowledge base with two verdicts."""
    with KnowledgeBase(own_sample_kb) as kb:
        linked = kb.query(
            "SELECT step_id, child_id FROM links WHERE source = 'model' ORDER BY step_id"
        ).fetchall()
        append(kb.reviews_path, review_of(kb, linked[0][0], "no link", None, "ann"))
        append(kb.reviews_path, review_of(kb, linked[1][0], "exact", linked[1][1], "ann"))
    return own_sample_kb


def export(run: Run, kb: Path, form: str, output: Path, *options: object) -> Path:
    done = run("export", "--format", form, "-o", output, "--kb", kb, *options)
    assert done.returncode == 0, done.stderr
    return output


def json_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_parquet_holds_every_table_packed_and_in_order(run: Run, judged: Path, tmp_path: Path) -> None:
    folder = export(run, judged, "parquet", tmp_path / "tables")
    assert {path.stem for path in folder.iterdir()} == set(TABLES_OUT)
    with KnowledgeBase(judged) as kb, duckdb.connect() as session:
        for table in TABLES_OUT:
            found = session.execute(f"FROM read_parquet('{folder / table}.parquet')").fetchall()
            assert sorted(found, key=str) == sorted(kb.query(f"FROM {table}").fetchall(), key=str), table
        for table, keys in (("articles", "article_id"), ("steps", "step_id"), ("edges", "step_id"),
                            ("candidates", "(step_id, rank)"), ("hyperlinks", "(step_id, link_number)")):  # fmt: skip
            column = session.execute(
                f"SELECT {keys} FROM read_parquet('{folder / table}.parquet')"
            ).fetchall()
            assert column == sorted(column), table
    column = pq.ParquetFile(folder / "steps.parquet").metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_articles_build_the_same_knowledge_base_again(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    path = export(run, sample_kb_path, "articles", tmp_path / "articles.jsonl")
    again = tmp_path / "again.duckdb"
    shutil.copytree(work_folder(sample_kb_path) / "links", work_folder(again) / "links")
    done = run("build", path, "-o", again)
    assert done.returncode == 0 and "0 texts encoded" in done.stderr, done.stderr
    with KnowledgeBase(sample_kb_path) as before, KnowledgeBase(again) as after:
        for table in ("methods", "steps", "hyperlinks", "categories", "aliases", "candidates", "edges"):
            query = f"FROM {table} ORDER BY ALL"
            assert before.query(query).fetchall() == after.query(query).fetchall(), table
        query = "SELECT * EXCLUDE (content_hash, source) FROM articles ORDER BY article_id"
        assert before.query(query).fetchall() == after.query(query).fetchall()


def test_json_trees_are_those_of_the_command_tree(run: Run, judged: Path, tmp_path: Path) -> None:
    trees = json_lines(export(run, judged, "json", tmp_path / "trees.jsonl", "--depth", 4))
    with KnowledgeBase(judged) as kb:
        assert [t["article_id"] for t in trees] == [
            i for (i,) in kb.query("SELECT article_id FROM articles").fetchall()
        ]
    for tree in trees[::30]:
        shown = run("tree", tree["article_id"], "--depth", 4, "--format", "json", "--kb", judged).stdout
        assert json.loads(shown) == tree


def test_edges_name_both_ends_by_key(run: Run, judged: Path, tmp_path: Path) -> None:
    lines = json_lines(export(run, judged, "edges", tmp_path / "edges.jsonl"))
    with KnowledgeBase(judged) as kb:
        keys = dict(kb.query("SELECT key, goal FROM articles").fetchall())
        links = kb.query(LINKS).fetchall()
    assert (
        sorted((e["parent_goal"], e["text"], e["child_goal"], round(e["probability"], 4)) for e in lines)
        == links
    )
    assert all(keys[e["parent"]] == e["parent_goal"] and keys[e["child"]] == e["child_goal"] for e in lines)
    assert {e["source"] for e in lines} == {"person", "editor", "model"}


def test_the_paper_s_files_come_back_as_the_same_links(
    run: Run, sample_kb_path: Path, tmp_path: Path
) -> None:
    folder = export(run, sample_kb_path, "paper", tmp_path / "paper")
    tasks = json.loads((folder / "wikihow.json").read_text(encoding="utf-8"))
    predictions = json.loads((folder / "wikihow_prediction.json").read_text(encoding="utf-8"))
    assert tasks[0].keys() == {"task", "caption", "category"} and sum(
        len(t["caption"]) for t in tasks
    ) == len(predictions)
    assert not any(p["step"].endswith(".") for p in predictions)
    assert all(sum(p["pred"].values()) == pytest.approx(1, abs=1e-5) for p in predictions)
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress((folder / "wikihow_prediction.json").read_bytes()))
    again = tmp_path / "again.duckdb"
    done = run(
        "import-predictions", packed, "--articles", folder / "wikihow.json", "-o", again, "--threshold", 0.6
    )
    assert done.returncode == 0, done.stderr
    # Titles in the paper's file carry no language, so only goals with a title of their own can be compared.
    candidates = """SELECT a.goal, coalesce(nullif(s.headline, ''), s.body), g.goal, round(c.probability, 5)
        FROM candidates c JOIN steps s USING (step_id) JOIN articles a ON a.article_id = s.article_id
        JOIN articles g ON g.article_id = c.article_id ORDER BY ALL"""
    with KnowledgeBase(sample_kb_path) as before, KnowledgeBase(again) as after:
        assert before.query(candidates).fetchall() == after.query(candidates).fetchall()
        chosen = after.query("SELECT count(*) FROM edges").fetchone()
        assert (
            chosen
            == before.query(
                "SELECT count(*) FROM candidates WHERE rank = 1 AND probability >= 0.6"
            ).fetchone()
        )
    assert run("check", again).returncode == 0
    assert run("tree", "Host a Dinner Party", "--kb", again).returncode == 0


def test_predictions_with_scores_broken_records_and_unknown_titles(run: Run, tmp_path: Path) -> None:
    tasks = [
        {
            "task": "Bake a Cake",
            "caption": ["Line the tin.", "Heat the oven.", "Enjoy."],
            "category": ["Food"],
        },
        {"task": "How to Line a Tin", "caption": ["Cut paper", "Enjoy."], "category": []},
        {"task": "Preheat an Oven", "caption": ["Turn the dial."], "category": []},
    ]
    (tmp_path / "wikihow.json").write_text(json.dumps(tasks))
    records = [
        '{"step": "Line the tin", "pred": {"Line a Tin": 7.5, "[unused2]": 2, "Preheat an Oven": 1, "Bake a Cake": 9}}',
        '{"step": "Heat the oven", "pred": {"Preheat an Oven": 0.2, "[unused2]": 0.8}}',
        '{"step": "Enjoy", "pred": {"[unused2]": 1.0, "Bake a Cake": 0.0}}',
        '{"step": "Fly", "pred": {"Bake a Cake": 0.9}}',
        '{"step": "Cut paper", "pred": {"Fold a Kite": 1.0}}',
        '{"step": "Cut paper", "pred": {}}',
        '{"step": "Cut paper", "pred": {"Bake a Cake": "high"}}',
        '{"pred": {"Bake a Cake": 1}}',
        "17",
    ]
    path = tmp_path / "wikihow_prediction.json"
    path.write_text("[" + ",\n".join(records) + ",\n{")  # and the file breaks off
    done = run(
        "import-predictions", path, "--articles", tmp_path / "wikihow.json", "-o", tmp_path / "kb.duckdb"
    )
    assert done.returncode == 0, done.stderr
    assert "5 predictions read, 5 broken, 1 of no step; 1 predicted titles are no article here" in done.stderr
    assert "wikihow_prediction.json:6: left out" in done.stderr
    with KnowledgeBase(tmp_path / "kb.duckdb") as kb:
        assert kb.query("SELECT parent, step, child FROM links").fetchall() == []
        weighed = kb.query(
            "SELECT s.headline, a.goal, c.rank, round(c.probability, 6) FROM candidates c JOIN steps s USING (step_id) "
            "JOIN articles a ON a.article_id = c.article_id ORDER BY c.step_id, rank"
        ).fetchall()
    soft = probabilities({"Line a Tin": 7.5, "[unused2]": 2.0, "Preheat an Oven": 1, "Bake a Cake": 9})
    assert weighed == [
        ("Line the tin.", "Line a Tin", 1, pytest.approx(soft["Line a Tin"], abs=1e-5)),
        ("Line the tin.", "Preheat an Oven", 2, pytest.approx(soft["Preheat an Oven"], abs=1e-5)),
        ("Heat the oven.", "Preheat an Oven", 1, pytest.approx(0.2)),
        ("Enjoy.", "Bake a Cake", 1, 0),
    ]  # the cake's own step "Enjoy." has no candidate: no step is linked to its own article
    assert sum(soft.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "word"), [(None, "prediction.json"), ("[]", "no predictions"), ("{", "no predictions")]
)
def test_a_file_without_predictions(run: Run, tmp_path: Path, content: str | None, word: str) -> None:
    (tmp_path / "wikihow.json").write_text('[{"task": "Bake a Cake", "caption": ["Line the tin."]}]')
    path = tmp_path / "prediction.json"
    if content is not None:
        path.write_text(content)
    done = run(
        "import-predictions", path, "--articles", tmp_path / "wikihow.json", "-o", tmp_path / "kb.duckdb"
    )
    assert done.returncode == 1 and word in done.stderr and not (tmp_path / "kb.duckdb").exists()


def test_networkx_reads_the_graph(run: Run, judged: Path, tmp_path: Path) -> None:
    graph = nx.read_graphml(
        export(run, judged, "graphml", tmp_path / "kb.graphml"), node_type=int, force_multigraph=True
    )
    with KnowledgeBase(judged) as kb:
        goals = kb.query("SELECT article_id, goal, steps FROM goals").fetchall()
        links = kb.query(
            "SELECT parent_id, child_id, step, source, round(probability::DOUBLE, 5) FROM links ORDER BY ALL"
        ).fetchall()
    assert [(n, d["goal"], d["steps"]) for n, d in sorted(graph.nodes(data=True))] == sorted(goals)
    found = [(u, v, d["step"], d["source"], round(d["probability"], 5)) for u, v, d in graph.edges(data=True)]
    assert sorted(found) == links and graph.is_directed()


def test_texts_that_xml_and_spreadsheets_trip_over(run: Run, tmp_path: Path) -> None:
    titles = ("=SUM(A1) & <Bake>", 'Say "It\'s" ]]> 🎂')
    kb = small_kb(tmp_path, [article(title, "@do <it> & that\u000b") for title in titles], ((0, 0, 1, 0.9),))
    graph = nx.read_graphml(export(run, kb, "graphml", tmp_path / "kb.graphml"))
    assert {data["goal"] for _, data in graph.nodes(data=True)} == set(titles)
    (row,) = csv.DictReader(
        export(run, kb, "missing-links", tmp_path / "m.csv").open(encoding="utf-8", newline="")
    )
    assert row["step_text"].startswith("'@do") and {row["article"], row["suggested_article"]} == {
        "'" + titles[0],
        titles[1],
    }


def test_missing_links_leave_out_what_editors_linked(run: Run, judged: Path, tmp_path: Path) -> None:
    path = export(run, judged, "missing-links", tmp_path / "missing.csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    with KnowledgeBase(judged) as kb:
        linked = set(kb.query("SELECT step_id, target_id FROM hyperlinks").fetchall())
        links = kb.query("SELECT step_id, child_id, parent, step, child FROM links").fetchall()
    expected = [(parent, step, child) for i, c, parent, step, child in links if (i, c) not in linked]
    assert sorted((r["article"], r["step_text"], r["suggested_article"]) for r in rows) == sorted(expected)
    figures = [float(row["probability"]) for row in rows]
    assert figures == sorted(figures, reverse=True) and figures[0] == 1


def test_an_export_that_cannot_be_written(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for form in ("parquet", "graphml"):
        done = run("export", "--format", form, "-o", tmp_path / "file" / "below", "--kb", sample_kb_path)
        assert done.returncode == 1 and "cannot write" in done.stderr
    assert run("export", "--format", "pdf", "-o", tmp_path / "x", "--kb", sample_kb_path).returncode == 2


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_wrong_character_costs_its_record_and_a_wrong_byte_that_breaks_json_is_counted(
    run: Run, tmp_path: Path, form: str
) -> None:
    (tmp_path / "wikihow.json").write_text(
        json.dumps([{"task": "Bake a Cake", "caption": ["Line the tin."], "category": []},
                    {"task": "Line a Tin", "caption": ["Cut paper."], "category": []}])
    )  # fmt: skip
    right = b'{"step": "Line the tin", "pred": {"Line a Tin": 0.9}}'
    records = [
        b'{"step": "Fly \\ud800", "pred": {"Line a Tin": 0.9}}',
        b'{"step": "Fly", "pred": {"Line \\udfff": 0.9}}',
        b'{"step": "Fly \xed\xa0\x80", "pred": {"Line a Tin": 0.9}}',
        right,
    ]
    path, output = tmp_path / f"wikihow_prediction.{form}", tmp_path / "kb.duckdb"
    whole = b"[" + b",".join(records) + b"]" if form == "json" else b"\n".join(records)
    path.write_bytes(whole)
    done = run("import-predictions", path, "--articles", tmp_path / "wikihow.json", "-o", output)
    assert done.returncode == 0 and "1 of 2 steps have predictions" in done.stderr, done.stderr
    if form == "json":
        path.write_bytes(b"[" + right + b", {]" + b",".join([right] * 81) + b"]")
        done = run("import-predictions", path, "--articles", tmp_path / "wikihow.json", "-o", output)
        assert "81 records are lost" in done.stderr and "1 predictions read, 81 broken" in done.stderr
