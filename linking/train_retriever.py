"""Fine-tuning the bi-encoder on gold links.

Two rounds of contrastive learning. In the first a step tells its goal from the goals of the other steps in the
batch; in the second also from hard negatives, the goals that the model of the first round puts near the step.
A goal that may be right as well is never a negative: the same goal, another gold goal of the same step, and
titles that the untrained encoder puts close to the gold title.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree import BadInput, digest_of, progress, read_json, say, write_json, written_aside
from linking.encoder import (
    BASE_ENCODER,
    SentenceEncoder,
    Vectors,
    has_transformer,
    load_encoder,
    save_delta,
)
from linking.gold import Gold, check_gold, in_dev, split_of, with_goal
from linking.index import GoalIndex
from linking.recipe import Recipe, contrastive_loss, rate_at
from linking.text import goal_text, step_text
from linking.train import DecisionReport, train_decision
from linking.vectors import VectorStore

CHUNKS = 4
"""A batch is run in so many pieces of like length: less padding, the same gradient."""
OF_SECOND_ROUND = ("hard_epochs", "hard_rate", "mined", "negatives")
"""Parts of the recipe that the first round knows nothing of: another second round goes on from the same first."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Training pairs: `steps[i]` belongs to `goals[i]`; `also[i]` are further goals that are right for it."""

    steps: list[str]
    goals: list[str]
    also: list[frozenset[str]]


def train_retriever(
    gold: Gold, pool: Sequence[str], base: str, output: Path, work: Path, recipe: Recipe, source: str
) -> DecisionReport:
    """Fine-tune the encoder `base` and write it, its decision and its model card to the folder `output`.

    The hashed tenth that `in_dev` names is never trained on, nor is the twentieth after it, on which the
    decision is fitted. Each epoch ends with a checkpoint in
    `work`; a run that was stopped goes on there.

    Returns:
        the decision with its figures on the tenth.

    Raises:
        BadInput: the gold does not fit the pool, too few pairs are left to train on, `output` holds something
            else, or `base` has no transformer to train.
    """
    gold = with_goal(gold)
    check_gold(gold, pool)
    examples = training_part(gold)
    refuse_foreign(output)
    encoder = load_encoder(base)
    if not has_transformer(encoder.model):
        raise BadInput(
            f"the encoder {base!r} reads no token ids: only transformer encoders can be trained here"
        )
    run = Run(encoder, examples, gold, pool, work, recipe)
    run.train()
    return publish(run, output, work, base, source)


def training_part(gold: Gold) -> Examples:
    """The pairs that may be trained on, each once.

    Raises:
        BadInput: fewer than two are left.
    """
    also: dict[str, set[str]] = {}
    for step, goal in zip(gold.steps, gold.goals, strict=True):
        also.setdefault(step_text(step), set()).add(goal_text(goal))
    train = split_of(gold.steps) == "train"
    pairs = dict.fromkeys(
        (step_text(gold.steps[i]), goal_text(gold.goals[i])) for i in np.flatnonzero(train).tolist()
    )
    if len(pairs) < 2:
        raise BadInput(
            f"{len(pairs)} of {len(gold.steps)} gold pairs may be trained on (the others are held out by a hash "
            "of the step): at least two are needed, thousands make sense"
        )
    steps, goals = [step for step, _ in pairs], [goal for _, goal in pairs]
    return Examples(steps, goals, [frozenset(also[step]) for step in steps])


