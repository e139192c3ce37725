"""Making reviews out of what a person sees: a step and a goal by their ids."""

from __future__ import annotations

from howtree import NotFound
from kb.reviews import Review, Verdict, text_hash
from kb.store import KnowledgeBase


def review_of(
    kb: KnowledgeBase, step_id: int, verdict: Verdict, goal_id: int | None, who: str, note: str = ""
) -> Review:
    """The review that `kb.reviews.append` adds to `kb.reviews_path`.

    Args:
        kb: the knowledge base that the person sees.
        step_id: the step judged.
        verdict: one of `kb.reviews.VERDICTS`.
        goal_id: the goal judged, or the right one with "another goal"; None with "no link".
        who: a name or handle of the person.
        note: anything to remember.

    Raises:
        NotFound: there is no such step or goal.
        BadInput: verdict and goal do not go together, or the goal is the step's own article.
    """
    step = kb.query(
        """
        SELECT a.key, s.method_number, s.step_number, coalesce(nullif(s.headline, ''), s.body)
        FROM steps s JOIN articles a USING (article_id) WHERE s.step_id = ?
        """,
        [step_id],
    ).fetchone()
    if step is None:
        raise NotFound(f"no step {step_id} in {kb.path}")
    goal = kb.query("SELECT key FROM articles WHERE article_id = ?", [goal_id]).fetchone()
    if goal_id is not None and goal is None:
        raise NotFound(f"no goal {goal_id} in {kb.path}")
    article, method, number, text = step
    return Review(
        article,
        method,
        number,
        text_hash(text),
        verdict,
        goal[0] if goal else None,
        who.strip(),
        note.strip(),
    )
