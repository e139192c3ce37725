"""How well pages are read, measured against the oracle; the floors are in data/eval/parser.json.

    python tests/support/parser_quality.py [--write] [--lower]

`--write` pins what is measured now, with the digest of every page; a floor that sinks needs `--lower` as well.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from crawl.article import Article, Step  # noqa: E402
from crawl.pages.parse import parse_page  # noqa: E402
from howtree.files import digest_of_file, read_json, write_json  # noqa: E402
from support import markup_oracle  # noqa: E402

FLOORS = ROOT / "data/eval/parser.json"
JUNK = re.compile(
    r"Research source|Trustworthy Source|Expert Source|Advertisement|Thanks!|WH\.|licensing|displaystyle"
    r"|出典文献|\{\"|function\s*\("
)


def sets() -> dict[str, list[Path]]:
    """The sets of pages: ours and, where HOWTREE_REAL_DATA names them, the real ones."""
    found = {"fixtures": sorted((ROOT / "tests/fixtures/pages").glob("*.html"))}
    if real := os.environ.get("HOWTREE_REAL_DATA"):
        found["real"] = sorted((Path(real) / "html").rglob("*.html"))
    return found


def measure(paths: list[Path]) -> dict[str, float]:
    """Shares against the oracle, 1 being all; `junk` counts texts with a trace of what is no text."""
    pages = steps = steps_right = held = there = links = gold = both = with_headline = junk = 0
    for path in paths:
        data = path.read_bytes()
        article = parse_page(data).article
        if article is None:
            continue
        root = markup_oracle.page(data)
        boxes = markup_oracle.steps(root)
        ours = [step for method in article.methods for step in method.steps]
        pages += 1
        steps += len(boxes)
        steps_right += len(boxes) if len(boxes) == len(ours) else 0
        for box, step in zip(boxes, ours, strict=False):
            oracle, own = markup_oracle.characters(box), characters(step)
            there += max(oracle.total(), own.total())
            held += (oracle & own).total()
        expected = Counter(markup_oracle.gold_links(root, article.slug))
        found = Counter((link.slug, link.title) for step in ours for link in step.links)
        links, gold, both = links + found.total(), gold + expected.total(), both + (expected & found).total()
        with_headline += sum(bool(step.headline) for step in ours)
        junk += sum(bool(JUNK.search(text)) for text in texts(article))
    return {
        "articles": pages / len(paths),
        "steps": steps_right / steps,
        "characters": held / there,
        "link_precision": both / links,
        "link_recall": both / gold,
        "steps_with_headline": with_headline / steps,
        "free_of_junk": 1.0 if not junk else 0.0,
    }


def characters(step: Step) -> Counter[str]:
    """Every character of a step but blanks."""
    return Counter("".join("".join((step.headline, step.body, *step.bullets)).split()))


def texts(article: Article) -> list[str]:
    """Every piece of running text of an article."""
    found = [article.title, article.introduction, *article.tips, *article.warnings, *article.things]
    found += article.ingredients
    for method in article.methods:
        found.append(method.name)
        for step in method.steps:
            found += [step.headline, step.body, *step.bullets, *(link.anchor for link in step.links)]
    return found


def main() -> int:
    """Measure, print and, where asked, pin."""
    pinned: dict[str, Any] = read_json(FLOORS) or {}
    sunk = False
    for name, paths in sets().items():
        figures = measure(paths)
        old = pinned.get(name, {}).get("floors", {})
        for figure, value in figures.items():
            sinks = value < old.get(figure, 0)
            sunk |= sinks
            print(f"{name:9} {figure:20} {value:.4f}{'  below its floor' if sinks else ''}")
        inputs = {path.name: digest_of_file(path) for path in paths}
        pinned[name] = {"floors": figures, "inputs": inputs}
    if "--write" in sys.argv and (not sunk or "--lower" in sys.argv):
        FLOORS.parent.mkdir(parents=True, exist_ok=True)
        write_json(FLOORS, pinned)
    return int(sunk)


if __name__ == "__main__":
    sys.exit(main())
