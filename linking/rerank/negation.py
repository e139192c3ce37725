"""Steps that say what not to do ("Avoid drinking alcohol") and the goals that they do not mean ("Drink").

An encoder puts a text beside its negation. So a negated step and a goal that averts nothing are *opposed*, which
tells against the pair in the reranker. English only: a text of another language is never taken for negated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from linking.arrays import Flags

NEGATED = re.compile(
    r"(?:please )?(?:(?:do not|don['’]?t|never)(?! (?:forget|hesitate|neglect|miss|be (?:afraid|shy) to)\b)|avoid|"
    r"refrain from|try not to|try to avoid|be careful not to|make sure (?:not to|you don['’]?t)|not)\b",
    re.I,
)
"""How a negated step begins."""
AVERTS = re.compile(
    r"\b(?:not|don['’]?t|never|no|avoid|prevent|stop|quit|without|refrain|resist|ignore|less|free|rid|get out of|"
    r"eliminate|reduce|limit|minimize|lower|control|break|defeat|fight|overcome|relieve|protect|deal with|cope with)\b",
    re.I,
)
"""What a title has that says how to prevent, end or do without something, or what to do against it."""
PATTERNS = f"{NEGATED.pattern}\0{AVERTS.pattern}"
"""What the flags depend on: other patterns give other scores."""


def negated(steps: Sequence[str]) -> Flags:
    """Whether each step says what not to do, [n]."""
    return np.array([bool(NEGATED.match(step)) for step in steps], bool)


def averting(goals: Sequence[str]) -> Flags:
    """Whether each goal is to prevent, end or do without something, [m]."""
    return np.array([bool(AVERTS.search(goal)) for goal in goals], bool)


def opposed(steps: Sequence[str], averts: Flags) -> Flags:
    """Whether each of some goals is opposed to its step, [n, k], for the steps' texts and whether the goals avert."""
    return np.asarray(negated(steps)[:, None] & ~averts)
