"""The reranker: the retriever's goals of each step in a better order, each pair scored by late interaction.

score = a * cosine + b * coverage of the goal + c * coverage of the step + d * log(1 + editors' links to the goal)

The four weights come from gold links (`linking.train_reranker`). The last term is what editors like to link to; it is
known for goals that occur in training and 0 for all others. The coverages of a pair never change, so they are kept,
one file a part of 8,192 texts, and only pairs that are new to a list are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree import BadInput, digest_of, read_json, write_json, written_aside
from linking.encoder import Encoder, SentenceEncoder, model_folder
from linking.executors import Executor, InProcess
from linking.late import coverages
from linking.retrieve import SCORE_DECIMALS, GoalLists, Retriever
from linking.tokens import Tokens
from linking.vectors import Hashes, Rows, VectorStore

DEPTH = 100
"""So many of the retriever's goals are reranked."""
FEATURES = ("cosine", "goal_coverage", "step_coverage", "links")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """The weights of the four features, and how often editors linked to each goal."""

    weights: tuple[float, float, float, float]
    hashes: Hashes
    """Of the goals that editors linked to, ascending; shape [m]."""
    counts: NDArray[np.uint16]
    """Links to each of them, shape [m]."""
    encoder: str = ""
    """Digest of the encoder's weights that it was fitted for."""
    fitted_on: str = ""

    def links(self, hashes: Hashes) -> Floats:
        """log(1 + links) of the goals with these hashes, any shape."""
        if not len(self.hashes):
            return np.zeros(hashes.shape)
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.log1p(np.where(self.hashes[place] == hashes, self.counts[place], 0).astype(np.float64))

    def scores(self, features: Floats) -> Floats:
        """Scores [...] of features [..., 4]; summed in one order, so a pair scores the same in any company."""
        total = features[..., 0] * self.weights[0]
        for i in range(1, len(FEATURES)):
            total = total + features[..., i] * self.weights[i]
        return np.asarray(np.round(total, SCORE_DECIMALS))

    @property
    def digest(self) -> str:
        """Changes with anything that a score depends on."""
        return digest_of(repr(self.weights), self.hashes.tobytes(), self.counts.tobytes(), self.encoder)

    def save(self, folder: Path) -> None:
        """Write `reranker.json` and `links.npz`."""
        with written_aside(folder / "links.npz") as aside, aside.open("wb") as file:
            np.savez(file, hashes=self.hashes, counts=self.counts)
        about = {"weights": dict(zip(FEATURES, self.weights, strict=True)), "sha256": self.digest}
        write_json(folder / "reranker.json", {**about, "encoder": self.encoder, "fitted_on": self.fitted_on})

    @classmethod
    def load(cls, folder: Path) -> Scorer:
        """Read what `save` wrote.

        Raises:
            BadInput: the files are not those that were written.
        """
        about = read_json(folder / "reranker.json") or {}
        try:
            with np.load(folder / "links.npz") as file:
                links = file["hashes"], file["counts"]
            first, second, third, fourth = (float(about["weights"][name]) for name in FEATURES)
            weights = first, second, third, fourth
            scorer = cls(weights, *links, about["encoder"], about["fitted_on"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{folder} holds no whole reranker (reranker.json, links.npz): fit it again"
            ) from error
        if scorer.digest != about.get("sha256"):
            raise BadInput(f"the reranker in {folder} has changed since it was fitted: restore its files")
        return scorer


def scorer_of(encoder: Encoder) -> Scorer | None:
    """The reranker that was fitted for an encoder: the one in its folder, else None.

    Raises:
        BadInput: it has changed, or was fitted for other weights.
    """
    folder = model_folder(encoder.name)
    if (
        not isinstance(encoder, SentenceEncoder)
        or encoder.head is None
        or not (folder / "reranker.json").exists()
    ):
        return None
    scorer = Scorer.load(folder)
    if scorer.encoder != encoder.weights:
        raise BadInput(
            f"the reranker in {folder} was fitted for other weights than those beside it: fit it again"
        )
    return scorer


def pair_features(
    lists: GoalLists, steps: Tokens, texts: Rows, goals: Tokens, places: Rows, links: Floats
) -> Floats:
    """The features of each pair of some lists, shape [n, k, 4].

    Args:
        lists: n lists with k goals each.
        steps: tokens of steps; `texts` [n] says which of them the lists belong to.
        goals: tokens of goals; `places` [n, k] says which of them the lists' goals are, -1 at padding.
        links: log(1 + links) of each goal, [n, k].
    """
    of_goal, of_step = coverages(steps, texts, goals, places)
    return np.stack(
        [np.where(places < 0, 0, lists.scores).astype(np.float64), of_goal, of_step, links], axis=-1
    )


class Reranker:
    """Keeps the coverages of every list of `retriever` and gives its lists in the better order."""

    def __init__(self, folder: Path, retriever: Retriever, scorer: Scorer, depth: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.retriever, self.scorer, self.depth = retriever, scorer, depth
        self._goals: Tokens | None = None

    @property
    def goals(self) -> VectorStore:
        """The store of the goals."""
        return self.retriever.goals

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its arguments: the process that unpickles it opens the files itself."""
        return Reranker, (self.folder.absolute(), self.retriever, self.scorer, self.depth)

    def update(self, bar: Any = None, executor: Executor | None = None) -> int:
        """Bring every part up to date; returns how many pairs were compared."""
        compared, parts = 0, self.retriever.steps.parts()
        stale = [part for part in range(len(parts)) if self._goal_set_of(part) != self.retriever.fingerprint]
        for part, done in (executor or InProcess()).run(self.update_part, stale):
            compared += done
            if bar is not None:
                bar.update(len(parts[part]))
        return compared

    def lists(self, rows: Rows) -> GoalLists:
        """The best `depth` goals of step texts in the better order, with both scores. Call `update` first."""
        before = self.retriever.lists(rows)
        kept = self._kept(rows)
        links = self.scorer.links(self.goals.hashes[np.maximum(before.goals, 0)])
        cosines = np.where(before.goals < 0, 0, before.scores).astype(np.float64)
        features = np.concatenate([cosines[..., None], kept, links[..., None]], axis=-1)
        scores = np.where(before.goals < 0, -np.inf, self.scorer.scores(features))
        # Ties stay in the retriever's order, which is the same in every build.
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.depth]
        goals, cosine, score = (
            np.take_along_axis(a, order, 1) for a in (before.goals, before.scores, scores)
        )
        return GoalLists(goals, cosine, score)

    def update_part(self, number: int) -> int:
        """Bring one part up to date; returns how many of its pairs were compared."""
        rows, stored = self.retriever.steps.parts()[number], self._load(number)
        lists = self.retriever.lists(rows)
        kept = np.full((*lists.goals.shape, 2), np.nan)
        if stored is not None:
            reuse(stored[0], stored[1], lists.goals, kept)
        new = np.isnan(kept[..., 0]) & (lists.goals >= 0)
        of_goal, of_step = self._compare(rows, lists.goals, new)
        kept[new] = np.stack([of_goal, of_step], axis=-1)
        with written_aside(self._path(number)) as aside, aside.open("wb") as file:
            np.savez(
                file,
                goals=lists.goals.astype(np.int32),
                coverages=np.nan_to_num(kept).astype(np.float32),
                goal_set=np.array(self.retriever.fingerprint),
            )
        return int(new.sum())

    def _compare(self, rows: Rows, goals: Rows, new: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """The coverages of the pairs marked as new, in the order of the marks: each [pairs]."""
        changed = np.flatnonzero(new.any(axis=1))
        if not len(changed):
            return np.empty(0), np.empty(0)
        if self._goals is None:
            self._goals = self.goals.tokens(self.retriever.goal_rows)
        first = np.argsort(~new[changed], axis=1, kind="stable")[:, : new[changed].sum(axis=1).max()]
        wanted = np.take_along_axis(new[changed], first, 1)
        places = np.searchsorted(self.retriever.goal_rows, np.take_along_axis(goals[changed], first, 1))
        steps = self.retriever.steps.tokens(rows[changed])
        found = coverages(steps, np.arange(len(changed)), self._goals, np.where(wanted, places, -1))
        return found[0][wanted], found[1][wanted]

    def _kept(self, rows: Rows) -> Floats:
        kept = np.zeros((len(rows), self.retriever.depth, 2))
        for number, part in enumerate(self.retriever.steps.parts()):
            here = (rows >= part[0]) & (rows <= part[-1])
            if here.any():
                stored = self._load(number)
                assert stored is not None, "update() has written every part"
                kept[here] = stored[1][rows[here] - part[0]]
        return kept

    def _goal_set_of(self, number: int) -> str | None:
        """The fingerprint of the goals that a part's lists were made from; None where there are none."""
        if not self._path(number).exists():
            return None
        with np.load(self._path(number)) as file:
            return str(file["goal_set"])

    def _load(self, number: int) -> tuple[Rows, NDArray[np.float32]] | None:
        if not self._path(number).exists():
            return None
        with np.load(self._path(number)) as file:
            return file["goals"].astype(np.int64), file["coverages"]

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.npz"


def reuse(old_goals: Rows, old: NDArray[np.float32], goals: Rows, kept: Floats) -> None:
    """Copy into `kept` [n, k, 2] the coverages of pairs that stood in the old lists [n, j, 2] already."""
    span = max(old_goals.max(initial=0), goals.max(initial=0)) + 2
    line = np.arange(len(goals))[:, None] * span
    before, after = (line + old_goals + 1).ravel(), (line + goals + 1).ravel()
    order = np.argsort(before, kind="stable")
    place = order[np.minimum(np.searchsorted(before[order], after), len(before) - 1)]
    known = (before[place] == after) & (goals.ravel() >= 0)
    kept.reshape(-1, 2)[known] = old.reshape(-1, 2)[place[known]]
