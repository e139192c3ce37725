"""Finding goals by meaning: the bi-encoder and the FAISS index that the build left beside the knowledge base.

Apart from kb.search since it loads torch, which nothing else that reads a knowledge base does.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from howtree.errors import NotFound
from howtree.extras import needs
from kb.search import FoundGoal, grouped
from kb.store import KnowledgeBase
from kb.work import WorkFolder
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.retrieve.index import GoalIndex
from linking.text import step_text


def semantic_search(kb: KnowledgeBase, words: str, limit: int = 20) -> list[FoundGoal]:
    """Goals nearest in meaning to `words`, best first, equal ones once; the score is the cosine.

    Raises:
        BadUsage: the libraries of linking are not installed.
        NotFound: the build's work folder is gone, or belongs to another build.
        BadInput: the encoder of the index cannot be loaded.
    """
    needs("build", "search by meaning")
    work = WorkFolder(kb.path)
    note, folder = work.taken_over(), work.index
    manifests = sorted(folder.glob("*/manifest.json"))
    if not manifests:
        raise NotFound(
            f"no index of goals in {folder}: search by meaning needs the work folder of the build beside "
            f"{kb.path}. {note or 'Build again to get it.'}"
        )
    found = [hit for manifest in manifests for hit in _search_one(kb, manifest.parent, words, 2 * limit)]
    return grouped(kb, sorted(found, key=lambda hit: (-hit.score, hit.article_id)))[:limit]


def _search_one(kb: KnowledgeBase, folder: Path, words: str, limit: int) -> list[FoundGoal]:
    index = _index(folder, (folder / "manifest.json").stat().st_mtime_ns)
    if index.goal_set != kb.meta["articles_digest"]:
        raise NotFound(f"the index in {folder} belongs to another build than {kb.path}: build again")
    encoder = _encoder(index.encoder)
    scores, places = index.search(encoder.encode([step_text(words)]), limit)
    scored = {
        int(index.labels[place]): round(float(score), 4)
        for score, place in zip(scores[0], places[0], strict=True)
        if place >= 0
    }
    names = kb.query(
        "SELECT article_id, goal FROM articles WHERE article_id IN (SELECT unnest($ids))",
        {"ids": list(scored)},
    ).fetchall()
    return [FoundGoal(article_id, goal, scored[article_id]) for article_id, goal in names]


@lru_cache(maxsize=8)
def _index(folder: Path, _changed: int) -> GoalIndex:
    return GoalIndex.load(folder)


@lru_cache(maxsize=2)
def _encoder(name: str) -> SentenceEncoder:
    return load_encoder(name)
