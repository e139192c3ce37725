"""Read damaged pages by the thousand: every one must give an outcome, within the stated time and memory.

    python tests/benchmarks/mutate_pages.py [COUNT]

Prints the outcomes by kind of damage, the slowest page and the most memory held. Pages are our fixtures and, where
HOWTREE_REAL_DATA names it, the real ones. Exits with 1 where a limit is broken.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.mutations import mutated  # noqa: E402

from crawl.article import Article  # noqa: E402
from crawl.readers.items import Item, PageData  # noqa: E402
from crawl.readers.sources import outcomes_of  # noqa: E402

MAX_SECONDS = 20.0
"""Of one page, the longest ones included; a page of ordinary length is a hundred times faster."""
MAX_MEGABYTES = 1500
"""Held by the process at any time."""


def main() -> int:
    """Run and report."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    folders = [ROOT / "tests/fixtures/pages"]
    if real := os.environ.get("HOWTREE_REAL_DATA"):
        folders.append(Path(real) / "html")
    pages = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.html"))]
    seen: Counter[tuple[str, str]] = Counter()
    slowest: dict[str, float] = {}
    for kind, page in mutated(pages, count):
        start = time.perf_counter()
        outcome = outcomes_of(Item("page", kind, PageData(page))).outcomes[0]
        slowest[kind] = max(slowest.get(kind, 0), time.perf_counter() - start)
        seen[kind, "article" if isinstance(outcome, Article) else outcome.reason] += 1
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for (kind, reason), number in sorted(seen.items()):
        print(f"{kind:12} {reason:16} {number:6}")
    for kind, seconds in sorted(slowest.items()):
        print(f"{kind:12} slowest {seconds:.2f} s")
    print(f"{seen.total()} pages, {max(slowest.values()):.2f} s at most, {held:.0f} MB held at most")
    return int(max(slowest.values()) > MAX_SECONDS or held > MAX_MEGABYTES or seen.total() != count)


if __name__ == "__main__":
    sys.exit(main())
