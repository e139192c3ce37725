"""What the words of a step and of a title have in common, without the endings of English."""

from __future__ import annotations

import re
from functools import lru_cache


def listed(words: str) -> frozenset[str]:
    """Words with blanks between them."""
    return frozenset(words.split())


STOP = listed(
    "a an the and or of to in on at for with from by as is are be it its your you if when how that this these those "
    "into onto out up down off over then them their each any all some more most not do does don t s no will can may "
    "so until before after about than them him her his she he they we us our my me"
)
"""Words that say nothing of what is done to what."""
USES = listed(
    "add pour put place mix stir season sprinkle use apply dip cover top serve rub spray insert gather buy get take "
    "drizzle spread fill combine wear drop dissolve choose select attach hold spoon heat arrange collect bring"
)
"""First words of steps that use a thing."""
MAKES = listed("make build create cook prepare grow brew bake construct knit sew crochet craft")
"""First words of goals whose object is what comes out."""


@lru_cache(100_000)
def stems(text: str) -> tuple[str, ...]:
    """The words of a text without endings, stop words left out (all words where nothing else is left)."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    kept = [word for word in words if word not in STOP] or words
    return tuple(stem(word) for word in kept)


def stem(word: str) -> str:
    """A word without a common English ending: baking, bakes, baked -> bak."""
    for end in ("ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            word = word[: -len(end)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


USES_STEMS = frozenset(stem(word) for word in USES)
MAKES_STEMS = frozenset(stem(word) for word in MAKES)
