"""Pairs made by rule from real steps and titles: wrong ones that look right, and right ones that keep them honest.

For a step of an article the rules look for real titles that resemble it and cannot be right:

    action    the title's object, another action:     "Open the gas line"       -> Install a Gas Line
    object    the title's action, another object:     "Wash the car"            -> Wash a Dog
    product   making what the step uses:              "Season with salt"        -> Make Seasoned Salt
    itself    the article's own goal

and a title that the step repeats is right ("Wash the car." -> Wash a Car).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from linking.pair import Candidate, Pair, Place
from linking.train.verifier.course import RIGHT, WRONG, GradedPair
from linking.verify.words import MAKES_STEMS, USES_STEMS, stem, stems

WEIGHT = 0.5
"""A pair by rule counts half: on judged links one in ten is not what the rule says."""
REPEATED = 5
"""There is one right pair for so many wrong ones, if there are enough."""
PASSED_OVER = {"itself": 0.8, "object": 0.6}
"""Shares of what the easier rules find that are left out, so that they do not drown the others."""
LONGEST_STEP = 200
"""Characters: longer steps say too much for a rule."""
LONGEST_WORDS = 14
TRIES = 50
"""Steps are drawn until there are enough pairs, at most so many for each pair that is wanted."""
MAY_BE_ALIKE = tuple(
    frozenset(stem(word) for word in group.split())
    for group in (
        "make create build prepare cook do draw bake write fold mix craft brew",
        "clean wash clear wipe scrub rinse",
        "remove get take eliminate cut delete rid",
        "choose select pick find buy get shop",
        "fix repair troubleshoot mend",
        "learn play practice do perform teach",
        "start begin open launch",
        "wear dress apply put use do",
        "install set put attach add connect configure",
        "be become act feel stay look get have",
        "decorate style design dress",
        "stop avoid prevent quit reduce deal get overcome handle treat heal cure relieve",
        "grow plant cultivate raise care",
        "find check calculate determine know measure identify test tell see compute",
        "talk speak communicate contact ask tell call",
        "store keep save preserve freeze",
    )
)
"""Actions that may mean the same: never made negatives of each other."""


class Titles:
    """Real titles by their actions and objects."""

    def __init__(self, titles: Sequence[str]) -> None:
        self.by_thing: dict[frozenset[str], list[str]] = defaultdict(list)
        self.by_action: dict[str, list[str]] = defaultdict(list)
        self.by_words: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self.by_product: dict[str, list[str]] = defaultdict(list)
        for title in titles:
            words = stems(title)
            if len(words) < 2:
                continue
            self.by_thing[frozenset(words[1:])].append(title)
            self.by_action[words[0]].append(title)
            self.by_words[words].append(title)
            for word in words[1:] if words[0] in MAKES_STEMS else ():
                self.by_product[word].append(title)

    def wrong(self, place: Place, dice: random.Random) -> dict[str, str]:
        """By rule, a title that cannot be right for this step; rules that find none are left out."""
        step = stems(place.step)
        if not 2 <= len(step) <= LONGEST_WORDS:
            return {}
        found = {
            "action": self._other_action(step, dice),
            "object": self._other_object(step, dice),
            "product": self._product(step, dice),
            "itself": place.article,
        }
        return {rule: title for rule, title in found.items() if title}

    def _other_action(self, step: tuple[str, ...], dice: random.Random) -> str:
        spans = {
            frozenset(step[i:j]) for i in range(1, len(step)) for j in range(i + 1, min(i + 4, len(step)) + 1)
        }
        titles = [title for span in sorted(spans, key=sorted) for title in self.by_thing.get(span, ())]
        actions = {title: stems(title)[0] for title in titles}
        titles = [t for t in titles if actions[t] not in step and not may_be_alike(actions[t], step[0])]
        return dice.choice(titles) if titles else ""

    def _other_object(self, step: tuple[str, ...], dice: random.Random) -> str:
        same = self.by_action.get(step[0], [])
        some = dice.sample(same, min(8, len(same)))
        return next((title for title in some if not set(stems(title)[1:]) & set(step)), "")

    def _product(self, step: tuple[str, ...], dice: random.Random) -> str:
        if step[0] not in USES_STEMS:
            return ""
        made = [
            title for word in step[1:] for title in self.by_product.get(word, ()) if len(stems(title)) <= 4
        ]
        return dice.choice(made) if made else ""

    def repeated(self, place: Place) -> str:
        """A title with the very words of the step, other than its article's; "" where there is none."""
        own = stems(place.article) if place.article else ()
        titles = self.by_words.get(stems(place.step), ()) if place.step else ()
        return next((title for title in titles if stems(title) != own), "")


def may_be_alike(action: str, other: str) -> bool:
    """Whether two actions (stems) may mean the same."""
    return action == other or any(action in group and other in group for group in MAY_BE_ALIKE)


def pairs_by_rule(
    places: Sequence[Place],
    titles: Titles,
    candidate: Callable[[str], Candidate],
    count: int,
    seed: int,
    without: Collection[str] = (),
) -> list[GradedPair]:
    """About `count` wrong pairs and up to a fifth as many right ones, from steps of articles that are not `without`.

    There are fewer where the rules find no more.
    """
    places = [place for place in places if place.article not in without and len(place.step) < LONGEST_STEP]
    dice = random.Random(f"rules {seed}")
    wrong: list[GradedPair] = []
    for _ in range(TRIES * count if places else 0):
        if len(wrong) >= count:
            break
        place = dice.choice(places)
        for rule, title in titles.wrong(place, dice).items():
            if dice.random() >= PASSED_OVER.get(rule, 0.0):
                wrong.append(GradedPair(Pair(place, candidate(title)), WRONG, WEIGHT))
    repeated = [(place, title) for place in places if (title := titles.repeated(place))]
    dice.shuffle(repeated)
    right = [
        GradedPair(Pair(place, candidate(title)), RIGHT, WEIGHT)
        for place, title in repeated[: count // REPEATED]
    ]
    return wrong[:count] + right
