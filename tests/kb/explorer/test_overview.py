"""The overview: treemaps whose tiles are as large as they say and lead where they say."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_kb import article, small_kb
from support.visiting import HOSTILE, Visit, whole

from kb.explorer.overview import BROADEST, shortened
from kb.explorer.treemap import Tile, squarified
from kb.store import KnowledgeBase

NUMBERS = st.lists(st.integers(1, 100_000), min_size=1, max_size=30).map(
    lambda numbers: sorted(numbers)[::-1]
)
SIDES = st.floats(10, 2_000)


@given(NUMBERS, SIDES, SIDES)
def test_tiles_are_as_large_as_their_numbers_fill_the_whole_and_do_not_overlap(
    numbers: list[int], width: float, height: float
) -> None:
    boxes = squarified(numbers, width, height)
    share = width * height / sum(numbers)
    assert [box.width * box.height for box in boxes] == pytest.approx([share * number for number in numbers])
    grain = 1e-6 * max(width, height)
    for at, box in enumerate(boxes):
        assert box.x >= -grain and box.x + box.width <= width + grain
        assert box.y >= -grain and box.y + box.height <= height + grain
        for other in boxes[:at]:
            across = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
            down = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
            assert across <= grain or down <= grain


def test_equal_numbers_make_squares() -> None:
    assert [(box.width, box.height) for box in squarified([1] * 6, 300, 200)] == [
        pytest.approx((100, 100))
    ] * 6


def test_the_smallest_of_many_share_a_tile() -> None:
    tiles = [Tile(str(n), 100 - n, f"#{n}") for n in range(40)]
    assert shortened(tiles, 40, "sites") == tiles
    assert shortened(tiles, 10, "sites") == [
        Tile("31 other sites", sum(100 - n for n in range(9, 40))),
        *tiles[:9],
    ]


TILE = re.compile(r'<a class="goal" href="find\?([^"]+)" title="[^"]*?: ([\d,]+)">')


def test_each_tile_leads_to_as_many_goals_as_it_says(visit: Visit, sample_kb: KnowledgeBase) -> None:
    tiles = [
        (parse_qs(html.unescape(query))["category"], int(number))
        for query, number in TILE.findall("".join(each.value for each in visit("overview").get("html")))
    ]
    expected = sample_kb.query(
        "SELECT list(name ORDER BY level), len(list(name)) AS depth, article_id FROM categories "
        "WHERE level <= 2 GROUP BY article_id"
    ).fetchall()
    assert len(tiles) == len(
        {tuple(path[:1]) for path, _, _ in expected} | {tuple(path) for path, _, _ in expected}
    )
    for path, number in tiles:
        assert number == sum(names[: len(path)] == path for names, _, _ in expected)
    path, number = tiles[1]
    assert f"{number} goals" in whole(visit("find", category=path))


def test_sites_have_a_treemap_where_there_are_several(visit: Visit, tmp_path: Path) -> None:
    kb = small_kb(
        tmp_path,
        [
            article("One", "Do it.", slug="a", site="a.example", categories=(HOSTILE,)),
            article("Two", "Do it.", slug="b", site="b.example"),
            article("Three", "Do it.", slug="c", site="b.example"),
        ],
    )
    shown = whole(visit("overview", kb))
    assert "3 goals, 1 of them in 1 broad category." in shown
    assert re.findall(r'href="find\?site=(\w)\.example" title="[^"]+: (\d)"', shown) == [
        ("b", "2"),
        ("a", "1"),
    ]
    assert "<script>" not in "".join(each.value for each in visit("overview", kb).get("html"))


def test_without_categories_and_links_the_overview_has_no_parts(visit: Visit, tmp_path: Path) -> None:
    test = visit("overview", small_kb(tmp_path, [article("One", "Do it.")]))
    assert "1 goal." in whole(test) and "treemap" not in whole(test)
    assert BROADEST > 1
