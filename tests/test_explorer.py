"""The explorer's pages, run by Streamlit's own test runner: what they show for which address and file."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import duckdb
import pytest
import streamlit
from conftest import ROOT, surroundings
from hypothesis import given
from hypothesis import strategies as st
from small import article, small_kb
from streamlit.testing.v1 import AppTest

from kb.explorer import address, text
from kb.reviews import read, reviews_path
from kb.store import KnowledgeBase
from kb.tree import tree

Visit = Callable[..., AppTest]

HOSTILE = (
    "<script>alert(1)</script> <b>bold</b> **strong** _em_ `code` $x^2$ $$y$$ [link](https://evil.example) "
    ":red[red] :smile: :material/home: -> # head | a | "
    "www.evil.example \u202eright to left\u202c \u2067x\u2069 \x07 &amp;"
)


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, sample_kb_path: Path, tmp_path: Path) -> Iterator[Visit]:
    """Opens a page of the explorer as a visitor with a new browser window would."""
    copy = tmp_path / "shown.duckdb"
    shutil.copy(sample_kb_path, copy)

    def opened(page: str = "find", kb: Path = copy, /, **parameters: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", str(kb)])
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.run()
        test.query_params.update(parameters)
        test.switch_page(f"kb/explorer/{page}.py")
        return test.run()

    yield opened
    streamlit.cache_resource.clear()
    streamlit.cache_data.clear()


def whole(test: AppTest) -> str:
    """Every text on the page, labels too, with the escapes of Markdown and HTML undone."""
    assert not test.exception, test.exception[0].value
    parts = [
        element.value for kind in (test.markdown, test.caption, test.text, test.info) for element in kind
    ]
    parts += [
        element.value for kind in (test.error, test.warning, test.success, test.code) for element in kind
    ]
    parts += [html.unescape(element.value) for element in test.get("html")]
    parts += [block.label for block in test.expander] + [link.proto.label for link in links(test)]
    return "\n".join(re.sub(r"\\([^\w\s])", r"\1", part) for part in parts)


def links(test: AppTest, wanted: str = "") -> list:
    """The links of the page whose label holds `wanted`."""
    return [
        link for link in test.get("page_link") if wanted in re.sub(r"\\([^\w\s])", r"\1", link.proto.label)
    ]


def follow(visit: Visit, link: object) -> AppTest:
    """Open what a link leads to."""
    proto = link.proto  # type: ignore[attr-defined]
    return visit(proto.page or "find", **parse_qs(proto.query_string))


def hits(test: AppTest) -> list[str]:
    """The keys of the goals found, in order."""
    return [
        parse_qs(link.proto.query_string)["goal"][0]
        for link in links(test, "**")
        if link.proto.page == "procedure"
    ]


def steps_shown(test: AppTest) -> list[str]:
    """The steps on the screen, in order."""
    return [
        re.sub(r"\\([^\w\s])", r"\1", block.label).split(" → ")[0]
        for block in test.expander
        if re.match(r"\d+\\\.", block.label)
    ]


# The address


PATHS = st.lists(
    st.lists(st.tuples(st.integers(0, 99_999), st.integers(0, 99_999)), min_size=1, max_size=6).map(tuple),
    max_size=20,
)


@given(PATHS)
def test_open_steps_survive_the_address(paths: list[address.Path]) -> None:
    assert address.paths(address.spelt_all(paths)) == frozenset(paths)


@pytest.mark.parametrize(
    "raw", ["1", "1.2-", "-1.2", "1.2~", "~", "a.b", "1.2.3", "1.2 ", "1.2\n", "9" * 9 + ".1"]
)
def test_nonsense_paths_are_refused(raw: str) -> None:
    with pytest.raises(ValueError):
        address.paths(raw)


@pytest.mark.parametrize("raw", ["nan", "inf", "-0.1", "1.01", "", "half"])
def test_nonsense_shares_are_refused(raw: str) -> None:
    with pytest.raises(ValueError):
        address.share(raw)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_markup_shows_every_character_as_itself(given_text: str) -> None:
    assert html.unescape(text.markup(given_text)) == text.short(given_text)
    assert not re.search(r"<|>|&(?!\w+;|#)", text.markup(given_text))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_label_escapes_all_punctuation(given_text: str) -> None:
    label = text.label(given_text)
    assert re.sub(r"\\([!-/:-@\[-`{-~])|\u2060", r"\1", label) == text.short(given_text).replace("\u2060", "")
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`$<\[:#]", label)


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("find", {"page": "many", "sort": "sideways", "by": "smell", "category": "none"}),
        ("find", {"page": "99999999999999999999"}),
        ("find", {"page": "50000"}),
        ("procedure", {"goal": "en:700101", "threshold": "nan", "levels": "-3", "view": "Smell", "open": "x"}),
        ("procedure", {"goal": "en:700101", "shut": "1", "open": "99.99-1.1", "weigh": "<b>", "method": "0"}),
        ("procedure", {"goal": "en:700101", "via": ["nobody", "en:700138"], "method": "77"}),
        ("procedure", {"goal": "x" * 5000}),
        ("judge", {"link": "nothing", "skip": "-1", "queue": "long"}),
        ("judge", {"link": "en:700101~99.99"}),
        ("query", {"sql": "x" * 20_000}),
        ("quality", {"anything": "at all"}),
    ],
)  # fmt: skip
def test_an_address_with_nonsense_gives_a_page_that_says_so(
    visit: Visit, page: str, parameters: dict[str, str]
) -> None:
    test = visit(page, **parameters)
    shown = whole(test)
    assert "<h1" in shown
    if page != "quality" and "via" not in parameters:
        assert "in the address" in shown or "There is no page" in shown


@pytest.mark.parametrize("name", ["", "Nothing of the kind", "en:1", "<script>"])
def test_a_goal_that_is_not_there_is_told(visit: Visit, name: str) -> None:
    test = visit("procedure", goal=name)
    assert "No such goal" in whole(test) or "No goal chosen" in whole(test)
    assert links(test, "Find a goal" if not name else "Search for it")


# The file


@pytest.mark.parametrize("page", ["find", "procedure", "judge", "query", "quality"])
@pytest.mark.parametrize("kind", ["missing", "other version", "not a database", "empty"])
def test_a_knowledge_base_that_cannot_be_shown(
    visit: Visit, page: str, kind: str, sample_kb_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.duckdb"
    if kind == "not a database":
        path.write_text("This is a letter.")
    elif kind != "missing":
        shutil.copy(sample_kb_path, path)
        with duckdb.connect(str(path)) as session:
            if kind == "other version":
                session.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
            else:
                tables = session.execute("SELECT table_name FROM duckdb_tables()").fetchall()
                for (table,) in tables:
                    if table not in ("meta", "runs"):
                        session.execute(f"DELETE FROM {table}")
    shown = whole(visit(page, path))
    expected = {
        "missing": "no knowledge base at",
        "other version": "schema version 999",
        "not a database": "not a knowledge base",
        "empty": {
            "find": "holds no goals yet", "procedure": "No goal chosen", "judge": "Nothing is left to judge",
            "query": "Ask in SQL", "quality": "There are no links",
        }[page],
    }[kind]  # fmt: skip
    assert expected in shown


def test_a_knowledge_base_replaced_while_open_is_read_anew(visit: Visit, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("before", "after")]
    for folder in folders:
        folder.mkdir()
    shown = small_kb(folders[0], [article("Old Goal", "one")])
    test = visit("find", shown)
    assert "Old Goal" in whole(test)
    small_kb(folders[1], [article("New Goal", "one"), article("Newer Goal", "two")]).replace(shown)
    test.run()
    assert "Old Goal" not in whole(test)
    assert "2 goals" in whole(test)
    shown.unlink()
    assert "no knowledge base at" in whole(test.run())


def test_hostile_text_is_shown_as_text(visit: Visit, tmp_path: Path) -> None:
    long = "word " * 2_000 + "x" * 10_000
    kb = small_kb(
        tmp_path,
        [
            article(
                HOSTILE,
                HOSTILE,
                long,
                introduction=HOSTILE,
                categories=(HOSTILE, "]("),
                slug="a",
                url="javascript:alert(1)",
            ),
            article(f"Second {HOSTILE}", "fine", slug="b"),
        ],
        [(0, 0, 1, 0.9)],
    )
    told = text.short(HOSTILE)
    for page, parameters in (
        ("find", {}),
        ("find", {"words": HOSTILE[:190]}),
        ("procedure", {"goal": "en:/a", "open": "1.1~1.2", "via": "en:/b"}),
        ("procedure", {"goal": "en:/a", "view": "Text"}),
        ("procedure", {"goal": "en:/a", "view": "Picture"}),
        ("procedure", {"goal": "en:/b"}),
        ("judge", {"who": HOSTILE[:50]}),
    ):
        test = visit(page, kb, **parameters)
        shown = whole(test)
        assert told[:60] in shown or page == "find"
        assert not [link for link in test.get("page_link") if "javascript" in link.proto.page]
        for element in test.get("html"):
            assert "<script>alert" not in element.value and "<b>bold" not in element.value
        for element in [*test.markdown, *test.caption]:
            assert not re.search(r"(?<!\\)<script|(?<!\\)\*\*strong|(?<!\\)\$x", element.value)


# Find


def test_every_goal_stands_on_exactly_one_page(visit: Visit, sample_kb: KnowledgeBase) -> None:
    goals = [key for (key,) in sample_kb.query("SELECT key FROM articles").fetchall()]
    found = [key for number in range(1, 6) for key in hits(visit("find", page=str(number)))]
    assert sorted(found) == sorted(goals)


def test_search_forgives_typing_errors_and_searches_again_as_one_types(visit: Visit) -> None:
    test = visit("find", words="clean ovne")
    assert "Clean an Oven" in links(test, "**")[0].proto.label
    test.text_input(key="at-words").set_value("sourdough").run()
    assert {link.proto.label for link in links(test, "**")} == {
        "**Bake Sourdough Bread**",
        "**Make a Sourdough Starter**",
    }
    assert test.query_params["words"] in ("sourdough", ["sourdough"])


def test_categories_have_the_counts_of_what_they_lead_to(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("find", words="make")
    facets = [link for link in links(test, ":gray[") if link.proto.page == "find"]
    assert facets
    for facet in facets:
        name, count = re.fullmatch(r"(.*) :gray\[([\d,]+)\]", facet.proto.label).groups()  # type: ignore[union-attr]
        below = follow(visit, facet)
        assert f"**{count} goal" in whole(below)
        expected = sample_kb.query(
            "SELECT count(*) FROM search_goals('make') JOIN categories USING (article_id) WHERE level = 1 AND name = ?",
            [name.replace("\\", "")],
        ).fetchall()[0][0]
        assert count == str(expected)


@pytest.mark.parametrize(
    ("sort", "counted"),
    [
        ("Title", "SELECT article_id, 0 AS n FROM articles"),
        ("Most steps", "SELECT article_id, count(*) AS n FROM steps GROUP BY ALL"),
        ("Most used", "SELECT child_id AS article_id, count(*) AS n FROM links GROUP BY ALL"),
        ("Most linked steps", "SELECT parent_id AS article_id, count(*) AS n FROM links GROUP BY ALL"),
    ],
)
def test_sorting(visit: Visit, sample_kb: KnowledgeBase, sort: str, counted: str) -> None:
    by = "lower(goal)" if sort == "Title" else "coalesce(n, 0) DESC"
    rows = sample_kb.query(
        f"SELECT key FROM articles LEFT JOIN ({counted}) USING (article_id) ORDER BY {by}, article_id"
    ).fetchall()
    expected = [key for (key,) in rows]
    assert hits(visit("find", sort=sort, page="2")) == expected[20:40]


def test_surprise_me_leads_to_a_goal(visit: Visit) -> None:
    test = follow(visit, links(visit("find"), "Surprise me")[0])
    assert steps_shown(test)


def test_nothing_found_is_told(visit: Visit) -> None:
    assert "Nothing found" in whole(visit("find", words="qqqq zzzz"))


def test_only_a_search_by_meaning_loads_torch(own_sample_kb: Path) -> None:
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
sys.argv = ["app.py", {str(own_sample_kb)!r}]
def visit(page, **parameters):
    test = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=120).run()
    test.query_params.update(parameters)
    test.switch_page(f"kb/explorer/{{page}}.py").run()
    assert not test.exception, test.exception
    return test
for page in ("find", "procedure", "judge", "query", "quality"):
    visit(page, words="oven", goal="en:700101", who="Ada", sql="FROM goals")
print("torch" in sys.modules, "faiss" in sys.modules)
found = visit("find", words="get rid of dirt in the stove", by="Meaning").get("page_link")
print("torch" in sys.modules, [link.proto.label for link in found if "**" in link.proto.label][0])
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["False False", "True **Clean an Oven**"], done.stderr[-2000:]


def test_search_by_meaning_without_an_index_says_what_to_do(visit: Visit) -> None:
    assert "needs the work folder of the build" in whole(visit("find", words="oven", by="Meaning"))


# Procedure


@pytest.mark.parametrize("levels", [1, 2, 3, 5])
@pytest.mark.parametrize("threshold", [None, 0.05, 0.9])
def test_levels_open_what_the_tree_has(
    visit: Visit, sample_kb: KnowledgeBase, levels: int, threshold: float | None
) -> None:
    parameters = {"goal": "en:700101", "levels": str(levels)} | (
        {"threshold": str(threshold)} if threshold else {}
    )
    test = visit("procedure", **parameters)
    root = tree(sample_kb, 3, levels, threshold)
    expected = [f"{step.number}. {step.text}" for _, _, step in root.walk()]
    assert steps_shown(test) == expected
    assert test.slider(key="at-levels").value == levels


def test_open_steps_are_opened_in_place_and_only_those(visit: Visit) -> None:
    shut = steps_shown(visit("procedure", goal="Host a Dinner Party"))
    test = visit("procedure", goal="Host a Dinner Party", open="1.4-2.1-1.3")
    shown = steps_shown(test)
    assert shown[:4] == shut[:4]
    assert shown.index("4. Deep clean your whole house.") < shown.index("1. Clean the inside of the oven.")
    assert "5. Use it at once." in shown
    assert "2. Pour in one part white vinegar and one part water." not in shown
    assert "the same procedure: probability 0.95, found by the model" in whole(test)


def test_methods_are_tabs_and_the_address_holds_the_open_one(visit: Visit) -> None:
    test = visit("procedure", goal="Deep Clean Your House", method="3")
    assert [tab.label.partition(":")[0] for tab in test.tabs] == ["Part 1", "Part 2", "Part 3"]
    assert "all are needed" in whole(test)
    first = steps_shown(test)
    assert first and first != steps_shown(visit("procedure", goal="Deep Clean Your House"))


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
    assert "↻" in test.expander[2].label + test.expander[1].label


def test_a_huge_tree_is_cut_and_says_so(visit: Visit, tmp_path: Path) -> None:
    goals = [article(f"G{i}", *(f"s{n}" for n in range(30)), slug=f"g{i:03}") for i in range(40)]
    edges = [(i, n, i + 1, 0.9) for i in range(39) for n in range(30)]
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
    assert "**chosen**" in shown
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
    below = follow(visit, links(test, "**Clean an Oven**")[0])
    assert "How" not in whole(below)[:0]
    trail = [link.proto.label for link in below.get("page_link")][:3]
    assert trail == ["All goals", "Host a Dinner Party", "Deep Clean Your House"]
    back = follow(visit, links(below, "Deep Clean Your House")[0])
    assert [link.proto.label for link in back.get("page_link")][:2] == ["All goals", "Host a Dinner Party"]


def test_text_picture_and_files_hold_the_same_tree(visit: Visit, sample_kb: KnowledgeBase) -> None:
    steps = [step.text for _, _, step in tree(sample_kb, 3, 3).walk()]
    shown = visit("procedure", goal="en:700101", levels="3", view="Text")
    assert all(step in shown.code[0].value for step in steps)
    assert len(shown.get("download_button")) == 3
    picture = visit("procedure", goal="en:700101", levels="3", view="Picture")
    dot = " ".join(picture.get("graphviz_chart")[0].proto.spec.replace("\\n", " ").split())
    assert all(" ".join(step.replace('"', '\\"').split()) in dot for step in steps)


# Query


def test_a_query_is_answered_with_table_chart_and_files(visit: Visit, sample_kb: KnowledgeBase) -> None:
    sql = "SELECT child AS goal, count(*) AS uses FROM links GROUP BY child ORDER BY uses DESC, child"
    test = visit("query", sql=sql)
    expected = sample_kb.query(sql).fetchall()
    assert [tuple(row) for row in test.dataframe[0].value.itertuples(index=False)] == expected
    assert test.get("vega_lite_chart") and len(test.get("download_button")) == 2


def test_a_typed_query_goes_into_the_address(visit: Visit) -> None:
    test = visit("query")
    test.text_area(key="sql-text").set_value("SELECT 41 + 1 AS answer")
    test.button[0].click().run()
    assert test.dataframe[0].value["answer"].tolist() == [42]
    assert test.query_params["sql"] in ("SELECT 41 + 1 AS answer", ["SELECT 41 + 1 AS answer"])


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE articles", "only queries that read"),
        ("FROM read_csv('/etc/passwd')", "may not reach files"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELEKT", "failed"),
        ("FROM range(20000)", "stopped after 10,000 rows"),
        ("SELECT 1 AS a, 2 AS a", "1 row in"),
        ("SELECT goal FROM goals WHERE false", "0 rows in"),
    ],
)
def test_queries_keep_the_rules(visit: Visit, sql: str, told: str) -> None:
    assert told in whole(visit("query", sql=sql))


def test_every_example_runs(visit: Visit) -> None:
    examples = [link for link in visit("query").get("page_link") if "sql=" in link.proto.query_string]
    assert len(examples) == 6
    for example in examples:
        test = follow(visit, example)
        assert not test.error and len(test.dataframe[0].value) > 0, example.proto.label


# Quality


def test_the_quality_page_counts_rightly(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("quality")
    metrics = {metric.label: metric.value for metric in test.metric}
    steps, linked = sample_kb.query(
        "SELECT (SELECT count(*) FROM steps), (SELECT count(*) FROM edges WHERE chosen)"
    ).fetchall()[0]
    assert metrics["Steps"] == str(steps) and metrics["Steps linked"] == f"{linked / steps:.1%}"
    assert "How it was made" in whole(test)


def test_the_quality_page_tells_what_people_say(visit: Visit) -> None:
    assert "Nobody has judged" in whole(visit("quality"))
    for who, verdict in (("Ada", "exact"), ("Grace", "exact"), ("Alan", "unhelpful")):
        visit("judge", who=who, link="en:700101~1.2").button(key=f"judge-{verdict}").click().run()
    shown = whole(visit("quality"))
    assert "1 of the model's best links are judged by 3 people" in shown
    assert "100% are right" in shown


# Judge


def current_question(test: AppTest) -> list[str]:
    return re.findall(r'<h2 class="part question">(.*?)</h2>', "".join(e.value for e in test.get("html")))


def test_answers_are_written_at_once_and_change_the_tree(visit: Visit, tmp_path: Path) -> None:
    shown = tmp_path / "shown.duckdb"
    test = visit("judge", who="Ada", link="en:700101~1.2")
    assert current_question(test) == [
        "Write invitations to the party and send them out.",
        "Write Party Invitations",
    ]
    test.button(key="judge-unhelpful").click().run()
    (review,) = read(reviews_path(shown)).reviews
    assert (review.who, review.verdict, review.article, review.step) == ("Ada", "unhelpful", "en:700101", 2)
    assert current_question(test)[0] != "Write invitations to the party and send them out."
    assert "Write Party Invitations" not in whole(visit("procedure", goal="en:700101"))
    next(button for button in test.button if button.label == "Undo").click().run()
    assert read(reviews_path(shown)).reviews == ()
    assert current_question(test)[1] == "Write Party Invitations"
    assert "Write Party Invitations" in whole(visit("procedure", goal="en:700101"))


def test_without_a_name_nothing_can_be_answered(visit: Visit) -> None:
    test = visit("judge")
    assert all(test.button(key=f"judge-{verdict}").disabled for verdict in ("exact", "helpful", "no link"))


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
        test.button(key="judge-related").click().run()
    expected = sample_kb.query(
        "SELECT s.headline FROM edges e JOIN steps s USING (step_id) WHERE source = 'model' "
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
    test.button(key="judge-exact").click().run()
    assert not reviews_path(path).exists()
    assert current_question(test)[0] == "new step"


def test_json_of_the_tree_is_the_commands(visit: Visit, run: Callable, sample_kb_path: Path) -> None:
    done = run("tree", "Clean an Oven", "--kb", sample_kb_path, "--format", "markdown")
    assert done.stdout.startswith("# Clean an Oven\n\n- [ ] 1\\. ")
    dot = run("tree", "Clean an Oven", "--kb", sample_kb_path, "--format", "dot").stdout
    assert dot.startswith("digraph") and json.dumps("x")[:1] in dot
