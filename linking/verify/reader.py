"""Pairs -> rows of token ids, as a cross-encoder reads them.

    [CLS] S step A article's goal M method B step before N step after [SEP] G title O methods F first steps [SEP]

The capitals represent marker tokens that no text can give: a step that contains a marker's name is read as plain
words. A part that is empty is left out with its marker. Each part is cut by itself, so that no long step pushes the
candidate out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from howtree.errors import BadInput
from linking.pair import FIRST_STEPS, Pair

LONGEST = {
    "step": 40,
    "article": 16,
    "method": 10,
    "before": 12,
    "after": 10,
    "goal": 20,
    "methods": 8,
    "first": 27,
}
"""The parts in their order, and how many tokens are read of each."""
STEP_SIDE = ("article", "method", "before", "after")
GOAL_SIDE = ("methods", "first")
"""The context: the parts of either side besides the step and the goal's title."""
MARKERS = tuple(f"[unused{i}]" for i in range(1, len(LONGEST) + 1))
"""Reserved tokens of BERT's vocabulary, one for each part: so its matrices keep their shapes."""
REGISTERED = tuple(f"[howtree-{part}]" for part in LONGEST)
"""Tokens that mark the parts where a vocabulary has none in reserve; they must be added to it, and trained."""
MOST = 64
"""Tokens of a text that are looked at; more than any part has."""


@dataclass(frozen=True, slots=True)
class Row:
    """A pair as a model reads it: token ids, and how many of them belong to the step's side."""

    ids: list[int]
    left: int


class Reader:
    """Turns pairs into rows by the tokenizer of a model."""

    def __init__(self, tokenizer: Any, parts: Collection[str] = tuple(LONGEST)) -> None:
        """Find the tokenizer's markers, and how it frames a pair; only `parts` are read.

        Raises:
            BadInput: it has no tokens for the markers.
        """
        self.tokenizer, self.parts = tokenizer, parts
        self.markers = dict(zip(LONGEST, markers_of(tokenizer), strict=True))
        self.opening, self.between, self.closing = frame_of(tokenizer)

    def rows(self, pairs: list[Pair]) -> list[Row]:
        """The rows of pairs, each text tokenised once."""
        texts = {text for pair in pairs for side in sides(pair) for part in side.values() for text in part}
        known = self._tokenised(sorted(texts))
        return [self._row(pair, known) for pair in pairs]

    def _tokenised(self, texts: list[str]) -> dict[str, list[int]]:
        if not texts:
            return {}
        options: dict[str, Any] = {"add_special_tokens": False, "truncation": True, "max_length": MOST}
        if self.markers["step"] == self.tokenizer.convert_tokens_to_ids(REGISTERED[0]):
            options["split_special_tokens"] = True  # else a text could spell them
        found = self.tokenizer(texts, **options)
        return dict(zip(texts, found["input_ids"], strict=True))

    def _row(self, pair: Pair, known: dict[str, list[int]]) -> Row:
        left, right = (
            [
                token
                for name, part in side.items()
                if name in self.parts
                for token in self._part(name, [known[t] for t in part])
            ]
            for side in sides(pair)
        )
        head = [*self.opening, *left, *self.between]
        return Row([*head, *right, *self.closing], len(head))

    def _part(self, name: str, texts: list[list[int]]) -> list[int]:
        share = LONGEST[name] // FIRST_STEPS if name == "first" else LONGEST[name]
        tokens = [token for text in texts for token in text[:share]]
        return [self.markers[name], *tokens[: LONGEST[name]]] if tokens else []


def sides(pair: Pair) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """The texts of each part, in order: those of the step's side, and those of the candidate's."""
    place, candidate = pair.place, pair.candidate
    step: dict[str, tuple[str, ...]] = {name: (getattr(place, name),) for name in ("step", *STEP_SIDE)}
    goal = {"goal": (candidate.title,), "methods": candidate.methods, "first": candidate.first[:FIRST_STEPS]}
    return step, goal


def markers_of(tokenizer: Any) -> list[int]:
    """The ids of the tokens that mark the parts.

    Raises:
        BadInput: there are none.
    """
    for names in (MARKERS, REGISTERED):
        ids = [tokenizer.convert_tokens_to_ids(name) for name in names]
        if len({*ids, tokenizer.unk_token_id, None}) == len(names) + (
            1 if tokenizer.unk_token_id is None else 2
        ):
            return ids
    raise BadInput(
        f"the tokenizer has no tokens for the markers of a pair's parts: it needs {MARKERS[0]} to {MARKERS[-1]}, as "
        f"BERT's vocabulary has, or {REGISTERED[0]} and so on added to it before the model is trained"
    )


def frame_of(tokenizer: Any) -> tuple[list[int], list[int], list[int]]:
    """The special tokens before, between and behind the two texts of a pair."""
    word = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole, n = tokenizer("a", "a")["input_ids"], len(word)
    first, last = (
        next(i for i in places if whole[i : i + n] == word)
        for places in (range(len(whole)), range(len(whole) - n, -1, -1))
    )
    return whole[:first], whole[first + n : last], whole[last + n :]
