"""Builds with a verifier: what is read, that the same input gives the same links in any way, and other rerankers."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import Run, work_folder
from support.contents import content, rows
from support.verifiers import model_with_verifier, random_cross_encoder

import kb.build.read
from kb.build.build import BuildTally, Options, build
from kb.build.fill import load_corpus, new_file
from kb.build.read import read_goals, read_steps
from linking.encode.packaged import BASE_ENCODER, packaged_model
from linking.model import Model
from linking.verify import verifying
from linking.verify.judgement import Reads

TITLES = {
    "Wash a Car": ["Fill a bucket", "Wash the wheels", "Dry the car", "Enjoy!"],
    "Wash the Car 2": ["Rinse the car", "Polish the car"],
    "Bake Bread": ["Knead the dough", "Bake the bread", "Slice the bread"],
    "Slice Bread": ["Take a knife", "Cut the bread"],
    "Make Toast": ["Slice bread", "Heat the toaster", "Butter the toast"],
    "Boil Eggs": ["Boil water", "Add the eggs", "Peel the eggs"],
    "Boil Water": ["Fill a kettle", "Heat the water"],
    "Dry a Car": ["Take a towel", "Wipe the roof"],
}


def source(folder: Path, titles: list[str]) -> Path:
    """Articles of some of the titles, the steps of the longer ones in two methods."""
    lines = []
    for title in titles:
        steps = [{"number": i, "headline": text} for i, text in enumerate(TITLES[title], 1)]
        halves = [("method", 1, "By Hand", steps[:2]), ("method", 2, "With Help", steps[2:])]
        methods = halves if len(steps) > 3 else [("single", 1, "", steps)]
        methods = [
            {
                "kind": kind,
                "number": n,
                "name": name,
                "steps": [{**s, "number": i} for i, s in enumerate(some, 1)],
            }
            for kind, n, name, some in methods
        ]
        lines.append(json.dumps({"language": "en", "title": title, "methods": methods}))
    path = folder / "articles.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(model_with_verifier(tmp_path_factory.mktemp("model") / "model"))


def built(folder: Path, titles: list[str], **options: object) -> tuple[Path, BuildTally]:
    output = folder / "kb.duckdb"
    folder.mkdir(exist_ok=True)
    return output, build([source(folder, titles)], output, Options(part_size=4, **options))  # type: ignore[arg-type]


def links(kb: Path) -> dict[str, list[tuple]]:
    """All that a knowledge base says of links."""
    return {table: found for table, found in content(kb).items() if table in ("candidates", "edges")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, model: str) -> tuple[Path, BuildTally]:
    return built(tmp_path_factory.mktemp("whole"), list(TITLES), encoder=model)


def test_probabilities_come_from_the_verifier_and_ranks_follow_them(whole: tuple[Path, BuildTally]) -> None:
    kb, tally = whole
    assert tally.links.verified > 50 and "verify" in tally.seconds
    found = rows(kb, "SELECT probability, rank FROM candidates ORDER BY step_id, rank")
    for (p, rank), (q, following) in itertools.pairwise(found):
        assert following == 1 or (following == rank + 1 and p >= q)
    assert rows(kb, "SELECT value FROM meta WHERE key = 'threshold'") == [("0.5",)]
    (models,) = rows(kb, "SELECT models FROM runs")[-1]
    assert json.loads(models)["verifier_digest"]


def test_the_article_again_and_steps_without_action_are_never_chosen(whole: tuple[Path, BuildTally]) -> None:
    kb = whole[0]
    of_a_step = "FROM candidates JOIN steps USING (step_id) WHERE headline = 'Enjoy!'"
    assert rows(kb, f"SELECT count(*), max(probability) {of_a_step}") == [(7, 0)]
    again = """
        FROM candidates c JOIN steps s USING (step_id)
        JOIN articles o ON o.article_id = s.article_id JOIN articles a ON a.article_id = c.article_id
        WHERE (o.goal, a.goal) IN (('Wash a Car', 'Wash the Car 2'), ('Wash the Car 2', 'Wash a Car'))"""
    assert rows(kb, f"SELECT count(*), min(probability), max(c.probability) FILTER (rank = 1) {again}") == [
        (6, 0, None)
    ]


def test_incremental_resumed_and_pooled_builds_are_equal(
    whole: tuple[Path, BuildTally], model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb, tally = whole
    titles = list(TITLES)
    monkeypatch.setattr(verifying, "AT_ONCE", 3)  # fewer pairs than any of these builds weighs
    output, _ = built(tmp_path / "part", titles[2:5], encoder=model)
    again, rest = built(tmp_path / "part", titles, encoder=model)
    assert again == output and links(output) == links(kb)
    assert 0 < rest.links.verified < tally.links.verified
    parts = sorted(work_folder(output).glob("links/en/*/pairs-*/part-*[0-9].npy"))
    assert len(parts) > 5
    for part in parts[1::2]:
        part.unlink()  # as after a kill: laid out and not yet read
    _, resumed = built(tmp_path / "part", titles, encoder=model)
    assert links(output) == links(kb) and 0 < resumed.links.verified < tally.links.verified
    assert built(tmp_path / "part", titles, encoder=model)[1].links.verified == 0
    pooled, _ = built(tmp_path / "pool", titles, encoder=model, executor="pool", workers=2)
    assert links(pooled) == links(kb)


def test_places_know_their_neighbours_and_candidates_their_articles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from crawl.corpus.write import write_corpus

    write_corpus([source(tmp_path, list(TITLES))], tmp_path / "corpus")
    with new_file(tmp_path / "kb.duckdb") as session:
        load_corpus(session, tmp_path / "corpus")
        one = [p for batch in read_steps(session, "en") for p in batch.places(np.arange(len(batch.ids)))]
        monkeypatch.setattr(kb.build.read, "STEPS_PER_BATCH", 1)
        many = [p for batch in read_steps(session, "en") for p in batch.places(np.arange(len(batch.ids)))]
        goals = read_goals(session, "en")
        candidates = {c.title: c for c in goals.candidates(goals.ids)}
    assert one == many and len(one) == sum(map(len, TITLES.values()))
    place = next(p for p in one if p.step == "Bake the bread")
    assert (place.article, place.method, place.before, place.after) == (
        "Bake Bread", "", "Knead the dough", "Slice the bread",
    )  # fmt: skip
    place = next(p for p in one if p.step == "Wash the wheels")
    assert (place.method, place.before, place.after) == ("By Hand", "Fill a bucket", "")
    assert candidates["Wash a Car"].methods == ("By Hand", "With Help")
    assert candidates["Wash a Car"].first == ("Fill a bucket", "Wash the wheels", "Dry the car")
    assert candidates["Slice Bread"].methods == ()


def test_any_cross_encoder_takes_its_place(run: Run, whole: tuple[Path, BuildTally], tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    tiny = random_cross_encoder(tmp_path / "tiny")
    CrossEncoder(str(packaged_model(BASE_ENCODER)), num_labels=1, device="cpu").save_pretrained(
        str(tmp_path / "minilm")
    )
    for name in (tiny, tmp_path / "minilm"):
        articles, output = source(tmp_path, list(TITLES)), tmp_path / f"{name.name}.duckdb"
        done = run("build", articles, "-o", output, "--reranker", name)
        assert done.returncode == 0, done.stderr
        found = rows(output, "SELECT probability FROM candidates WHERE rank = 1")
        assert len(found) == 21 and {p for (p,) in found} != {0.0}
        assert rows(output, "SELECT value FROM meta WHERE key = 'threshold'") == [("0.5",)]
        done = run("build", articles, "-o", output, "--reranker", name, "--beta", "1")
        assert done.returncode == 1 and "no threshold for beta 1" in done.stderr


def test_a_model_of_the_wrong_kind_is_refused(run: Run, tmp_path: Path) -> None:
    wrong = {
        random_cross_encoder(tmp_path / "three", labels=3): "has 3 labels, and one is needed",
        random_cross_encoder(tmp_path / "bare", markers=False): "no tokens for the markers",
        packaged_model(BASE_ENCODER): "is no cross-encoder but BertModel",
        tmp_path / "nowhere": "cannot load the reranker",
    }
    articles = source(tmp_path, ["Bake Bread"])
    for name, said in wrong.items():
        done = run("build", articles, "-o", tmp_path / "kb.duckdb", "--reranker", name)
        assert done.returncode == 1 and said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_a_verifier_goes_with_the_reranker_that_it_was_fitted_on(model: str) -> None:
    whole = Model.load(model)
    assert whole.verifier is not None and replace(whole, reranker=None).verifier is None
    assert replace(whole, decision=None).verifier is whole.verifier


def test_what_an_editor_mentions_is_read_whatever_its_rank(tmp_path: Path) -> None:
    few = str(model_with_verifier(tmp_path / "model", Reads(1, 0.99, 0.0)))
    articles = source(tmp_path, list(TITLES))
    lines = [json.loads(line) for line in articles.read_text(encoding="utf-8").splitlines()]
    link = {"slug": "Boil-Eggs", "anchor": "here", "place": "body"}
    lines[0]["methods"][0]["steps"][1] |= {"body": "See here.", "links": [link]}
    articles.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    output = tmp_path / "kb.duckdb"
    build([articles], output, Options(encoder=few))
    read = rows(output, "SELECT s.headline, a.goal FROM candidates c JOIN articles a USING (article_id) "
                        "JOIN steps s USING (step_id) WHERE c.relation IS NOT NULL")  # fmt: skip
    assert ("Wash the wheels", "Boil Eggs") in read
    assert len([goal for step, goal in read if step == "Wash the wheels"]) == 1
