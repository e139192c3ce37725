"""Training a cross-encoder on graded pairs and gold lists, in batches of either that are of like length.

The three yes/no heads of a verifier learn grades, and order a list by the mean of "helpful" and "exact". A model of one
label learns what is right, and in each list also the candidate "no link", whose logit is 0: so the logit of a goal is
its log odds against no link.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from howtree.files import written_aside
from howtree.progress import progress, say
from linking.encode.device import mixed, precision_of_training
from linking.pair import Candidate, Pair, Place
from linking.train.recipe import rate_at
from linking.train.verifier.course import Course, GoldList, GradedPair, best_loss, graded_loss
from linking.verify.reader import GOAL_SIDE, STEP_SIDE, Reader, Row

T = TypeVar("T")
ALIKE = 40
"""Batches of like length are made of so many batches of examples in random order."""
NO_LINK = -1
"""Among the goals of a list: the candidate "no link"."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are run together, and how their logits become a loss."""

    rows: list[Row]
    loss: Callable[[Tensor], Tensor]
    examples: int


class Training:
    """Trains a module in place; whole epochs are kept in `folder`, and a run that was stopped goes on after them."""

    def __init__(self, module: Any, reader: Reader, course: Course, folder: Path, label: str) -> None:
        self.module, self.reader, self.course = module, reader, course
        self.folder, self.label = folder, label
        parameter = next(module.parameters())
        self.device = parameter.device.type
        self.precision = precision_of_training(self.device)

    def run(self, graded: Sequence[GradedPair], lists: Sequence[GoldList] = ()) -> None:
        """All epochs that are not yet done."""
        course, module = self.course, self.module
        body, head = body_and_head(module)
        if not course.words:
            body.get_input_embeddings().requires_grad_(False)
        groups = [
            {"params": [p for p in body.parameters() if p.requires_grad], "lr": course.rate},
            {"params": head, "lr": course.rate * course.head_rate},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
        batches = -(-len(graded) // course.batch) + -(-len(lists) // course.lists)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda n: rate_at(n, course.epochs * batches, course.warmup)
        )
        state: dict[str, Any] = {"module": module, "optimiser": optimiser, "schedule": schedule}
        for number in range(self._restore(state), course.epochs):
            loss = self._epoch(number, optimiser, schedule, graded, lists)
            say(f"{self.label}, epoch {number + 1} of {course.epochs}: loss {loss:.3f}.")
            if number + 1 < course.epochs:
                self._keep(number + 1, state)
        module.eval()

    def forget(self) -> None:
        """Remove the epochs that were kept: what came of them is kept elsewhere."""
        for kept in self.folder.glob("epoch-*.pt"):
            kept.unlink()

    def _epoch(
        self,
        number: int,
        optimiser: Any,
        schedule: Any,
        graded: Sequence[GradedPair],
        lists: Sequence[GoldList],
    ) -> float:
        """One pass over all examples; returns the mean loss of a batch."""
        dice = random.Random(f"{self.course.seed} {number}")
        torch.manual_seed(self.course.seed * 1_000 + number)
        batches = [*self._batches_of_pairs(graded, dice), *self._batches_of_lists(lists, dice)]
        dice.shuffle(batches)
        self.module.train()
        total = 0.0
        with progress(None, f"{self.label}, epoch {number + 1}", len(graded) + len(lists), "examples") as bar:
            for batch in batches:
                loss = batch.loss(self._logits(batch.rows))
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad()
                schedule.step()
                total += float(loss.detach())
                bar.update(batch.examples)
        return total / max(1, len(batches))

    def _batches_of_pairs(self, graded: Sequence[GradedPair], dice: random.Random) -> list[Batch]:
        rows = self.reader.rows([self._thinned(each.pair, dice) for each in graded])
        both = list(zip(rows, graded, strict=True))
        return [
            self._batch_of_pairs(some)
            for some in of_like_length(both, self.course.batch, lambda each: len(each[0].ids), dice)
        ]

    def _batch_of_pairs(self, some: list[tuple[Row, GradedPair]]) -> Batch:
        targets = torch.tensor([each.targets for _, each in some], device=self.device)
        weight = torch.tensor([each.weight for _, each in some], device=self.device)
        if self.module.labels == 1:
            targets = targets[:, 1:2]
        return Batch([row for row, _ in some], lambda logits: graded_loss(logits, targets, weight), len(some))

    def _batches_of_lists(self, lists: Sequence[GoldList], dice: random.Random) -> list[Batch]:
        drawn = [self._drawn(each, dice) for each in lists]
        rows = iter(self.reader.rows([pair for pairs, _ in drawn for pair in pairs]))
        both = [([next(rows) for _ in pairs], right) for pairs, right in drawn]
        return [
            self._batch_of_lists(some)
            for some in of_like_length(both, self.course.lists, lambda each: longest(each[0]), dice)
        ]

    def _batch_of_lists(self, some: list[tuple[list[Row], int]]) -> Batch:
        width = max(len(rows) for rows, _ in some)
        at = torch.tensor([(i, j) for i, (rows, _) in enumerate(some) for j in range(len(rows))]).T
        with_none = self.module.labels == 1
        right = torch.tensor([width if r == NO_LINK else r for _, r in some], device=self.device)

        def loss(logits: Tensor) -> Tensor:
            table = logits.new_full((len(some), width + with_none), -torch.inf)
            if with_none:
                table[:, -1] = 0.0
            scores = logits[:, 1:].mean(dim=1) if logits.shape[1] > 1 else logits[:, 0]
            table = table.index_put(tuple(at.to(self.device)), scores)
            found: Tensor = best_loss(table, right)
            return found

        return Batch([row for rows, _ in some for row in rows], loss, len(some))

    def _drawn(self, each: GoldList, dice: random.Random) -> tuple[list[Pair], int]:
        """The pairs of a list as one epoch shows it, and the position of the right one."""
        others = dice.sample(each.others, min(self.course.others, len(each.others)))
        taken_out = self.module.labels == 1 and len(others) > 0 and dice.random() < self.course.taken_out
        right = None if taken_out else each.right
        goals = [*([] if right is None else [right]), *others]
        if dice.random() < self.course.titles:
            goals = [Candidate(goal.title) for goal in goals]
        place = self._thinned(Pair(each.place, goals[0]), dice).place
        return [Pair(place, goal) for goal in goals], NO_LINK if right is None else 0

    def _thinned(self, pair: Pair, dice: random.Random) -> Pair:
        """A pair without some parts of its context, by lot."""
        bare_place, bare_goal = (dice.random() < self.course.bare for _ in range(2))
        gone = {part: dice.random() < self.course.drop for part in (*STEP_SIDE, *GOAL_SIDE)}
        place = replace(pair.place, **{part: "" for part in STEP_SIDE if gone[part]})
        nothing: dict[str, Any] = {part: () for part in GOAL_SIDE if gone[part]}
        candidate = replace(pair.candidate, **nothing)
        return Pair(
            Place(place.step) if bare_place else place, Candidate(candidate.title) if bare_goal else candidate
        )

    def _logits(self, rows: list[Row]) -> Tensor:
        """Logits [n, labels], with gradients."""
        with mixed(self.device, self.precision):
            found: Tensor = self.module(*self._padded(rows))
        return found.float()

    def _padded(self, rows: list[Row]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, mask and sides, each [n, longest]."""
        size = len(rows), longest(rows)
        ids = torch.full(size, self.reader.tokenizer.pad_token_id or 0)
        mask, sides = (torch.zeros(size, dtype=torch.long) for _ in range(2))
        for i, row in enumerate(rows):
            n = len(row.ids)
            ids[i, :n] = torch.tensor(row.ids)
            mask[i, :n] = 1
            sides[i, row.left : n] = 1
        return ids.to(self.device), mask.to(self.device), sides.to(self.device)

    def _keep(self, epochs: int, state: dict[str, Any]) -> None:
        """Write what is needed to go on after so many epochs; what was kept before is then superfluous."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with written_aside(self.folder / f"epoch-{epochs}.pt") as aside:
            torch.save({name: part.state_dict() for name, part in state.items()}, aside)
        (self.folder / f"epoch-{epochs - 1}.pt").unlink(missing_ok=True)

    def _restore(self, state: dict[str, Any]) -> int:
        """Go on from what was kept; returns how many epochs are done."""
        done = max(
            (int(path.stem.removeprefix("epoch-")) for path in self.folder.glob("epoch-*.pt")), default=0
        )
        if done:
            kept = torch.load(self.folder / f"epoch-{done}.pt", map_location=self.device, weights_only=True)
            for name, part in state.items():
                part.load_state_dict(kept[name])
        return done


def body_and_head(module: Any) -> tuple[Any, list[Any]]:
    """The transformer of a module, and the parameters of what is on top of it."""
    body = module.transformer if hasattr(module, "transformer") else module.classifier.base_model
    below = {id(parameter) for parameter in body.parameters()}
    return body, [parameter for parameter in module.parameters() if id(parameter) not in below]


def of_like_length(
    items: list[T], size: int, length: Callable[[T], int], dice: random.Random
) -> list[list[T]]:
    """Batches of items that are near in length, drawn anew each time."""
    dice.shuffle(items)
    order: list[T] = []
    for start in range(0, len(items), size * ALIKE):
        order += sorted(items[start : start + size * ALIKE], key=length)
    return [order[i : i + size] for i in range(0, len(order), size)]


def longest(rows: Sequence[Row]) -> int:
    """The tokens of the longest row."""
    return max(len(row.ids) for row in rows)
