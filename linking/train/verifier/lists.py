"""Gold links -> lists to learn from: a step, its gold goal, and goals near it that are not right."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from pathlib import Path

from howtree.files import digest_of
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.examples import Examples, training_part
from linking.gold.links import Gold
from linking.text import goal_text, step_text
from linking.train.mining import NearDuplicates, mined_negatives
from linking.train.recipe import Recipe
from linking.train.verifier.articles import Articles
from linking.train.verifier.course import GoldList

NEAREST = 40
"""Goals are drawn from so many nearest ones, near-duplicates of the gold title and other gold goals left out ..."""
KEPT = 20
"""... and from so many of those that are left."""


def gold_lists(
    gold: Gold,
    pool: Sequence[str],
    encoder: SentenceEncoder,
    articles: Articles,
    work: Path,
    count: int,
    seed: int,
    without: Collection[str] = (),
    no_link: bool = False,
) -> list[GoldList]:
    """Lists of the part of the gold that may be trained on, at most `count`, none of the steps `without`.

    Those of steps that have no goal are there with `no_link`, for a model that knows "no link" as a candidate. What
    people rejected for a step is in its list.

    Raises:
        BadInput: fewer than two pairs are left to train on.
    """
    examples = training_part(gold)
    negatives = near_goals(examples, pool, encoder, work)
    left = {step_text(step) for step in without}
    texts = examples.texts if no_link else examples.steps
    lines = [i for i, step in enumerate(texts) if step not in left and len(negatives[i])]
    dice = random.Random(f"lists {seed}")
    lines = sorted(dice.sample(lines, min(count, len(lines))))
    pairs = len(examples.steps)
    articles.candidates([examples.goals[i] for i in lines if i < pairs])
    return [
        GoldList(
            articles.place(texts[i]),
            articles.candidate(examples.goals[i]) if i < pairs else None,
            tuple(articles.candidates(negatives[i])),
        )
        for i in lines
    ]


def near_goals(
    examples: Examples, pool: Sequence[str], encoder: SentenceEncoder, work: Path
) -> list[list[str]]:
    """The titles near each of `examples.texts` that are not right for it: what people rejected, then the nearest."""
    data = digest_of(encoder.digest, *examples.texts, *examples.goals, *pool)
    folder = work / f"gold-{data[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    untrained = load_encoder(BASE_ENCODER, device=encoder.device)
    duplicates = NearDuplicates(untrained, folder / "titles", Recipe().duplicate)
    found = mined_negatives(encoder, examples, pool, duplicates, NEAREST, folder / "near.npy")
    known = {goal_text(title): title for title in pool}
    rejected = [[known[goal] for goal in sorted(examples.wrong(i) & known.keys())] for i in range(len(found))]
    nearest = ([pool[j] for j in row[:KEPT]] for row in found)
    return [list(dict.fromkeys([*wrong, *near])) for wrong, near in zip(rejected, nearest, strict=True)]
