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


def question_vector(kb: KnowledgeBase, question: str) -> NDArray[np.float32] | None:
    """The unit vector of a question; None where the encoder is not installed or the file has no vectors by it.

    Raises:
        BadInput: the encoder's weights have changed.
    """
    if not len(vectors(kb).ids) or not is_installed():
        return None
    return np.asarray(encoder().encode([question])[0], np.float32)


def vectors(kb: KnowledgeBase) -> GoalVectors:
    """The vectors of the goals by that encoder."""
    return GoalVectors.of(kb, MODEL)


@cache
def encoder() -> LightEncoder:
    """The encoder, loaded once."""
    return load_light()


def load_ahead(kb: KnowledgeBase) -> None:
    """Load what a first question would wait for, the encoder in a thread of its own; a fault is said then."""
    GoalVectors.of(kb)
    if len(vectors(kb).ids) and is_installed():
        Thread(target=_loaded, daemon=True).start()


def _loaded() -> None:
    with suppress(HowtreeError):
        encoder()
