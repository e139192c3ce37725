"""`howtree train search`: what the search weighs, fitted to questions whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadUsage
from kb.commands.evaluate_search import Half

STAY = 0.83
"""The share of the questions without an answer that finds nothing by the weights that ship."""


def search(
    queries: Annotated[
        list[Path],
        typer.Option(
            "--queries",
            help="Questions with the goals that answer each, as for `evaluate search`; one file a --kb.",
        ),
    ],
    kb: Annotated[
        list[Path],
        typer.Option("--kb", help="The knowledge base that they are about; may be repeated with its file."),
    ],
    stay: Annotated[
        list[float] | None,
        typer.Option(
            help="For each --kb the share of questions without an answer that is to find nothing [default: 0.83]."
        ),
    ] = None,
    half: Annotated[Half, typer.Option("--half", help="Only the questions of this half.")] = Half.all,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The weights to write (JSON) [default: beside the first --kb, where they count for it].",
        ),
    ] = None,
) -> None:
    """Fit the search: which goal is asked for, and where it says that nothing fits.

    Example: howtree train search --kb kb.duckdb --queries questions.jsonl
    """
    from howtree.progress import progress, say, warn
    from kb.beside import beside
    from kb.commands.options import open_kb
    from kb.commands.train_output import refuse_before_work
    from kb.meaning.fit import FILE, SUFFIX, Fits, read_fits, write_fits
    from kb.meaning.learn import examples, learn
    from kb.meaning.measure import read_questions
    from kb.meaning.model import has_a_say

    stays = stay or [STAY] * len(kb)
    if not len(kb) == len(queries) == len(stays):
        raise BadUsage(
            "give as many --queries, and as many --stay if any, as --kb: they belong together in their order"
        )
    if not all(0 < share < 1 for share in stays):
        raise BadUsage("--stay is a share between 0 and 1")
    output = output or beside(kb[0], SUFFIX)
    refuse_before_work(output.parent)
    by_words, by_model = [], []
    for path, file in zip(kb, queries, strict=True):
        with open_kb(path) as base:
            asked = read_questions(base, file, None if half is Half.all else half.value)
            with progress(None, f"Asking {path}", len(asked), "questions") as bar:
                by_words.append(examples(base, asked, False))
                if has_a_say(base):
                    by_model.append(examples(base, asked, True))
                bar.update(len(asked))
    found = Fits(learn(by_words, stays), read_fits(FILE).model)
    if len(by_model) == len(kb):
        found = Fits(found.words, learn(by_model, stays))
    else:
        warn(
            "The weights for the encoder that made the links stay as they ship: it, or vectors by it, are not here."
        )
    write_fits(output, found)
    say(f"written to {output}")
