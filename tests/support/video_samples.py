"""What the tests of the video evaluation share: a naive BM25 and filter as oracles, small samples."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from kb.store import SCHEMA_VERSION, sql_file


class NaiveBm25:
    """BM25 as its formula says, one document and one word at a time, summed without rounding errors."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.documents = [Counter(self.words(text)) for text in texts]
        self.lengths = [sum(document.values()) for document in self.documents]
        self.mean = sum(self.lengths) / len(texts)
        self.frequency = Counter(word for document in self.documents for word in document)

    @staticmethod
    def words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())

    def terms(self, query: str, number: int, k1: float = 1.2, b: float = 0.75) -> list[float]:
        document, length, total = self.documents[number], self.lengths[number], len(self.documents)
        result = []
        for word in self.words(query):
            if count := document[word]:
                found = self.frequency[word]
                idf = math.log(1 + (total - found + 0.5) / (found + 0.5))
                result.append(idf * count / (count + k1 * (1 - b + b * length / self.mean)))
        return result

    def scores(self, goal: str, steps: Sequence[str] = (), weight: float = 0.0) -> list[float]:
        joined = " ".join(steps)
        return [
            math.fsum([*self.terms(goal, number), *(weight * term for term in self.terms(joined, number))])
            for number in range(len(self.documents))
        ]


def naive_ranks(scores: Sequence[float], ids: Sequence[str], relevant: Iterable[int]) -> list[int]:
    """Ranks by score and then id among the best 200 above 0; else 201. Scores closer than 1e-9 tie."""
    found = [number for number, score in enumerate(scores) if score > 0]
    order = sorted(found, key=lambda number: (-round(scores[number], 9), ids[number]))[:200]
    return [order.index(number) + 1 if number in order else 201 for number in relevant]


def naive_filter(
    bm25: NaiveBm25,
    ids: Sequence[str],
    goal: str,
    steps: Sequence[str],
    weight: float,
    relevant: Sequence[int],
) -> list[int]:
    """The filter word for word: every query of every round is scored and sorted in full."""

    def rank_sum(taken: list[int]) -> int:
        return sum(naive_ranks(bm25.scores(goal, [steps[i] for i in taken], weight), ids, relevant))

    chosen: list[int] = []
    best = rank_sum(chosen)
    for _ in range(min(len(steps), 15)):
        rounds = [(rank_sum([*chosen, i]), i) for i in range(len(steps)) if i not in chosen]
        if not rounds or min(rounds)[0] >= best:
            break
        best, taken = min(rounds)
        chosen.append(taken)
    return chosen


def make_kb(path: Path, articles: dict[str, list[Any]], links: Sequence[tuple[Any, ...]] = ()) -> Path:
    """A knowledge base of articles (title -> steps; a step is a headline or a pair of headline and body).

    A link is (title, step number from 1, title of the child, probability[, chosen]).
    """
    connection = duckdb.connect(str(path))
    connection.execute(sql_file("schema.sql"))
    meta = {"schema_version": SCHEMA_VERSION, "threshold": 0.5}
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [[key, str(value)] for key, value in meta.items()]
    )
    ids, step_ids = {title: number for number, title in enumerate(articles, start=1)}, {}
    for title, steps in articles.items():
        goal = re.sub("^How to ", "", title)
        connection.execute(
            """INSERT INTO articles (article_id, key, language, slug, title, goal, content_hash)
               VALUES (?, ?, 'en', ?, ?, ?, '')""",
            [ids[title], f"en:/{goal}", goal, title, goal],
        )
        for number, step in enumerate(steps, start=1):
            headline, body = step if isinstance(step, tuple) else (step, "")
            step_ids[title, number] = len(step_ids) + 1
            connection.execute(
                "INSERT INTO steps VALUES (?,?,?,?,?,?,[])",
                [step_ids[title, number], ids[title], 1, number, headline, body],
            )
    for title, number, child, probability, *chosen in links:
        table = "edges" if all(chosen) else "guesses"
        connection.execute(
            f"INSERT INTO {table} VALUES (?,?,?,?,'model',NULL)",
            [ids[title], step_ids[title, number], ids[child], probability],
        )
    connection.close()
    return path


def write_videos(path: Path, videos: Iterable[dict[str, Any] | str]) -> Path:
    """JSON Lines of videos; a string is written as it stands."""
    lines = (video if isinstance(video, str) else json.dumps(video) for video in videos)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


ARTICLES: dict[str, list[Any]] = {
    "How to Bake Rye Bread": ["Mix rye flour and salt", "Feed the sourdough starter", "Bake for an hour"],
    "Feed a Sourdough Starter": ["Weigh flour and lukewarm water", "Stir until no dry lumps remain"],
    "Stir Dough": ["Turn the wooden spoon slowly"],
    "Mend a Bicycle Tyre": ["Take the wheel off", ("", "Find the hole under water"), "Glue the patch"],
    "Water a Cactus": ["Wait until the soil is dry", "Pour lukewarm water"],
}
LINKS = (
    ("How to Bake Rye Bread", 2, "Feed a Sourdough Starter", 0.9),
    ("Feed a Sourdough Starter", 2, "Stir Dough", 0.5),
    ("Stir Dough", 1, "How to Bake Rye Bread", 0.8),
    ("How to Bake Rye Bread", 3, "Water a Cactus", 0.2, False),
)
SPOKEN = {
    "Bake rye bread": [
        "today rye flour salt and a sourdough that rises, then one hour in the oven",
        "the starter needs lukewarm water, stir it until no lumps remain, rye",
        "welcome to my kitchen, weigh the flour, feed it every day and bake",
        "bread bread bread, and nothing but bread for an hour",
    ],
    "mend a bicycle tyre": [
        "the tyre is flat so off comes the wheel",
        "hold it under water, bubbles show the hole, glue on a patch",
        "a bicycle needs air, welcome to my shop",
        "patch and glue and pump",
    ],
    "Water a cactus": [
        "a cactus wants little water, so wait until the soil is dry",
        "pour slowly, and never in winter",
        "welcome to my garden",
    ],
}


def sample_videos() -> list[dict[str, Any]]:
    """The videos of three goals in train and dev, with ids that do not follow the goals."""
    videos = []
    for number, (goal, texts) in enumerate(SPOKEN.items()):
        for place, text in enumerate(texts):
            split = "dev" if place == len(texts) - 1 else "train"
            videos.append({"video_id": f"v{place}{number}", "goal": goal, "split": split, "text": text})
    return videos
