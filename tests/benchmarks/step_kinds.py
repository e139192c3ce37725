"""Negated steps and steps that join two procedures: how many, what editors link them to, what the linker does.

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/step_kinds.py KB [WORK]

KB is a knowledge base built from the real articles; WORK keeps the vectors of the pool. Prints, for each kind of
step, its share of the articles' steps and of the gold pairs, how many of its steps the build links and how sure it
is, R@n on gold, and what two rules would change, with the packaged encoder, untrained. Gold is the part that may be
trained on: nothing is chosen on dev.
A rule is scored on the whole lists of a step, so that it may also lose.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.store import KnowledgeBase
from linking.encode.encoder import load_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.links import Gold, marks, read_gold, read_pool, split_of
from linking.measure.ranking import EncoderScorer, Lists, Task, ranked_lists
from linking.model import Model
from linking.pipeline import CANDIDATES
from linking.rerank.negation import averting, negated, opposed
from linking.text import goal_text, step_text

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
COMMON = 50
"""A word that begins so many titles of the pool is taken for a verb."""
OTHERS = 1_500
"""How many other gold pairs are measured beside them."""
BLOCK = 64
"""How many joined steps are scored at once."""
PENALTIES = (0.0, 0.02, 0.05, 0.1, 0.2)
"""In units of the cosine. The reranker's weight of opposed pairs is 0.1 of its weight of the cosine."""

Kind = Callable[[str], bool]


def verbs_of(pool: Sequence[str]) -> set[str]:
    """The words that commonly begin a title."""
    first = Counter(title.split()[0].lower() for title in pool if title.split())
    return {word for word, count in first.items() if count >= COMMON and word.isalpha()}


def kinds(verbs: set[str]) -> dict[str, Kind]:
    """What tells each kind of step from its text."""

    def is_negated(text: str) -> bool:
        return bool(negated([text])[0])

    def joined(text: str) -> bool:
        return len(halves(text, verbs)) > 1 and not is_negated(text)

    return {
        "negated": is_negated,
        "joined": joined,
        "other": lambda text: not is_negated(text) and not joined(text),
    }


def halves(text: str, verbs: set[str]) -> list[str]:
    """The procedures that a step joins: "Wash and peel the carrots" -> "Wash the carrots", "peel the carrots".

    It is cut before "and" or "then" where a verb begins it and another follows.
    """
    words = text.split()
    if not words or words[0].lower() not in verbs:
        return [text]
    for i, word in enumerate(words[1:-1], 1):
        if word.lower() in ("and", "then", "&") and words[i + 1].lower() in verbs:
            rest = words[i + 1 :]
            before = words[:i] if i > 1 else words[:1] + rest[1:]
            return [" ".join(before).rstrip(","), " ".join(rest)]
    return [text]


