"""Small knowledge bases made by hand, without a model: tables as the build makes them, links as a test wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from crawl.article import Article, Method, Step
from crawl.corpus.write import write_corpus
from kb.build.fill import load_corpus, new_file
from kb.store import SCHEMA_VERSION

Edge = tuple[int, int, int, float]
"""Parent article, position of the step in it (from 0), child article, probability."""


def article(title: str, *steps: str, **fields: object) -> Article:
    """An article with one list of steps."""
    listed = tuple(Step(i, text) for i, text in enumerate(steps, 1))
    return Article("en", title, (Method("single", 1, "", listed),), **fields)  # type: ignore[arg-type]


def small_kb(
    folder: Path,
    articles: Sequence[Article],
    edges: Iterable[Edge] = (),
    threshold: float = 0.5,
    group: bool = False,
) -> Path:
    """A knowledge base file of `articles`; `edges` count articles from 0 in the order of their keys.

    Those below the threshold are guesses.
    """
    import json

    source = folder / "articles.jsonl"
    source.write_text("\n".join(json.dumps(a.to_dict()) for a in articles), encoding="utf-8")
    write_corpus([source], folder / "corpus")
    path = folder / "kb.duckdb"
    with new_file(path) as session:
        load_corpus(session, folder / "corpus", group=group)
        for parent, position, child, probability in edges:
            step = session.execute(
                "SELECT step_id FROM steps WHERE article_id = ? ORDER BY step_id LIMIT 1 OFFSET ?",
                [parent + 1, position],
            ).fetchone()
            assert step is not None
            table = "edges" if probability >= threshold else "guesses"
            session.execute(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?, 'model', NULL)",
                [parent + 1, step[0], child + 1, probability],
            )
        for key, value in (("schema_version", SCHEMA_VERSION), ("threshold", threshold)):
            session.execute("INSERT INTO meta VALUES (?, ?)", [key, str(value)])
    return path
