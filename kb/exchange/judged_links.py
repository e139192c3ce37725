"""What a knowledge base says of judged steps: they are found in it, and their candidates read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawl.article import goal_of
from howtree.errors import BadInput
from howtree.progress import progress, warn
from kb.store import KnowledgeBase
from kb.summary import last_run
from linking.encode.folder import ModelFolder
from linking.measure.judged_parts import Candidates, JudgedStep
from linking.text import clean

DECIMALS = 6
"""A knowledge base keeps probabilities in single precision, which the threshold is not."""
NAMED = 3
"""Steps and goals named in a warning."""

STEPS = """
SELECT article_id, step_id, method_number, step_number, step_text(headline, body), trim(headline || ' ' || body)
FROM steps WHERE article_id IN (SELECT unnest($articles::BIGINT[])) ORDER BY step_id
"""
CANDIDATES = """
SELECT step_id, article_id, probability, retrieval_score
FROM candidates WHERE step_id IN (SELECT unnest($steps::BIGINT[])) ORDER BY step_id, rank
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What was found in a knowledge base."""

    steps: list[JudgedStep]
    """Those that are in it."""
    candidates: list[Candidates]
    """Of each of them."""
    tally: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Step:
    step_id: int
    number: tuple[int, int]
    texts: frozenset[str]


def read_said(kb: KnowledgeBase, judged: Sequence[JudgedStep]) -> Said:
    """Find judged steps in a knowledge base and read their candidates, as the linker left them.

    A step is found in the article of its title by its text: in its place, or else the only one with the text, or the
    only one between its neighbours. Hyperlinks and people's verdicts do not count: it is the linker that is measured.

    Raises:
        BadInput: none of the steps is there.
    """
    articles = articles_by_title(kb)
    named = {id_ for step in judged for id_ in articles.get(key(step.place.article), ())}
    steps = steps_by_article(kb, named)
    found: list[tuple[JudgedStep, int]] = []
    for step in progress(judged, "Finding judged steps", len(judged), "steps"):
        places = (place_in(steps[id_], step) for id_ in articles.get(key(step.place.article), ()))
        place = next((place for place in places if place is not None), None)
        if place is not None:
            found.append((step, place))
    tell_missing(kb, judged, [step for step, _ in found])
    listed = candidates_of(kb, [step_id for _, step_id in found])
    said = [said_of(step, listed[step_id], articles) for step, step_id in found]
    missing = {goal for each in said for goal in each.missing}
    if missing:
        warn(
            f"{len(missing):,} judged goals are not in {kb.path}: {examples(missing)}. No step is linked to them here, "
            "and they do not count as findable."
        )
    tally = {"judged steps not in the knowledge base": len(judged) - len(found)}
    tally["judged goals not in the knowledge base"] = len(missing)
    return Said([step for step, _ in found], said, tally)


def verifier_of(kb: KnowledgeBase) -> ModelFolder | None:
    """The folder of the verifier that chose the links of a knowledge base; None where none did.

    It may be gone, or hold another one by now.
    """
    if "verifier_digest" not in kb.meta:
        return None
    reranker = last_run(kb)["parameters"].get("reranker")
    return ModelFolder(Path(reranker)) if reranker else ModelFolder.of(kb.meta["encoder"]).verifier


def key(title: str) -> str:
    """One spelling of a title: without "How to", case folded."""
    return goal_of(title).casefold()


def articles_by_title(kb: KnowledgeBase) -> dict[str, list[int]]:
    """The ids of the articles of each title, rising."""
    found: dict[str, list[int]] = defaultdict(list)
    for article_id, title in kb.query(
        "SELECT article_id, title FROM articles ORDER BY article_id"
    ).fetchall():
        found[key(title)].append(article_id)
    return dict(found)


def steps_by_article(kb: KnowledgeBase, articles: Iterable[int]) -> dict[int, list[_Step]]:
    """The steps of some articles, in their order."""
    found: dict[int, list[_Step]] = defaultdict(list)
    for article_id, step_id, method, number, *texts in kb.query(
        STEPS, {"articles": sorted(articles)}
    ).fetchall():
        found[article_id].append(_Step(step_id, (method, number), frozenset(map(clean, texts))))
    return found


def place_in(steps: Sequence[_Step], judged: JudgedStep) -> int | None:
    """The id of a judged step in its article, None where it is not there or cannot be told from others."""
    same = [i for i, step in enumerate(steps) if clean(judged.place.step) in step.texts]
    in_place = [i for i in same if steps[i].number == judged.at]
    between = [i for i in same if has_neighbours(steps, i, judged)]
    for several in (in_place, same, between):
        if len(several) == 1:
            return steps[several[0]].step_id
    return None


def has_neighbours(steps: Sequence[_Step], i: int, judged: JudgedStep) -> bool:
    """Whether the steps before and after one are those that the judge saw."""
    for place, text in ((i - 1, judged.place.before), (i + 1, judged.place.after)):
        inside = 0 <= place < len(steps) and steps[place].number[0] == steps[i].number[0]
        if (clean(text) not in steps[place].texts) if inside else bool(text.strip()):
            return False
    return True


def tell_missing(kb: KnowledgeBase, judged: Sequence[JudgedStep], found: Sequence[JudgedStep]) -> None:
    """Warn of judged steps that are not there.

    Raises:
        BadInput: none is.
    """
    there = {(step.place, step.at) for step in found}
    missing = [
        f"{step.place.step[:60]!r} of {step.place.article!r}"
        for step in judged
        if (step.place, step.at) not in there
    ]
    if not found:
        raise BadInput(
            f"none of the {len(judged):,} judged steps is in {kb.path}, e.g. {missing[0]}: steps are found by the "
            "title of their article and their text. Build it from the articles that were judged"
        )
    if missing:
        warn(
            f"{len(missing):,} of {len(judged):,} judged steps are not in {kb.path} and are left out: "
            f"{examples(missing)}."
        )


def examples(names: Iterable[str]) -> str:
    """The first few names."""
    ordered = sorted(names)
    return "; ".join(ordered[:NAMED]) + ("; ..." if len(ordered) > NAMED else "")


def candidates_of(kb: KnowledgeBase, steps: Sequence[int]) -> dict[int, list[tuple[int, float, float]]]:
    """Article id, probability and cosine of the candidates of each step, best first."""
    found: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    for step_id, *candidate in kb.query(CANDIDATES, {"steps": list(steps)}).fetchall():
        found[step_id].append((candidate[0], candidate[1], candidate[2]))
    return found


def said_of(
    step: JudgedStep, listed: Sequence[tuple[int, float, float]], articles: dict[str, list[int]]
) -> Candidates:
    """What the linker says of a step's judged goals, and of its first candidate."""
    ids = {goal: articles.get(key(goal), []) for goal in step.grades}
    goal_of_id = {id_: goal for goal, several in ids.items() for id_ in several}
    probability: dict[str, float] = {}
    raw: dict[str, float] = {}
    for article_id, said, cosine in listed:
        goal = goal_of_id.get(article_id)
        if goal is not None and goal not in probability:
            probability[goal], raw[goal] = round(said, DECIMALS), cosine
    first = listed[0] if listed else None
    return Candidates(
        probability,
        None if first is None else goal_of_id.get(first[0]),
        0.0 if first is None else round(first[1], DECIMALS),
        raw,
        frozenset(goal for goal, several in ids.items() if not several),
    )
