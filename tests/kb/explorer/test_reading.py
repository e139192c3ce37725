"""The reading view: an article whole, with its procedures folded in."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.small_kb import article, small_kb
from support.visiting import HOSTILE, Visit, component, whole

from crawl.article import Article, Method, Step
from kb.explorer.text import short
from kb.store import KnowledgeBase
from kb.tree import tree


class Outline(HTMLParser):
    """What a reader of the view meets: step texts with how deep they are folded, and the links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.folds = 0
        self.steps: list[tuple[int, str]] = []
        self.links: list[str] = []
        self.open_tags: list[str] = []
        self._in_box = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "input":
            self.open_tags.append(tag)
        if tag == "details":
            self.folds += 1
        if tag == "a":
            self.links.append(values.get("href") or "")
        if tag == "input" and re.match(r"\d", values.get("data-tick") or ""):
            self._in_box = True
            self.steps.append((self.folds, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
        self.folds -= tag == "details"
        self._in_box &= tag != "label"

    def handle_data(self, data: str) -> None:
        if self._in_box:
            folds, text = self.steps[-1]
            self.steps[-1] = folds, text + data


def outline(shown: str) -> Outline:
    found = re.search(r'<div class="reading".*</div></div>', shown, re.DOTALL)
    assert found, shown
    return Outline(found[0])


def page(visit: Visit, *arguments: object, **parameters: str) -> str:
    test = visit("procedure", *arguments, **parameters)
    return next(element.value for element in test.get("html") if 'class="reading"' in element.value)


def test_everything_an_article_says_is_open_on_the_page(visit: Visit, sample_kb: KnowledgeBase) -> None:
    for (key,) in sample_kb.query("SELECT key FROM articles ORDER BY hash(key) LIMIT 4").fetchall():
        test = visit("procedure", goal=key)
        shown = html.unescape(whole(test))
        said = sample_kb.query(
            """
            WITH one AS (FROM articles WHERE key = $key)
            SELECT introduction FROM one UNION ALL SELECT goal FROM one UNION ALL
            SELECT unnest([headline, body] || bullets) FROM steps SEMI JOIN one USING (article_id) UNION ALL
            SELECT name FROM methods SEMI JOIN one USING (article_id) UNION ALL
            SELECT text FROM things SEMI JOIN one USING (article_id) UNION ALL
            SELECT text FROM notes SEMI JOIN one USING (article_id) UNION ALL
            SELECT text FROM citations SEMI JOIN one USING (article_id) UNION ALL
            SELECT coalesce(licence, published[:10], modified[:10]) FROM one UNION ALL SELECT url FROM one
            """,
            {"key": key},
        ).fetchall()
        assert len(said) > 10
        for (text,) in said:
            assert not text or text in shown, (key, text)


@pytest.mark.parametrize("goal", ["Host a Dinner Party", "Deep Clean Your House", "Tune Up a Bicycle"])
def test_procedures_are_folded_in_at_their_steps_as_in_the_tree(
    visit: Visit, sample_kb: KnowledgeBase, goal: str
) -> None:
    found = outline(page(visit, goal=goal))
    ((root,),) = sample_kb.query("SELECT goal_id(?)", [goal]).fetchall()
    assert found.steps == [(depth - 1, step.text) for depth, _, step in tree(sample_kb, root, 4).walk()]
    assert found.open_tags == [] and found.folds == 0


def test_badges_say_how_much_is_folded_in_and_links_how_they_were_found(visit: Visit) -> None:
    shown = page(visit, goal="Host a Dinner Party")
    assert re.search(r"<summary>\d+ steps, [34] levels<span", shown)
    assert "the same procedure, found by the model (0.9" in shown
    assert "set by an editor on “" in page(visit, goal="Tune Up a Bicycle") or "Mentions: " in shown


def test_a_circle_and_what_is_deeper_are_named_and_not_opened(visit: Visit, tmp_path: Path) -> None:
    goals = [article(f"G{i}", f"to {i + 1}", slug=f"g{i}") for i in range(7)]
    edges = [(i, 0, i + 1, 0.9) for i in range(6)] + [(6, 0, 0, 0.9)]
    kb = small_kb(tmp_path, goals, edges)
    found = page(visit, kb, goal="G0")
    assert [text for _, text in outline(found).steps] == ["to 1", "to 2", "to 3", "to 4"]
    assert "1 step, 3+ levels" in found and ">G4</a>" in found
    assert "goes in a circle" not in found
    (tmp_path / "small").mkdir()
    circle = small_kb(tmp_path / "small", goals[:2], [(0, 0, 1, 0.9), (1, 0, 0, 0.9)])
    found = page(visit, circle, goal="G0")
    assert [text for _, text in outline(found).steps] == ["to 1", "to 2"] and "goes in a circle" in found


def test_lists_say_whether_one_is_enough(visit: Visit, tmp_path: Path) -> None:
    def listed(kind: str, slug: str) -> Article:
        methods = tuple(Method(kind, n, name, (Step(1, "s"),)) for n, name in ((1, "First"), (2, "")))  # type: ignore[arg-type]
        return Article("en", f"Do {kind}", methods, slug=slug)

    kb = small_kb(tmp_path, [listed("method", "a"), listed("part", "b"), listed("question", "c")])
    assert "One of these 2 methods is enough." in page(visit, kb, goal="Do method")
    shown = page(visit, kb, goal="Do part")
    assert "All 2 parts are needed." in shown and ">Part 1: First</h2>" in shown and ">Part 2</h2>" in shown
    assert "answers 2 questions" in page(visit, kb, goal="Do question")


IMAGE = '"><img src=x onerror=alert(1)>'


def test_hostile_text_is_read_as_text(visit: Visit, tmp_path: Path) -> None:
    bad = Article(
        "en", HOSTILE, (Method("part", 1, HOSTILE, (Step(1, "", HOSTILE, (HOSTILE,)),)),), slug="a",
        url="javascript:alert(1)", licence=HOSTILE, published=HOSTILE, related=("b",),
        **dict.fromkeys(("ingredients", "things", "tools", "tips", "warnings", "references"), (HOSTILE, IMAGE)),
    )  # fmt: skip
    kb = small_kb(tmp_path, [bad, article("'\"><b>x", HOSTILE, slug="b")], [(1, 0, 0, 0.9)])
    for goal in ("en:/a", "en:/b"):
        shown = page(visit, kb, goal=goal)
        assert not re.search(r"<script|<img|<b>|javascript:", shown)
        found = outline(shown)
        assert any(short(HOSTILE)[:40] in text for _, text in found.steps)
        assert all(link.startswith(("procedure?goal=", "judge?link=", "#")) for link in found.links)


def test_an_address_of_the_tree_still_shows_the_tree(visit: Visit) -> None:
    for parameters in (
        {"open": "1.4"},
        {"levels": "2"},
        {"weigh": "1.2"},
        {"method": "1"},
        {"view": "Steps"},
    ):
        test = visit("procedure", goal="Host a Dinner Party", **parameters)
        assert component(test, "outline") and 'class="reading"' not in whole(test), parameters
