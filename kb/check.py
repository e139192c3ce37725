"""The invariants of a knowledge base, each a query that counts what breaks it."""

from __future__ import annotations

import duckdb

from howtree.progress import progress
from kb.engine import errors_told
from kb.store import OVERLAID, TABLES, KnowledgeBase
from kb.tree import tree

DEPTH = 3
"""Levels of the trees that are compared."""

INVARIANTS = {
    "articles with the same id or key": """
        SELECT (SELECT count(*) - count(DISTINCT article_id) FROM articles)
             + (SELECT count(*) - count(DISTINCT key) FROM articles)""",
    "steps with the same id or place": """
        SELECT (SELECT count(*) - count(DISTINCT step_id) FROM steps)
             + (SELECT count(*) FROM (SELECT 1 FROM steps GROUP BY article_id, method_number, step_number
                                      HAVING count(*) > 1))""",
    "articles without steps": "SELECT count(*) FROM articles WHERE article_id NOT IN (SELECT article_id FROM steps)",
    "methods of no article": "SELECT count(*) FROM methods ANTI JOIN articles USING (article_id)",
    "methods without steps": "SELECT count(*) FROM methods ANTI JOIN steps USING (article_id, method_number)",
    "steps of no method": "SELECT count(*) FROM steps ANTI JOIN methods USING (article_id, method_number)",
    "steps without text": "SELECT count(*) FROM steps WHERE headline = '' AND body = '' AND len(bullets) = 0",
    "categories of no article": "SELECT count(*) FROM categories ANTI JOIN articles USING (article_id)",
    "hyperlinks of no step": "SELECT count(*) FROM hyperlinks ANTI JOIN steps USING (step_id)",
    "hyperlinks to no article": """
        SELECT count(*) FROM hyperlinks h ANTI JOIN articles a ON a.article_id = h.target_id
        WHERE h.target_id IS NOT NULL""",
    "candidates of no step": "SELECT count(*) FROM candidates ANTI JOIN steps USING (step_id)",
    "candidates that are no article": "SELECT count(*) FROM candidates ANTI JOIN articles USING (article_id)",
    "candidates that are the step's own article": """
        SELECT count(*) FROM candidates c JOIN steps s USING (step_id) WHERE c.article_id = s.article_id""",
    "candidates with a gap or a double in their ranks": """
        SELECT count(*) FROM (SELECT step_id FROM candidates GROUP BY step_id
                              HAVING max(rank) <> count(*) OR min(rank) <> 1 OR count(DISTINCT rank) <> count(*))""",
    "probabilities outside 0 to 1": """
        SELECT (SELECT count(*) FROM candidates WHERE NOT probability BETWEEN 0 AND 1.000001)
             + (SELECT count(*) FROM best_links WHERE NOT probability BETWEEN 0 AND 1.000001)""",
    "edges of no step": "SELECT count(*) FROM edges ANTI JOIN steps USING (step_id)",
    "edges from another article than the step's": """
        SELECT count(*) FROM edges e JOIN steps s USING (step_id) WHERE e.parent_id <> s.article_id""",
    "edges to no article": "SELECT count(*) FROM edges e ANTI JOIN articles a ON a.article_id = e.child_id",
    "edges from an article to itself": "SELECT count(*) FROM edges WHERE parent_id = child_id",
    "goals in two groups of equal goals, or alone in one": """
        SELECT (SELECT count(*) - count(DISTINCT article_id) FROM alternatives)
             + (SELECT count(*) FROM (SELECT 1 FROM alternatives GROUP BY group_id HAVING count(*) < 2))""",
    "links or guesses within a group of equal goals": """
        SELECT count(*) FROM best_links e JOIN alternatives p ON p.article_id = e.parent_id
        JOIN alternatives c ON c.article_id = e.child_id AND c.group_id = p.group_id WHERE e.source <> 'person'""",
    "steps with more than one edge": """
        SELECT count(*) FROM (SELECT step_id FROM edges GROUP BY step_id HAVING count(*) > 1)""",
    "model's edges or guesses that are not the step's first candidate": """
        SELECT count(*) FROM best_links e LEFT JOIN candidates c ON c.step_id = e.step_id AND c.rank = 1
        WHERE e.source = 'model' AND c.article_id IS DISTINCT FROM e.child_id""",
    "model's edges below the threshold, or guesses above it": """
        SELECT count(*) FROM best_links WHERE source = 'model'
            AND chosen <> (probability >= (SELECT value::FLOAT FROM meta WHERE key = 'threshold'))""",
    "guesses for steps that have an edge": "SELECT count(*) FROM guesses SEMI JOIN edges USING (step_id)",
    "steps with more than one guess": """
        SELECT count(*) FROM (SELECT step_id FROM guesses GROUP BY step_id HAVING count(*) > 1)""",
    "unknown relations": """
        SELECT count(*) FROM best_links WHERE relation NOT IN ('exact', 'helpful')""",
    "things, notes, citations or related articles of no article": """
        SELECT (SELECT count(*) FROM things ANTI JOIN articles USING (article_id))
             + (SELECT count(*) FROM things_by_word ANTI JOIN things USING (article_id, kind, number, text))
             + (SELECT count(*) FROM notes ANTI JOIN articles USING (article_id))
             + (SELECT count(*) FROM citations ANTI JOIN articles USING (article_id))
             + (SELECT count(*) FROM related ANTI JOIN articles USING (article_id))
             + (SELECT count(*) FROM alternatives ANTI JOIN articles USING (article_id))
             + (SELECT count(*) FROM goal_vectors ANTI JOIN articles USING (article_id))""",
    "editor's edges without such a hyperlink": """
        SELECT count(*) FROM edges e ANTI JOIN hyperlinks h ON h.step_id = e.step_id AND h.target_id = e.child_id
        WHERE e.source = 'editor'""",
    "edges of an unknown source": "SELECT count(*) FROM edges WHERE source NOT IN ('person', 'editor', 'model')",
    "steps whose first candidate is not the most probable": """
        SELECT count(*) FROM (SELECT step_id FROM candidates GROUP BY step_id
                              HAVING max(probability) > max(probability) FILTER (rank = 1))""",
    "goals that cannot be found by their title": """
        SELECT count(*) FROM articles a
        ANTI JOIN names n ON n.article_id = a.article_id AND n.hash = name_hash(a.goal)""",
    "goals that cannot be found by their words": """
        SELECT count(*) FROM articles a ANTI JOIN goal_words w USING (article_id) WHERE len(words_of(a.goal)) > 0""",
    "words of steps alone that a title has, or of no article": """
        SELECT (SELECT count(*) FROM step_words SEMI JOIN words USING (stem))
             + (SELECT count(*) FROM step_words ANTI JOIN articles USING (article_id))""",
    "things that cannot be found by their words": """
        SELECT count(*) FROM things t JOIN articles USING (article_id)
        ANTI JOIN things_by_word w USING (goal, article_id, kind, number, text) WHERE len(words_of(t.text)) > 0""",
}


