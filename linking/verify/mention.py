"""Whether an editor's hyperlink says what a step is, or only mentions something that the step uses.

A link counts by itself if it covers the action of the step's headline: its main verb and what that is done to. In the
headline the anchor and the goal it leads to cover it together, elsewhere the goal alone must. The words are compared
without endings, so this knows English alone; of other languages a link counts if its anchor is the headline or its
goal is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from linking.verify.never import is_alike
from linking.verify.words import STOP, listed, stem

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
ASIDE = re.compile(
    r"^(?:if|when|whenever|once|after|before|unless|while|until|as|for|to|in|with|then|next|first|finally|now|"
    r"optional|optionally|carefully|gently|slowly|quickly)\b[^,:]*[,:]\s*",
    re.I,
)
"""What comes before the main clause of a step: "Once it is dry, paint it"."""
BESIDE = listed(
    "please then next now first last finally always also just again well too and or carefully gently slowly quickly "
    "thoroughly immediately completely"
)
"""Words beside the action, before the main verb or behind it."""
BREAKS = listed(
    "if when whenever once after before unless while until as for to in on at with from by into onto out over under "
    "using so that which who because or but and off up down through around about across along of"
)
"""Words that end what a verb is done to."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a headline asks for, in stems."""

    verb: str
    done_to: frozenset[str]
    """What the verb is done to; empty where it stands alone."""


def action_of(headline: str) -> Action | None:
    """The action of an English headline; None where it has no word."""
    clause = re.split(r"[.!?;:(]", ASIDE.sub("", headline.strip(), count=1), maxsplit=1)[0]
    words = [word.lower() for word in WORD.findall(clause)]
    while words and words[0] in BESIDE:
        del words[0]
    if not words:
        return None
    done_to: list[str] = []
    for word in words[1:]:
        if word in BREAKS and done_to:
            break
        if word not in STOP | BESIDE:
            done_to.append(stem(word))
    return Action(stem(words[0]), frozenset(done_to))


def covers(action: Action, text: str) -> bool:
    """Whether a text names the verb of an action, or one for the same purpose, and all that it is done to."""
    found = frozenset(stem(word.lower()) for word in WORD.findall(text))
    return any(is_alike(action.verb, word) for word in found) and action.done_to <= found


def counts_by_itself(headline: str, place: str, anchor: str, title: str, language: str = "en") -> bool:
    """Whether a hyperlink says what its step is.

    Args:
        headline: of the step; "" where it has none.
        place: where in the step the link is: "headline", "body" or "bullet".
        anchor: the words that are linked.
        title: the goal that it leads to.
        language: of the step.
    """
    if not headline.strip():
        return False
    if place == "headline" and plain(anchor) == plain(headline):
        return True
    if plain(title) == plain(headline):
        return True
    if language.split("-")[0] != "en":
        return False
    action = action_of(headline)
    return action is not None and covers(action, f"{anchor} {title}" if place == "headline" else title)


def plain(text: str) -> str:
    """The letters and digits of a text."""
    return "".join(WORD.findall(text.lower()))
