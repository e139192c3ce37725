"""A knowledge base of any size out of invented words, in the form of `howtree build`, without a model.

The shape follows wikiHow's: some thirteen steps a goal in one to five methods, a quarter of the steps linked, a
few goals linked to from thousands of steps and most from few, one step in seventy with an editor's hyperlink.
The same seed always gives the same tables. At full size (110,000 goals, 1.5 million steps) it takes a minute:

    python tests/benchmarks/synthetic_kb.py -o synthetic.duckdb
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from howtree.progress import progress, say
from howtree.version import __version__
from kb.build.fill import choose_links, finish, new_file
from kb.store import SCHEMA_VERSION, sql_file

Numbers = NDArray[np.int64]
Weights = NDArray[np.float64]

CHUNK = 100_000
"""Steps made at a time, which bounds the memory."""
THRESHOLD = 0.5
FIRST_PAGE = 100_000
"""The page id of the first article; the keys of up to 900,000 articles then sort like their ids."""
SPREAD = 2.1
"""Standard deviation of the log of a goal's popularity. With it 14,166 links lead to about 7,600 goals, some 5,500
of them linked to once: the figures of as many hyperlinks of wikiHow's editors."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make."""

    goals: int = 110_000
    steps: int = 1_500_000
    candidates: int = 10
    linked: float = 0.25
    """Share of the steps whose best candidate reaches the threshold, or that have a hyperlink."""
    hyperlinked: float = 0.014
    words: int = 30_000
    seed: int = 7


def make(path: Path, size: Size | None = None) -> None:
    """Write a knowledge base of the given size to `path`; the tables hold together as a build's do."""
    size = size or Size()
    rng = np.random.default_rng(size.seed)
    vocabulary = Vocabulary(rng, size.words)
    with new_file(path) as session:
        add_articles(session, rng, vocabulary, size)
        add_things(session, np.random.default_rng(size.seed + 1), size)
        methods = add_methods(session, rng, vocabulary, size)
        add_steps(session, rng, vocabulary, size, *methods)
        session.execute(sql_file("lookup.sql"))
        choose_links(session, THRESHOLD)
        add_record(session, size)
        finish(session)


