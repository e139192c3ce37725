"""A question by the encoder that made the links, where it is installed; it loads in a second, and no torch."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from howtree.errors import HowtreeError
from kb.meaning.goals import MODEL, GoalVectors
from kb.store import KnowledgeBase
from linking.encode.light import LightEncoder, is_installed, load_light


def has_a_say(kb: KnowledgeBase) -> bool:
    """Whether the encoder is installed, and the file has vectors by it."""
    return len(vectors(kb).ids) > 0 and is_installed()


def question_vector(kb: KnowledgeBase, question: str) -> NDArray[np.float32] | None:
    """The unit vector of a question; None where the encoder has no say.

    Raises:
        BadInput: the encoder's weights have changed.
    """
    if not has_a_say(kb):
        return None
    return np.asarray(encoders()[1].encode([question])[0], np.float32)


def title_cosines(question: str, titles: list[str]) -> list[float]:
    """The cosines of a question and titles by the packaged encoder as it is, which knows how people put things.

    Raises:
        BadInput: the encoder's weights have changed.
    """
    asked, *others = encoders()[0].encode([question, *titles])
    return [float(asked @ each) for each in others]


def vectors(kb: KnowledgeBase) -> GoalVectors:
    """The vectors of the goals by that encoder."""
    return GoalVectors.of(kb, MODEL)


@cache
def encoders() -> tuple[LightEncoder, LightEncoder]:
    """The packaged encoder and the one that made the links, loaded once."""
    return load_light()


def load_ahead(kb: KnowledgeBase) -> None:
    """Load what a first question would wait for, the encoder in a thread of its own; a fault is said then."""
    GoalVectors.of(kb)
    if has_a_say(kb):
        Thread(target=_loaded, daemon=True).start()


def _loaded() -> None:
    with suppress(HowtreeError):
        encoders()
