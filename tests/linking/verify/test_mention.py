"""Which hyperlinks say what their step is: the rule, and what it does to the candidates."""

from __future__ import annotations

import numpy as np
import pytest

from linking.candidates import ArticlesOfGoal, StepBatch, candidate_table
from linking.rerank.decide import MENTIONED, Decision
from linking.retrieve.lists import GoalLists
from linking.verify.mention import Action, action_of, counts_by_itself
from linking.verify.words import stem


@pytest.mark.parametrize(
    ("headline", "verb", "done_to"),
    [
        ("Wash the old car.", "wash", {"old", "car"}),
        ("Once it is dry, paint the wall with a brush", "paint", {"wall"}),
        ("Then carefully polish it!", "polish", set()),
        ("Saw the boards straight across to length.", "saw", {"boards", "straight"}),
        ("Call for help if possible.", "call", {"help"}),
    ],
)
def test_the_action_of_a_headline(headline: str, verb: str, done_to: set[str]) -> None:
    assert action_of(headline) == Action(stem(verb), frozenset(map(stem, done_to)))


def test_a_headline_without_a_word_has_no_action() -> None:
    assert (
        action_of("1.") == Action("1", frozenset())
        and action_of("...") is None
        and action_of("Then,") is None
    )


@pytest.mark.parametrize(
    ("headline", "place", "anchor", "goal", "counts"),
    [
        ("Heat soil for seeds in the oven.", "body", "clean the oven", "Clean an Oven", False),
        ("Heat soil for seeds in the oven.", "headline", "oven", "Clean an Oven", False),
        (
            "Polish the silverware until it shines.",
            "headline",
            "Polish the silverware",
            "Polish Silverware",
            True,
        ),
        ("Clean the mop.", "headline", "Clean the mop.", "Care for a Mop", True),  # the whole headline
        ("Clean the mop.", "body", "Clean the mop.", "Care for a Mop", False),  # says nothing in the body
        ("Set the table for dinner.", "body", "see here", "Set a Dinner Table", True),  # the goal covers it
        ("Wash the car.", "body", "clean it", "Clean a Car", True),  # a verb for the same purpose
        ("Wash the car.", "body", "wash", "Wash a Boat", False),
        ("Season with butter and salt.", "headline", "salt", "Make Seasoned Salt", False),
        ("Make a campfire.", "headline", "campfire", "Build a Campfire", True),  # both together
        (
            "Peel and chop an onion.",
            "headline",
            "chop an onion",
            "Chop an Onion",
            False,
        ),  # half of what it asks for
        ("Relax.", "headline", "Relax", "Relax", True),
        ("", "body", "Relax", "Relax", False),
        ("Know your snake.", "headline", "snake", "Find a Snake", False),
    ],
)
def test_a_link_counts_by_itself_if_it_covers_the_action(
    headline: str, place: str, anchor: str, goal: str, counts: bool
) -> None:
    assert counts_by_itself(headline, place, anchor, goal) == counts


@pytest.mark.parametrize(
    ("anchor", "goal", "counts"),
    [("Öle die Fahrradkette", "Eine Kette ölen", True), ("Fahrradkette", "Eine Fahrradkette ölen", False)],
)
def test_in_other_languages_only_whole_headlines_count(anchor: str, goal: str, counts: bool) -> None:
    assert counts_by_itself("Öle die Fahrradkette.", "headline", anchor, goal, "de") == counts


def candidates(mentioned: list[int]) -> list[tuple[int, float, float]]:
    """Article, cosine and probability of the first two candidates of a step whose article is 9."""
    lists = GoalLists(np.array([[0, 1, 2]]), np.array([[0.9, 0.8, 0.7]], np.float32))
    mentions = np.zeros(len(mentioned), np.int64), np.array(mentioned, np.int64)
    batch = StepBatch(np.array([7]), np.array([9]), ["Wash it"], mentions=lambda: mentions)
    articles = ArticlesOfGoal(np.array([3, 4, 5]), np.arange(3))
    table = candidate_table(batch, lists, articles, Decision(0.1, 0.8, 0.5), 2)
    columns = (table.column(name).to_pylist() for name in ("article_id", "retrieval_score", "probability"))
    return list(zip(*columns, strict=True))


def test_what_an_editor_mentions_has_higher_odds() -> None:
    def odds(cosine: float, factor: float = 1) -> float:
        return factor * float(np.exp((cosine - 0.8) / 0.1))

    plain, mentioned, last = candidates([]), candidates([4]), candidates([5])
    assert [row[0] for row in plain] == [3, 4] and plain[0][1] == pytest.approx(0.9)
    assert [row[0] for row in mentioned] == [4, 3]
    assert mentioned[0][1] == pytest.approx(0.8)  # its scores stay
    total = 1 + odds(0.9) + odds(0.8, MENTIONED)
    assert mentioned[0][2] == pytest.approx(odds(0.8, MENTIONED) / total)
    assert mentioned[1][2] == pytest.approx(odds(0.9) / total)
    assert [row[0] for row in last] == [3, 5]  # the third goal comes among the first two
    assert candidates([8]) == plain  # an article that is no goal here
