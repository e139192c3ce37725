"""Training word vectors: the smallest encoder, which the search of every install has (`kb.meaning.encoder`).

A text's vector is the sum of its words'. Two losses: it is to be like the vector that a large encoder gives the whole
text, on the main axes of those, more like it than like the other texts' of the batch; and steps are to be like the
goals that gold gives them. The words start from the vectors that the large encoder gives them alone, times
a / (a + share) (Arora et al. 2017, ICLR).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.files import written_aside
from linking.arrays import Vectors
from linking.encode.delta import in_eight_bits
from linking.encode.encoder import SentenceEncoder
from linking.gold.examples import Examples
from linking.train.recipe import contrastive_loss

RARE = 1e-3
"""The a of the formula."""


@dataclass(frozen=True, slots=True)
class WordRecipe:
    """How to train word vectors."""

    seed: int = 0
    dimension: int = 128
    words: int = 22_000
    least: int = 3
    """Texts that a word must be in; further words are the large encoder's own."""
    epochs: int = 3
    batch: int = 1024
    pairs: int = 256
    """Gold pairs in each batch."""
    rate: float = 3e-3
    scale: float = 20.0
    like: float = 2.0
    """Weight of the distance to the large encoder's vector."""
    contrast: float = 0.5
    """Weight of telling the text from the others of the batch."""
    gold: float = 0.3
    """Weight of the gold pairs."""


def train_words(
    texts: Sequence[str],
    vectors: Vectors,
    examples: Examples,
    encoder: SentenceEncoder,
    own_words: Sequence[str],
    split: Any,
    recipe: WordRecipe,
    output: Path,
) -> None:
    """Train word vectors and write them: words, whole numbers of eight bits, a scale a word.

    Args:
        texts: what to learn from, titles and steps.
        vectors: of the texts, by the large encoder.
        examples: gold pairs.
        encoder: the large encoder.
        own_words: its whole words.
        split: text -> words, as the search splits it (`kb.meaning.encoder.words_of`).
        recipe: how.
        output: the file, an .npz.
    """
    import torch

    torch.manual_seed(recipe.seed)
    vocabulary, shares = words_in(texts, own_words, split, recipe)
    rows = {word: row for row, word in enumerate(vocabulary)}
    axes = main_axes(vectors, recipe.dimension)
    start = encoder.encode(vocabulary) @ axes * (RARE / (RARE + shares))[:, None]
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(start), freeze=False, mode="sum")
    _Course(bag, rows, split, recipe).run(texts, vectors @ axes, examples)
    packed = in_eight_bits("words", bag.weight.detach())
    with written_aside(output) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file,
            words=np.frombuffer("\n".join(vocabulary).encode(), np.uint8),
            steps=packed["words.steps"].numpy(),
            scale=packed["words.scale"].numpy(),
        )


def words_in(
    texts: Sequence[str], own_words: Sequence[str], split: Any, recipe: WordRecipe
) -> tuple[list[str], NDArray[np.float32]]:
    """The words that get a vector, the commonest first, and the share of each among the texts."""
    counts = Counter(word for text in texts for word in set(split(text)))
    common = [word for word, count in counts.most_common() if count >= recipe.least]
    others = [
        word
        for word in own_words
        if word not in counts and word.isascii() and word.isalpha() and len(word) > 2
    ]
    vocabulary = [*common, *others][: recipe.words]
    total = sum(counts[word] for word in vocabulary)
    return vocabulary, np.array([counts[word] / total for word in vocabulary], np.float32)


def main_axes(vectors: Vectors, dimension: int) -> NDArray[np.float32]:
    """The axes on which vectors are longest, [their dimension, `dimension`]."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.asarray(axes[:, -dimension:], np.float32)


class _Course:
    def __init__(self, bag: Any, rows: dict[str, int], split: Any, recipe: WordRecipe) -> None:
        self._bag, self._rows, self._split, self._recipe = bag, rows, split, recipe

    def run(self, texts: Sequence[str], wanted: Vectors, examples: Examples) -> None:
        import torch
        from torch.nn.functional import normalize

        recipe, dice = self._recipe, np.random.default_rng(self._recipe.seed)
        read = [self._read(text) for text in texts]
        known = np.flatnonzero([bool(row) for row in read])
        target = normalize(torch.tensor(wanted), dim=1)
        batches = max(1, len(known) // recipe.batch)
        optimiser = torch.optim.Adam(self._bag.parameters(), lr=recipe.rate)
        falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, recipe.epochs * batches)
        for _ in range(recipe.epochs):
            for batch in np.array_split(dice.permutation(known), batches):
                found, right = self._vectors([read[i] for i in batch]), target[torch.tensor(batch)]
                alone = torch.zeros(len(batch), len(batch), dtype=torch.bool)
                loss = recipe.like * (1 - (found * right).sum(dim=1)).mean()
                loss += recipe.contrast * contrastive_loss(found, right, alone, recipe.scale)
                loss += recipe.gold * self._gold_loss(examples, dice)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                falling.step()

    def _gold_loss(self, examples: Examples, dice: np.random.Generator) -> Any:
        import torch

        drawn = dice.choice(len(examples.steps), min(self._recipe.pairs, len(examples.steps)), replace=False)
        goals = [examples.goals[i] for i in drawn]
        masked = torch.tensor([[goal in examples.also[i] for goal in goals] for i in drawn])
        masked.fill_diagonal_(False)
        steps, titles = (
            self._vectors([self._read(text) for text in part])
            for part in ([examples.steps[i] for i in drawn], goals)
        )
        return contrastive_loss(steps, titles, masked, self._recipe.scale)

    def _read(self, text: str) -> list[int]:
        return [self._rows[word] for word in self._split(text) if word in self._rows]

    def _vectors(self, read: Sequence[Sequence[int]]) -> Any:
        """Unit vectors of texts, [len(read), dimension]."""
        import torch

        flat = torch.tensor([row for each in read for row in each], dtype=torch.long)
        starts = torch.tensor(np.cumsum([0, *(len(each) for each in read[:-1])]), dtype=torch.long)
        return torch.nn.functional.normalize(self._bag(flat, starts), dim=1)