class Vocabulary:
    """Invented words; the first are the most frequent, as in real text."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        syllables = np.array(
            [c + v for c in "bdfghjklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "or")]
        )
        words: dict[str, None] = {}
        while len(words) < count:
            words["".join(rng.choice(syllables, rng.integers(1, 5)))] = None
        self._words = pa.array(sorted(words, key=len))
        self._rng = rng

    def texts(self, lengths: Numbers, end: str = "") -> pa.Array:
        """Texts of the given numbers of words, the first word of each capitalized; shape [len(lengths)]."""
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = len(self._words) ** self._rng.random(int(offsets[-1]))
        words = self._words.take(pa.array(places.astype(np.int64) - 1))
        texts = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words), " ")
        return pc.binary_join_element_wise(pc.utf8_capitalize(texts), end, "")

    def titles(self, lengths: Numbers) -> pa.Array:
        """Texts with every word capitalized; shape [len(lengths)]."""
        return pc.utf8_title(self.texts(lengths))


def insert(session: duckdb.DuckDBPyConnection, table: str, select: str, **columns: object) -> None:
    """Insert into `table` what `select` makes of the columns, which it finds as the table `made`."""
    session.register("made", pa.table(columns))
    session.execute(f"INSERT INTO {table} {select}")
    session.unregister("made")


def add_articles(
    session: duckdb.DuckDBPyConnection, rng: np.random.Generator, vocabulary: Vocabulary, size: Size
) -> None:
    """Fill articles and categories: paths of three levels, from 19 broad ones down to some 2,000."""
    insert(
        session,
        "articles",
        f"""
        SELECT article_id, 'en:' || ({FIRST_PAGE} + article_id), 'howto.example', 'en', {FIRST_PAGE} + article_id,
               replace(goal, ' ', '-'), 'https://howto.example/' || replace(goal, ' ', '-'), 'How to ' || goal,
               goal, introduction, 1, NULL, 'synthetic', NULL, NULL, NULL, sha256(goal)
        FROM made
        """,
        article_id=np.arange(1, size.goals + 1),
        goal=vocabulary.titles(rng.integers(2, 8, size.goals)),
        introduction=vocabulary.texts(rng.integers(20, 60, size.goals), "."),
    )
    narrow = (2_000 ** rng.random(size.goals)).astype(np.int64) - 1
    broad = {3: narrow, 2: narrow % 300, 1: narrow % 300 % 19}
    names = {level: vocabulary.titles(np.full(int(c.max()) + 1, level)) for level, c in broad.items()}
    for level in (1, 2, 3):
        insert(
            session,
            "categories",
            "FROM made",
            article_id=np.arange(1, size.goals + 1),
            level=np.full(size.goals, level),
            name=names[level].take(pa.array(broad[level])),
        )


def add_things(session: duckdb.DuckDBPyConnection, rng: np.random.Generator, size: Size) -> None:
    """Fill things: none for a quarter of the articles, else up to twenty ingredients and others."""
    per_article = np.where(rng.random(size.goals) < 0.25, 0, rng.integers(1, 21, size.goals))
    article = np.repeat(np.arange(1, size.goals + 1), per_article)
    number = 1 + np.arange(len(article)) - np.repeat(np.cumsum(per_article) - per_article, per_article)
    vocabulary = Vocabulary(rng, size.words)
    insert(
        session,
        "things",
        """
        SELECT article_id, kind, number,
               amount || CASE WHEN amount = '' THEN '' ELSE ' ' END || text, nullif(amount, '')
        FROM made ORDER BY article_id, kind, number
        """,
        article_id=article,
        kind=rng.choice(["ingredient", "thing"], len(article)),
        number=number,
        amount=rng.choice(["", "1 cup", "2 tablespoons", "3"], len(article)),
        text=vocabulary.texts(rng.integers(1, 5, len(article))),
    )


def add_methods(
    session: duckdb.DuckDBPyConnection, rng: np.random.Generator, vocabulary: Vocabulary, size: Size
) -> tuple[Numbers, Numbers, Numbers]:
    """Fill methods.

    Returns:
        article id, number and number of steps of each method, shape [methods] each.
    """
    per_article = rng.choice([1, 2, 3, 4, 5], size.goals, p=[0.3, 0.25, 0.3, 0.1, 0.05])
    kinds = np.where(
        per_article == 1,
        "single",
        rng.choice(["method", "part", "question"], size.goals, p=[0.7, 0.25, 0.05]),
    )
    article = np.repeat(np.arange(1, size.goals + 1), per_article)
    number = 1 + np.arange(len(article)) - np.repeat(np.cumsum(per_article) - per_article, per_article)
    weights = rng.gamma(3, size=len(article))
    steps = 1 + rng.multinomial(size.steps - len(article), weights / weights.sum())
    insert(
        session,
        "methods",
        "SELECT article_id, method_number, kind, CASE WHEN kind <> 'single' THEN name END FROM made",
        article_id=article,
        method_number=number,
        kind=np.repeat(kinds, per_article),
        name=vocabulary.titles(rng.integers(2, 5, len(article))),
    )
    return article, number, steps


def add_steps(
    session: duckdb.DuckDBPyConnection,
    rng: np.random.Generator,
    vocabulary: Vocabulary,
    size: Size,
    method_article: Numbers,
    method_number: Numbers,
    method_steps: Numbers,
) -> None:
    """Fill steps, candidates and hyperlinks, a chunk of steps at a time."""
    article = np.repeat(method_article, method_steps)
    number = np.repeat(method_number, method_steps)
    place = 1 + np.arange(size.steps) - np.repeat(np.cumsum(method_steps) - method_steps, method_steps)
    popular = np.cumsum(np.exp(SPREAD * rng.standard_normal(size.goals)))
    with progress(None, "Making steps", size.steps, "steps") as bar:
        for start in range(0, size.steps, CHUNK):
            rows = slice(start, min(start + CHUNK, size.steps))
            ids = np.arange(rows.start + 1, rows.stop + 1)
            bullets = np.where(rng.random(len(ids)) < 0.2, rng.integers(1, 4, len(ids)), 0)
            insert(
                session,
                "steps",
                "FROM made",
                step_id=ids,
                article_id=article[rows],
                method_number=number[rows],
                step_number=place[rows],
                headline=vocabulary.texts(rng.integers(3, 14, len(ids)), "."),
                body=vocabulary.texts(rng.integers(15, 90, len(ids)), "."),
                bullets=pa.ListArray.from_arrays(
                    pa.array(np.concatenate([[0], np.cumsum(bullets)]), pa.int32()),
                    vocabulary.texts(rng.integers(6, 20, int(bullets.sum())), "."),
                ),
            )
            add_candidates(session, rng, size, ids, article[rows], popular)
            add_hyperlinks(session, rng, size, ids, popular)
            bar.update(len(ids))


def add_candidates(
    session: duckdb.DuckDBPyConnection,
    rng: np.random.Generator,
    size: Size,
    step_ids: Numbers,
    articles: Numbers,
    popular: Weights,
) -> None:
    """Fill candidates of the given steps: distinct goals, none the step's own, likelier ones first."""
    n, k = len(step_ids), size.candidates
    others = size.goals - 1
    best = draw(rng, popular, n)
    gaps = rng.integers(1, max(2, others // (2 * k)), (n, k))
    gaps[:, 0] = 0
    goals = (best[:, None] - (best >= articles)[:, None] + gaps.cumsum(axis=1)) % others
    goals += 1 + (goals + 1 >= articles[:, None])
    share = (size.linked - size.hyperlinked) / (1 - size.hyperlinked)
    likely = rng.random(n) < share
    first = np.where(likely, THRESHOLD + 0.5 * rng.beta(1.5, 2, n), THRESHOLD * rng.beta(1, 2, n))
    fall = np.minimum(0.5, 1 - first) * rng.uniform(0.5, 1, n)
    cosine = 0.4 + 0.5 * first[:, None] - np.cumsum(rng.uniform(0, 0.04, (n, k)), axis=1)
    insert(
        session,
        "candidates",
        "SELECT step_id, rank, article_id, cosine, NULL, probability, NULL FROM made",
        step_id=np.repeat(step_ids, k),
        rank=np.tile(np.arange(1, k + 1), n),
        article_id=goals.ravel(),
        cosine=cosine.ravel().astype(np.float32),
        probability=(first[:, None] * fall[:, None] ** np.arange(k)).ravel().astype(np.float32),
    )


def add_hyperlinks(
    session: duckdb.DuckDBPyConnection,
    rng: np.random.Generator,
    size: Size,
    step_ids: Numbers,
    popular: Weights,
) -> None:
    """Fill hyperlinks of some of the steps; one in ten leads to no article here."""
    chosen = step_ids[rng.random(len(step_ids)) < size.hyperlinked]
    insert(
        session,
        "hyperlinks",
        """
        SELECT step_id, 1, 'en', a.slug, a.title, a.goal, place, CASE WHEN here THEN article_id END
        FROM made JOIN articles a USING (article_id) ORDER BY step_id
        """,
        step_id=chosen,
        article_id=1 + draw(rng, popular, len(chosen)),
        place=rng.choice(["headline", "body", "bullet"], len(chosen), p=[0.2, 0.7, 0.1]),
        here=rng.random(len(chosen)) < 0.9,
    )


def draw(rng: np.random.Generator, popular: Weights, count: int) -> Numbers:
    """Goals from 0 on by their popularity, given as running sums; shape [count]."""
    return np.searchsorted(popular, rng.random(count) * popular[-1])


def add_record(session: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Fill runs and meta."""
    now = datetime.now(UTC)
    session.execute(
        "INSERT INTO runs VALUES (1, $now, $now, $version, '{}', '{}', '{}', '{}')",
        {"now": now.replace(tzinfo=None), "version": __version__},
    )
    meta = {
        "schema_version": SCHEMA_VERSION,
        "threshold": THRESHOLD,
        "built_at": now.isoformat(timespec="seconds"),
        "version": __version__,
        "encoder": f"none (invented, seed {size.seed})",
        "sources": "{}",
    }
    session.executemany("INSERT INTO meta VALUES (?, ?)", [[key, str(value)] for key, value in meta.items()])


def main() -> None:
    """Make a knowledge base and say how large it is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--goals", type=int, default=110_000)
    parser.add_argument("--steps", type=int, default=1_500_000)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    clock = time.monotonic()
    make(options.output, Size(options.goals, options.steps, options.candidates, seed=options.seed))
    size = options.output.stat().st_size
    say(f"Wrote {options.output}: {size / 1e6:,.0f} MB in {time.monotonic() - clock:.0f} s")


if __name__ == "__main__":
    main()