class Run:
    """One training run, with everything that it must keep in `work` to go on after a stop."""

    def __init__(
        self,
        encoder: SentenceEncoder,
        examples: Examples,
        gold: Gold,
        pool: Sequence[str],
        work: Path,
        recipe: Recipe,
    ) -> None:
        self.encoder, self.examples, self.gold, self.recipe = encoder, examples, gold, recipe
        self.pool = [goal_text(title) for title in pool]
        data = [*examples.steps, *examples.goals, *self.pool]
        course = [repr((name, value)) for name, value in asdict(recipe).items()]
        first = [
            part for part, name in zip(course, asdict(recipe), strict=True) if name not in OF_SECOND_ROUND
        ]
        self.first = work / f"first-{digest_of(encoder.digest, *first, *data)[:16]}"
        self.second = work / f"second-{digest_of(encoder.digest, *course, *data)[:16]}"
        for folder in (self.first, self.second):
            folder.mkdir(parents=True, exist_ok=True)
        self.titles = VectorStore(work / f"titles-{encoder.digest[:16]}")
        self.untrained = load_encoder(encoder.name)
        self.history: list[dict[str, float]] = []

    def train(self) -> None:
        """All epochs that are not yet done."""
        recipe = self.recipe
        self.round(0, recipe.epochs, recipe.rate, None)
        if recipe.hard_epochs:
            self.round(recipe.epochs, recipe.hard_epochs, recipe.hard_rate, self.mine)

    def round(self, first: int, epochs: int, rate: float, mine: Any) -> None:
        """Epochs `first` to `first + epochs - 1`, with one optimiser and one course of the rate."""
        import torch

        done = max(
            (n for n in range(first, first + epochs + 1) if self.checkpoint(n).exists()), default=first
        )
        if done > 0:
            self.restore_weights(done)
        if done == first + epochs:
            return
        negatives = mine() if mine else None
        model = self.encoder.model
        optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
        batches = -(-len(self.examples.steps) // self.recipe.batch)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda n: rate_at(n, epochs * batches, self.recipe.warmup)
        )
        if done > first:
            state = torch.load(self.checkpoint(done) / "optimiser.pt", weights_only=True)
            optimiser.load_state_dict(state["optimiser"])
            schedule.load_state_dict(state["schedule"])
        for epoch in range(done, first + epochs):
            loss = self.epoch(epoch, optimiser, schedule, negatives)
            self.keep(epoch + 1, optimiser, schedule, loss)

    def epoch(
        self, epoch: int, optimiser: Any, schedule: Any, negatives: list[NDArray[np.int64]] | None
    ) -> float:
        """One pass over the pairs; returns the mean loss."""
        import torch

        dice = np.random.default_rng([self.recipe.seed, epoch])
        torch.manual_seed(self.recipe.seed * 1_000 + epoch)
        model = self.encoder.model.train()
        losses: list[float] = []
        with progress(None, f"Training, epoch {epoch + 1}", len(self.examples.steps), "pairs") as bar:
            for rows in self.batches(dice):
                goals, masked = self.goals_of(rows, negatives, dice)
                optimiser.zero_grad()
                loss = contrastive_loss(
                    self.embed([self.examples.steps[i] for i in rows]),
                    self.embed(goals),
                    torch.from_numpy(masked),
                    self.recipe.scale,
                )
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
                bar.update(len(rows))
        model.eval()
        return float(np.mean(losses))

    def batches(self, dice: np.random.Generator) -> Iterator[list[int]]:
        """The pairs in random order, a batch at a time; a last batch of one pair, with no negative, is left out."""
        order = dice.permutation(len(self.examples.steps)).tolist()
        for start in range(0, len(order), self.recipe.batch):
            if len(rows := order[start : start + self.recipe.batch]) > 1:
                yield rows

    def goals_of(
        self, rows: list[int], negatives: list[NDArray[np.int64]] | None, dice: np.random.Generator
    ) -> tuple[list[str], NDArray[np.bool_]]:
        """The goals that a batch is compared with, and which of them each step must not count as negatives.

        The first `len(rows)` goals are the gold ones in order, so that step i belongs to goal i.

        Returns:
            goals [m], mask [n, m].
        """
        goals = [self.examples.goals[i] for i in rows]
        if negatives is not None:
            for i in rows:
                drawn = dice.permutation(negatives[i])[: self.recipe.negatives]
                goals.extend(self.pool[j] for j in drawn)
        vectors = self.titles.vectors(self.titles.add(goals, self.untrained))
        masked = vectors[: len(rows)] @ vectors.T >= self.recipe.duplicate
        for place, i in enumerate(rows):
            right = self.examples.also[i]
            masked[place] |= [goal in right for goal in goals]
            masked[place, place] = False
        return goals, masked

    def embed(self, texts: list[str]) -> Any:
        """Unit vectors with gradients, float32 [len(texts), dimension]."""
        import torch

        tokens = self.encoder.token_ids(texts)
        order = np.argsort([len(ids) for ids in tokens], kind="stable")
        pieces = [piece for piece in np.array_split(order, CHUNKS) if len(piece)]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.encoder.bfloat16):
            vectors = [self.forward([tokens[i] for i in piece]) for piece in pieces]
        back = torch.from_numpy(np.argsort(np.concatenate(pieces)))
        return torch.nn.functional.normalize(torch.cat(vectors).float(), dim=1)[back]

    def forward(self, tokens: list[list[int]]) -> Any:
        """The model's output for token lists, padded to the longest."""
        import torch

        padding = self.encoder.model.tokenizer.pad_token_id or 0
        longest = max(map(len, tokens))
        ids = torch.tensor([row + [padding] * (longest - len(row)) for row in tokens])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens])
        return self.encoder.model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]

    def mine(self) -> list[NDArray[np.int64]]:
        """For each training step the nearest goals of the pool that are not right: positions in the pool."""
        path = self.second / "negatives.npy"
        if not path.exists():
            nearest = self.nearest()
            rows = self.titles.add(
                [self.pool[j] for j in np.unique(nearest[nearest >= 0])] + self.examples.goals, self.untrained
            )
            assert (rows >= 0).all()
            kept = np.full(nearest.shape, -1, np.int64)
            for i, places in enumerate(progress(nearest, "Sorting out near-duplicates", unit="steps")):
                good = self.without_right(i, places[places >= 0])
                kept[i, : len(good)] = good
            with written_aside(path) as aside, aside.open("wb") as file:
                np.save(file, kept)
        return [row[row >= 0] for row in np.load(path)]

    def without_right(self, i: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the goals at `places` that are neither right for step i nor near-duplicates of its goal."""
        titles = [self.pool[j] for j in places]
        vectors = self.titles.vectors(self.titles.add([self.examples.goals[i], *titles], self.untrained))
        near = vectors[1:] @ vectors[0] >= self.recipe.duplicate
        right = np.array([title in self.examples.also[i] for title in titles], bool)
        return np.asarray(places[~near & ~right])

    def nearest(self) -> NDArray[np.int64]:
        """Positions of the nearest goals of each training step under the model as it is, shape [n, mined]."""
        goals = self.encode(self.pool, "Encoding goals")
        steps = self.encode(self.examples.steps, "Encoding steps")
        index = GoalIndex(goals, np.arange(len(goals)), self.encoder.name, "")
        blocks = range(0, len(steps), 1_024)
        found = [index.search(steps[i : i + 1_024], self.recipe.mined)[1] for i in blocks]
        return np.concatenate(found).astype(np.int64)

    def encode(self, texts: Sequence[str], label: str) -> Vectors:
        """Unit vectors under the model as it is, with a progress bar."""
        vectors = []
        with progress(None, label, len(texts), "texts") as bar:
            for start in range(0, len(texts), 8_192):
                vectors.append(self.encoder.encode(texts[start : start + 8_192]))
                bar.update(len(vectors[-1]))
        return np.concatenate(vectors)

    def keep(self, epoch: int, optimiser: Any, schedule: Any, loss: float) -> None:
        """Write the checkpoint after `epoch` epochs, aside and renamed; an older one is then superfluous."""
        import torch

        recall = self.recall_on_dev()
        self.history.append({"epoch": epoch, "loss": round(loss, 4), "dev recall@1 among gold goals": recall})
        say(f"Epoch {epoch}: loss {loss:.3f}; on dev R@1 {recall:.1%} among the gold goals.")
        aside = self.checkpoint(epoch).with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        self.encoder.model.save(str(aside), create_model_card=False)
        state = {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save(state, aside / "optimiser.pt")
        write_json(aside / "history.json", self.history)
        aside.replace(self.checkpoint(epoch))
        if self.checkpoint(epoch - 1).parent == self.checkpoint(epoch).parent:
            shutil.rmtree(self.checkpoint(epoch - 1), ignore_errors=True)

    def recall_on_dev(self) -> float:
        """R@1 of the held-out steps among all gold goals: a quick sign of progress, used for no choice."""
        dev = np.flatnonzero(in_dev(self.gold.steps))
        if not len(dev):
            return 0.0
        goals = sorted({goal_text(goal) for goal in self.gold.goals})
        steps = self.encoder.encode([step_text(self.gold.steps[i]) for i in dev])
        best = (steps @ self.encoder.encode(goals).T).argmax(axis=1)
        return float(
            np.mean([goals[b] == goal_text(self.gold.goals[i]) for b, i in zip(best, dev, strict=True)])
        )

    def restore_weights(self, epoch: int) -> None:
        """Go on from the checkpoint after `epoch` epochs."""
        kept = load_encoder(str(self.checkpoint(epoch)))
        self.encoder.model.load_state_dict(kept.model.state_dict())
        self.history = read_json(self.checkpoint(epoch) / "history.json") or []

    def checkpoint(self, epoch: int) -> Path:
        """Folder of the model after `epoch` epochs."""
        return (self.first if epoch <= self.recipe.epochs else self.second) / f"epoch-{epoch}"


def refuse_foreign(output: Path) -> None:
    """Leave alone a folder that is no model.

    Raises:
        BadInput: `output` is a file, or a folder with other content.
    """
    if output.is_file() or (
        output.is_dir()
        and any(output.iterdir())
        and not any((output / name).exists() for name in ("model.json", "modules.json"))
    ):
        raise BadInput(f"{output} exists and is no model folder: give another -o")


def publish(run: Run, output: Path, work: Path, base: str, source: str) -> DecisionReport:
    """Write the trained model, its decision and its card; the folder appears whole or not at all.

    A model trained from the packaged one is kept as its difference, and measured as it is read back.
    """
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    if base == BASE_ENCODER:
        save_delta(run.encoder, aside)
    else:
        run.encoder.model.save(str(aside), create_model_card=False)
    kept = load_encoder(str(aside))
    trained = SentenceEncoder(str(output), kept.model, kept.weights)
    result = train_decision(run.gold, run.pool, trained, work, source, trained_on_gold=True)
    result.decision.save(aside / "decision.json")
    (aside / "README.md").write_text(card(run, result, base, source), encoding="utf-8")
    shutil.rmtree(output, ignore_errors=True)
    aside.replace(output)
    return result


def card(run: Run, result: DecisionReport, base: str, source: str) -> str:
    """The model card: data, recipe, figures, limits."""
    recipe = "\n".join(f"- {name}: {value}" for name, value in asdict(run.recipe).items())
    epochs = "\n".join(f"- {', '.join(f'{k} {v:.4g}' for k, v in line.items())}" for line in run.history)
    return f"""# Bi-encoder for linking steps to goals

Fine-tuned from {base} by `howtree train retriever` on {len(run.examples.steps):,} pairs of a step and a goal
({source}) against a pool of {len(run.pool):,} goals. Held out by a hash of the step and never trained on: a tenth
for measuring, a further twentieth on which `decision.json` is fitted.

## Recipe

{recipe}

## Course

{epochs}

## Decision, measured on the {result.held_out:,} pairs of the tenth

Calibration error {result.error_before:.3f} for the raw cosine, {result.error_after:.3f} for the probability. At
probability {result.decision.threshold}: precision {result.precision:.1%}, recall {result.recall:.1%}, unlinkable
recall {result.unlinkable_recall:.1%}. For the recall of the whole list: `howtree evaluate linking`.

## Limits

Steps are read without their article. Negated steps ("Avoid ...") land near the goals that they negate. The licence
is that of {base}; the text that it was trained on has its own.
"""
