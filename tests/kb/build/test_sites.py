"""Knowledge bases of several sites: some of them chosen, counted each, and their links across."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Run
from support.contents import rows
from support.reading import lines
from support.small_kb import article, small_kb

from kb.store import KnowledgeBase

SITES = ("tea.example", "fr.tea.example", "greentea.example", "")


@pytest.fixture
def four_sites(tmp_path: Path) -> Path:
    goals = [
        article(f"Brew Tea {i}", "to the next", slug=f"{site or 'wiki'}/{i}", site=site)
        for i, site in enumerate(SITES)
    ]
    # in the order of their keys: fr.tea, greentea, tea, wiki
    return small_kb(tmp_path, goals, [(0, 0, 2, 0.9), (1, 0, 3, 0.9), (2, 0, 1, 0.9)])


def test_only_the_sites_asked_for_are_built(run: Run, tmp_path: Path) -> None:
    records = [{"title": f"Brew Tea {i}", "steps": ["Boil."], "site": site} for i, site in enumerate(SITES)]
    source, output = lines(tmp_path / "a.jsonl", *records), tmp_path / "kb.duckdb"
    done = run("build", source, "-o", output, "--sites", "tea.example, none")
    assert done.returncode == 0, done.stderr
    assert "1 of them left out: of other sites" in done.stderr
    assert rows(output, "SELECT site FROM goals ORDER BY site") == [
        ("fr.tea.example",),
        ("tea.example",),
        (None,),
    ]
    assert rows(output, "SELECT parameters->'sites' FROM runs") == [('["tea.example","none"]',)]
    built = output.read_bytes()
    done = run("build", source, "-o", output, "--sites", "tea.example,ifixit.com")
    assert done.returncode == 1
    assert "no article of the site 'ifixit.com'" in done.stderr and "greentea.example (1)" in done.stderr
    assert output.read_bytes() == built


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("tea.example", ["fr.tea.example", "tea.example"]),
        ("TEA.example", ["fr.tea.example", "tea.example"]),
        ("fr.tea.example", ["fr.tea.example"]),
        ("example", ["fr.tea.example", "greentea.example", "tea.example"]),
        ("none", [None]),
        ("a.example", []),
    ],
)
def test_a_site_has_those_below_it(four_sites: Path, asked: str, found: list[str | None]) -> None:
    with KnowledgeBase(four_sites) as kb:
        sql = "SELECT site FROM goals WHERE within_site(site, ?) ORDER BY site"
        assert [site for (site,) in kb.query(sql, [asked]).fetchall()] == found


def test_links_name_both_sites_and_sites_count_them(four_sites: Path) -> None:
    with KnowledgeBase(four_sites) as kb:
        links = kb.query("SELECT parent_site, child_site FROM links ORDER BY step_id").fetchall()
        assert links == [
            ("fr.tea.example", "tea.example"),
            ("greentea.example", None),
            ("tea.example", "greentea.example"),
        ]
        sites = kb.query("SELECT site, goals, steps, linked, across FROM sites ORDER BY site").fetchall()
        assert sites == [
            ("fr.tea.example", 1, 1, 1, 1),
            ("greentea.example", 1, 1, 1, 1),
            ("none", 1, 1, 0, 0),
            ("tea.example", 1, 1, 1, 1),
        ]
