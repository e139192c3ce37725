"""The articles of sources as a build's linker reads them, for what learns from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from crawl.corpus.write import write_corpus
from howtree.errors import BadInput
from kb.build.fill import load_corpus, new_file
from kb.build.read import read_goals, read_steps
from linking.candidates import Goals, StepBatch


@contextmanager
def articles_of(
    sources: Sequence[Path], work: Path, language: str
) -> Iterator[tuple[Goals, Callable[[], Iterable[StepBatch]]]]:
    """The goals and the steps of one language, read again and again as long as the context is open; kept in `work`.

    Raises:
        BadInput: there is no article of this language.
    """
    work.mkdir(parents=True, exist_ok=True)
    write_corpus(sources, work / "corpus", workers=os.cpu_count() or 1)
    with new_file(work / "articles.part") as session:
        load_corpus(session, work / "corpus")
        goals = read_goals(session, language)
        if not goals.texts:
            raise BadInput(
                f"there is no article in the language {language!r} in {', '.join(map(str, sources))}: name another one"
            )
        yield goals, partial(read_steps, session, language)
