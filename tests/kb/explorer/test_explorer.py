"""The explorer finds goals and says what is wrong, run by Streamlit's own test runner."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import ROOT, surroundings
from support.small_kb import article, small_kb
from support.visiting import HOSTILE, Visit, component, follow, hits, labelled, links, whole

from kb.explorer import address, text
from kb.search import search
from kb.store import KnowledgeBase
from kb.tree import tree

# The address


PATHS = st.lists(
    st.lists(st.tuples(st.integers(0, 99_999), st.integers(0, 99_999)), min_size=1, max_size=6).map(tuple),
    max_size=20,
)


@given(PATHS)
def test_open_steps_survive_the_address(paths: list[address.StepPath]) -> None:
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
def test_a_goal_that_is_not_there_is_reported(visit: Visit, name: str) -> None:
    test = visit("procedure", goal=name)
    assert "No such goal" in whole(test) or "No goal chosen" in whole(test)
    assert links(test, "Find a goal" if not name else "Search for it")


def test_goals_are_narrowed_to_a_site_and_name_theirs(visit: Visit, tmp_path: Path) -> None:
    goals = [article(f"Brew Tea {i}", "Boil.", url=f"https://{site}/{i}", slug=f"{site}/{i}")
             for i, site in enumerate(("tea.example", "tea.example", "cha.example"))]  # fmt: skip
    kb = small_kb(tmp_path, goals)
    shown = whole(visit("find", kb, words="brew"))
    assert "1 steps · cha.example" in shown
    (chip,) = re.findall(r'href="(find[^"]*site=tea\.example[^"]*)"', shown)
    narrowed = visit("find", kb, **parse_qs(chip.partition("?")[2]))
    assert sorted(hits(narrowed)) == ["en:/tea.example/0", "en:/tea.example/1"]
    assert "Leave this site" in whole(narrowed)
    assert "0 goals" in whole(visit("find", kb, site="nowhere.example"))


def test_equal_goals_of_several_sites_are_one_hit(visit: Visit, tmp_path: Path) -> None:
    steps = ("Bring a pot of water to a simmer.", "Crack the egg into a cup.")
    sites = ("a.example", "b.example")
    goals = [article("Poach an Egg", *steps, slug=f"s{i}", site=site) for i, site in enumerate(sites)]
    kb = small_kb(tmp_path, goals, group=True)
    found = visit("find", kb, words="poach an egg")
    assert hits(found) == ["en:/s0"] and "1 goal" in whole(found)
    assert "Poach an Egg, b.example" in whole(found) and "b.example <span>1</span>" in whole(found)
    assert hits(visit("find", kb, words="poach an egg", site="b.example")) == ["en:/s1"]


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
        drawn = [element.value for element in test.get("html")]
        for markup in (*drawn, component(test, "outline"), component(test, "picture")):
            assert "<script>alert" not in markup and "<b>bold" not in markup
        for element in [*test.markdown, *test.caption]:
            assert not re.search(r"(?<!\\)<script|(?<!\\)\*\*strong|(?<!\\)\$x", element.value)


# Start and find


def test_the_start_offers_deep_procedures_each_with_a_part_of_its_tree(
    visit: Visit, sample_kb: KnowledgeBase
) -> None:
    shown = whole(visit("start"))
    cards = re.findall(r'<article class="card">(.*?)</article>', shown, re.DOTALL)
    assert 4 <= len(cards) <= 6
    for card in cards:
        ((key, goal),) = re.findall(r'<h3><a class="goal" href="procedure\?goal=([^"]+)">(.*?)</a>', card)
        ((article_id,),) = sample_kb.query(
            "SELECT article_id FROM articles WHERE key = ?", [unquote(key)]
        ).fetchall()
        root = tree(sample_kb, article_id, 4)
        own, levels, below = map(
            int, re.findall(r"<p>(\d+) steps · (\d+)\+? levels · (\d+) goals? below", card)[0]
        )
        depths = [depth for depth, _, _ in root.walk()]
        assert (root.goal, own, levels) == (html.unescape(goal), depths.count(1), max(depths)) and levels > 2
        linked = {step.link.goal.goal for _, _, step in root.walk() if step.link}
        assert below == len(linked - {root.goal})
        named = re.findall(r'<li><a class="goal" href="procedure\?goal=([^"&]+)&via=([^"]+)">([^<]+)', card)
        assert named and {html.unescape(name) for *_, name in named} <= linked
        for child, via, name in named:
            assert sample_kb.query(
                "SELECT goal FROM articles WHERE key = ?", [unquote(child)]
            ).fetchall() == [(html.unescape(name),)]
            assert via.startswith(key)
    for words in ("All 87 goals", "Surprise me", "Home and Garden", "Parts of many others", "Chop an Onion"):
        assert links(visit("start"), words) or words in shown
    assert not hits(visit("start")) and hits(visit("start", words="oven")) == hits(
        visit("find", words="oven")
    )


def test_every_goal_stands_on_exactly_one_page(visit: Visit, sample_kb: KnowledgeBase) -> None:
    goals = [key for (key,) in sample_kb.query("SELECT key FROM articles").fetchall()]
    found = [key for number in range(1, 6) for key in hits(visit("find", page=str(number)))]
    assert sorted(found) == sorted(goals)


def test_search_forgives_typing_errors_and_searches_again_as_one_types(visit: Visit) -> None:
    test = visit("find", words="clean ovne")
    assert "Clean an Oven" in links(test, "**")[0].proto.label
    labelled(test.text_input, "Search the goals").set_value("sourdough").run()
    assert {link.proto.label for link in links(test, "**")} == {
        "**Bake Sourdough Bread**",
        "**Make a Sourdough Starter**",
    }
    assert test.query_params["words"] in ("sourdough", ["sourdough"])


def test_categories_have_the_counts_of_what_they_lead_to(visit: Visit, sample_kb: KnowledgeBase) -> None:
    test = visit("find", words="make")
    drawn = "".join(element.value for element in test.get("html"))
    facets = re.findall(r'href="find\?([^"]+)">([^<]+) <span>([\d,]+)</span>', drawn)
    assert facets
    for query, name, count in facets:
        below = visit("find", **parse_qs(html.unescape(query)))
        assert f"**{count} goal" in whole(below)
        expected = sample_kb.query(
            "SELECT count(*) FROM categories WHERE level = 1 AND name = ? AND list_contains(?, article_id)",
            [html.unescape(name), [hit.article_id for hit in search(sample_kb, "make", 30)]],
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
    assert "</ol>" in whole(test)


@pytest.mark.parametrize("asked", ["baking soda", "What can I do with the baking soda?"])
def test_a_search_for_a_thing_names_the_goals_that_need_it(
    visit: Visit, sample_kb: KnowledgeBase, asked: str
) -> None:
    goals = {goal for (goal,) in sample_kb.query("SELECT goal FROM goals_using('baking soda')").fetchall()}
    shown = whole(visit("find", words=asked))
    assert "Nothing found" not in shown
    below = shown[shown.index(f"{len(goals)} goal") :]
    assert goals and set(map(html.unescape, re.findall(r'href="procedure[^"]*">([^<]+)</a>', below))) == goals
    assert not re.search(
        r">\d+ goals? lists? ", "".join(e.value for e in visit("find", words="deep clean").get("html"))
    )


@pytest.mark.parametrize("late", [True, False])
def test_an_address_of_some_letters_ago_takes_no_text_away_but_back_does(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    test = visit("find", words="sour")
    monkeypatch.setattr(address, "LATE", 1e6 if late else 0.0)
    test.text_input[0].set_value("sourdough").run()
    key = test.text_input[0].key
    test.query_params["words"] = "sour"
    test.run()
    assert test.text_input[0].value == ("sourdough" if late else "sour")
    assert (test.text_input[0].key == key) == late
    assert test.query_params["words"] in ("sourdough" if late else "sour", ["sourdough" if late else "sour"])


def test_what_is_typed_stays_however_long_the_page_it_asks_for_takes(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(address, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def slow(*asked: object) -> list:
        clock[0] += 60
        return search(*asked)

    monkeypatch.setattr("kb.explorer.hits.search", slow)
    test = visit("find")
    test.text_input[0].set_value("sourdough").run()
    test.query_params.clear()  # as the browser asked before it heard of the answer
    test.run()
    assert test.text_input[0].value == "sourdough" and test.query_params["words"] == "sourdough"
    clock[0] += 60
    test.query_params.clear()  # and as the menu leads to the search again
    test.run()
    assert test.text_input[0].value == ""


def test_nothing_found_is_reported(visit: Visit) -> None:
    assert "Nothing found" in whole(visit("find", words="qqqq zzzz"))


def test_only_a_search_by_meaning_loads_torch(own_sample_kb: Path) -> None:
    code = f"""
import sys
sys.path.append({str(ROOT / "tests")!r})
from support.visiting import ENTRY, on_page
sys.argv = ["app.py", {str(own_sample_kb)!r}]
def visit(page, **parameters):
    test = on_page(ENTRY, page, **parameters)
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
