"""Which gold pairs a model was trained on: its figures on those say what it remembers, not how it links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from howtree.errors import BadInput
from howtree.progress import warn
from linking.arrays import Flags
from linking.encode.device import Device
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import ModelFolder
from linking.gold.links import Gold, split_of
from linking.measure.ranking import Task
from linking.rerank.linear import LinearReranker
from linking.rerank.precedents import Precedents
from linking.retrieve.vectors import hash_texts
from linking.text import goal_text, step_text

SAME = 0.998
"""A step whose vector is so near to a precedent's is that precedent but for case or marks. Of the gold that the small
encoder was trained on this finds every pair of the training part, and 12 of 1,448 in the held-out tenth: repeats."""


@dataclass(frozen=True, slots=True)
class Links:
    """The links that somebody wants measured, and what they are measured with."""

    gold: Gold
    pool: Sequence[str]
    train: Gold | None = None
    own: list[str] | None = None
    """As in `Task`, as are the others."""

    def task(self) -> Task:
        """The task of measuring them all.

        Raises:
            BadInput: too many gold goals are no titles of the pool.
        """
        return Task.of(self.gold, self.pool, self.train, self.own)

    def only(self, kept: Flags) -> Links:
        """The links at which `kept` [n] is true."""
        lines = np.flatnonzero(kept).tolist()
        gold = Gold([self.gold.steps[i] for i in lines], [self.gold.goals[i] for i in lines])
        own = None if self.own is None else [self.own[i] for i in lines]
        return Links(gold, self.pool, self.train, own)


def without_trained(links: Links, models: Sequence[str], device: Device, keep: bool) -> tuple[Links, int]:
    """The links that none of the models was trained on, and how many are left out; all of them with `keep`.

    Either way a warning says how many there are of each model. All models are measured on the same pairs, so that they
    can be compared.

    Raises:
        BadInput: nothing is left.
    """
    known = {name: flags for name in models if (flags := trained_on(links.gold, name, device)).any()}
    if not known:
        return links, 0
    any_of_them = np.logical_or.reduce(list(known.values()))
    told = counted(known, len(links.gold.steps))
    if keep:
        warn(f"{told}: figures on those say what a model remembers, not how it links.")
        return links, 0
    if any_of_them.all():
        raise BadInput(
            f"{told}, so nothing is left to measure. Give links that were held out (--dev takes the tenth that no "
            "training touches), or measure these all the same with --include-trained"
        )
    warn(f"{told}. They are left out; --include-trained measures them all the same.")
    return links.only(~any_of_them), int(any_of_them.sum())


def counted(known: Mapping[str, Flags], pairs: int) -> str:
    """How many pairs each model was trained on, as the beginning of a sentence."""
    parts = (f"{name} was trained on {int(flags.sum()):,}" for name, flags in known.items())
    return f"Of the {pairs:,} gold pairs {', '.join(parts)}"


def trained_on(gold: Gold, model: str, device: Device = "cpu") -> Flags:
    """Which pairs the model of a name or folder was trained or fitted on, [n].

    A model keeps the pairs of its training as precedents: a hash of the goal and a vector of the step, so what it was
    trained on is known also of links that are new to us. Its reranker and decision were fitted on the calibration
    twentieth, of which it keeps nothing. Those pairs are told by the hash of the step, if most pairs that the same hash
    gives to the training are precedents: then these are the links that the model comes from.
    """
    folder = ModelFolder.of(model)
    if not folder.reranker.exists():
        return np.zeros(len(gold.steps), bool)
    precedents = LinearReranker.load(folder).precedents
    trained = np.zeros(len(gold.steps), bool)
    lines = np.flatnonzero(precedents.counts(hash_texts([goal_text(goal) for goal in gold.goals])) > 0)
    if len(lines):
        trained[lines] = are_precedents(
            Gold([gold.steps[i] for i in lines], [gold.goals[i] for i in lines]),
            precedents,
            load_encoder(model, device=device),
        )
    part = split_of(gold.steps)
    if (part == "train").any() and trained[part == "train"].mean() > 0.5:
        trained |= part == "calibration"
    return trained


def are_precedents(gold: Gold, precedents: Precedents, encoder: SentenceEncoder) -> Flags:
    """Which pairs are among a model's precedents, [n]."""
    vectors = encoder.encode([step_text(step) for step in gold.steps])
    hashes = hash_texts([goal_text(goal) for goal in gold.goals])
    nearest = np.zeros(len(vectors))
    for i, (goal, vector) in enumerate(zip(hashes, vectors, strict=True)):
        rows = np.arange(*(np.searchsorted(precedents.goals, goal, side) for side in ("left", "right")))
        nearest[i] = (precedents.vectors(rows) @ vector).max(initial=0.0)
    return nearest >= SAME
