"""Different articles under one address are told apart and reported; states of one article are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.reading import lines

from crawl.corpus import write
from crawl.corpus.apart import NOTE
from crawl.corpus.write import read_corpus, write_corpus

SITE = "https://beans.example"


def record(title: str, *steps: str, url: str = f"{SITE}/all", **more: Any) -> dict[str, Any]:
    return {"title": title, "url": url, "steps": list(steps), **more}


SOAK = ("Soak them.", "Rinse them.", "Simmer them.")
FRY = ("Heat the oil.", "Fry them.", "Salt them.")
RECORDS = [
    record("Cook Beans", *SOAK),
    record("Fry Beans", *FRY),
    record("Cook Beans", *SOAK[:2], "Boil them."),  # the first one, a little changed
    record("Cook Beans", *FRY),  # another of the same title
    record("Fry Beans", *FRY),
    record("Cook Beans", "Eat them raw."),
]
KEYS = ["", "#Fry-Beans", "#Cook-Beans", "#Cook-Beans~"]


def keys(folder: Path) -> list[str]:
    return [article.key for article in read_corpus(folder)]


@pytest.mark.parametrize("shard_size", [1, 2, 100])
def test_titles_and_steps_tell_articles_of_one_address_apart(tmp_path: Path, shard_size: int) -> None:
    tally = write_corpus([lines(tmp_path / "a.jsonl", *RECORDS)], tmp_path / "c", shard_size=shard_size)
    found = keys(tmp_path / "c")
    assert [
        key.removeprefix("en:/beans.example/all")[: len(end)] for key, end in zip(found, KEYS, strict=True)
    ] == KEYS
    assert (tally.skipped, tally.notes[NOTE]) == ({"duplicate": 2}, 4)
    assert f"  4 {NOTE}" in tally.lines()
    assert [list(read_corpus(tmp_path / "c"))[n].goal for n in range(4)] == [
        "Cook Beans",
        "Fry Beans",
        "Cook Beans",
        "Cook Beans",
    ]


def test_a_run_that_is_killed_between_two_shards_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lines(tmp_path / "a.jsonl", *RECORDS)
    write_corpus([source], tmp_path / "whole", shard_size=1)
    from crawl.corpus import apart

    rewrite, left = apart._rewrite, iter(range(2))

    def killed(part: Path, moved: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        rewrite(part, moved)

    with monkeypatch.context() as patch:
        patch.setattr(apart, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            write_corpus([source], tmp_path / "c", shard_size=1)
    write_corpus([source], tmp_path / "c", shard_size=1)
    assert keys(tmp_path / "c") == keys(tmp_path / "whole")


def test_two_fetches_of_a_page_are_one_article(tmp_path: Path) -> None:
    states = [
        record("Cook Beans", *steps, fetched_at=f"2025-0{n}-01") for n, steps in enumerate((SOAK, FRY), 1)
    ]
    assert write_corpus([lines(tmp_path / "a.jsonl", *states)], tmp_path / "c").skipped == {"duplicate": 1}


def test_wikihow_keeps_the_newest_of_a_title(tmp_path: Path) -> None:
    records = [
        record("Cook Beans", *steps, url=url)
        for url in ("", "https://www.wikihow.com/Cook-Beans")
        for steps in (SOAK, FRY)
    ]
    assert write_corpus([lines(tmp_path / "a.jsonl", *records)], tmp_path / "c").kept == 1


def test_pages_without_an_address_are_told_by_their_files(tmp_path: Path) -> None:
    for folder, steps in (("a", SOAK), ("b", FRY)):
        (tmp_path / "pages" / folder).mkdir(parents=True)
        node = {"@type": "Recipe", "name": "Cook Beans", "recipeInstructions": steps}
        text = f'<html><script type="application/ld+json">{json.dumps(node)}</script></html>'
        (tmp_path / "pages" / folder / "index.html").write_text(text)
    (tmp_path / "pages" / "other.html").write_text(text)
    lines(tmp_path / "pages" / "wiki.jsonl", record("Cook Beans", *SOAK, url=""))
    write_corpus([tmp_path / "pages"], tmp_path / "c")
    first, second, other, wiki = keys(tmp_path / "c")
    assert (first, other, wiki) == (
        "en:/file:index.html#Cook-Beans",
        "en:/file:other.html#Cook-Beans",
        "en:/Cook-Beans",
    )
    assert second.startswith(first)
    assert write.digests_of(tmp_path / "c")
