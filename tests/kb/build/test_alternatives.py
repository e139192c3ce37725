"""Equal goals of several sites: which are grouped, and that nothing is linked within a group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.command import Run
from support.contents import rows
from support.reading import lines
from support.small_kb import article, small_kb

from kb.store import KnowledgeBase

EGG = (
    "Bring a pot of water to a simmer.",
    "Crack the egg into a cup.",
    "Lift the egg out with a slotted spoon.",
)
WOUND = ("Wash your hands with soap.", "Cover the cut with gauze.", "Change the bandage daily.")


def groups(path: Path) -> list[list[str]]:
    """The slugs of each group."""
    each = (
        "SELECT list(slug ORDER BY slug) FROM alternatives JOIN articles USING (article_id) GROUP BY group_id"
    )
    return [slugs for (slugs,) in rows(path, f"{each} ORDER BY 1")]


@pytest.mark.parametrize(
    ("titles", "sites", "same"),
    [
        (("How to Poach an Egg", "Poach eggs"), ("a.example", "b.example"), False),  # one egg or several
        (("How to Poach an Egg", "poach egg!"), ("a.example", "b.example"), True),
        (("Make Poached Egg", "The Poached Egg"), ("a.example", ""), True),
        (("Make", "Make"), ("a.example", "b.example"), True),
        (("Make", "Made"), ("a.example", "b.example"), False),
        (("Poach an Egg", "Poach an Egg"), ("a.example", "a.example"), False),
        (("Cook's Egg", "Cooks Egg"), ("a.example", "b.example"), True),
        (("!", "?"), ("a.example", "b.example"), False),
    ],
)
def test_titles_of_several_sites(
    tmp_path: Path, titles: tuple[str, str], sites: tuple[str, str], same: bool
) -> None:
    both = [article(title, *EGG, slug=f"s{i}", site=sites[i]) for i, title in enumerate(titles)]
    assert groups(small_kb(tmp_path, both, group=True)) == ([["s0", "s1"]] if same else [])


def test_one_title_for_unlike_things_is_no_group(tmp_path: Path) -> None:
    goals = [
        article("Dressing", *steps, slug=f"s{i}", site=f"{i}.example")
        for i, steps in enumerate((EGG, WOUND, EGG[:2]))
    ]
    assert groups(small_kb(tmp_path, goals, group=True)) == [["s0", "s2"]]


def test_languages_are_apart(tmp_path: Path) -> None:
    german = replace(article("Fondue", *EGG, slug="s1", site="b.example"), language="de")
    assert (
        groups(small_kb(tmp_path, [article("Fondue", *EGG, slug="s0", site="a.example"), german], group=True))
        == []
    )


def test_no_article_is_linked_within_its_group(run: Run, tmp_path: Path) -> None:
    source = lines(
        tmp_path / "a.jsonl",
        {"title": "Poach an Egg", "steps": list(EGG), "url": "https://a.example/egg"},
        {"title": "Poach Egg", "steps": list(EGG), "url": "https://b.example/egg"},
        {"title": "Serve Breakfast", "steps": ["Poach an egg.", "Lay the table."], "site": "a.example"},
    )
    output = tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert groups(output) == [["a.example/egg", "b.example/egg"]]
    within = """SELECT count(*) FROM candidates c JOIN steps s USING (step_id)
        JOIN alternatives l ON l.article_id = s.article_id
        JOIN alternatives r ON r.article_id = c.article_id AND r.group_id = l.group_id"""
    assert rows(output, within) == [(0,)] and rows(output, "SELECT count(*) FROM candidates")[0][0] >= 4
    breakfast = run("tree", "Serve Breakfast", "--kb", output)
    assert "Poach" in breakfast.stdout and "1 other like it" in breakfast.stdout
    assert (
        run("sql", "SELECT site FROM alternatives_of('b.example/egg')", "--kb", output).stdout.count(
            "a.example"
        )
        == 1
    )
    assert run("build", source, "-o", output, "--no-alternatives").returncode == 0
    assert groups(output) == []
    own = """SELECT count(*) FROM candidates c JOIN steps s USING (step_id)
        JOIN articles a ON a.article_id = s.article_id
        JOIN articles g ON g.article_id = c.article_id WHERE same_goal(a.goal) = same_goal(g.goal)"""
    with KnowledgeBase(output) as kb:
        assert kb.query(own).fetchall()[0][0] > 0