def of_articles(path: Path, of_kind: dict[str, Kind]) -> None:
    """Steps of the knowledge base: share, how many are linked, how sure the linker is."""
    with KnowledgeBase(path) as kb:
        rows = kb.query(
            "SELECT headline, CASE WHEN headline = '' THEN body[:2000] ELSE '' END, probability, chosen, c.goal "
            "FROM steps LEFT JOIN best_links USING (step_id) LEFT JOIN articles c ON c.article_id = child_id"
        ).fetchall()
    print(f"\nSteps of {len(rows):,} in {path.name}\n")
    print("| kind | steps | share | linked | mean probability | linked to a goal that averts |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, is_kind in of_kind.items():
        found = [row for row in rows if is_kind(step_text(row[0], row[1]))]
        linked = [row for row in found if row[3]]
        averts = int(averting([row[4] for row in linked]).sum())
        probability = np.mean([row[2] or 0.0 for row in found])
        print(
            f"| {name} | {len(found):,} | {share(len(found), len(rows))} | {share(len(linked), len(found))} | "
            f"{probability:.3f} | {share(averts, len(linked))} |"
        )


def share(part: int, whole: int) -> str:
    """In percent."""
    return f"{100 * part / max(1, whole):.1f}%"


def of_gold(gold: Gold, of_kind: dict[str, Kind]) -> None:
    """Gold pairs: share, and how many of the gold goals avert something."""
    print(f"\nGold pairs of {len(gold.steps):,}\n")
    print("| kind | pairs | share | gold goal averts |")
    print("| --- | ---: | ---: | ---: |")
    for name, is_kind in of_kind.items():
        goals = [g for s, g in zip(gold.steps, gold.goals, strict=True) if is_kind(step_text(s))]
        averts = int(averting(goals).sum())
        total = len(gold.steps)
        print(f"| {name} | {len(goals):,} | {share(len(goals), total)} | {share(averts, len(goals))} |")


def measured_part(gold: Gold, of_kind: dict[str, Kind]) -> Gold:
    """The gold pairs of the two kinds and a hashed part of the others."""
    other = np.array([of_kind["other"](step_text(step)) for step in gold.steps])
    mark = (marks(gold.steps) * 1e4) % 1
    kept = np.flatnonzero(~other | (mark < OTHERS / max(1, other.sum()))).tolist()
    return Gold([gold.steps[i] for i in kept], [gold.goals[i] for i in kept])


def recall(ranks: NDArray[np.int64]) -> str:
    """R@1 / R@10 / R@30."""
    return " / ".join(f"{100 * float((ranks <= cut).mean()):.1f}" for cut in (1, 10, 30))


def without_opposed(task: Task, lists: Lists, penalty: float) -> NDArray[np.int64]:
    """Ranks in the list where a goal loses `penalty` if the step is negated and the goal averts nothing."""
    against = opposed([step_text(step) for step in task.gold.steps], averting(task.titles)[lists.goals])
    return place_of_gold(task, lists, lists.scores - penalty * against)


def place_of_gold(task: Task, lists: Lists, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of the gold goal in each list by other scores; behind the list where it is not in it."""
    order = np.argsort(-scores, axis=1, kind="stable")
    hit = np.take_along_axis(lists.goals, order, 1) == task.positions[:, None]
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, CANDIDATES + 99)


def rule_of_negation(task: Task, lists: Lists, of_kind: dict[str, Kind]) -> None:
    """What a penalty on opposed goals changes."""
    print("\nA penalty for goals that avert nothing where the step is negated: R@1 / R@10 / R@30\n")
    print("| kind | " + " | ".join(f"{penalty:g}" for penalty in PENALTIES) + " |")
    print("| --- |" + " ---: |" * len(PENALTIES))
    texts = [step_text(step) for step in task.gold.steps]
    for name, is_kind in of_kind.items():
        of = np.array([is_kind(text) for text in texts])
        cells = [recall(without_opposed(task, lists, penalty)[of]) for penalty in PENALTIES]
        print(f"| {name} | " + " | ".join(cells) + " |")


def chosen_links(task: Task, lists: Lists, scorer: EncoderScorer, of_kind: dict[str, Kind]) -> None:
    """Of the links that the decision chooses on gold, how many are right, apart by whether the goal averts."""
    decision = Model.of(scorer.encoder).decision_or_base()
    probability = decision.probabilities(lists.scores[:, :CANDIDATES])[:, 0]
    linked = probability >= decision.threshold
    averts = averting([task.titles[first] for first in lists.goals[:, 0]])
    texts = [step_text(step) for step in task.gold.steps]
    print("\nLinks chosen on gold: right / chosen (as many as their probabilities promise)\n")
    print("| kind | goal averts | goal does not |\n| --- | ---: | ---: |")
    for name, is_kind in of_kind.items():
        of = linked & np.array([is_kind(text) for text in texts])
        cells = [
            f"{int((lists.ranks == 1)[of & part].sum())} / {int((of & part).sum())} "
            f"({probability[of & part].sum():.1f})"
            for part in (averts, ~averts)
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")


def rule_of_halves(task: Task, scorer: EncoderScorer, verbs: set[str]) -> None:
    """What scoring the halves of a joined step apart changes: the best of both, and the best of both and the whole."""
    texts = [step_text(step) for step in task.gold.steps]
    rows = [i for i, text in enumerate(texts) if len(halves(text, verbs)) > 1 and task.positions[i] >= 0]
    ranks: dict[str, list[int]] = {"whole": [], "halves": [], "whole or halves": []}
    in_first = 0
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        scores = scorer.scores([part for i in block for part in (texts[i], *halves(texts[i], verbs))])
        for i, (whole, first, second) in zip(block, scores.reshape(len(block), 3, -1), strict=True):
            place, best = int(task.positions[i]), np.maximum(first, second)
            in_first += int(first[place] >= second[place])
            for name, each in (
                ("whole", whole),
                ("halves", best),
                ("whole or halves", np.maximum(whole, best)),
            ):
                ranks[name].append(1 + int((each > each[place]).sum()))
    print(f"\nJoined steps, {len(rows):,} gold pairs; the gold goal is nearer to the first half in ", end="")
    print(f"{share(in_first, len(rows))}\n\n| text | R@1 / R@10 / R@30 |\n| --- | ---: |")
    for name, found in ranks.items():
        print(f"| {name} | {recall(np.array(found))} |")


def main() -> None:
    path, *work = map(Path, sys.argv[1:])
    whole, pool = read_gold(DATA / "gold" / "step_goal_train.jsonl"), read_pool(DATA / "goals" / "titles.txt")
    train = np.flatnonzero(split_of(whole.steps) == "train").tolist()
    gold = Gold([whole.steps[i] for i in train], [whole.goals[i] for i in train])
    verbs = verbs_of(pool)
    of_kind = kinds(verbs)
    of_articles(path, of_kind)
    of_gold(gold, of_kind)
    with tempfile.TemporaryDirectory() as scratch:
        task = Task.of(measured_part(gold, of_kind), pool)
        scorer = EncoderScorer(
            load_encoder(BASE_ENCODER),
            [goal_text(t) for t in task.titles],
            work[0] if work else Path(scratch),
        )
        lists = ranked_lists(task, scorer, scorer.encoder.name)
        chosen_links(task, lists, scorer, of_kind)
        rule_of_negation(task, lists, of_kind)
        rule_of_halves(task, scorer, verbs)
        held = np.flatnonzero(split_of(whole.steps) != "train").tolist()
        task = Task.of(Gold([whole.steps[i] for i in held], [whole.goals[i] for i in held]), pool)
        trained = EncoderScorer(
            load_encoder(), [goal_text(t) for t in task.titles], work[0] if work else Path(scratch)
        )
        print("\nThe same with the default encoder, on the gold pairs that it was not trained on:")
        rule_of_halves(task, trained, verbs)


if __name__ == "__main__":
    main()
