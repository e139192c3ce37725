"""The queries of the video evaluation: which steps of the knowledge base a goal is searched with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from kb.store import KnowledgeBase
from kb.video.corpus import goal_key


@dataclass(frozen=True, slots=True)
class QueryForm:
    """A way to make a query of a goal: score = BM25(goal) + weight * BM25(steps)."""

    name: str
    depth: int = 0
    """0: the goal alone; 1: with its steps; 2: also those of the goals that its steps are linked to; ..."""
    weight: float = 0.0
    filtered: bool = False
    """Keep only the steps that the hill climbing on train chose."""
    by_probability: bool = False
    """Weight each step by the product of the link probabilities on the way to it."""

    def at(self, weight: float, suffix: str = "") -> QueryForm:
        """The same form with another weight."""
        return replace(self, weight=weight, name=self.name + suffix)


FORMS = (
    QueryForm("L0"),
    QueryForm("L1", depth=1, weight=0.1),
    QueryForm("L2", depth=2, weight=0.1),
    QueryForm("L2-prob", depth=2, weight=0.1, by_probability=True),
    QueryForm("FIL-L1", depth=1, weight=0.5, filtered=True),
    QueryForm("FIL-L2", depth=2, weight=0.5, filtered=True),
    QueryForm("FIL-L2-prob", depth=2, weight=0.5, filtered=True, by_probability=True),
    QueryForm("FIL-L3", depth=3, weight=0.5, filtered=True),
)
"""L0, L1, FIL-L1 and FIL-L2 are the paper's, with its weights; the others are ours with the weights of their
kin.
"""


@dataclass(frozen=True, slots=True)
class QueryStep:
    """One step that a query may hold."""

    step_id: int
    text: str
    """The headline, or the body where the step has none."""
    depth: int
    """1: a step of the goal itself; 2: of a goal that one of those is linked to; ..."""
    probability: float = 1.0
    """Product of the link probabilities on the way from the goal; 1 at depth 1."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal to search for."""

    key: str
    text: str
    """The goal without "How to": the query L0."""
    article_id: int | None = None
    """Its article in the knowledge base; None where there is none."""
    steps: tuple[QueryStep, ...] = field(default=(), repr=False)
    """Level by level, so the steps down to a depth are the first ones of the list."""

    def down_to(self, depth: int) -> tuple[QueryStep, ...]:
        """The steps that stand no deeper than `depth`."""
        return tuple(step for step in self.steps if step.depth <= depth)


@dataclass(frozen=True, slots=True)
class _Step:
    step_id: int
    text: str
    child_id: int | None
    probability: float


@dataclass(frozen=True, slots=True)
class Links:
    """Which links lead from a step to the goals below it."""

    threshold: float | None = None
    """None: the chosen links; else each step's best link of at least this probability."""
    shuffled: int | None = None
    """A seed deals the targets of these links out again at random: a control of what depth is worth."""


def goals_with_steps(
    base: KnowledgeBase, goals: dict[str, str], depth: int, links: Links = Links()
) -> list[Goal]:
    """The goals with their steps down to `depth`, in the order of their keys.

    A goal is matched to the article whose goal or title it is, case and "How to" aside. Of several the one
    that is spelt as the goal comes first, then one with steps, then the smaller id. A goal without an article
    keeps no step, so every form falls back to L0 for it.
    """
    articles = _articles_of(base, goals)
    steps = _steps_below(base, articles.values(), depth, links)
    result = []
    for key, text in sorted(goals.items()):
        article_id = articles.get(key)
        below = () if article_id is None else _expand(article_id, steps, depth)
        result.append(Goal(key, text, article_id, below))
    return result


def _articles_of(base: KnowledgeBase, goals: dict[str, str]) -> dict[str, int]:
    """Goal key -> article id."""
    found: dict[str, tuple[bool, bool, int]] = {}
    rows = base.query(
        "SELECT article_id, goal, title, article_id IN (SELECT article_id FROM steps) FROM articles"
    ).fetchall()
    for article_id, goal, title, has_steps in rows:
        for key in {goal_key(goal), goal_key(title)} & goals.keys():
            place = (goals[key] not in (goal, title), not has_steps, article_id)
            found[key] = min(place, found.get(key, place))
    return {key: article_id for key, (_, _, article_id) in found.items()}


STEPS_WITH_LINKS = """
WITH links AS (
    SELECT step_id, child_id, probability
    FROM best_links
    WHERE if($threshold IS NULL, chosen, probability >= $threshold)
    QUALIFY row_number() OVER (PARTITION BY step_id ORDER BY chosen DESC, probability DESC, child_id) = 1
), dealt AS (  -- each link takes the target of the link that has its place in the shuffled order
    SELECT own.step_id, other.child_id, own.probability
    FROM (SELECT *, row_number() OVER (ORDER BY step_id) AS place FROM links) own
    JOIN (
        SELECT child_id, row_number() OVER (
            ORDER BY if($shuffled IS NULL, '', md5($shuffled || ' ' || step_id)), step_id) AS place
        FROM links
    ) other USING (place)
)
SELECT s.article_id, s.step_id, coalesce(nullif(trim(s.headline), ''), s.body), child_id,
       coalesce(probability, 0)
FROM steps s LEFT JOIN dealt USING (step_id)
WHERE s.article_id IN (SELECT unnest($articles::BIGINT[]))
ORDER BY s.article_id, s.step_id
"""


def _steps_below(
    base: KnowledgeBase, roots: Iterable[int], depth: int, links: Links
) -> dict[int, list[_Step]]:
    """Article id -> its steps with the links to follow, for all articles that `depth` levels reach."""
    steps: dict[int, list[_Step]] = defaultdict(list)
    level = sorted(set(roots))
    for _ in range(depth):
        names = {"threshold": links.threshold, "shuffled": links.shuffled, "articles": level}
        rows = base.query(STEPS_WITH_LINKS, names).fetchall()
        for article_id, *step in rows:
            steps[article_id].append(_Step(*step))
        level = sorted({row[3] for row in rows if row[3] is not None} - steps.keys())
    return steps


def _expand(root: int, steps: dict[int, list[_Step]], depth: int) -> tuple[QueryStep, ...]:
    """The steps below an article, level by level in reading order.

    Each article gives its steps once, at the first place that leads to it: a goal that two steps are linked
    to is one goal, and a cycle ends.
    """
    result: list[QueryStep] = []
    opened = {root}
    level = [(root, 1.0)]
    for number in range(1, depth + 1):
        below = []
        for article_id, probability in level:
            for step in steps.get(article_id, ()):
                result.append(QueryStep(step.step_id, step.text, number, probability))
                if step.child_id is not None and step.child_id not in opened:
                    opened.add(step.child_id)
                    below.append((step.child_id, probability * step.probability))
        level = below
    return tuple(result)


def tally_of(goals: Sequence[Goal]) -> dict[str, float]:
    """How much the knowledge base has to say of the goals: what decides whether depth can help."""
    counts = [[sum(step.depth == depth for step in goal.steps) for depth in (1, 2, 3)] for goal in goals]
    total = len(goals)
    return {
        "goals": total,
        "goals in the knowledge base": sum(goal.article_id is not None for goal in goals),
        "goals with steps": sum(row[0] > 0 for row in counts),
        "goals with a linked step": sum(row[1] > 0 for row in counts),
        **{
            f"steps a goal at depth {depth}": round(sum(row[depth - 1] for row in counts) / total, 2)
            if total
            else 0.0
            for depth in (1, 2, 3)
        },
    }
