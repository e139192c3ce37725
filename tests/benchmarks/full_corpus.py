"""A corpus of wikiHow's size out of the real data: real titles as goals, real steps and variations of them by rule.

Real titles there are enough (130,000). Of real steps there are 50,000, so most steps of a larger corpus are
variations: another number, another object taken from a real title, a condition before or behind. Short and frequent
real steps stay as they are, so texts repeat as they do in real articles; the share is for the caller to report.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from linking.arrays import ArticleIds  # noqa: E402
from linking.pair import FIRST_STEPS, Candidate  # noqa: E402

GOALS, STEPS = 110_000, 1_500_000
"""The size of the English wikiHow as the paper had it."""
KEPT = 0.1
"""Share of the steps that are real ones, unchanged."""
BEFORE = ("First", "Next", "Then", "When you are ready", "If you can", "Once that is done", "As a last step")
BEHIND = (
    "for {} minutes",
    "{} times",
    "if needed",
    "with care",
    "before you go on",
    "at least {} hours ahead",
    "",
)
RULES = 4


class Material:
    """The real titles and steps of HOWTREE_REAL_DATA."""

    def __init__(self) -> None:
        if "HOWTREE_REAL_DATA" not in os.environ:
            sys.exit("set HOWTREE_REAL_DATA to the folder of real articles and titles: see CONTRIBUTING.md")
        folder = Path(os.environ["HOWTREE_REAL_DATA"])
        self.titles = (folder / "goals" / "titles.txt").read_text(encoding="utf-8").splitlines()[:GOALS]
        with gzip.open(folder / "articles" / "wikihow.jsonl.gz", "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        self.steps = [step for r in records for m in r["methods"] for step in m["steps"] if step.strip()]
        with (folder / "gold" / "step_goal_train.jsonl").open(encoding="utf-8") as file:
            self.steps += [json.loads(line)["step"] for line in file]
        self.objects = [title.split(" ", 1)[1] for title in self.titles if 2 <= title.count(" ") <= 5]

    def articles(self, share: float) -> Iterator[tuple[str, list[str]]]:
        """Title and steps of the first `share` of the articles, the same ones at each call."""
        for number in range(round(share * GOALS)):
            yield self.titles[number], list(self.of_article(number))

    def of_article(self, number: int) -> Iterator[str]:
        """The steps of an article."""
        dice, each = random.Random(number), STEPS / GOALS
        for _ in range(int((number + 1) * each) - int(number * each)):
            yield self.step(dice)

    def candidates(self, numbers: ArticleIds) -> list[Candidate]:
        """The articles of some numbers with their first steps."""
        return [
            Candidate(self.titles[number], (), tuple(islice(self.of_article(number), FIRST_STEPS)))
            for number in numbers.tolist()
        ]

    def step(self, dice: random.Random) -> str:
        """A real step, or a variation of one."""
        text = dice.choice(self.steps).strip(" .!")
        if dice.random() < KEPT:
            return text
        rule = dice.randrange(RULES)
        if rule == 0 and re.search(r"\d", text):
            return re.sub(r"\d+", lambda _: str(dice.randint(2, 90)), text)
        if rule == 1:
            return f"{dice.choice(BEFORE)}, {text[:1].lower()}{text[1:]}"
        if rule == 2:
            return f"{text} {dice.choice(BEHIND).format(dice.randint(2, 90))}".strip()
        words = text.split()
        return f"{' '.join(words[: max(1, len(words) // 2)])} {dice.choice(self.objects)}"


def write_articles(material: Material, share: float, path: Path) -> int:
    """Write the first `share` of the articles as JSON Lines; returns the number of steps."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for title, steps in material.articles(share):
            count += len(steps)
            file.write(json.dumps({"title": title, "methods": [{"name": "", "steps": steps}]}) + "\n")
    return count
