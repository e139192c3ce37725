"""The paper's wikihow.json and wikihow_prediction.json -> a knowledge base to browse, without any model."""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from crawl.corpus.write import CorpusTally, write_corpus
from crawl.readers.dumps import json_items, line_items
from crawl.readers.files import check
from crawl.readers.packed import open_maybe_packed
from howtree.errors import BadInput
from howtree.files import digest_of_file
from howtree.progress import progress, warn
from kb.beside import put_kb
from kb.build.fill import choose_links, finish, load_corpus, new_file, number
from kb.build.runs import RunRecord, record
from kb.exchange.paper import UNLINKABLE, probabilities, without_stop
from kb.work import WorkFolder, report_damage

BATCH = 20_000
RECORD = b'"pred"'
"""What every record holds."""
SHOWN = 5
"""Broken records that are reported one by one; the others are counted."""

PREDICTION_TABLES = """
CREATE TEMP TABLE entries (number BIGINT, text VARCHAR);
CREATE TEMP TABLE predictions (number BIGINT, title VARCHAR, score FLOAT, probability FLOAT);
CREATE TEMP TABLE step_texts (step_id BIGINT, article_id BIGINT, text VARCHAR);
"""
PLACE_PREDICTIONS = """
CREATE TEMP TABLE placed AS
WITH numbered AS (SELECT number, text, row_number() OVER (PARTITION BY text ORDER BY number) AS nth FROM entries),
steps_with AS (SELECT *, row_number() OVER (PARTITION BY text ORDER BY step_id) AS nth FROM step_texts)
SELECT s.step_id, s.article_id, coalesce(own.number, first.number) AS number
FROM steps_with s
LEFT JOIN numbered own ON own.text = s.text AND own.nth = s.nth
JOIN numbered first ON first.text = s.text AND first.nth = 1;

CREATE TEMP TABLE titles AS SELECT lower(goal) AS title, min(article_id) AS article_id FROM articles GROUP BY ALL;

INSERT INTO candidates
SELECT step_id, row_number() OVER (PARTITION BY step_id ORDER BY probability DESC, article_id), article_id, score, NULL,
       probability, NULL
FROM (
    SELECT p.step_id, t.article_id, max(q.score) AS score, max(q.probability) AS probability
    FROM placed p
    JOIN predictions q USING (number)
    JOIN titles t ON t.title = plain_goal(q.title)
    WHERE t.article_id <> p.article_id
    GROUP BY ALL
)
ORDER BY 1, 2;
"""


@dataclass(slots=True)
class PredictionTally:
    """What an import read and made."""

    corpus: CorpusTally
    records: int = 0
    broken: int = 0
    """Records that are no prediction, or after which the file breaks off."""
    unused: int = 0
    """Records whose text is in no step."""
    unknown: int = 0
    """Predicted titles that are no article."""
    steps: int = 0
    predicted: int = 0
    """Steps with a prediction."""
    linked: int = 0

    def lines(self) -> list[str]:
        """The tally for people."""
        return [
            *self.corpus.lines(),
            f"{self.records:,} predictions read, {self.broken:,} broken, {self.unused:,} of no step; "
            f"{self.unknown:,} predicted titles are no article here",
            f"{self.predicted:,} of {self.steps:,} steps have predictions; {self.linked:,} are linked",
        ]


def import_predictions(
    predictions: Path, articles: Sequence[Path], output: Path, threshold: float = 0.5
) -> PredictionTally:
    """Build `output` from articles and from predictions made elsewhere.

    Args:
        predictions: the paper's wikihow_prediction.json, plain or gzip; read as a stream.
        articles: wikihow.json, or any form that `howtree build` reads.
        output: the knowledge base to write.
        threshold: least probability of a chosen link; with 0.5 a chosen goal is likelier than "unlinkable".

    Raises:
        BadInput: a file is missing, it holds no prediction or no article, or the output cannot be written.
    """
    check([predictions])
    started, work = datetime.now(UTC), WorkFolder(output)
    with work.held():
        tally = PredictionTally(write_corpus(articles, work.corpus, workers=os.cpu_count() or 1))
        report_damage(tally.corpus.damaged)
        with new_file(work.aside) as session:
            load_corpus(session, work.corpus)
            session.execute(PREDICTION_TABLES)
            load_predictions(session, predictions, tally)
            read_step_texts(session)
            session.execute(PLACE_PREDICTIONS)
            choose_links(session, threshold)
            count(session, tally)
            run = run_of(predictions, articles, threshold, tally, started)
            encoder = f"none: predictions read from {predictions.name}"
            record(session, work.corpus, run, threshold=threshold, encoder=encoder)
            finish(session)
        put_kb(work.aside, output)
    return tally


