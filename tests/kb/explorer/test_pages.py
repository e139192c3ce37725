"""The explorer's pages of one goal, of quality and of verdicts, run by Streamlit's own test runner."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest
from support.small_kb import article, small_kb
from support.visiting import Visit, component, follow, labelled, links, steps_shown, whole

from kb.review.reviews import read, reviews_path
from kb.search import goal_id
from kb.store import KnowledgeBase
from kb.tree import Goal, tree

# Procedure


@pytest.mark.parametrize("levels", [1, 2, 3, 5])
@pytest.mark.parametrize("threshold", [None, 0.2, 0.9])
def test_levels_open_what_the_tree_has(
    visit: Visit, sample_kb: KnowledgeBase, levels: int, threshold: float | None
) -> None:
    parameters = {"goal": "en:700101", "levels": str(levels), "view": "Steps"} | (
        {"threshold": str(threshold)} if threshold else {}
    )
    test = visit("procedure", **parameters)
    root = tree(sample_kb, 3, levels, threshold)
    expected = [f"{step.number}. {step.text}" for _, _, step in root.walk()]
    assert steps_shown(test) == expected
    assert labelled(test.slider, "Levels to open").value == levels


def test_widgets_start_in_the_browser_with_what_the_address_says(visit: Visit) -> None:
    """Else a click before the browser has set them would send their own defaults as the person's choice."""
    test = visit("procedure", goal="Host a Dinner Party", threshold="0.6", levels="3", view="Text")
    for threshold in ("0.6", "0.9"):
        test.query_params["threshold"] = threshold
        test.run()
        slider = labelled(test.slider, "Links at least this probable")
        assert (slider.proto.default, slider.proto.set_value) == ([float(threshold)], False)
        assert slider.value == float(threshold)
    levels = labelled(test.slider, "Levels to open")
    assert (levels.proto.default, levels.proto.set_value) == ([3], False)
    (view,) = test.get("button_group")
    assert view.proto.default == [3] and not view.proto.set_value


def test_open_steps_are_opened_in_place_and_only_those(visit: Visit) -> None:
    shut = steps_shown(visit("procedure", goal="Host a Dinner Party", view="Steps"))
    test = visit("procedure", goal="Host a Dinner Party", open="1.4-2.1-1.3")
    shown = steps_shown(test)
    assert shown[:4] == shut[:4]
    assert shown.index("4. Deep clean your whole house.") < shown.index("1. Clean the inside of the oven.")
    assert "5. Use it at once." in shown
    assert "2. Pour in one part white vinegar and one part water." not in shown
    assert re.search(r"the same procedure, found by the model \(0\.9\d\)", whole(test))
    opened = re.findall(
        r'aria-expanded="true" aria-level="(\d)" .*? data-place="([^"]+)"', component(test, "outline")
    )
    assert opened == [("1", "1.4"), ("2", "1.4-2.1"), ("3", "1.4-2.1-1.3")]


def test_a_linked_step_shows_the_first_steps_of_its_goal_before_it_is_opened(visit: Visit) -> None:
    shown = component(visit("procedure", goal="Host a Dinner Party", view="Steps"), "outline")
    (first,) = re.findall(
        r'>Write Party Invitations</a>.*?<span class="first"[^>]*>(.*?)</span></span>', shown
    )
    steps = steps_shown(visit("procedure", goal="Write Party Invitations", view="Steps"))
    assert [html.unescape(line) for line in re.findall("<span>([^<]+)", first)] == steps[:3]


def test_methods_are_tabs_and_the_address_holds_the_open_one(visit: Visit) -> None:
    test = visit("procedure", goal="Deep Clean Your House", method="3")
    assert [tab.label.partition(":")[0] for tab in test.tabs] == ["Part 1", "Part 2", "Part 3"]
    assert "all are needed" in whole(test)
    first = steps_shown(test)
    assert first and first != steps_shown(visit("procedure", goal="Deep Clean Your House", view="Steps"))


def test_a_cycle_is_shown_and_not_opened(visit: Visit, tmp_path: Path) -> None:
    kb = small_kb(
        tmp_path,
        [article("A", "to b", slug="a"), article("B", "to a", slug="b")],
        [(0, 0, 1, 0.9), (1, 0, 0, 0.8)],
    )
    test = visit("procedure", kb, goal="A", levels="6")
    assert steps_shown(test) == ["1. to b", "1. to a"]
    assert "already open above, so the tree ends here: a cycle" in whole(
        visit("procedure", kb, goal="A", open="1.1-1.1")
    )
    assert component(test, "outline").count("</a> ↻") == 1


