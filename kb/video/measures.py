"""Rankings and what is measured on them: recall and precision by ir-measures, ranks, paired significance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
from numpy.typing import NDArray

from howtree.extras import required
from howtree.files import written_aside
from kb.video.figures import AtCut, Measures, PairedTest
from kb.video.index import Floats, ranked, ranks_of

CUTS = (1, 10, 25, 50)
RESAMPLES = 9999


@dataclass(frozen=True, slots=True)
class Ranking:
    """The videos found for one goal by one query form."""

    goal: str
    """The goal's key."""
    videos: list[str]
    """Video ids, best first, at most 200."""
    scores: list[float]
    ranks: NDArray[np.int64]
    """Of the relevant videos in the order of their ids; 201 where one was not found."""

    @classmethod
    def of(cls, goal: str, scores: Floats, ids: Sequence[str], relevant: Sequence[int]) -> Ranking:
        """Rank the videos of a split by their scores; `relevant` holds positions in `ids`."""
        order = ranked(scores)
        return cls(goal, [ids[i] for i in order], scores[order].tolist(), ranks_of(relevant, order))

    def falling(self) -> list[float]:
        """The scores as single-precision numbers that fall strictly.

        trec_eval keeps scores in single precision and orders ties by falling id, not by ours: where two
        scores meet, the later one is lowered to the next number.
        """
        result: list[float] = []
        last = np.float32(np.inf)
        for score in np.array(self.scores, dtype=np.float32):
            last = min(score, np.nextafter(last, np.float32(-np.inf)))
            result.append(float(last))
        return result


def trec_id(text: str) -> str:
    """An identifier without blanks, as TREC files need; ids of letters, digits, - and _ stay as they are."""
    return quote_plus(text)


def write_run(path: Path, rankings: Sequence[Ranking], tag: str) -> None:
    """Write rankings as a TREC run file: goal, Q0, video, rank, score, tag."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as file:
        for ranking in rankings:
            lines = zip(ranking.videos, ranking.falling(), strict=True)
            for rank, (video, score) in enumerate(lines, start=1):
                file.write(f"{trec_id(ranking.goal)} Q0 {trec_id(video)} {rank} {score!r} {tag}\n")


def write_qrels(path: Path, relevant: dict[str, list[int]], ids: Sequence[str]) -> None:
    """Write the relevant videos as a TREC qrels file: goal, 0, video, 1."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as file:
        for goal, positions in relevant.items():
            for position in positions:
                file.write(f"{trec_id(goal)} 0 {trec_id(ids[position])} 1\n")


def measures_of(rankings: Sequence[Ranking], relevant: dict[str, list[int]], ids: Sequence[str]) -> Measures:
    """The figures of one query form on one split.

    Recall and precision at each of `CUTS` come from ir-measures, averaged over the goals that have a video
    here. mean_rank is over (goal, video) pairs with misses at 201, mean_rank_per_goal the average over goals
    of a goal's own mean, median_rank over pairs.
    """
    ir: Any = required("ir_measures", "eval", "the evaluation")
    wanted = [ir.R @ cut for cut in CUTS] + [ir.P @ cut for cut in CUTS]
    qrels = {goal: {ids[position]: 1 for position in positions} for goal, positions in relevant.items()}
    run = {ranking.goal: dict(zip(ranking.videos, ranking.falling(), strict=True)) for ranking in rankings}
    values: dict[str, list[float]] = {str(measure): [] for measure in wanted}
    for metric in ir.iter_calc(wanted, qrels, run):
        values[str(metric.measure)].append(metric.value)
    at: dict[int, AtCut] = {}
    for cut in CUTS:
        recall, precision = (float(np.mean(values[f"{letter}@{cut}"])) for letter in "RP")
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


def paired_test(ours: Sequence[Ranking], theirs: Sequence[Ranking], seed: int) -> PairedTest:
    """Is the mean rank of one query form another than that of a second one? Both hold the same goals in
    order.

    The unit is the goal, as the ranks of one goal's videos depend on one query. `p_randomisation` flips the
    sign of each goal's difference at random (9,999 times, or all ways where these are fewer; two-sided) under
    the mean rank over pairs; `p_wilcoxon` is the signed-rank test on the goals' mean ranks. Without any
    difference both are 1. The interval is that of the difference over goals drawn anew, 9,999 times.
    """
    stats: Any = required("scipy.stats", "eval", "the evaluation")
    sums = np.array([(a.ranks - b.ranks).sum() for a, b in zip(ours, theirs, strict=True)], dtype=float)
    counts = np.array([len(ranking.ranks) for ranking in ours])
    means = sums / counts
    result = PairedTest(
        float(sums.sum() / counts.sum()),
        *interval(sums, counts, seed),
        goals_better=int((sums < 0).sum()),
        goals_equal=int((sums == 0).sum()),
        goals_worse=int((sums > 0).sum()),
        p_randomisation=1.0,
        p_wilcoxon=1.0,
    )
    changed = sums != 0
    if changed.sum() > 1:  # one goal alone differs as much either way round
        test = stats.permutation_test(
            (sums[changed],),
            lambda values, axis: values.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            rng=np.random.default_rng(seed),
        )
        wilcoxon = stats.wilcoxon(means[changed], method="auto")
        result = replace(result, p_randomisation=float(test.pvalue), p_wilcoxon=float(wilcoxon.pvalue))
    return result


def interval(sums: Floats, counts: NDArray[np.int64], seed: int) -> tuple[float, float]:
    """The interval of 95% of sum(sums) / sum(counts), both [goals], by the bootstrap over goals (Efron 1979)."""
    dice = np.random.default_rng(seed)
    drawn = dice.integers(0, len(sums), (RESAMPLES, len(sums)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
