"""Builds of articles with hyperlinks: which become links, what is listed as a mention, and what is never a link."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.contents import rows

from kb.build.build import Options, build
from kb.build.fill import load_corpus, new_file
from kb.build.mentions import mentions_in, set_links
from kb.build.read import read_steps

Set = tuple[str, str, str]
"""A hyperlink: slug of the target, anchor, place."""
ARTICLES: dict[str, list[tuple[str, str, Set | None]]] = {
    "Start Seeds": [
        (
            "Heat soil for seeds in the oven.",
            "Afterwards clean the oven.",
            ("Clean-an-Oven", "clean the oven", "body"),
        ),
        ("Water the seeds.", "", None),
        ("Enjoy!", "", ("Clean-an-Oven", "Enjoy!", "headline")),
    ],
    "Clean an Oven": [
        ("Mix a paste of soda.", "", ("Make-a-Paste", "paste", "headline")),
        ("Wipe the oven.", "", None),
        ("1.", "", None),
    ],
    "Clean the Oven (3 Ways)": [("Wipe out the oven.", "", None), ("Clean it.", "", None)],
    "Make a Paste": [
        ("Stir the soda into water.", "", None),
        ("Preheat the oven.", "As usual.", ("Preheat-an-Oven", "usual", "body")),
    ],
    "Preheat an Oven": [("Turn the dial.", "", None), ("You're done.", "", None)],
    "Heat an Oven Again": [
        ("Preheat an oven again.", "", ("Wash-a-Car-2", "Preheat an oven again", "headline"))
    ],
    "Wash a Car": [
        ("Wash the car.", "Scrub it.", ("Wash-a-Car-2", "Wash the car.", "headline")),
        ("Dry it.", "", None),
    ],
    "Wash a Car 2": [("Rinse the car.", "", None)],
}
GERMAN = {
    "Ein Auto waschen": ["Fülle einen Eimer.", "Trockne das Auto."],
    "Ein Auto trocknen": ["Nimm ein Tuch."],
}


def source(path: Path) -> Path:
    lines = []
    for title, steps in ARTICLES.items():
        listed = [
            {"number": i, "headline": headline, "body": body,
             "links": [dict(zip(("slug", "anchor", "place"), link, strict=True))] if link else []}
            for i, (headline, body, link) in enumerate(steps, 1)
        ]  # fmt: skip
        methods = [{"kind": "single", "number": 1, "name": "", "steps": listed}]
        lines.append({"language": "en", "title": title, "methods": methods})
    for title, texts in GERMAN.items():
        lines.append({"language": "de", "title": title, "methods": [{"name": "", "steps": texts}]})
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A default build, what it says at its end, and one that chooses whatever it may."""
    folder = tmp_path_factory.mktemp("mentions")
    articles = source(folder / "articles.jsonl")
    tally = build([articles], folder / "kb.duckdb")
    build([articles], folder / "bold.duckdb", Options(threshold=0.0))
    return folder / "kb.duckdb", "\n".join(tally.lines()), folder / "bold.duckdb"


def test_only_a_link_that_covers_the_action_counts_by_itself(built: tuple[Path, str, Path]) -> None:
    kb, said, _ = built
    links = rows(kb, "SELECT step, child FROM links WHERE source = 'editor'")
    assert sorted(links) == [
        ("Preheat an oven again.", "Wash a Car 2"),
        ("Preheat the oven.", "Preheat an Oven"),
    ]
    assert "2 of them by editors' hyperlinks" in said
    overruled = """SELECT s.headline FROM edges e JOIN candidates c ON c.step_id = e.step_id AND c.rank = 1
                   JOIN steps s ON s.step_id = e.step_id WHERE e.source = 'editor' AND c.article_id <> e.child_id"""
    assert rows(kb, overruled) == [("Preheat an oven again.",)]