def problems(session: duckdb.DuckDBPyConnection) -> list[str]:
    """What is broken, in words; empty where everything holds. The session's tables are looked at."""
    found = []
    for name, sql in progress(INVARIANTS.items(), "Checking", len(INVARIANTS), "invariants"):
        row = session.execute(sql).fetchone()
        if row and row[0]:
            found.append(f"{row[0]:,} {name}")
    return found


def broken(kb: KnowledgeBase, goals: int) -> list[str]:
    """What is broken in a knowledge base with people's verdicts laid over it, trees of `goals` goals included.

    Raises:
        BadInput: the file is damaged, so that it cannot be read.
    """
    with errors_told(kb.path), kb.steady():  # somebody may be judging
        read_all(kb)
        return problems(kb.cursor()) + unlike_trees(kb, goals)


def read_all(kb: KnowledgeBase) -> None:
    """Read every column of every table: whatever part of the file is damaged, the engine finds out.

    Raises:
        duckdb.Error: it did.
    """
    for table in progress((*TABLES, *OVERLAID), "Reading", len(TABLES) + len(OVERLAID), "tables"):
        kb.query(f"SELECT bit_xor(hash(t)) FROM kb.{table} t").fetchall()


def unlike_trees(kb: KnowledgeBase, goals: int) -> list[str]:
    """The goals, of some drawn always alike, whose tree by Python is not the tree by SQL's recursion."""
    drawn = kb.query(
        "SELECT article_id, goal FROM articles ORDER BY hash(article_id), article_id LIMIT ?", [goals]
    )
    found = []
    for article_id, goal in drawn.fetchall():
        by_python = [
            (depth, step.step_id, step.link and step.link.goal.article_id, step.link and step.link.goal.stop)
            for depth, _, step in tree(kb, article_id, DEPTH).walk()
        ]
        by_sql = kb.query(
            "SELECT depth, step_id, child_id, stop FROM procedure_tree(?, max_depth := ?)",
            [article_id, DEPTH],
        ).fetchall()
        if by_python != by_sql:
            found.append(f'the tree of "{goal}" by Python is not the one by SQL')
    return found