def test_a_huge_tree_is_cut_and_says_so(visit: Visit, tmp_path: Path) -> None:
    goals = [article(f"G{i}", *(f"s{n}" for n in range(30)), slug=f"g{i:03}") for i in range(8)]
    edges = [(i, n, i + 1, 0.9) for i in range(7) for n in range(30)]
    test = visit("procedure", small_kb(tmp_path, goals, edges), goal="G0", levels="6")
    assert "more than 300 steps" in whole(test)
    assert 200 < len(steps_shown(test)) <= 300


def test_candidates_are_those_of_the_step_with_their_scores(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("procedure", goal="en:700101", open="1.2", weigh="1.2")
    rows = sample_kb.query(
        "SELECT a.goal, c.probability FROM candidates c JOIN articles a USING (article_id) "
        "JOIN steps s USING (step_id) WHERE s.article_id = 3 AND s.step_number = 2 ORDER BY rank LIMIT 10"
    ).fetchall()
    assert len(rows) == 10
    shown = whole(test)
    for goal, probability in rows:
        assert goal in shown and f"probability {probability:.2f}" in shown
    assert shown.count("<strong>chosen</strong>") == 1 and shown.count("<meter") == 10
    assert "retrieval" not in whole(visit("procedure", goal="en:700101", open="1.2"))


def test_where_a_goal_is_used_and_what_is_above_it(visit: Visit, sample_kb: KnowledgeBase) -> None:
    shown = whole(visit("procedure", goal="Make a Baking Soda Paste", above="yes"))
    for (parent,) in sample_kb.query(
        "SELECT parent FROM links WHERE child = 'Make a Baking Soda Paste'"
    ).fetchall():
        assert parent in shown
    for (goal,) in sample_kb.query(
        "SELECT goal FROM ancestors('Make a Baking Soda Paste', max_distance := 4)"
    ).fetchall():
        assert goal in shown


def test_the_breadcrumb_holds_the_path_walked(visit: Visit) -> None:
    test = visit("procedure", goal="en:700101", open="1.4-2.1")
    (query,) = re.findall(r'href="procedure\?([^"]+)">Clean an Oven</a>', component(test, "outline"))
    below = visit("procedure", **parse_qs(html.unescape(query)))
    trail = [link.proto.label for link in below.get("page_link")][:3]
    assert trail == ["All goals", "Host a Dinner Party", "Deep Clean Your House"]
    back = follow(visit, links(below, "Deep Clean Your House")[0])
    assert [link.proto.label for link in back.get("page_link")][:2] == ["All goals", "Host a Dinner Party"]


def test_text_picture_and_files_hold_the_same_tree(visit: Visit, sample_kb: KnowledgeBase) -> None:
    steps = [step.text for _, _, step in tree(sample_kb, 3, 3).walk()]
    shown = visit("procedure", goal="en:700101", levels="3", view="Text")
    assert all(step in shown.code[0].value for step in steps)
    assert len(shown.get("download_button")) == 5
    picture = component(visit("procedure", goal="en:700101", levels="3", view="Picture"), "picture")
    drawn = re.findall(r'<span class="text"><b>\d+\.</b> (.*?)</span>', picture)
    assert [html.unescape(text) for text in drawn] == steps


@pytest.mark.parametrize("name", ["Build a Compost Bin", "Bake a Layer Cake", "Deep Clean Your House"])
def test_a_picture_says_where_all_are_needed_and_where_one_is_enough(
    visit: Visit, sample_kb: KnowledgeBase, name: str
) -> None:
    def forks(goal: Goal) -> list[str]:
        below = [
            ["and", *(word for step in method.steps if step.link for word in forks(step.link.goal))]
            for method in goal.methods
        ]
        words = [word for method in below for word in method]
        one_list = len(goal.methods) == 1 and goal.methods[0].kind == "single"
        return words if one_list or not goal.methods else [ONE_OR_ALL[goal.methods[0].kind], *words]

    picture = component(visit("procedure", goal=name, levels="3", view="Picture"), "picture")
    root = tree(sample_kb, goal_id(sample_kb, name), 3)
    assert re.findall(r'class="fork \w+" title="[^"]+">(\w+)<', picture) == forks(root)


ONE_OR_ALL = {"method": "or", "question": "or", "part": "and"}


# Quality


def test_the_quality_page_counts_rightly(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("quality")
    metrics = {metric.label: metric.value for metric in test.metric}
    steps, linked = sample_kb.query(
        "SELECT (SELECT count(*) FROM steps), (SELECT count(*) FROM edges)"
    ).fetchall()[0]
    assert metrics["Steps"] == str(steps) and metrics["Steps linked"] == f"{linked / steps:.1%}"
    assert "How it was made" in whole(test)


def test_the_quality_page_tells_what_people_say(visit: Visit) -> None:
    assert "Nobody has judged" in whole(visit("quality"))
    for who, verdict in (("Ada", "exact"), ("Grace", "exact"), ("Alan", "unhelpful")):
        answer(visit("judge", who=who, link="en:700101~1.2"), verdict).click().run()
    shown = whole(visit("quality"))
    assert "1 of the model's best links are judged by 3 people" in shown
    assert "100% are right" in shown


# Judge


def current_question(test: AppTest) -> list[str]:
    return re.findall(r'<h2 class="part question">(.*?)</h2>', "".join(e.value for e in test.get("html")))


def answer(test: AppTest, verdict: str) -> Any:
    """The button of a verdict on the question that is shown."""
    (button,) = [button for button in test.button if (button.key or "").startswith(f"judge-{verdict}-")]
    return button


def test_answers_are_written_at_once_and_change_the_tree(visit: Visit, tmp_path: Path) -> None:
    shown = tmp_path / "shown.duckdb"
    test = visit("judge", who="Ada", link="en:700101~1.2")
    assert current_question(test) == [
        "Write invitations to the party and send them out.",
        "Write Party Invitations",
    ]
    answer(test, "unhelpful").click().run()
    (review,) = read(reviews_path(shown)).reviews
    assert (review.who, review.verdict, review.article, review.step) == ("Ada", "unhelpful", "en:700101", 2)
    assert current_question(test)[0] != "Write invitations to the party and send them out."
    assert "Write Party Invitations" not in whole(visit("procedure", goal="en:700101", view="Steps"))
    next(button for button in test.button if button.label == "Undo").click().run()
    assert read(reviews_path(shown)).reviews == ()
    assert current_question(test)[1] == "Write Party Invitations"
    assert "Write Party Invitations" in whole(visit("procedure", goal="en:700101", view="Steps"))


def test_without_a_name_nothing_can_be_answered(visit: Visit) -> None:
    test = visit("judge")
    assert all(answer(test, verdict).disabled for verdict in ("exact", "helpful", "no link"))


def test_another_goal_can_be_named(visit: Visit, tmp_path: Path) -> None:
    test = visit("judge", who="Ada", link="en:700101~1.1")
    test.session_state["judge-more"] = True
    test.run()
    test.text_input(key="judge-note").set_value("by the calendar").run()
    test.text_input(key="judge-words").set_value("plan menu").run()
    test.selectbox(key="judge-other").set_value(5).run()  # Plan a Dinner Menu
    next(button for button in test.button if button.label == "It is this goal").click().run()
    (review,) = read(reviews_path(tmp_path / "shown.duckdb")).reviews
    assert (review.verdict, review.goal, review.note) == ("another goal", "en:700175", "by the calendar")
    assert "decided by a person" in whole(visit("procedure", goal="en:700101", open="1.1"))


def test_the_queue_asks_the_least_sure_first_and_each_once(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("judge", who="Ada")
    asked = []
    for _ in range(4):
        asked.append(current_question(test)[0])
        answer(test, "related").click().run()
    expected = sample_kb.query(
        "SELECT s.headline FROM best_links e JOIN steps s USING (step_id) WHERE source = 'model' "
        "ORDER BY abs(e.probability - ?), step_id LIMIT 4",
        [sample_kb.threshold],
    ).fetchall()
    assert [html.unescape(step) for step in asked] == [step for (step,) in expected]
    other = visit("judge", who="Grace", queue="Judged by others")
    assert current_question(other)[0] in asked


def test_a_review_of_a_knowledge_base_replaced_meanwhile_is_refused(visit: Visit, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("before", "after")]
    for folder in folders:
        folder.mkdir()
    path, other = (
        small_kb(folder, [article("A", step, slug="a"), article("B", "x", slug="b")], [(0, 0, 1, 0.6)])
        for folder, step in zip(folders, ("old step", "new step"), strict=True)
    )
    test = visit("judge", path, who="Ada")
    other.replace(path)
    answer(test, "exact").click().run()
    assert not reviews_path(path).exists()
    assert current_question(test)[0] == "new step"


def test_json_of_the_tree_is_the_commands(visit: Visit, run: Callable, sample_kb_path: Path) -> None:
    done = run("tree", "Clean an Oven", "--kb", sample_kb_path, "--format", "markdown")
    assert done.stdout.startswith("# Clean an Oven\n\n- [ ] 1\\. ")
    dot = run("tree", "Clean an Oven", "--kb", sample_kb_path, "--format", "dot").stdout
    assert dot.startswith("digraph") and json.dumps("x")[:1] in dot