def test_the_others_are_candidates_and_listed_as_mentions(built: tuple[Path, str, Path]) -> None:
    kb = built[0]
    listed = rows(kb, "SELECT step, place, anchor, target FROM mentions ORDER BY step")
    assert ("Heat soil for seeds in the oven.", "body", "clean the oven", "Clean an Oven") in listed
    assert not [row for row in listed if row[0].startswith("Preheat")]
    assert rows(kb, "SELECT count(*) FROM hyperlinks") == [(6,)]  # all stay
    for step, _, _, target in listed:
        query = "SELECT 1 FROM candidates c JOIN steps s USING (step_id) JOIN articles a ON a.article_id = c.article_id"
        assert rows(kb, f"{query} WHERE s.headline = '{step}' AND a.goal = '{target}'") == [(1,)]
    ((tally,),) = rows(kb, "SELECT (tally->>'mentions')::INT FROM runs")
    assert tally == len(listed)
    ((comment,),) = rows(kb, "SELECT comment FROM duckdb_views() WHERE view_name = 'mentions'")
    assert "no link of their step" in comment


def test_what_is_never_a_link_is_none_however_low_the_threshold(built: tuple[Path, str, Path]) -> None:
    """Without a verifier, for every candidate and for hyperlinks."""
    bold = built[2]
    chosen = rows(bold, "SELECT parent, step, child FROM links")
    assert len(chosen) > 8
    assert not [row for row in chosen if row[1] in ("Enjoy!", "1.", "You're done.")]
    again = {("Clean an Oven", "Clean the Oven (3 Ways)"), ("Wash a Car", "Wash a Car 2")}
    again |= {(b, a) for a, b in again}
    assert not [row for row in chosen if (row[0], row[2]) in again]
    assert rows(bold, "SELECT count(*) FROM guesses") == [(0,)]
    found = rows(bold, "SELECT a.goal, c.probability, c.rank FROM candidates c JOIN articles a USING (article_id) "
                       "JOIN steps s USING (step_id) WHERE s.headline = 'Wash the car.' ORDER BY rank")  # fmt: skip
    assert found[-1][:2] == ("Wash a Car 2", 0) and found[0][1] > 0
    assert rows(bold, "SELECT max(probability) FROM candidates c JOIN steps s USING (step_id) "
                      "WHERE s.headline = 'Enjoy!'") == [(0,)]  # fmt: skip
    assert ("Enjoy!",) in rows(bold, "SELECT step FROM mentions")


def test_steps_of_a_language_that_was_not_measured_are_counted(built: tuple[Path, str, Path]) -> None:
    kb, said, _ = built
    ((links,),) = rows(kb, "SELECT count(*) FROM edges e JOIN articles a ON a.article_id = e.parent_id "
                           "WHERE a.language = 'de' AND e.source = 'model'")  # fmt: skip
    assert said.count("measured on English alone") == 1
    assert f"(de: {links} of 3 steps)" in said
    ((tally,),) = rows(kb, "SELECT tally->>'unmeasured' FROM runs")
    assert json.loads(tally) == {"de": [3, links]}


def test_a_batch_knows_the_mentions_of_its_own_steps(tmp_path: Path) -> None:
    from crawl.corpus.write import write_corpus

    write_corpus([source(tmp_path / "articles.jsonl")], tmp_path / "corpus")
    with new_file(tmp_path / "kb.duckdb") as session:
        load_corpus(session, tmp_path / "corpus")
        (batch,) = read_steps(session, "en")
        assert batch.mentions is not None
        steps, articles = batch.mentions()
        expected = [(link.step_id, link.target_id) for link in set_links(session) if not link.is_link]
        assert list(zip(batch.ids[steps].tolist(), articles.tolist(), strict=True)) == expected
        assert len(expected) == 4
        assert batch.mentioned(steps, articles).all() and not batch.mentioned(steps, articles + 100).any()
        (german,) = read_steps(session, "de")
        assert not len(mentions_in(session, german.ids)[0])
