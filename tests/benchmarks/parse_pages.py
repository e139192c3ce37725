"""Pages a second, and memory over 10,000 pages.

    python tests/benchmarks/parse_pages.py [PAGES]

Reads pages of about 310 KB: the real ones where HOWTREE_REAL_DATA names them, else ours, filled up with scripts,
pictures and sections that are not read as on the site. Ratios are within one run: our parser to BeautifulSoup's
tree of the whole page, and two processes to one.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bs4 import BeautifulSoup  # noqa: E402

from crawl.corpus.pool import readings_of  # noqa: E402
from crawl.pages.parse import parse_page  # noqa: E402
from crawl.readers.items import Item  # noqa: E402

SIZE = 310_000


def pages(folder: Path) -> list[Path]:
    """Files of about SIZE bytes."""
    if real := os.environ.get("HOWTREE_REAL_DATA"):
        found = sorted((Path(real) / "html").rglob("*.html"))
        return [path for path in found if 0.8 * SIZE < path.stat().st_size < 1.2 * SIZE]
    filling = (
        "<script>WH.ads.add({'slot': 'none', 'size': [728, 90]})</script><div class='wh_ad_inner'><div></div></div>"
        "<div class='mwimg'><a class='image' href='#'><img src='x.jpg' width='728'></a></div>"
    )
    for path in sorted((ROOT / "tests/fixtures/pages").glob("20[12]*.html")):
        text = path.read_text()
        steps, rest = text.count("</li>"), SIZE - len(text.encode())
        text = text.replace("</li>", filling * (rest // 2 // steps // len(filling)) + "</li>")
        program = "var x = 1;" * ((SIZE - len(text.encode())) // 10)
        text = text.replace("<body>", f"<body><script>{program}</script>")
        (folder / path.name).write_text(text)
    return sorted(folder.glob("*.html"))


def held_megabytes() -> float:
    """Memory held by this process now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        paths = pages(Path(folder))
        texts = [path.read_text() for path in paths]
        print(
            f"{len(paths)} different pages of {sum(map(len, texts)) / len(texts) / 1000:.0f} thousand characters"
        )
        soup, ours = [], []
        for text in islice(cycle(texts), 60):  # processor time, in turns: a busy machine hurts both alike
            start = time.process_time()
            BeautifulSoup(text, "lxml")
            middle = time.process_time()
            parse_page(text)
            soup.append(middle - start)
            ours.append(time.process_time() - middle)
        cost = sum(ours) / len(ours)
        print(
            f"one page: {1000 * cost:.1f} ms of processor time, so {2 / cost:.0f} pages a second on two free cores"
        )
        print(f"{sum(soup) / sum(ours):.2f} times as fast as BeautifulSoup's tree of the whole page")
        items = [Item("page file", str(path), path) for path in paths]
        speeds = []
        for workers in (1, 2):
            start = time.perf_counter()
            number = sum(1 for _ in readings_of(islice(cycle(items), 400), workers))
            speeds.append(number / (time.perf_counter() - start))
            print(f"{workers} process(es): {speeds[-1]:.0f} pages a second")
        print(f"two processes to one: {speeds[1] / speeds[0]:.2f}")
        marks = []
        for number, _ in enumerate(readings_of(islice(cycle(items), count), 1), 1):
            if number in (count // 10, count // 2, count):
                marks.append(held_megabytes())
        print(
            f"memory after a tenth, half and all of {count} pages: "
            + ", ".join(f"{mark:.0f} MB" for mark in marks)
        )


if __name__ == "__main__":
    main()
