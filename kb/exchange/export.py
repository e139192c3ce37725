"""Leaving with one's data: a knowledge base, people's verdicts included, in forms that other programs read."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from howtree.errors import BadInput, BadQuery
from howtree.files import written_aside
from howtree.progress import progress, warn
from howtree.streams import csv_cell
from kb.exchange.paper import write_paper
from kb.query.results import as_json, opened, records, records_by_article
from kb.store import OVERLAID, TABLES, KnowledgeBase
from kb.tree import trees

BATCH = 20_000
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TABLES_OUT = (*TABLES, *OVERLAID)
ORDERS = {
    "edges": "ORDER BY step_id",
    "guesses": "ORDER BY step_id",
    "verdicts": "ORDER BY judged_at, review_id",
}
"""The order of rows, where they are not in order in the file: to sort large tables again would take memory."""

EDGES = """
SELECT p.key AS parent, p.goal AS parent_goal, s.method_number AS method, s.step_number AS step,
       step_text(s.headline, s.body) AS text, c.key AS child, c.goal AS child_goal, e.probability, e.source,
       e.relation
FROM edges e
JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = e.parent_id
JOIN articles c ON c.article_id = e.child_id
ORDER BY e.step_id
"""
ARTICLES = """
WITH linked AS (
    SELECT step_id, list({'slug': target_slug, 'title': target_title, 'anchor': anchor, 'place': place,
                          'language': CASE WHEN target_language <> language THEN target_language ELSE '' END}
                         ORDER BY link_number) AS links
    FROM hyperlinks JOIN steps USING (step_id) JOIN articles USING (article_id)
    WHERE step_id IN (SELECT step_id FROM steps WHERE article_id BETWEEN $first AND $last)
    GROUP BY step_id
),
listed AS (
    SELECT article_id, method_number, list({'number': step_number, 'headline': headline, 'body': body,
        'bullets': bullets, 'links': coalesce(links, [])} ORDER BY step_number) AS steps
    FROM steps LEFT JOIN linked USING (step_id)
    WHERE article_id BETWEEN $first AND $last
    GROUP BY ALL
),
divided AS (
    SELECT article_id, list({'kind': kind, 'number': method_number, 'name': coalesce(name, ''), 'steps': steps}
                            ORDER BY method_number) AS methods
    FROM methods JOIN listed USING (article_id, method_number)
    GROUP BY article_id
)
SELECT a.language, a.page_id, a.slug, a.url, nullif(a.site, site_of(coalesce(a.url, ''))) AS site, a.title, a.goal,
       a.introduction, a.revision, a.licence, a.source, a.published, a.modified, a.fetched_at,
       coalesce((SELECT list(text ORDER BY number) FROM things t
                 WHERE t.article_id = a.article_id AND kind = 'ingredient'), []) AS ingredients,
       coalesce((SELECT list(text ORDER BY number) FROM things t
                 WHERE t.article_id = a.article_id AND kind = 'thing'), []) AS things,
       coalesce((SELECT list(text ORDER BY number) FROM things t
                 WHERE t.article_id = a.article_id AND kind = 'tool'), []) AS tools,
       coalesce((SELECT list(text ORDER BY number) FROM notes n
                 WHERE n.article_id = a.article_id AND kind = 'tip'), []) AS tips,
       coalesce((SELECT list(text ORDER BY number) FROM notes n
                 WHERE n.article_id = a.article_id AND kind = 'warning'), []) AS warnings,
       coalesce((SELECT list(text ORDER BY number) FROM citations c
                 WHERE c.article_id = a.article_id), []) AS "references",
       coalesce((SELECT list(slug ORDER BY number) FROM related r
                 WHERE r.article_id = a.article_id), []) AS related,
       coalesce((SELECT list(name ORDER BY level) FROM categories c WHERE c.article_id = a.article_id), [])
           AS categories,
       coalesce((SELECT list(slug ORDER BY number) FROM aliases x WHERE x.article_id = a.article_id), [])
           AS aliases,
       d.methods
FROM articles a JOIN divided d USING (article_id)
ORDER BY a.article_id
"""
MISSING_LINKS = """
SELECT p.goal AS article, p.url AS article_url, s.method_number AS method, s.step_number AS step,
       step_text(s.headline, s.body) AS step_text, c.goal AS suggested_article, c.url AS suggested_url,
       e.probability
