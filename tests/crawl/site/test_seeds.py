"""Where `howtree crawl` begins and what it follows: titles, files, categories, sitemaps, links."""

from __future__ import annotations

import gzip
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.crawl_site import (
    Site,
    answer,
    article,
    category,
    redirect,
)
from support.crawl_world import Ran, crawl, howtree, outcomes, site


def test_all_spellings_of_a_title_are_one_page(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    wanted = {
        "/Make-Caf%C3%A9-au-Lait": "Make Café au Lait",
        "/%E9%AD%9A%E3%82%92%E7%84%BC%E3%81%8F": "魚を焼く",
        "/Know-What%27s-100%25-True%3F": "Know What's 100% True?",
        "/Clean-a-24/7-Kitchen": "Clean a 24/7 Kitchen",
        "/Use-C%2B%2B-%26-C": "Use C++ & C",
        "/Win-at-Portal:-The-Game": "Win at Portal: The Game",
        "/Latin-%E9t%E9": "Latin",
    }
    for path, title in wanted.items():
        site.at(path, answer(200, article(title)))
    seeds = [
        "How to Make Café au Lait",
        "/Make-Caf%c3%a9-au-Lait?utm=1#steps",
        "/Make_Café_au_Lait",
        "/Make-Cafe\u0301-au-Lait",
        "魚を焼く",
        "/魚を焼く",
        "Know What's 100% True?",
        "/Know-What's-100%25-True%3f",
        "Clean a 24/7 Kitchen",
        "/Clean-a-24%2F7-Kitchen/",
        "Use C++ & C",
        "/Use-C++-%26-C",
        "Win at Portal: The Game",
        "/Latin-%e9t%e9",
    ]
    (tmp_path / "seeds.txt").write_text("\n".join(["\ufeff# a comment", "", *seeds]), encoding="utf-8")
    assert crawl("--seeds", tmp_path / "seeds.txt").code == 0
    assert sorted(site.paths()) == sorted(wanted)
    assert set(outcomes(tmp_path / "c").values()) == {("ok", "")}


def test_a_server_that_insists_on_its_own_spelling(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.at("/Cook-Mom%27s-Stew", redirect("/Cook-Mom's-Stew"))
    site.at("/Cook-Mom's-Stew", answer(200, article("Cook Mom's Stew")))
    assert crawl("Cook Mom's Stew").code == 0
    assert site.paths() == ["/Cook-Mom%27s-Stew", "/Cook-Mom's-Stew"]
    assert outcomes(tmp_path / "c") == {"/Cook-Mom%27s-Stew": ("ok", "")}


def test_a_category_with_its_pages_and_what_is_below_it(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("Grill Fish", "Fry Fish", "Smoke Fish", "Catch a Trout", "Tie a Knot")
    site.at("/Category:Fish", answer(200, category(["Grill-Fish"], ["Trout", "Moved"], ["?pg=2"])))
    site.at("/Category:Fish?pg=2", answer(200, category(["Fry-Fish", "Special:Random"], [], ["?pg=3"])))
    site.at("/Category:Fish?pg=3", answer(200, category(["Smoke-Fish"], [], ["?pg=2"])))
    site.at("/Category:Trout", answer(200, category(["Catch-a-Trout"])))
    site.at("/Category:Trout?pg=2", redirect("/Category:Trout"))
    site.at("/Category:Moved", redirect("/Category:Knots"))
    site.at("/Category:Knots", answer(200, category(["Tie-a-Knot"])))
    site.at("/Category:Knots?pg=2", answer(200, category([])))
    assert crawl("--category", "Fish").code == 0
    found = outcomes(tmp_path / "c")
    assert {path for path, (outcome, _) in found.items() if outcome == "ok" and ":" not in path} == {
        "/Grill-Fish",
        "/Fry-Fish",
        "/Smoke-Fish",
        "/Catch-a-Trout",
        "/Tie-a-Knot",
    }
    assert found["/Category:Trout?pg=2"] == ("gone", "behind the last page")
    assert "/Category:Everything" not in found  # the breadcrumb leads up, not down
    assert max(Counter(site.paths()).values()) == 1


def test_the_sitemap_index_and_its_sitemaps(site: Site, crawl: Callable[..., Ran], tmp_path: Path) -> None:
    site.articles("A", "B", "C")
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

    def urls(*paths: str) -> str:
        rows = "".join(
            f"<url><loc>{site.origin}{path}</loc><lastmod>2020-01-01</lastmod></url>" for path in paths
        )
        return f"<?xml version='1.0'?><urlset {space}>{rows}</urlset>"

    index = "".join(
        f"<sitemap><loc>{url}</loc></sitemap>"
        for url in (f"{site.origin}/s.php?n=1&amp;x=2", f"{site.origin}/s2.xml.gz", f"{site.origin}/bad.xml")
    )
    xml = {"Content-Type": "application/xml"}
    site.at("/sitemap_index.xml", answer(200, f"<sitemapindex {space}>{index}</sitemapindex>", xml))
    site.at("/s.php?n=1&x=2", answer(200, urls("/A", "/B", "/Category:X", "/Quizzes/Y"), xml))
    site.at(
        "/s2.xml.gz", answer(200, gzip.compress(urls("/B", "/C").encode()), Content_Type="application/gzip")
    )
    site.at("/bad.xml", answer(200, "<urlset><url><loc>/D</loc>", xml))
    assert crawl("--sitemap").code == 0
    found = outcomes(tmp_path / "c")
    assert {path for path in found if len(path) == 2} == {"/A", "/B", "/C"}
    assert found["/bad.xml"] == ("failed", "broken sitemap")


def test_links_and_related_articles_are_followed_to_the_depth(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.at("/Top", answer(200, article("Top", links=["One", "https://example.org/X"], related=["Side"])))
    site.at("/One", answer(200, article("One", links=["Two", "Top"])))
    site.at("/Two", answer(200, article("Two", links=["Three"])))
    site.articles("Three", "Side")
    assert crawl("Top", "--follow", "links", "--depth", "2").code == 0
    assert site.paths() == ["/Top", "/One", "/Two"]
    assert crawl("--follow", "links", "--depth", "3").code == 0  # deeper, from what is on disk
    assert site.paths() == ["/Top", "/One", "/Two", "/Three"]
    assert crawl("--follow", "links", "--follow", "related", "--depth", "1").code == 0
    assert site.paths() == ["/Top", "/One", "/Two", "/Three", "/Side"]


def test_bad_lines_of_a_seed_file_are_counted_and_named(
    site: Site, crawl: Callable[..., Ran], tmp_path: Path
) -> None:
    site.articles("A")
    (tmp_path / "seeds.txt").write_text("A\nhttps://example.org/B\n/Special:Random\n")
    ran = crawl("--seeds", tmp_path / "seeds.txt")
    assert ran.code == 0
    assert "seeds.txt, line 2: " in ran.err and "3 lines, 1 seeds, 2 left out" in ran.err


def test_every_command_of_the_guide_works(
    site: Site, howtree: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.articles("Grill Fish", "Clean a Fish")
    site.at("/Category:Fish", answer(200, category(["Grill-Fish"])))
    (tmp_path / "titles.txt").write_text("Grill Fish\n")
    monkeypatch.chdir(tmp_path)
    guide = (Path(__file__).parents[3] / "docs" / "crawling.md").read_text()
    commands = [line for line in guide.splitlines() if line.startswith("howtree crawl ")]
    assert len(commands) == 11
    for command in commands:
        words = shlex.split(command.replace("https://www.wikihow.com", site.origin))[1:]
        ran = howtree(*words, *(() if "--status" in words else ("--host", site.origin)))
        assert ran.code == 0, (command, ran.err)
    assert outcomes(tmp_path / "fish")["/Clean-a-Fish"] == ("ok", "")
