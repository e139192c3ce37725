"""Finding goals by words and by meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Run, work_folder
from support.small_kb import article, small_kb

from howtree.errors import NotFound
from kb.search import goal_id, search
from kb.store import KnowledgeBase


def best(run: Run, kb: Path, *words: str) -> list[str]:
    """The goals that the command names, best first."""
    return [line[17:] for line in run("search", *words, "--kb", kb).stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["deep", "clean", "your", "house"], "Deep Clean Your House"),
        (["HOUSE", "clean"], "Deep Clean Your House"),
        (["hous", "deap"], "Deep Clean Your House"),
        (["how", "to", "clean", "an", "oven"], "Clean an Oven"),
        (["vinegar", "spray"], "Make a Vinegar Cleaning Spray"),
        (["saute"], "Sauté Vegetables"),
    ],
)
def test_words_of_the_title_find_it_also_misspelt(
    run: Run, sample_kb_path: Path, words: list[str], expected: str
) -> None:
    assert best(run, sample_kb_path, *words)[0] == expected


def test_nothing_found_is_said(run: Run, sample_kb_path: Path) -> None:
    done = run("search", "xylophone", "quartz", "--kb", sample_kb_path)
    assert done.returncode == 1 and done.stdout == ""
    assert "xylophone" in done.stderr


@pytest.mark.parametrize("words", ["", "   ", "'; DROP TABLE articles; --", "%", "\\", "((", "日本"])
def test_odd_words_find_nothing_or_something_but_never_fail(sample_kb: KnowledgeBase, words: str) -> None:
    assert isinstance(search(sample_kb, words), list)


def test_a_goal_is_named_by_title_slug_or_id(sample_kb: KnowledgeBase) -> None:
    expected = goal_id(sample_kb, "Deep Clean Your House")
    for name in (
        "how to deep clean your house",
        "  DEEP CLEAN YOUR HOUSE ",
        "Deep-Clean-Your-House",
        str(expected),
    ):
        assert goal_id(sample_kb, name) == expected
    with pytest.raises(NotFound, match="did you mean"):
        goal_id(sample_kb, "Deep Clean Your Hose")


def test_a_title_that_is_a_number_or_hostile_is_only_text(tmp_path: Path) -> None:
    titles = ["Play 2048", "O'Brien's \"Stew\"", "100% Win; DROP", "<b>Bold</b>"]
    with KnowledgeBase(small_kb(tmp_path, [article(title, "do it") for title in titles])) as kb:
        for title in titles:
            found = goal_id(kb, title)
            assert kb.query("SELECT goal FROM articles WHERE article_id = ?", [found]).fetchone() == (title,)


def test_meaning_finds_what_words_do_not(run: Run, sample_kb_path: Path) -> None:
    assert best(run, sample_kb_path, "--semantic", "get rid of grease in the stove")[0] == "Clean an Oven"


def test_meaning_needs_the_index_of_the_same_build(run: Run, own_sample_kb: Path, tmp_path: Path) -> None:
    work_folder(own_sample_kb).rename(tmp_path / "gone")
    done = run("search", "--semantic", "oven", "--kb", own_sample_kb)
    assert done.returncode == 1 and "Build again" in done.stderr
