"""Does it help to read the article that a step is in?

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/context.py [WORK]

Gold pairs have no article, so those are taken whose step stands, word for word, in one article of the real corpus
alone. To the cosine of step and goal is added a share of the cosine of the article's goal and the goal. The article
itself is not offered, as in a build. WORK keeps the vectors of the pool. The trained encoder is measured on pairs that
it was not trained on.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from step_kinds import recall

from linking.encode.encoder import load_encoder
from linking.encode.folder import default_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.links import Gold, read_gold, read_pool, split_of
from linking.measure.ranking import EncoderScorer, Task, rank_of
from linking.text import goal_text, step_text

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)


def plain(step: str) -> str:
    """A step's text without what copies of an article differ in: case, marks and blanks."""
    return "".join(letter for letter in step_text(step).lower() if letter.isalnum())


def article_of() -> dict[str, str]:
    """The title of the one article that a step is in, by the step's plain text."""
    titles: dict[str, set[str]] = defaultdict(set)
    with gzip.open(DATA / "articles" / "wikihow.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            article = json.loads(line)
            for method in article["methods"]:
                for step in method["steps"]:
                    titles[plain(step)].add(article["title"])
    return {step: next(iter(found)) for step, found in titles.items() if len(found) == 1}


def with_article(gold: Gold, pool: list[str]) -> Task:
    """The gold pairs whose step is in one article, which is not the gold goal itself."""
    known = article_of()
    own = [known.get(plain(step), "") for step in gold.steps]
    kept = [i for i, title in enumerate(own) if title and title != gold.goals[i]]
    part = Gold([gold.steps[i] for i in kept], [gold.goals[i] for i in kept])
    return Task.of(part, pool, own=[own[i] for i in kept])


def held_out(task: Task) -> Task:
    """The pairs of a task that no encoder was trained on."""
    assert task.own is not None
    kept = np.flatnonzero(split_of(task.gold.steps) != "train").tolist()
    gold = Gold([task.gold.steps[i] for i in kept], [task.gold.goals[i] for i in kept])
    return replace(task, gold=gold, own=[task.own[i] for i in kept])


def measured(task: Task, scorer: EncoderScorer) -> list[str]:
    """R@n with each share of the article's cosine, a cell each."""
    assert task.own is not None
    of_step = scorer.scores([step_text(step) for step in task.gold.steps])
    of_article = scorer.scores([goal_text(title) for title in task.own])
    for line, place in enumerate(task.positions_of(task.own)):
        if place >= 0:
            of_step[line, place] = -np.inf
    cells = []
    for share in SHARES:
        scores = of_step + share * of_article
        ranks = np.array([rank_of(*each) for each in zip(scores, task.positions.tolist(), strict=True)])
        cells.append(recall(ranks))
    return cells


def main() -> None:
    gold, pool = read_gold(DATA / "gold" / "step_goal_train.jsonl"), read_pool(DATA / "goals" / "titles.txt")
    everything = with_article(gold, pool)
    print("R@1 / R@10 / R@30 with a share of the cosine of the article's goal\n")
    print("| encoder | pairs | " + " | ".join(f"{share:g}" for share in SHARES) + " |")
    print("| --- | ---: |" + " ---: |" * len(SHARES))
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        for name, task in ((BASE_ENCODER, everything), (default_encoder(), held_out(everything))):
            scorer = EncoderScorer(load_encoder(name), [goal_text(title) for title in task.titles], work)
            print(
                f"| {name} | {len(task.gold.steps)} | " + " | ".join(measured(task, scorer)) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
