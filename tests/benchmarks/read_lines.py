"""What reading a line into an article costs, against what the json module needs to read the same line.

    python tests/benchmarks/read_lines.py [LINES]

Reads the first LINES of each file of HOWTREE_REAL_DATA/sites and of articles/wikihow.jsonl.gz. Both are timed in turns,
a hundred lines at a time and the best of several counts, so a busy machine hurts both alike.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from crawl.readers.items import Item  # noqa: E402
from crawl.readers.sources import outcomes_of  # noqa: E402

ROUNDS = 7
AT_ONCE = 100


def main() -> None:
    """Measure and print."""
    real, count = Path(os.environ["HOWTREE_REAL_DATA"]), int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    whole = [0.0, 0.0]
    for source in (*sorted(real.glob("sites/*.jsonl.gz")), real / "articles" / "wikihow.jsonl.gz"):
        with gzip.open(source) as file:
            lines = list(islice(file, count))
        spent = [0.0, 0.0]
        for start in range(0, len(lines), AT_ONCE):
            some = lines[start : start + AT_ONCE]
            rounds = [[_seconds(work, some) for work in (json.loads, _read)] for _ in range(ROUNDS)]
            spent = [total + min(each) for total, each in zip(spent, zip(*rounds, strict=True), strict=True)]
        whole = [total + more for total, more in zip(whole, spent, strict=True)]
        by_json, ours = (1e6 * seconds / len(lines) for seconds in spent)
        ratio = f"json {by_json:5.1f} µs, read {ours:6.1f} µs, {ours / by_json:.1f} times"
        print(f"{source.name:24} {len(lines):6} lines: {ratio}")
    print(f"all: {whole[1] / whole[0]:.1f} times")


def _read(line: bytes) -> object:
    return outcomes_of(Item("line", "articles.jsonl:1", line))


def _seconds(work: Callable[[bytes], object], lines: Sequence[bytes]) -> float:
    start = time.process_time()
    for line in lines:
        work(line)
    return time.process_time() - start


if __name__ == "__main__":
    main()
