"""Is it the links that help FIL-L2, or only that the filter has more steps to choose from?

Run: python tests/benchmarks/video_depth.py --kb kb.duckdb --videos videos.jsonl.gz
For the chosen links and for lower thresholds: FIL-L1 and FIL-L2 with the links as they are and with their
targets dealt out at random. What the random links gain is the gain of choice alone.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from kb.store import KnowledgeBase
from kb.video.corpus import VideoSet, read_videos
from kb.video.figures import VideoFigures
from kb.video.queries import FORMS, Links, goals_with_steps
from kb.video.retrieval import evaluate

THRESHOLDS = (None, 0.2, 0.1, 0.05)
FILTERED = [form for form in FORMS if form.name in ("FIL-L1", "FIL-L2")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kb", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--shuffles", type=int, default=10)
    options = parser.parse_args()
    videos = read_videos(options.videos)
    with KnowledgeBase(options.kb) as base:
        print(f"{'links':20} {'steps at 2':>10}", end=" ")
        print(f"{'FIL-L1 train':>13} {'FIL-L2 train':>22} {'FIL-L1 dev':>13} {'FIL-L2 dev':>22}")
        for threshold in THRESHOLDS:
            name = "chosen" if threshold is None else f"from {threshold}"
            show(name, [run(base, videos, Links(threshold))])
            dealt = [run(base, videos, Links(threshold, seed)) for seed in range(1, options.shuffles + 1)]
            show(f"{name}, dealt", dealt)


def run(base: KnowledgeBase, videos: VideoSet, links: Links) -> VideoFigures:
    """One evaluation of the filtered queries at the paper's weights."""
    goals = goals_with_steps(base, videos.goals, 2, links)
    with tempfile.TemporaryDirectory() as folder:
        return evaluate(videos, goals, Path(folder), forms=FILTERED, weights=())


def show(name: str, outcomes: list[VideoFigures]) -> None:
    """One line: means over the outcomes, and their range where there are several."""
    cells = [f"{name:20} {np.mean([each.queries['steps a goal at depth 2'] for each in outcomes]):10.2f}"]
    for split in ("train", "dev"):
        for form, width in (("FIL-L1", 13), ("FIL-L2", 22)):
            ranks = [mean_rank(each, split, form) for each in outcomes]
            spread = f" ({min(ranks):.2f} to {max(ranks):.2f})" if len(set(ranks)) > 1 else ""
            cells.append(f"{np.mean(ranks):.2f}{spread}".rjust(width))
    print(" ".join(cells), flush=True)


def mean_rank(outcome: VideoFigures, split: str, form: str) -> float:
    """The mean rank over pairs of one form on one split."""
    (row,) = [row for row in outcome.rows if (row.split, row.query) == (split, form)]
    return row.measures.mean_rank


if __name__ == "__main__":
    main()
