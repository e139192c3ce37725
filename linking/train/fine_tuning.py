"""Fine-tuning the bi-encoder and its token head on gold links.

Two rounds. In the first a step tells its goal from the goals of the other steps in the batch; in the second also from
hard negatives, the goals that the model of the first round puts near the step: once by the cosine, once by late
interaction, both with what editors like to link to explained away. A goal that may be right as well is never a
negative: the same goal, another gold goal of the same step, and titles that the untrained encoder puts close to the
gold title. A goal that people rejected is always one, in both rounds; and to a step that has no goal all of them are,
with "no link" as what is right.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.checkpoint import checkpoint

from howtree.files import digest_of, put_folder_in_place, read_json, write_json
from howtree.progress import progress, say
from linking.arrays import Flags, Positions
from linking.encode.device import lacks_memory, mixed
from linking.encode.encoder import SentenceEncoder, load_encoder
from linking.encode.folder import ModelFolder
from linking.encode.heads import TokenHead, load_head, save_head
from linking.encode.tokens import AS_GOAL, AS_STEP
from linking.gold.examples import Examples, log_links
from linking.gold.links import Gold, in_dev, with_goal
from linking.text import goal_text, step_text
from linking.train.average import average
from linking.train.mining import NearDuplicates, mined_negatives
from linking.train.recipe import Recipe, contrastive_loss, list_loss, rate_at, soft_coverages, unlinked_loss

CHUNKS = 4
"""A batch is run in so many pieces of like length: less padding, the same gradient."""
OF_SECOND_ROUND = ("hard_epochs", "hard_rate", "head_rate", "mined", "negatives", "links")
"""Parts of the recipe that the first round knows nothing of: another second round goes on from the same first."""


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
        data = [*examples.texts, *examples.goals, *self.pool]
        data += [text for step, goals in examples.rejected.items() for text in (step, *sorted(goals))]
        of_run = {name: value for name, value in asdict(recipe).items() if name not in ("runs", "late")}
        course = {name: repr((name, value)) for name, value in of_run.items()}
        first = [part for name, part in course.items() if name not in OF_SECOND_ROUND]
        self.first = work / f"first-{digest_of(encoder.digest, *first, *data)[:16]}"
        self.second = work / f"second-{digest_of(encoder.digest, *course.values(), *data)[:16]}"
        for folder in (self.first, self.second):
            folder.mkdir(parents=True, exist_ok=True)
        encoder.move()
        if not recipe.words:
            encoder.model[0].auto_model.get_input_embeddings().requires_grad_(False)
        untrained = load_encoder(encoder.source, encoder.precision, encoder.device)
        self.duplicates = NearDuplicates(untrained, work / f"titles-{encoder.digest[:16]}", recipe.duplicate)
        # All at once: a GPU would run a full batch for the handful of titles that a batch of pairs brings.
        self.place = {title: j for j, title in enumerate(self.pool)}
        self.duplicates.vectors(
            [*examples.goals, *sorted(set().union(*examples.rejected.values()) & {*self.pool})]
        )
        torch.manual_seed(0)  # heads of all seeds start alike, so that their weights can be averaged
        encoder.head = self.head = TokenHead(encoder.dimension).to(encoder.device)
        self.links = examples.links()
        self.history: list[dict[str, float]] = []
        self.pieces = CHUNKS

    def train(self) -> None:
        """All epochs that are not yet done."""
        self.round(0, self.recipe.epochs, self.recipe.rate, hard=False)
        if self.recipe.hard_epochs:
            self.round(self.recipe.epochs, self.recipe.hard_epochs, self.recipe.hard_rate, hard=True)

    def round(self, first: int, epochs: int, rate: float, hard: bool) -> None:
        """Epochs `first` to `first + epochs - 1`, with one optimiser and one course of the rate."""
        done = max(
            (n for n in range(first, first + epochs + 1) if self.checkpoint(n).exists()), default=first
        )
        if done > 0:
            self.restore_weights(done)
        if done == first + epochs:
            return
        negatives = self.mined() if hard else None
        optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in self.encoder.model.parameters() if p.requires_grad], "lr": rate},
                {"params": self.head.parameters(), "lr": rate * self.recipe.head_rate},
            ],
            weight_decay=0.01,
            fused=True,
        )
        batches = -(-len(self.examples.texts) // self.recipe.batch)
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

    def epoch(self, epoch: int, optimiser: Any, schedule: Any, negatives: list[Positions] | None) -> float:
        """One pass over the pairs; returns the mean loss."""
        dice = np.random.default_rng([self.recipe.seed, epoch])
        torch.manual_seed(self.recipe.seed * 1_000 + epoch)
        model = self.encoder.model.train()
        losses: list[float] = []
        with progress(None, f"Training, epoch {epoch + 1}", len(self.examples.texts), "pairs") as bar:
            for rows in self.batches(dice):
                loss = self.gradient(rows, None if negatives is None else self.drawn(rows, negatives, dice))
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(loss)
                bar.update(len(rows))
        model.eval()
        return float(np.mean(losses))

    def batches(self, dice: np.random.Generator) -> Iterator[list[int]]:
        """The texts in random order, in batches, pairs first; a last batch of one, with no negative, is left out."""
        order = dice.permutation(len(self.examples.texts)).tolist()
        for start in range(0, len(order), self.recipe.batch):
            if len(rows := order[start : start + self.recipe.batch]) > 1:
                yield sorted(rows, key=lambda i: i >= len(self.examples.steps))

    def drawn(self, rows: list[int], negatives: list[Positions], dice: np.random.Generator) -> Positions:
        """Hard negatives of some steps, positions in the pool [n, k]: what people rejected, then what is mined.

        Where too few are known they are from all of the pool.
        """
        count = self.recipe.negatives
        lists = []
        for i in rows:
            hard = dice.permutation(negatives[i])[:count]
            if rejected := self.rejected(i):
                hard = np.concatenate([dice.permutation(rejected), np.setdiff1d(hard, rejected)])[:count]
            other = np.array(
                [j for j in dice.integers(0, len(self.pool), 4 * count) if self.is_wrong(i, j)], np.int64
            )
            lists.append(np.resize(np.concatenate([hard, other]), count))
        return np.stack(lists)

    def is_wrong(self, i: int, position: int) -> bool:
        """Whether the goal at a position of the pool is none of those that gold gives to text i."""
        return self.pool[position] not in self.examples.right(i)

    def rejected(self, i: int) -> list[int]:
        """Positions in the pool of the goals that people rejected for text i."""
        return sorted(self.place[title] for title in self.examples.wrong(i) if title in self.place)

    def gradient(self, rows: list[int], hard: Positions | None) -> float:
        """Leave the gradient of a batch in the weights and return its loss.

        Where memory is short the batch is run again in pieces half as large, from then on. What a piece leaves for its
        gradient is then not kept but computed again, so that memory holds one piece at a time.
        """
        self.encoder.model.zero_grad()
        self.head.zero_grad()
        try:
            loss = self.loss(rows, hard)
            loss.backward()
            return float(loss.detach())
        except (MemoryError, RuntimeError) as error:
            if self.pieces >= len(rows) or not lacks_memory(error):
                raise
        self.pieces *= 2
        say(f"Memory is short: a batch is now run in {self.pieces} pieces.")
        return self.gradient(rows, hard)

    def loss(self, rows: list[int], hard: Positions | None) -> Any:
        """The loss of a batch: among the goals of the batch, and in the second round in each step's own list.

        Pairs and steps without a goal weigh alike. The goals of the batch are those of its pairs, then what people
        rejected for any of its steps.
        """
        pairs = [i for i in rows if i < len(self.examples.steps)]
        goals = [self.examples.goals[i] for i in pairs]
        goals += [self.pool[j] for j in sorted({j for i in rows for j in self.rejected(i)})]
        texts = [*(self.examples.text(i) for i in rows), *goals]
        if hard is not None:
            texts += [self.pool[j] for j in hard.ravel()]
        embedded, n, m = self.embed(texts), len(rows), len(rows) + len(goals)
        share, losses = len(pairs) / n, []
        if pairs:
            masked = self.on_device(self.may_be_right(pairs, goals))
            vectors = embedded[0]
            loss = contrastive_loss(vectors[: len(pairs)], vectors[n:m], masked, self.recipe.scale)
            if hard is not None:
                loss = loss + self.loss_of_lists(pairs, hard[: len(pairs)], embedded, n, m)
            losses.append(loss if share == 1 else share * loss)
        if share < 1:
            losses.append((1 - share) * self.loss_of_unlinked(len(pairs), hard, embedded[0], n, m))
        return sum(losses[1:], losses[0])

    def loss_of_unlinked(self, first: int, hard: Positions | None, vectors: Any, n: int, m: int) -> Any:
        """The loss of a batch's steps without a goal, from its text `first` on: against its goals, and their own lists.

        The vectors are those of `n` steps, of goals up to `m`, and of lists.
        """
        steps = vectors[first:n]
        loss = unlinked_loss(steps @ vectors[n:m].T, self.recipe.scale)
        if hard is None:
            return loss
        of_list = m + torch.arange(hard.size).view(n, -1)[first:]
        return loss + unlinked_loss(torch.einsum("nd,nkd->nk", steps, vectors[of_list]), self.recipe.scale)

    def loss_of_lists(
        self, rows: list[int], hard: Positions, embedded: tuple[Any, Any, Any], first: int, lists: int
    ) -> Any:
        """The loss of pairs in their own lists: their goals are from `first` on, their negatives from `lists` on."""
        vectors, states, words = embedded
        n = len(rows)
        # Row i of a list is the right goal, then its negatives: [n, 1 + k].
        negatives = lists + torch.arange(hard.size).view(n, -1)
        of_list = torch.cat([first + torch.arange(n)[:, None], negatives], dim=1)
        cosine = torch.einsum("nd,nkd->nk", vectors[:n], vectors[of_list])
        explained = self.on_device(self.recipe.links * self.other_links(rows, hard))
        tokens, weights = self.head(states)
        weights = weights * words[..., None]
        of_goal, of_step = soft_coverages(
            tokens[:n], weights[:n, :, AS_STEP], tokens[of_list], weights[of_list][..., AS_GOAL]
        )
        mix = self.head.mix
        mixed = mix[0] * cosine + mix[1] * of_goal + mix[2] * of_step
        return list_loss(self.recipe.scale * cosine + explained) + list_loss(mixed + explained)

    def on_device(self, array: NDArray[Any]) -> Any:
        """An array as a tensor where the model runs."""
        return torch.from_numpy(array).to(self.encoder.device)

    def may_be_right(self, rows: list[int], goals: list[str]) -> Flags:
        """Which goals of a batch each of its pairs must not count as negatives, [n, m]; goal i is that of pair i."""
        masked = self.duplicates.among(goals[: len(rows)], goals)
        for position, i in enumerate(rows):
            masked[position] |= [goal in self.examples.also[i] for goal in goals]
            masked[position] &= [goal not in self.examples.wrong(i) for goal in goals]
            masked[position, position] = False
        return masked

    def other_links(self, rows: list[int], hard: Positions) -> NDArray[np.float32]:
        """log(1 + links) of each list's goals, the link in hand not counted; [n, 1 + k]."""
        own = [[self.links[self.examples.goals[i]] - 1] for i in rows]
        others = [[self.links.get(self.pool[j], 0) for j in line] for line in hard]
        return log_links(np.concatenate([np.array(own), np.array(others)], axis=1))

    def embed(self, texts: list[str]) -> tuple[Any, Any, Any]:
        """Unit vectors [n, d], token states [n, longest, d] and which tokens are words [n, longest], with gradients."""
        tokens = self.encoder.token_ids(texts)
        longest = max(map(len, tokens))
        order = np.argsort([len(ids) for ids in tokens], kind="stable")
        pieces = [piece for piece in np.array_split(order, self.pieces) if len(piece)]
        back = self.on_device(np.argsort(np.concatenate(pieces)))
        with mixed(self.encoder.device, self.encoder.precision):
            outputs = [self.piece([tokens[i] for i in piece], longest) for piece in pieces]
        vectors, states, words = (torch.cat(part)[back] for part in zip(*outputs, strict=True))
        return torch.nn.functional.normalize(vectors, dim=1), states, words

    def piece(self, tokens: list[list[int]], longest: int) -> tuple[Any, Any, Any]:
        """What `forward` gives; where memory is short it keeps nothing for the gradient and runs again for it."""
        if self.pieces == CHUNKS:
            return self.forward(tokens, longest)
        again: tuple[Any, Any, Any] = checkpoint(self.forward, tokens, longest, use_reentrant=False)
        return again

    def forward(self, tokens: list[list[int]], longest: int) -> tuple[Any, Any, Any]:
        """The model's output for token lists, run at their own longest and padded to `longest` of the batch."""
        padding = self.encoder.model.tokenizer.pad_token_id or 0
        here = max(map(len, tokens))
        device = self.encoder.device
        ids = torch.tensor([row + [padding] * (here - len(row)) for row in tokens], device=device)
        lengths = torch.tensor([len(row) for row in tokens], device=device)
        position = torch.arange(longest, device=device)
        output = self.encoder.model(
            {"input_ids": ids, "attention_mask": (position[:here] < lengths[:, None]).long()}
        )
        states = torch.nn.functional.pad(output["token_embeddings"].float(), (0, 0, 0, longest - here))
        # The marks at both ends are no words.
        words = (position > 0) & (position < lengths[:, None] - 1)
        return output["sentence_embedding"].float(), states, words

    def mined(self) -> list[Positions]:
        """The hard negatives of the second round."""
        path = self.second / "negatives.npy"
        return mined_negatives(
            self.encoder, self.examples, self.pool, self.duplicates, self.recipe.mined, path
        )

    def keep(self, epoch: int, optimiser: Any, schedule: Any, loss: float) -> None:
        """Write the checkpoint after `epoch` epochs, aside and renamed; an older one is then superfluous."""
        recall = self.recall_on_dev()
        self.history.append({"epoch": epoch, "loss": round(loss, 4), "dev recall@1 among gold goals": recall})
        say(f"Epoch {epoch}: loss {loss:.3f}; on dev R@1 {recall:.1%} among the gold goals.")
        aside = self.checkpoint(epoch).with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        self.encoder.model.save(str(aside), create_model_card=False)
        save_head(self.head, ModelFolder(aside).head)
        state = {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save(state, aside / "optimiser.pt")
        write_json(aside / "history.json", self.history)
        put_folder_in_place(aside, self.checkpoint(epoch))
        if self.checkpoint(epoch - 1).parent == self.checkpoint(epoch).parent:
            shutil.rmtree(self.checkpoint(epoch - 1), ignore_errors=True)

    def recall_on_dev(self) -> float:
        """R@1 of the held-out steps among all gold goals: a quick sign of progress, used for no choice."""
        gold = with_goal(self.gold)
        dev = np.flatnonzero(in_dev(gold.steps))
        if not len(dev):
            return 0.0
        goals = sorted({goal_text(goal) for goal in gold.goals})
        steps = self.encoder.encode([step_text(gold.steps[i]) for i in dev])
        best = (steps @ self.encoder.encode(goals).T).argmax(axis=1)
        return float(np.mean([goals[b] == goal_text(gold.goals[i]) for b, i in zip(best, dev, strict=True)]))

    def average(self, others: Sequence[Run]) -> None:
        """Take the mean of this run's weights and those of others, encoder and head."""
        average(self.encoder.model, [run.encoder.model for run in others])
        average(self.head, [run.head for run in others])

    def restore_weights(self, epoch: int) -> None:
        """Go on from the checkpoint after `epoch` epochs."""
        kept = load_encoder(str(self.checkpoint(epoch)), "float32")
        self.encoder.model.load_state_dict(kept.model.state_dict())
        self.head.load_state_dict(load_head(ModelFolder(self.checkpoint(epoch)).head).state_dict())
        self.history = read_json(self.checkpoint(epoch) / "history.json") or []

    def checkpoint(self, epoch: int) -> Path:
        """Folder of the model after `epoch` epochs."""
        return (self.first if epoch <= self.recipe.epochs else self.second) / f"epoch-{epoch}"
