"""How long a question takes on a knowledge base of full size: by words, by meaning, and as a plan.

Questions are beginnings of titles, every fourth with a word that no title has. Their words are made up, so meaning is
asked for by a question of its own. Vectors of the encoder that made the links are made up where there are none.
Times depend on the machine, so each is also given as a ratio to reading the titles of all goals:

    python tests/benchmarks/synthetic_kb.py -o synthetic.duckdb
    python tests/benchmarks/ask_speed.py synthetic.duckdb
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np

from howtree.errors import NotFound
from kb.meaning.encoder import unit, word_encoder
from kb.meaning.goals import MODEL, NAME, keep
from kb.meaning.weigh import weighed
from kb.plan.draw import as_json
from kb.plan.plan import plan
from kb.plan.wish import Wish
from kb.search import search_by_words
from kb.store import KnowledgeBase

QUESTIONS, DIMENSIONS = 40, 384
MEANT = ["clean", "oven", "baking", "soda"]


def main() -> None:
    """Print a line for each way to ask: median and 95th percentile in ms, processor time, ratio of the median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kb", type=Path)
    path = parser.parse_args().kb
    add_vectors(path)
    with KnowledgeBase(path) as kb:
        questions = asked(kb)
        unit_ms = milliseconds(
            lambda _: kb.query("SELECT sum(len(goal)) FROM articles").fetchall(), questions
        )[0]
        vector = unit(np.ones(DIMENSIONS, np.float32))
        ways: dict[str, Callable[[str], object]] = {
            "by words": partial(search_by_words, kb),
            "by word vectors": lambda _: weighed(kb, MEANT, {}),
            "by the encoder, too": lambda _: weighed(kb, MEANT, {}, vector),
            "plan": partial(planned, kb),
        }
        for name, way in ways.items():
            median, slow, processor = milliseconds(way, questions)
            print(
                f"{name:20} {median:6.0f} ms, 95%: {slow:6.0f}, processor {processor:6.0f} ms, x {median / unit_ms:.1f}"
            )


def add_vectors(path: Path) -> None:
    """Give every goal made-up unit vectors of both encoders, where it has none."""
    with duckdb.connect(str(path)) as session:
        ids = np.array(
            [row[0] for row in session.execute("SELECT article_id FROM articles ORDER BY 1").fetchall()]
        )
        for name, dimension in ((NAME, word_encoder().dimension), (MODEL, DIMENSIONS)):
            if not session.execute("SELECT count(*) FROM goal_vectors WHERE encoder = ?", [name]).fetchall()[
                0
            ][0]:
                made = np.random.default_rng(0).standard_normal((len(ids), dimension)).astype(np.float32)
                keep(session, name, ids, unit(made))


def asked(kb: KnowledgeBase) -> list[str]:
    """The beginnings of titles as questions, every fourth with an odd word."""
    titles = kb.query(
        f"SELECT lower(goal) FROM articles USING SAMPLE reservoir({QUESTIONS} ROWS) REPEATABLE (1)"
    ).fetchall()
    return [
        "how do I " + " ".join(title.split()[:4]) + (" xyloqwe" if place % 4 == 3 else "")
        for place, (title,) in enumerate(titles)
    ]


def planned(kb: KnowledgeBase, question: str) -> object:
    """A plan, or that there is none."""
    try:
        return plan(kb, Wish(question, max_tokens=1500), as_json)
    except NotFound:
        return None


def milliseconds(ask: Callable[[str], object], questions: list[str]) -> tuple[float, float, float]:
    """Median, 95th percentile and mean processor time of a question; the first is asked once before."""
    ask(questions[0])
    taken, processor = [], time.process_time()
    for question in questions:
        start = time.perf_counter()
        ask(question)
        taken.append(1000 * (time.perf_counter() - start))
    spent = 1000 * (time.process_time() - processor) / len(questions)
    return float(np.median(taken)), float(np.quantile(taken, 0.95)), spent


if __name__ == "__main__":
    main()