def load_predictions(session: duckdb.DuckDBPyConnection, path: Path, tally: PredictionTally) -> None:
    """Fill the tables of entries and predictions, a batch at a time.

    Raises:
        BadInput: the file holds no prediction.
    """
    entries: list[tuple[int, str]] = []
    rows: list[tuple[int, str, float, float]] = []
    for text, scores in progress(read_predictions(path, tally), "Reading predictions", unit="steps"):
        likely = probabilities(scores)
        entries.append((tally.records, text))
        rows += [
            (tally.records, goal, score, likely[goal]) for goal, score in scores.items() if goal != UNLINKABLE
        ]
        if len(entries) >= BATCH:
            insert(session, "entries", entries)
            insert(session, "predictions", rows)
    insert(session, "entries", entries)
    insert(session, "predictions", rows)
    if not tally.records:
        raise BadInput(
            f'{path} holds no predictions: expected a list of {{"step": text, "pred": {{goal: score}}}}'
        )


def read_predictions(path: Path, tally: PredictionTally) -> Iterator[tuple[str, dict[str, float]]]:
    """The texts and scores of a file; broken records are reported and counted."""
    items = line_items if path.name.removesuffix(".gz").endswith("jsonl") else json_items
    for item in items(path):
        try:
            if item.form == "skip":
                lost = max(1, records_in(path) - tally.records - tally.broken)
                tally.broken += lost
                warn(
                    f"{item.where}: cannot be read from here on ({item.data.detail[:100]}): {lost:,} records are lost"
                )
                continue
            record = json.loads(item.data) if item.form == "line" else item.data
            scores = {str(goal): float(score) for goal, score in record["pred"].items()}
            if not scores or not all(map(math.isfinite, scores.values())):
                raise ValueError("no finite scores")
            text = without_stop(record["step"])
            "".join((text, *scores)).encode("utf-8")  # a lone surrogate is no text
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            tally.broken += 1
            if tally.broken <= SHOWN:
                warn(f"{item.where}: left out, no prediction ({type(error).__name__}: {str(error)[:100]})")
            continue
        tally.records += 1
        yield text, scores


def records_in(path: Path) -> int:
    """How many records a file seems to hold, be it whole or not."""
    found, before = 0, b""
    with suppress(EOFError, OSError, zlib.error), open_maybe_packed(path) as file:
        while data := file.read(2**20):
            found += (before + data).count(RECORD)
            before = data[-len(RECORD) + 1 :]
    return found


def insert(session: duckdb.DuckDBPyConnection, table: str, rows: list[Any]) -> None:
    """Insert rows into a table, and empty the list."""
    if rows:
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        session.register("rows_read", pa.table(columns, [f"c{i}" for i in range(len(columns))]))
        session.execute(f"INSERT INTO {table} FROM rows_read")
        session.unregister("rows_read")
        rows.clear()


def read_step_texts(session: duckdb.DuckDBPyConnection) -> None:
    """Fill the table of the steps' texts as predictions name them."""
    cursor = session.cursor().execute(
        "SELECT step_id, article_id, kb.step_text(headline, body) FROM kb.steps ORDER BY step_id"
    )
    while batch := cursor.fetchmany(BATCH):
        insert(
            session,
            "step_texts",
            [(step_id, article_id, without_stop(text)) for step_id, article_id, text in batch],
        )


def count(session: duckdb.DuckDBPyConnection, tally: PredictionTally) -> None:
    """Put what was made into the tally."""
    tally.unused = number(session, "SELECT count(*) FROM entries ANTI JOIN step_texts USING (text)")
    tally.unknown = number(
        session,
        "SELECT count(*) FROM (SELECT DISTINCT plain_goal(title) AS title FROM predictions) "
        "ANTI JOIN titles USING (title)",
    )
    tally.steps = number(session, "SELECT count(*) FROM steps")
    tally.predicted = number(session, "SELECT count(*) FROM placed")
    tally.linked = number(session, "SELECT count(*) FROM edges")


def run_of(
    predictions: Path, articles: Sequence[Path], threshold: float, tally: PredictionTally, started: datetime
) -> RunRecord:
    """The run as it is recorded."""
    return RunRecord(
        started,
        inputs={
            "sources": [str(path) for path in articles],
            "predictions": str(predictions),
            "predictions_digest": digest_of_file(predictions),
        },
        models={},
        parameters={"threshold": threshold},
        tally={**asdict(tally), "corpus": tally.corpus.to_dict()},
    )
