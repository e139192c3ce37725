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
from linking.encoder import Encoder, SentenceEncoder, Vectors, model_folder
from linking.executors import Executor
from linking.late import coverages
from linking.lists import GoalLists, ListFiles
from linking.retrieve import SCORE_DECIMALS, Retriever
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
    """Keeps the coverages of every list of `retriever`, and the best `depth` goals in the better order."""

    def __init__(self, folder: Path, retriever: Retriever, scorer: Scorer, depth: int) -> None:
        self.folder, self.files = folder, ListFiles(folder)
        self.retriever, self.scorer, self.depth = retriever, scorer, depth
        self.fingerprint = digest_of(retriever.fingerprint, scorer.digest, str(depth))[:32]
        self._goals: Tokens | None = None
        self._links: Floats | None = None

    @property
    def goals(self) -> VectorStore:
        """The store of the goals."""
        return self.retriever.goals

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its arguments: the process that unpickles it opens the files itself."""
        return Reranker, (self.folder.absolute(), self.retriever, self.scorer, self.depth)

    def update(self, bar: Any = None, executor: Executor | None = None) -> int:
        """Bring every part up to date; returns how many pairs were compared."""
        parts = self.retriever.steps.parts()
        return self.files.update(parts, self.fingerprint, self.update_part, bar, executor)

    def lists(self, rows: Rows) -> GoalLists:
        """The best `depth` goals of step texts in the better order, with both scores. Call `update` first."""
        names = ("best", "cosines", "reranked")
        best, cosines, reranked = self.files.gather(self.retriever.steps.parts(), rows, names)
        return GoalLists(best.astype(np.int64), cosines, reranked)

    def update_part(self, number: int) -> int:
        """Bring one part up to date; returns how many of its pairs were compared."""
        rows, stored = self.retriever.steps.parts()[number], self.files.load(number)
        lists = self.retriever.lists(rows)
        if stored is None:
            new = lists.goals >= 0
            of_goal, of_step = (np.zeros(new.shape, np.float32) for _ in range(2))
        else:
            places = old_places(lists.goals, stored["goals"])
            new = (places < 0) & (lists.goals >= 0)
            of_goal, of_step = (
                np.take_along_axis(stored[name], np.maximum(places, 0), 1) for name in ("of_goal", "of_step")
            )
        of_goal[new], of_step[new] = self._compare(rows, lists.goals, new)
        best = self._in_order(lists, of_goal, of_step)
        self.files.save(
            number,
            self.fingerprint,
            goals=lists.goals.astype(np.int32),
            of_goal=of_goal,
            of_step=of_step,
            best=best.goals.astype(np.int32),
            cosines=best.scores,
            reranked=best.deciding,
        )
        return int(new.sum())

    def _in_order(self, lists: GoalLists, of_goal: Vectors, of_step: Vectors) -> GoalLists:
        """The first `depth` of lists whose pairs have these coverages, each [n, k], in the order of their scores."""
        if self._links is None:
            self._links = self.scorer.links(self.goals.hashes)
        none = lists.goals < 0
        features = np.stack(
            [np.where(none, 0, lists.scores), of_goal, of_step, self._links[lists.goals]], axis=-1
        )
        scores = np.where(none, -np.inf, self.scorer.scores(features))
        # Ties stay in the retriever's order, which is the same in every build.
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.depth]
        return GoalLists(*(np.take_along_axis(a, order, 1) for a in (lists.goals, lists.scores, scores)))

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


def old_places(goals: Rows, old: Rows) -> Rows:
    """Where each goal of some lists [n, k] stood in the same text's old list [n, j]; -1 for a new one or padding."""
    if goals.shape == old.shape:
        changed = np.flatnonzero((goals != old).any(axis=1))
        places = np.tile(np.arange(goals.shape[1]), (len(goals), 1))
    else:
        changed, places = np.arange(len(goals)), np.empty(goals.shape, np.int64)
    if len(changed) and old.shape[1]:
        span = int(max(old.max(), goals.max())) + 2
        line = np.arange(len(changed))[:, None] * span + 1
        before, after = (line + old[changed]).ravel(), (line + goals[changed]).ravel()
        order = np.argsort(before, kind="stable")
        found = order[np.minimum(np.searchsorted(before, after, sorter=order), len(before) - 1)]
        same = before[found] == after
        places[changed] = np.where(same, found % old.shape[1], -1).reshape(len(changed), -1)
    elif len(changed):
        places[changed] = -1
    return np.where(goals < 0, -1, places)
