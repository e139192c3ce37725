"""`howtree evaluate search`: how often the search finds the right goal, and says so where there is none."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Option, echo

from kb.commands.options import Format, KbOption, open_kb


class Half(StrEnum):
    """Which of the questions are asked."""

    tuning = "tuning"
    report = "report"
    all = "all"


def search(
    queries: Annotated[
        Path,
        Option(
            "--queries", help="JSON Lines of questions with the goals that answer each (docs/evaluation.md)."
        ),
    ],
    half: Annotated[Half, Option("--half", help="Only the questions of this half.")] = Half.all,
    semantic: Annotated[
        bool, Option("--semantic", help="With the encoder of the build, too, which loads torch.")
    ] = False,
    seed: Annotated[int, Option("--seed", help="Seed of the intervals.")] = 0,
    form: Annotated[Format, Option("--format", help="How the figures are printed.")] = Format.text,
    kb: KbOption = None,
) -> None:
    """Ask questions whose answers are known: nDCG@10, R@1, R@5, and how often nothing is found.

    Example: howtree evaluate search --queries data/eval/questions.jsonl --half report
    """
    from howtree.files import digest_of_file
    from kb.meaning.measure import Find, measured, printed, read_questions
    from kb.meaning.model import has_a_say
    from kb.search import search as by_both
    from kb.search import search_by_words

    ways: dict[str, Find] = {
        "words": search_by_words,
        "words and word vectors": partial(by_both, model=False),
    }
    if semantic:
        from kb.semantic import semantic_search

        ways["encoder of the build"] = semantic_search
    with open_kb(kb) as base:
        if has_a_say(base):
            ways["words and meaning"] = by_both
        questions = read_questions(base, queries, None if half is Half.all else half.value)
        rows = [row for way, find in ways.items() for row in measured(base, way, find, questions, seed)]
    about = {
        "questions": len(questions),
        "half": half.value,
        "seed": seed,
        "queries": digest_of_file(queries),
    }
    echo(printed(rows, form.value, about), nl=False)
