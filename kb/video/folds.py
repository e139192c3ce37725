"""The evaluation in folds: the filter learns from all parts of the videos but one and is measured on that one.

All parts in turn, so that every video is held out once: a split of its own has few videos, and so little power.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from howtree.errors import BadInput
from howtree.files import digest_of
from howtree.progress import progress
from kb.video.corpus import Split, VideoSet
from kb.video.figures import AtCut, Comparison, GoalFigures, Measures, Row, VideoFigures
from kb.video.index import Bm25Index, Index
from kb.video.measures import Ranking, paired_test
from kb.video.queries import FORMS, Goal, QueryForm, tally_of
from kb.video.retrieval import COMPARED, evaluate

USED = ("train", "dev")
"""The splits whose videos are dealt into folds; test is never looked at."""
HELD_OUT = "held out"
"""What is written for the split of all folds together."""


def folded(videos: VideoSet, folds: int, seed: int) -> list[VideoSet]:
    """The videos of train and dev in `folds` parts: for each a set with it as dev and with the others as train.

    The videos of each goal are dealt out in an order that is made by a hash of the seed, the goal and the video's id,
    beginning at a part that is made by a hash of the goal, so that parts are of like size. A video of several goals
    goes where the first of them, by key, puts it.

    Raises:
        BadInput: there are no videos in train and dev, or in one of the parts.
    """
    texts: dict[str, str] = {}
    goals: dict[str, list[str]] = defaultdict(list)
    for split in (videos.splits[name] for name in USED if name in videos.splits):
        texts.update(zip(split.ids, split.texts, strict=True))
        for key, positions in split.relevant.items():
            goals[key] += [split.ids[position] for position in positions]
    part = parts_of(goals, folds, seed)
    if len(set(part.values())) < folds:
        raise BadInput(
            f"{len(part):,} videos in train and dev are too few for {folds} folds: give fewer, or more videos"
        )
    return [
        VideoSet(
            videos.goals,
            {
                "train": split_of("train", (id_ for id_, k in part.items() if k != held), texts, goals),
                "dev": split_of("dev", (id_ for id_, k in part.items() if k == held), texts, goals),
            },
        )
        for held in range(folds)
    ]


def parts_of(goals: Mapping[str, Sequence[str]], folds: int, seed: int) -> dict[str, int]:
    """The part, from 0, of each video, given the ids of each goal's videos."""
    part: dict[str, int] = {}
    for key, ids in sorted(goals.items()):
        first = int(digest_of(str(seed), key)[:8], 16)
        for place, id_ in enumerate(sorted(set(ids), key=lambda each: digest_of(str(seed), key, each))):
            part.setdefault(id_, (first + place) % folds)
    return part


def split_of(
    name: str, ids: Iterable[str], texts: Mapping[str, str], goals: Mapping[str, Sequence[str]]
) -> Split:
    """A split of some videos."""
    ordered = sorted(ids)
    position = {id_: i for i, id_ in enumerate(ordered)}
    relevant = {
        key: sorted({position[id_] for id_ in own if id_ in position}) for key, own in sorted(goals.items())
    }
    return Split(
        name, ordered, [texts[id_] for id_ in ordered], {key: own for key, own in relevant.items() if own}
    )


def evaluate_folds(
    videos: VideoSet,
    goals: list[Goal],
    output: Path,
    *,
    folds: int,
    forms: Sequence[QueryForm] = FORMS,
    workers: int = 1,
    seed: int = 0,
    make_index: Callable[[Split], Index] = Bm25Index.of,
    engine: str = "bm25s",
) -> VideoFigures:
    """Run the query forms in folds and join what was held out; each fold's files go to a folder of its own.

    Weights are not tuned: there would be no videos left to be measured on that did not choose them.

    Raises:
        BadInput: there are too few videos, or `output` cannot be a directory.
    """
    parts = folded(videos, folds, seed)
    each = [
        evaluate(
            part,
            goals,
            output / f"fold-{number}",
            forms=forms,
            weights=(),
            workers=workers,
            seed=seed,
            make_index=make_index,
            engine=engine,
        )
        for number, part in enumerate(progress(parts, "Folds", folds, "folds"), 1)
    ]
    found = joined(each, goals, forms, seed)
    found.tally["videos in folds"] = sum(len(part.splits["dev"].ids) for part in parts)
    if "test" in videos.splits:
        found.tally["videos of test left out"] = len(videos.splits["test"].ids)
    return found


def joined(
    folds: Sequence[VideoFigures], goals: Sequence[Goal], forms: Sequence[QueryForm], seed: int
) -> VideoFigures:
    """The figures of all folds as one: every video counts as it was ranked where it was held out."""
    found = VideoFigures(queries=tally_of(goals))
    by_goal = {goal.key: GoalFigures(goal.text, goal.article_id, len(goal.steps)) for goal in goals}
    for number, fold in enumerate(folds, 1):
        for key, of_fold in zip(by_goal, fold.goals, strict=True):
            for name, ranks in of_fold.ranks.get("dev", {}).items():
                by_goal[key].ranks.setdefault(HELD_OUT, {}).setdefault(name, []).extend(ranks)
            by_goal[key].chosen.update(
                (f"{name}, fold {number}", chosen) for name, chosen in of_fold.chosen.items()
            )
        for name, seconds in fold.seconds.items():
            found.seconds[name] = round(found.seconds.get(name, 0) + seconds, 2)
        found.unanswered += [each for each in fold.unanswered if each.split == "dev"]
    found.goals = list(by_goal.values())
    rankings = {form.name: rankings_of(by_goal, form.name) for form in forms}
    for form in forms:
        rows = [row for fold in folds for row in fold.rows if (row.split, row.query) == ("dev", form.name)]
        found.rows.append(Row(HELD_OUT, form.name, form.weight, pooled(rows, rankings[form.name])))
    for ours, theirs in COMPARED:
        if ours in rankings and theirs in rankings:
            test = paired_test(rankings[ours], rankings[theirs], seed)
            found.significance.append(Comparison(HELD_OUT, ours, theirs, test))
    for name in folds[0].queries:
        if name not in found.queries:
            found.queries[name] = round(float(np.mean([fold.queries[name] for fold in folds])), 2)
    found.tally.update(sum((Counter(fold.tally) for fold in folds), Counter()))
    return found


def rankings_of(goals: Mapping[str, GoalFigures], form: str) -> list[Ranking]:
    """The held-out ranks of each goal's videos under a query form, over all folds, of goals that have videos."""
    return [
        Ranking(key, [], [], np.array(ranks, np.int64))
        for key, goal in goals.items()
        if (ranks := goal.ranks.get(HELD_OUT, {}).get(form))
    ]


def pooled(rows: Sequence[Row], rankings: Sequence[Ranking]) -> Measures:
    """The figures of a query form over all folds.

    Recall and precision are averaged over every goal in every fold, for each fold is an index of its own; ranks over
    all videos, and over goals with the videos of all folds.
    """
    goals = np.array([row.measures.goals for row in rows])
    at = {}
    for cut in rows[0].measures.at:
        of_fold = [row.measures.at[cut] for row in rows]
        recall = float(np.average([each.recall for each in of_fold], weights=goals))
        precision = float(np.average([each.precision for each in of_fold], weights=goals))
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        at[cut] = AtCut(recall, precision, f1)
    pairs = np.concatenate([ranking.ranks for ranking in rankings])
    return Measures(
        len(rankings),
        len(pairs),
        at,
        mean_rank=float(pairs.mean()),
        mean_rank_per_goal=float(np.mean([ranking.ranks.mean() for ranking in rankings])),
        median_rank=float(np.median(pairs)),
    )
