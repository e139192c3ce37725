"""A knowledge base's own hyperlinks as gold: which goal an editor meant by a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from howtree.errors import BadInput
from kb.store import KnowledgeBase
from linking.gold.links import Gold, in_dev
from linking.text import goal_text, step_text
from linking.verify.mention import counts_by_itself

LINKS = """
SELECT a.language, a.key, a.goal, s.headline, CASE WHEN s.headline = '' THEN s.body[:2000] ELSE '' END, t.goal,
       h.in_places
FROM (
    SELECT step_id, target_id, list([place, anchor] ORDER BY link_number) AS in_places
    FROM hyperlinks WHERE $place IN ('', place) GROUP BY ALL
) h
JOIN steps s USING (step_id)
JOIN articles a USING (article_id)
JOIN articles t ON t.article_id = h.target_id
WHERE t.article_id <> a.article_id AND t.language = a.language AND $language IN ('', a.language)
ORDER BY step_id, target_id
"""


@dataclass(frozen=True, slots=True)
class EditorLinks:
    """Hyperlinks from steps to goals of one language, and the pool that the goals come from."""

    language: str
    gold: Gold
    own: list[str]
    """For each pair the goal of the article that the step is in."""
    keys: list[str]
    """For each pair the key of that article."""
    pool: list[str]


def read_editor_links(
    kb: KnowledgeBase, language: str = "", place: str = "", mentions: bool = False
) -> EditorLinks:
    """The hyperlinks of steps that lead to another article of the knowledge base, each step and goal once.

    Args:
        kb: the knowledge base.
        language: of the steps and goals; "" for the one that has most such links.
        place: "headline", "body" or "bullet" for the links there alone; "" for all.
        mentions: also those that do not say what the step is, but only mention a goal.

    Raises:
        BadInput: there are none.
    """
    rows = kb.query(LINKS, {"place": place, "language": language}).fetchall()
    if not mentions:
        rows = [row for row in rows if says_what_it_is(*row)]
    if not rows:
        total = kb.records("SELECT count(*) AS n FROM hyperlinks")[0]["n"]
        sought = " ".join(word for word in (language, place) if word)
        gap = " " if sought else ""
        raise BadInput(
            f"{kb.path} has no {sought}{gap}hyperlink from a step to another of its goals that says what the step is "
            f"({total:,} hyperlinks in all; --mentions also takes those that only mention a goal): measure with --gold "
            "and --goals, or build from a source that keeps hyperlinks and has the articles that they lead to"
        )
    languages = [row[0] for row in rows]
    chosen = max(sorted(set(languages)), key=languages.count)
    links = [row[1:6] for row in rows if row[0] == chosen]
    goals = kb.query("SELECT goal FROM articles WHERE language = ? ORDER BY article_id", [chosen]).fetchall()
    return EditorLinks(
        chosen,
        Gold(
            [step_text(headline, body) for _, _, headline, body, _ in links],
            [goal_text(each[-1]) for each in links],
        ),
        [goal_text(each[1]) for each in links],
        [each[0] for each in links],
        list(dict.fromkeys(goal_text(goal) for (goal,) in goals)),
    )


def says_what_it_is(
    language: str,
    key: str,
    own: str,
    headline: str,
    body: str,
    goal: str,
    in_places: Sequence[tuple[str, str]],
) -> bool:
    """Whether one of the hyperlinks of a step to a goal, a row of `LINKS`, counts by itself."""
    return any(counts_by_itself(headline, place, anchor, goal, language) for place, anchor in in_places)


def dev_articles(links: EditorLinks) -> tuple[EditorLinks, EditorLinks]:
    """The links of the held-out articles, a tenth by a hash of the article's key, and those of all others.

    Raises:
        BadInput: no link is in the tenth.
    """
    held = in_dev(links.keys).tolist()
    if not any(held):
        raise BadInput(
            f"none of the {len(set(links.keys))} articles with hyperlinks is in the held-out tenth: measure all of "
            "them, without --dev"
        )
    return part(links, held), part(links, [not each for each in held])


def part(links: EditorLinks, kept: Sequence[bool]) -> EditorLinks:
    """The links at which `kept` is true, with the whole pool."""

    def of(values: list[str]) -> list[str]:
        return [value for value, keep in zip(values, kept, strict=True) if keep]

    gold = Gold(of(links.gold.steps), of(links.gold.goals))
    return EditorLinks(links.language, gold, of(links.own), of(links.keys), links.pool)