FROM edges e
JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = e.parent_id
JOIN articles c ON c.article_id = e.child_id
ANTI JOIN hyperlinks h ON h.step_id = e.step_id AND h.target_id = e.child_id
ORDER BY e.probability DESC, e.step_id
"""


def write_tables(kb: KnowledgeBase, folder: Path, depth: int) -> int:
    """A Parquet file for each table, its rows in order, packed with zstd. Returns the rows written."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for table in progress(TABLES_OUT, "Writing tables", len(TABLES_OUT), "tables"):
        reader = kb.cursor().sql(f"FROM {table} {ORDERS.get(table, '')}").to_arrow_reader(10 * BATCH)
        path = folder / f"{table}.parquet"
        with (
            written_aside(path) as aside,
            pq.ParquetWriter(aside, reader.schema, compression="zstd") as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
    return count


def write_trees(kb: KnowledgeBase, path: Path, depth: int) -> int:
    """JSON Lines, a nested tree per goal, in the form of `howtree tree --format json`. Returns the trees written."""
    roots = [row[0] for row in kb.query("SELECT article_id FROM articles ORDER BY article_id").fetchall()]
    count = 0
    with opened(path) as file:
        for root, tree in zip(
            roots, progress(trees(kb, roots, depth), "Trees", len(roots), "goals"), strict=True
        ):
            if isinstance(tree, BadQuery):
                warn(f"goal {root} is left out: {tree}")
                continue
            print(as_json(tree.to_dict()), file=file)
            count += 1
    return count


def write_articles(kb: KnowledgeBase, path: Path, depth: int) -> int:
    """JSON Lines, an article per line, in the full form that `howtree build` reads. Returns the articles written."""
    rows = records_by_article(kb, ARTICLES, "Articles")
    return write_lines(
        path, ({name: value for name, value in row.items() if value is not None} for row in rows)
    )


def write_edges(kb: KnowledgeBase, path: Path, depth: int) -> int:
    """JSON Lines, a link per line, by the keys that builds keep. Returns the links written."""
    return write_lines(path, records(kb, EDGES, "Links"))


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write records as JSON Lines. Returns their number."""
    count = 0
    with opened(path) as file:
        for row in rows:
            print(as_json(row), file=file)
            count += 1
    return count


def write_missing_links(kb: KnowledgeBase, path: Path, depth: int) -> int:
    """CSV for editors: the links that no hyperlink of the step makes, likeliest first. Returns their number."""
    count = 0
    with opened(path) as file:
        names = [column[0] for column in kb.query(f"{MISSING_LINKS} LIMIT 0").description or ()]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in records(kb, MISSING_LINKS, "Missing links"):
            row["probability"] = round(row["probability"], 4)
            writer.writerow({name: csv_cell(value) for name, value in row.items()})
            count += 1
    return count


ATTRIBUTES = {
    "goal": ("node", "string"), "language": ("node", "string"), "url": ("node", "string"), "steps": ("node", "long"),
    "step": ("edge", "string"), "probability": ("edge", "double"), "source": ("edge", "string"),
    "relation": ("edge", "string"),
}  # fmt: skip


def write_graphml(kb: KnowledgeBase, path: Path, depth: int) -> int:
    """GraphML for Gephi and networkx: a node per goal, an edge per link. Returns nodes and edges written.

    Written as a stream: networkx would hold the whole graph in memory.
    """
    count = 0
    with opened(path) as file:
        xml = XMLGenerator(file, "utf-8", short_empty_elements=True)  # type: ignore[arg-type]
        xml.startDocument()
        start(xml, "graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
        for name, (kind, form) in ATTRIBUTES.items():
            start(xml, "key", **{"id": name, "for": kind, "attr.name": name, "attr.type": form})
            xml.endElement("key")
        start(xml, "graph", id="howtree", edgedefault="directed")
        for row in records(
            kb, "SELECT article_id AS id, goal, language, url, steps FROM goals ORDER BY id", "Goals"
        ):
            element(xml, "node", {"id": row.pop("id")}, row)
            count += 1
        links = "SELECT step_id, parent_id, child_id, step, probability, source, relation FROM links ORDER BY step_id"
        for row in records(kb, links, "Links"):
            ends = {"id": row.pop("step_id"), "source": row.pop("parent_id"), "target": row.pop("child_id")}
            element(xml, "edge", ends, row)
            count += 1
        xml.endElement("graph")
        xml.endElement("graphml")
        xml.endDocument()
    return count


def start(xml: XMLGenerator, name: str, **attributes: object) -> None:
    """The opening tag of an element."""
    xml.startElement(name, AttributesImpl({key: str(value) for key, value in attributes.items()}))


def element(xml: XMLGenerator, name: str, attributes: dict[str, Any], data: dict[str, Any]) -> None:
    """A node or an edge with its data; what XML cannot hold becomes U+FFFD."""
    start(xml, name, **attributes)
    for key, value in data.items():
        if value is not None:
            start(xml, "data", key=key)
            xml.characters(NOT_XML.sub("\ufffd", str(value)))
            xml.endElement("data")
    xml.endElement(name)
    xml.characters("\n")


Writer = Callable[[KnowledgeBase, Path, int], int]
WRITERS: dict[str, Writer] = {
    "parquet": write_tables,
    "articles": write_articles,
    "json": write_trees,
    "edges": write_edges,
    "paper": write_paper,
    "graphml": write_graphml,
    "missing-links": write_missing_links,
}


def export(kb: KnowledgeBase, form: str, output: Path, depth: int) -> int:
    """Write a knowledge base in a form of `WRITERS`, and return how many records were written.

    Args:
        kb: the knowledge base.
        form: a key of `WRITERS`.
        output: the file, or with 'parquet' and 'paper' the folder, to write.
        depth: levels of goals that are opened in 'json'.

    Raises:
        BadInput: the output cannot be written.
    """
    try:
        with kb.steady():
            return WRITERS[form](kb, output, depth)
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror or error}") from error
