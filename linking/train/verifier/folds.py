"""The two courses of a verifier's cross-encoder, the second once for each fold of the articles and once for all.

What each training gives is kept in the work folder under a digest of all that it was made from, so a run that was
stopped goes on with what is not yet done.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from howtree.errors import BadInput
from howtree.files import digest_of, written_aside
from linking.arrays import Flags, Floats, Positions
from linking.encode.device import Precision
from linking.encode.encoder import has_transformer, load_encoder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.judged import Judged
from linking.pair import Candidate, Pair
from linking.train.verifier.course import Course, GoldList, GradedPair, targets_of, yes_or_no
from linking.train.verifier.recipe import VerifierRecipe
from linking.train.verifier.training import Training
from linking.verify.cross import CrossEncoder
from linking.verify.kinds import GRADES, graded_module
from linking.verify.reader import LONGEST, Reader

ALL = "all"
"""The name of the training on all judged links."""


@dataclass(frozen=True, slots=True)
class Start:
    """An untrained cross-encoder, and what it starts from."""

    module: Any
    reader: Reader
    digest: str


def start_of(name: str, parts: tuple[str, ...], device: str) -> Start:
    """A cross-encoder with the weights of an encoder, its heads untrained.

    Raises:
        BadInput: the encoder has other matrices than the packaged one, whose difference is what is kept.
    """
    encoder = load_encoder(name, "float32")
    base = load_encoder(BASE_ENCODER, "float32").model[0].auto_model.state_dict()
    found = encoder.model[0].auto_model.state_dict() if has_transformer(encoder.model) else {}
    if {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in base.items()}:
        raise BadInput(
            f"a verifier is kept as its difference from {BASE_ENCODER}, and {encoder.name} has other matrices: start "
            "from howtree-retriever, or from an encoder that was trained from the same"
        )
    torch.manual_seed(0)  # heads of all trainings start alike
    module = graded_module(encoder.model[0].auto_model).to(device)
    return Start(
        module,
        Reader(encoder.model.tokenizer, parts),
        digest_of(encoder.weights_digest, repr(LONGEST), *parts),
    )


class Courses:
    """Both courses over one start, kept in `work`."""

    def __init__(self, start: Start, recipe: VerifierRecipe, work: Path, precision: Precision) -> None:
        self.start, self.recipe, self.work, self.precision = start, recipe, work, precision
        self._untrained = deepcopy(start.module.state_dict())
        self._first: dict[str, Any] = {}
        self._digest = ""

    def first(self, graded: Sequence[GradedPair], lists: Sequence[GoldList]) -> None:
        """Train the first course, which all folds begin with."""
        self._digest = digest_of(
            self.start.digest, *described(self.recipe.first), *map(repr, graded), *map(repr, lists)
        )
        if not graded and not lists:
            self._first = self._untrained
            return
        folder = self.work / f"first-{self._digest[:16]}"
        if not (folder / "module.pt").exists():
            training = self._training(self._untrained, self.recipe.first, folder, "First course")
            training.run(graded, lists)
            keep(folder, "module.pt", self.start.module.state_dict())
            training.forget()
        self._first = torch.load(folder / "module.pt", weights_only=True)

    def logits(
        self, judged: Sequence[Judged], pairs: Sequence[Pair], fold: Positions
    ) -> tuple[Floats, Floats]:
        """The logits [n, 3] of judged links with the candidate's steps and without, each from a model of other folds.

        The fold -1 is kept apart: no model of another fold learns from it, and all of them teach its own.
        """
        whole, bare = np.zeros((len(pairs), GRADES)), np.zeros((len(pairs), GRADES))
        for number in range(-1, self.recipe.folds):
            here = fold == number
            if here.any():
                learnt = ~here & (fold >= 0)
                whole[here], bare[here] = self._fold(number, judged, pairs, learnt, here)
        return whole, bare

    def all(self, judged: Sequence[Judged], pairs: Sequence[Pair]) -> Any:
        """The module trained on all judged links."""
        everything = np.ones(len(pairs), bool)
        folder = self._folder(ALL, judged, pairs, everything)
        if not (folder / "module.pt").exists():
            training = self._second(ALL, judged, pairs, everything, folder)
            keep(folder, "module.pt", self.start.module.state_dict())
            training.forget()
        self.start.module.load_state_dict(torch.load(folder / "module.pt", weights_only=True))
        return self.start.module.eval()

    @property
    def names(self) -> list[str]:
        """Of the trainings of the second course: the folds, what is kept apart, and all."""
        return [*(f"fold {number + 1}" for number in range(self.recipe.folds)), "apart", ALL]

    def _fold(
        self, number: int, judged: Sequence[Judged], pairs: Sequence[Pair], learnt: Flags, here: Flags
    ) -> tuple[Floats, Floats]:
        """The logits of a fold, from a model of the links that are `learnt`."""
        name = self.names[number if number >= 0 else self.recipe.folds]
        shown = [pairs[i] for i in np.flatnonzero(here).tolist()]
        titles = [Pair(pair.place, Candidate(pair.candidate.title)) for pair in shown]
        folder = self._folder(name.replace(" ", "-"), judged, pairs, learnt)
        path = folder / f"logits-{digest_of(self.precision, *(pair.text() for pair in shown))[:16]}.npz"
        if not path.exists():
            training = self._second(name, judged, pairs, learnt, folder)
            module, device = self.start.module, training.device
            cross = CrossEncoder(name, "", self.precision, device, (module, self.start.reader))
            with written_aside(path) as aside, aside.open("wb") as file:
                np.savez(file, whole=cross.logits(shown), bare=cross.logits(titles))
            training.forget()
        with np.load(path) as kept:
            return kept["whole"].astype(np.float64), kept["bare"].astype(np.float64)

    def _second(
        self, name: str, judged: Sequence[Judged], pairs: Sequence[Pair], learnt: Flags, folder: Path
    ) -> Training:
        course = self.recipe.second
        seeded = replace(course, seed=course.seed * 1_000 + self.names.index(name))
        training = self._training(self._first, seeded, folder, f"Second course, {name}")
        training.run([self._example(judged[i], pairs[i]) for i in np.flatnonzero(learnt).tolist()])
        return training

    def _example(self, link: Judged, pair: Pair) -> GradedPair:
        targets = targets_of(link.grade)
        return GradedPair(pair, targets if self.recipe.graded else yes_or_no(targets))

    def _training(self, weights: dict[str, Any], course: Course, folder: Path, label: str) -> Training:
        folder.mkdir(parents=True, exist_ok=True)
        module = self.start.module
        module.load_state_dict(weights)
        module.requires_grad_(True)
        return Training(module, self.start.reader, course, folder, label)

    def _folder(self, name: str, judged: Sequence[Judged], pairs: Sequence[Pair], learnt: Flags) -> Path:
        texts = [f"{judged[i].grade} {pairs[i].text()}" for i in np.flatnonzero(learnt).tolist()]
        graded = repr(self.recipe.graded)
        return self.work / (
            f"{name}-{digest_of(self._digest, graded, *described(self.recipe.second), *texts)[:16]}"
        )


def described(course: Course) -> list[str]:
    """A course in words, for its digest."""
    return [repr(part) for part in asdict(course).items()]


def keep(folder: Path, name: str, state: dict[str, Any]) -> None:
    """Write weights aside and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / name) as aside:
        torch.save({key: tensor.cpu() for key, tensor in state.items()}, aside)
