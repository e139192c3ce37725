"""Plans: the goal that fits, one method by a rule, goals opened within bounds, things; as text, Markdown and JSON."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from support.command import ROOT, Run
from support.pages import blocks
from support.schemas import checked
from support.small_kb import article, small_kb

from crawl.article import Article, Method, Step
from howtree.errors import BadUsage, NotFound
from kb.plan.draw import as_json, as_markdown, as_text
from kb.plan.plan import Plan, plan, tokens
from kb.plan.wish import Rule, Wish
from kb.store import KnowledgeBase


def planned(kb: KnowledgeBase, text: str, **bounds: object) -> Plan:
    return plan(kb, Wish(text, **bounds), as_json)  # type: ignore[arg-type]


def ways(title: str, things: tuple[str, ...] = (), **lists: list[str]) -> Article:
    """An article with several methods, named by the keywords."""
    methods = tuple(
        Method("method", n, name.replace("_", " "), tuple(Step(i, text) for i, text in enumerate(steps, 1)))
        for n, (name, steps) in enumerate(lists.items(), 1)
    )
    return Article("en", title, methods, things=things)


PASTE = ["Mix a paste of vinegar.", "Rub the pot.", "Rinse it."]
FOIL = ["Crumple a ball of foil.", "Rub the pot."]
SALT = ["Halve a lemon.", "Put salt on it.", "Rub the pot.", "Rinse it."]


@pytest.fixture
def pot(tmp_path: Path) -> KnowledgeBase:
    things = ("Vinegar", "Aluminum foil", "Lemon", "Salt")
    articles = [
        ways("Shine a Pot", things, With_a_Paste=PASTE, With_Foil=FOIL, With_Lemon_and_Salt=SALT),
        article("Halve a Lemon", "Cut it."),
    ]
    return KnowledgeBase(small_kb(tmp_path, articles, [(1, 5, 0, 0.9)]))


@pytest.mark.parametrize(
    ("text", "bounds", "name", "rule"),
    [
        ("Shine a Pot", {}, "With Foil", Rule.fewest),
        ("shine a pot with a lemon", {}, "With Lemon and Salt", Rule.asked),
        ("Shine a Pot", {"have": ("lemon", "salt")}, "With Lemon and Salt", Rule.hand),
        ("Shine a Pot", {"without": ("foil",)}, "With a Paste", Rule.hand),
        ("Shine a Pot", {"without": ("foil", "vinegar")}, "With Lemon and Salt", Rule.hand),
        ("Shine a Pot", {"rule": Rule.surest}, "With Lemon and Salt", Rule.surest),
        ("shine a pot with lemon", {"rule": Rule.fewest}, "With Foil", Rule.fewest),
    ],
)
def test_one_of_several_methods_is_chosen_by_a_named_rule(
    pot: KnowledgeBase, text: str, bounds: dict[str, object], name: str, rule: Rule
) -> None:
    choice = planned(pot, text, **bounds).tree.choice
    assert (choice.methods[0].name, choice.rule) == (name, rule)
    assert len(choice.others) == 2


def test_things_are_listed_with_what_is_at_hand(pot: KnowledgeBase) -> None:
    found = planned(pot, "Shine a Pot", have=("foil",), without=("vinegar",))
    assert {each.need.label: (each.at_hand, each.without) for each in found.needed} == {
        "Vinegar": (False, True),
        "Aluminum foil": (True, False),
        "Lemon": (False, False),
        "Salt": (False, False),
    }
    assert found.against == []
    both = planned(pot, "shine a pot with a paste", without=("vinegar",), rule=Rule.asked)
    assert [part.text for part in both.against] == ["Mix a paste of vinegar."]
    assert "done without: 1" in as_text(both)


@pytest.fixture
def sites(tmp_path: Path) -> KnowledgeBase:
    """Two sites poach an egg, each for breakfast; the second needs a spoon, and one of its steps is breakfast."""
    long = ("Bring water to a simmer.", "Crack the egg into a cup.", "Slide the egg in.", "Lift the egg out.")
    short = ("Crack the egg into simmering water.", "Lift the egg out with a spoon.")
    articles = [
        article(
            "Have Breakfast",
            "Poach an egg.",
            "Poach another.",
            ingredients=("1 cup milk",),
            slug="a",
            site="one.example",
        ),
        article("Poach an Egg", *long, ingredients=("1 egg", "2 cups water"), slug="b", site="one.example"),
        article(
            "Poach an Egg", *short, ingredients=("1 egg",), tools=("Spoon",), slug="c", site="two.example"
        ),
        article("Lay Out a Spoon", "Wash it.", ingredients=("1 cup water", "1 cup of milk"), slug="d"),
    ]
    edges = [(0, 0, 1, 0.9), (0, 1, 2, 0.9), (2, 1, 3, 0.9)]
    return KnowledgeBase(small_kb(tmp_path, articles, edges, group=True))


@pytest.mark.parametrize(
    ("text", "bounds", "site", "rule"),
    [
        ("poach an egg", {}, "one.example", Rule.found),
        ("poach an egg", {"rule": Rule.fewest}, "two.example", Rule.fewest),
        ("poach an egg", {"rule": Rule.surest}, "two.example", Rule.surest),
        ("poach an egg", {"rule": Rule.fewest, "without": ("spoon",)}, "two.example", Rule.fewest),
        ("poach an egg", {"without": ("cup",)}, "two.example", Rule.hand),
        ("poach an egg as on two.example", {}, "two.example", Rule.asked),
        ("b", {"rule": Rule.fewest}, "one.example", Rule.found),
        ("en:/c", {"without": ("spoon",)}, "two.example", Rule.found),
    ],
)
def test_one_of_several_equal_articles_is_chosen_by_a_named_rule(
    sites: KnowledgeBase, text: str, bounds: dict[str, object], site: str, rule: Rule
) -> None:
    value = checked(as_json(planned(sites, text, **bounds)), "plan")
    origins = {1: "one.example", 2: "one.example", 3: "two.example"}
    chosen = value["alternatives"]
    assert (origins[chosen["taken"]], chosen["rule"]) == (site, rule)
    assert [other["site"] for other in chosen["others"]] == [*{"one.example", "two.example"} - {site}]
    assert value["sources"][0]["site"] == site


def test_equal_goals_below_are_chosen_too_and_opened_once(sites: KnowledgeBase) -> None:
    own = planned(sites, "Have Breakfast")
    assert [(part.number, part.stop) for part in own.steps if part.link] == [("1", None), ("2", "repeat")]
    assert len(own.steps) == 6 and "(or two.example)" in as_text(own)
    few = planned(sites, "Have Breakfast", rule=Rule.fewest)
    assert [part.number for part in few.steps] == ["1", "1.1", "1.2", "1.2.1", "2"]
    assert "(two.example: it has the fewest steps; or one.example)" in as_text(few)
    assert checked(as_json(few), "plan")["steps"][0]["alternatives"]["taken"] == 3
    assert [each.site for each in few.origins] == ["one.example", "two.example", None]


def test_what_is_needed_is_added_up_as_in_a_tree(sites: KnowledgeBase) -> None:
    few = planned(sites, "Have Breakfast", rule=Rule.fewest, have=("milk",))
    assert [(each.need.label, each.at_hand) for each in few.needed] == [
        ("milk: 2 cups", True), ("egg: 1", False), ("water: 1 cup", False), ("Spoon", False),
    ]  # fmt: skip
    assert "Needed: milk: 2 cups (at hand); egg: 1; water: 1 cup; Spoon" in as_text(few)
    assert few.needed[0].need.article_ids == (1, 4)


def test_of_more_links_than_a_plan_has_steps_the_likeliest_are_opened(tmp_path: Path) -> None:
    articles = [article("Do It All", *(f"Do part {i}." for i in range(6)), slug="a")]
    articles += [article(f"Do Part {i}", "Go.", "Stop.", slug=f"b{i}") for i in range(6)]
    kb = KnowledgeBase(small_kb(tmp_path, articles, [(0, i, i + 1, 0.9) for i in range(6)]))
    found = planned(kb, "Do It All", max_steps=4)
    assert (len(found.steps), found.left_out) == (4, 2)


@pytest.fixture
def circle(tmp_path: Path) -> KnowledgeBase:
    """Build a Hut needs Cut Wood twice and Rest; Cut Wood needs Sharpen an Axe; Sharpen an Axe needs Build a Hut."""
    articles = [
        article("Build a Hut", "Cut the wood.", "Put it up.", "Cut more wood.", "Have a rest."),
        article("Cut Wood", "Sharpen the axe.", "Fell a tree."),
        article("Rest Well", "Lie down."),
        article("Sharpen an Axe", "Get a hut to sit in.", "Grind it."),
    ]
    edges = [(0, 0, 1, 0.9), (0, 2, 1, 0.7), (0, 3, 2, 0.6), (1, 0, 3, 0.8), (3, 0, 0, 0.9)]
    return KnowledgeBase(small_kb(tmp_path, articles, edges, threshold=0.65))


def stops(found: Plan) -> dict[str, str | None]:
    return {part.number: part.stop for part in found.steps if part.link}


def test_a_goal_is_opened_once_and_never_within_itself(circle: KnowledgeBase) -> None:
    found = planned(circle, "Build a Hut")
    assert stops(found) == {"1": None, "1.1": None, "1.1.1": "cycle", "3": "repeat"}
    assert found.steps[-2].same_as is found.steps[0] and not found.truncated
    assert "(as in 1)" in as_text(found) and "(open above)" in as_text(found)


def test_nothing_below_the_threshold_is_opened(circle: KnowledgeBase) -> None:
    assert "4" not in stops(planned(circle, "Build a Hut"))
    assert stops(planned(circle, "Build a Hut", threshold=0.5))["4"] is None
    assert list(stops(planned(circle, "Build a Hut", threshold=0.95))) == []


def test_the_bounds_hold(circle: KnowledgeBase) -> None:
    assert stops(planned(circle, "Build a Hut", depth=2)) == {"1": None, "1.1": "depth", "3": "repeat"}
    few = planned(circle, "Build a Hut", max_steps=6)
    assert len(few.steps) == 6 and few.truncated and stops(few)["1.1"] == "budget"
    fewer = planned(circle, "Build a Hut", max_steps=3)
    assert (len(fewer.steps), fewer.left_out, fewer.truncated) == (3, 1, True)
    for bounds in ({"depth": 0}, {"max_steps": 0}, {"max_tokens": 10}, {"threshold": 2}):
        with pytest.raises(BadUsage):
            planned(circle, "Build a Hut", **bounds)


@pytest.mark.parametrize("written", [as_text, as_markdown, as_json])
@pytest.mark.parametrize("most", [250, 400, 700, 1500])
def test_a_plan_is_never_longer_than_asked_for(sample_kb: KnowledgeBase, written: object, most: int) -> None:
    for goal in ("Host a Dinner Party", "Start a Vegetable Garden", "Bake a Layer Cake", "clean the oven"):
        try:
            found = plan(sample_kb, Wish(goal, max_tokens=most), written)  # type: ignore[arg-type]
        except BadUsage as error:
            assert most == 250 and "allow more" in str(error)
            continue
        assert tokens(written(found)) <= most  # type: ignore[operator]
        assert found.steps or found.left_out


def test_json_is_as_the_schema_says_for_every_goal(sample_kb: KnowledgeBase) -> None:
    for (goal,) in sample_kb.query("SELECT goal FROM articles WHERE article_id % 6 = 0").fetchall():
        text = as_json(planned(sample_kb, goal, have=("water",), without=("soda",)))
        value = checked(text, "plan")
        assert value["goal"]["goal"] == goal
        assert text == as_json(planned(sample_kb, goal, have=("water",), without=("soda",)))


def test_the_command_says_what_it_weighed(run: Run, sample_kb_path: Path) -> None:
    done = run("plan", "clean", "my", "oven", "before", "guests", "come", "--kb", sample_kb_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "Clean an Oven" and lines[1].startswith("Why: ")
    assert any(re.match(r"\[ \] 1\. ", line) for line in lines) and lines[-1].startswith("From: ")
    as_list = run("plan", "Clean an Oven", "--kb", sample_kb_path, "--format", "markdown").stdout
    assert as_list.startswith("# Clean an Oven\n") and "- [ ] 1\\. " in as_list
    value = json.loads(run("plan", "clean the oven", "--format", "json", "--kb", sample_kb_path).stdout)
    assert value["goal"]["goal"] == "Clean an Oven" and value["steps"]


def test_the_examples_of_the_page_run(run: Run, sample_kb_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "plans.md", "sh")
    for command in block.splitlines():
        done = run(*shlex.split(command)[1:], "--kb", sample_kb_path)
        assert done.returncode == 0 and done.stdout, f"{command}\n{done.stderr}"


def test_where_no_goal_fits_there_is_no_plan(run: Run, sample_kb_path: Path) -> None:
    done = run("plan", "how do I file my taxes", "--kb", sample_kb_path)
    assert done.returncode == 1 and "No goal fits" in done.stderr and done.stdout == ""
    done = run("plan", "oven " * 2000, "--kb", sample_kb_path)
    assert done.returncode == 2 and "10,000 characters" in done.stderr


def test_an_article_of_another_language_is_planned_by_its_title(sample_kb: KnowledgeBase) -> None:
    assert planned(sample_kb, "Eine Fahrradkette ölen").steps
    with pytest.raises(NotFound):
        planned(sample_kb, "Steuererklärung")
