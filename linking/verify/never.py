"""What is never a link, whatever a model says: a goal that is the article again, and a step that is no action.

English only: titles and steps of other languages are hardly ever met by these rules.
"""

from __future__ import annotations

import re

from linking.pair import Pair
from linking.verify.words import stem

COUNTER = re.compile(
    r"\s*(?:\(?\b\d+ (?:easy |simple |different )?(?:ways?|steps?|methods?|tips)\)?|\(?\d+\)?)\s*$", re.I
)
"""What is at the end of a title to tell it from an equal one, or to count what it holds."""
ARTICLES = frozenset(("a", "an", "the", "your", "my", "some"))
ALIKE = tuple(
    frozenset(stem(word) for word in group.split())
    for group in (
        "make create build construct prepare craft do",
        "cook make prepare",
        "bake make",
        "draw sketch make",
        "clean wash",
        "remove eliminate delete",
        "choose select pick",
        "buy purchase",
        "fix repair mend",
        "begin start",
        "stop quit",
        "find locate",
        "keep store preserve",
        "dress wear",
        "call phone telephone",
        "become be",
        "get obtain",
    )
)
"""First words of titles (stems) that name the same purpose."""
NO_ACTION = re.compile(
    r"(?:(?:and |now |then )?(?:please )?(?:enjoy(?: (?:it|them|yourself|your \w+))?|"
    r"(?:you(?:'|’)?re|you are|it(?:'|’)?s) (?:all |now )?(?:done|finished|ready|set)|"
    r"(?:all |now )?(?:done|finished|complete)|that(?:'|’)?s (?:it|all)|congratulations|good luck|have fun|voil[aà]|"
    r"the end|bon app[eé]tit)\b[\s\W]*)+$",
    re.I,
)
"""Steps that only say that one is at the end."""


def never(pair: Pair) -> bool:
    """Whether the goal can never be right for the step."""
    return is_no_action(pair.place.step) or is_again(pair.place.article, pair.candidate.title)


def is_no_action(step: str) -> bool:
    """Whether a step asks for nothing: "You're done!", "Enjoy.", a number or a mark without a word."""
    return bool(NO_ACTION.fullmatch(step.strip())) or not any(letter.isalpha() for letter in step)


def is_again(article: str, goal: str) -> bool:
    """Whether a goal is an article's own: equal titles but for a counter, an article or a synonym."""
    a, b = bare(article), bare(goal)
    if not a or not b:
        return False
    same_purpose = a[0] == b[0] or any(a[0] in group and b[0] in group for group in ALIKE)
    return a == b or (same_purpose and len(a) > 1 and a[1:] == b[1:])


def bare(title: str) -> tuple[str, ...]:
    """The words of a title without endings, articles and a counter."""
    words = re.findall(r"[^\W_]+", COUNTER.sub("", title).lower())
    return tuple(stem(word) for word in words if word not in ARTICLES)
