"""How long a question takes on a knowledge base of full size: by words, by meaning, as a plan, and over MCP.

Questions are beginnings of titles, every fourth with a word that no title has. Their words are made up, so where
meaning is asked for, too, words that have a vector stand before them. Goals without vectors get made-up ones. The tools
of MCP are asked by the SDK's own client in this process. Times depend on the machine, so each is also given as a ratio
to reading the titles of all goals:

    python tests/benchmarks/synthetic_kb.py -o synthetic.duckdb
    python tests/benchmarks/ask_speed.py synthetic.duckdb
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from mcp import Client

from howtree.errors import NotFound
from kb.agent.server import server
from kb.agent.tools import Tools
from kb.meaning.encoder import unit, word_encoder
from kb.meaning.goals import MODEL, NAME, keep
from kb.plan.draw import as_json
from kb.plan.plan import plan
from kb.plan.wish import Wish
from kb.search import search, search_by_words
from kb.store import KnowledgeBase

TITLES, DIMENSIONS = 40, 384
MEANT = "clean the oven with baking soda "

Ask = Callable[[Any], Awaitable[object]]


def main() -> None:
    """Print a line for each way to ask: median and 95th percentile in ms, processor time, ratio of the median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kb", type=Path)
    path = parser.parse_args().kb
    add_vectors(path)
    with KnowledgeBase(path) as kb, closing(Tools(kb)) as tools:
        asyncio.run(measured(kb, tools))


async def measured(kb: KnowledgeBase, tools: Tools) -> None:
    """Ask in every way, and print how long it takes."""
    titles = drawn(kb, f"SELECT goal FROM articles USING SAMPLE reservoir({TITLES} ROWS) REPEATABLE (1)")
    steps = drawn(kb, f"SELECT step_id FROM edges ORDER BY hash(step_id) LIMIT {TITLES}")
    words = [question(title, place) for place, title in enumerate(titles)]
    meant = [MEANT + " ".join(title.split()[:2]) for title in titles]
    unit_ms = (await milliseconds(here(lambda _: drawn(kb, "SELECT sum(len(goal)) FROM articles")), titles))[
        0
    ]
    async with Client(server(tools)) as client:

        def tool(name: str, argument: str, **more: object) -> Ask:
            return lambda value: client.call_tool(name, {argument: value, **more})

        ways: dict[str, tuple[Ask, list[Any]]] = {
            "by words": (here(partial(search_by_words, kb)), words),
            "by word vectors, too": (here(partial(search, kb, model=False)), meant),
            "by the encoder, too": (here(partial(search, kb)), meant),
            "plan": (here(partial(planned, kb)), meant),
            "MCP find_procedure": (tool("find_procedure", "question"), meant),
            "MCP plan": (tool("plan", "question"), meant),
            "MCP get_procedure": (tool("get_procedure", "key", depth=2), titles),
            "MCP expand_step": (tool("expand_step", "step_id"), steps),
            "MCP where_used": (tool("where_used", "key"), titles),
            "MCP query": (tool("query", "sql"), ["SELECT count(*) FROM goals"] * TITLES),
        }
        for name, (ask, values) in ways.items():
            median, slow, processor = await milliseconds(ask, values)
            print(
                f"{name:20} {median:6.0f} ms, 95%: {slow:6.0f}, processor {processor:6.0f} ms, x {median / unit_ms:.1f}"
            )


def here(ask: Callable[[Any], object]) -> Ask:
    """What is asked of no server."""

    async def asked(value: object) -> object:
        return ask(value)

    return asked


def drawn(kb: KnowledgeBase, sql: str) -> list[Any]:
    """The values of the first column."""
    return [row[0] for row in kb.query(sql).fetchall()]


def question(title: str, place: int) -> str:
    """The beginning of a title as a question, every fourth with an odd word."""
    return "how do I " + " ".join(title.lower().split()[:4]) + (" xyloqwe" if place % 4 == 3 else "")


def planned(kb: KnowledgeBase, text: str) -> object:
    """A plan, or that there is none."""
    try:
        return plan(kb, Wish(text, max_tokens=1500), as_json)
    except NotFound:
        return None


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


async def milliseconds(ask: Ask, values: list[Any]) -> tuple[float, float, float]:
    """Median, 95th percentile and mean processor time of an answer; the first is asked for once before."""
    await ask(values[0])
    taken, processor = [], time.process_time()
    for value in values:
        start = time.perf_counter()
        await ask(value)
        taken.append(1000 * (time.perf_counter() - start))
    spent = 1000 * (time.process_time() - processor) / len(values)
    return float(np.median(taken)), float(np.quantile(taken, 0.95)), spent


if __name__ == "__main__":
    main()
