"""What a whole tree needs: each thing once, its amounts added up, in Python and from the command line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from support.command import Run
from support.small_kb import article, small_kb

import howtree
from kb.store import KnowledgeBase
from kb.things import total


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    """Supper is dumplings and sauce; both need flour and butter, and a circle leads back to supper."""
    return small_kb(
        tmp_path,
        [
            article(
                "Cook Supper",
                "Make dumplings.",
                "Make sauce.",
                "Make sauce.",
                slug="a",
                things=("Table", "Matches"),
            ),
            article(
                "Make Dumplings",
                "Knead.",
                slug="b",
                ingredients=("1 1/2 cups (190 g) of flour", "2 eggs, beaten", "Salt"),
                things=("Pot",),
                tools=("Spoon",),
            ),
            article(
                "Make Sauce",
                "Cook supper.",
                slug="c",
                ingredients=("½ cup flour", "1 Egg", "salt (to taste)", "1-2 tbsp butter", "1 tbsp butter"),
                things=("pots",),
            ),
        ],
        [(0, 0, 1, 0.9), (0, 1, 2, 0.9), (0, 2, 2, 0.9), (2, 0, 0, 0.9)],
    )


def test_things_of_a_tree_are_merged_by_name_and_added_up(kitchen: Path) -> None:
    with howtree.open(kitchen) as kb:
        found = kb.things("Cook Supper")
        assert [(need.kind, need.label) for need in found] == [
            ("ingredient", "flour: 2 cups"),
            ("ingredient", "eggs: 3"),
            ("ingredient", "Salt"),
            ("ingredient", "butter: 1 tablespoon + 1-2 tbsp"),
            ("thing", "Table"),
            ("thing", "Matches"),
            ("thing", "Pot"),
            ("tool", "Spoon"),
        ]
        assert found[0].goals == ("Make Dumplings", "Make Sauce")
        assert found[0].texts == ("1 1/2 cups (190 g) of flour", "½ cup flour")
        assert found[4].goals == ("Cook Supper",)
        assert [need.name for need in kb.things("Cook Supper", depth=1)] == ["Table", "Matches"]
        assert kb.things("Cook Supper", threshold=0.95) == kb.things("Cook Supper", depth=1)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([], ""),
        (["2 cups", "1/2 cup"], "2 1/2 cups"),
        (["1½ tsp", "½ teaspoon."], "2 teaspoons"),
        (["1 pinch", "2 pinches"], "3 pinches"),
        (["1 foot", "2 feet"], "3 feet"),
        (["200 g", "0,5 kg", "1.25 kg", "100 grams"], "300 g + 1 3/4 kg"),
        (["1 cup", "3", "2"], "1 cup + 5"),
        (["3-4", "1 to 2 cups", "3-4"], "3-4 + 1 to 2 cups"),
        (["0.1 l", "0.1 litres"], "0.2 l"),
        (["1,000 g", "1/0 cup"], "1,000 g + 1/0 cup"),
        (["8 fl. oz", "8 fluid ounces", "1 oz", "2 ounces"], "16 fluid ounces + 3 oz"),
    ],
)
def test_amounts_add_up_as_far_as_their_units_are_the_same(amounts: list[str], expected: str) -> None:
    assert total(amounts) == expected


def test_a_goal_without_things_says_so(run: Run, tmp_path: Path) -> None:
    done = run("tree", "Wait", "--things", "--kb", small_kb(tmp_path, [article("Wait", "Wait.")]))
    assert done.stdout.splitlines() == ['What "Wait" needs', "No ingredients, things or tools are named."]


def test_the_command_lists_them_as_text_markdown_and_json(run: Run, kitchen: Path) -> None:
    def shown(*options: object) -> str:
        done = run("tree", "Cook Supper", "--things", *options, "--kb", kitchen)
        assert done.returncode == 0, done.stderr
        return done.stdout

    lines = shown().splitlines()
    assert lines[:3] == [
        'What "Cook Supper" and the 2 goals below it need',
        "Ingredients",
        "  flour: 2 cups  [Make Dumplings; Make Sauce]",
    ]
    boxes = [line for line in shown("--format", "markdown").splitlines() if line.startswith("- [ ] ")]
    assert len(boxes) == len(lines) - 4 and boxes[0] == "- [ ] flour: 2 cups *(Make Dumplings; Make Sauce)*"
    found = json.loads(shown("--format", "json", "--depth", 1))
    assert [goal["goal"] for goal in found["goals"]] == ["Cook Supper"]
    assert [need["name"] for need in found["things"]] == ["Table", "Matches"]
    done = run("tree", "Cook Supper", "--things", "--format", "dot", "--kb", kitchen)
    assert done.returncode == 2 and "with --things --format is one of text, json, markdown" in done.stderr


def words(text: str) -> set[str]:
    """The words of a text, told without any SQL."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]+", plain))


def test_goals_using_a_thing_are_those_whose_things_have_its_words(sample_kb: KnowledgeBase) -> None:
    rows = sample_kb.query(
        "SELECT article_id, goal, kind, text, number FROM things JOIN articles USING (article_id)"
    ).fetchall()
    often = Counter(word for row in rows for word in words(row[3]))
    single = [word for word, _ in often.most_common(20)] + sorted(often)[:5] + ["unheard", "", "--"]
    several = [" ".join(sorted(words(row[3]), reverse=True)) for row in rows[::40]]
    for asked in (*single, *several, "White VINEGAR white"):
        wanted = words(asked)
        expected = [row for row in rows if wanted and wanted <= words(row[3])]
        expected.sort(key=lambda row: (row[1], row[0], row[2], row[4]))
        found = sample_kb.query("FROM goals_using(?)", [asked]).fetchall()
        assert found == [row[:4] for row in expected], asked
