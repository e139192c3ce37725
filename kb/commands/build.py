"""`howtree build`: make a knowledge base out of articles."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from howtree.errors import BadInput, stoppable
from howtree.files import write_json
from howtree.progress import say
from kb.commands.config import ConfigOption
from kb.commands.options import Device, DeviceOption, Precision


def register(app: typer.Typer) -> None:
    """Add the verb `build`."""
    app.command()(build)


def build(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            readable=False,  # said by ourselves, with what to do
            help="Files or folders of articles: saved pages, JSON Lines, wikihow.json, a corpus folder.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The knowledge base to write.")] = Path(
        "kb.duckdb"
    ),
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Lowest probability of a chosen link [default: fitted]."),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(min=0, help="Choose links by the threshold of the best F-beta: 0.25, 0.5, 1 or 2."),
    ] = None,
    decision: Annotated[
        Path | None,
        typer.Option(help="A decision of `howtree train decision`, in place of the encoder's own."),
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=1000, help="Goals kept for each step.")] = 30,
    sites: Annotated[
        str,
        typer.Option(
            metavar="SITE,SITE",
            help="Take the articles of these sites alone (and of those below them: ifixit.com has fr.ifixit.com); "
            "none for those whose source names no site.",
        ),
    ] = "",
    alternatives: Annotated[
        bool,
        typer.Option(help="Group equal goals of several sites, and link none to one of its own group."),
    ] = True,
    encoder: Annotated[
        str,
        typer.Option(
            help="Name or folder of a sentence-transformers model [default: HOWTREE_ENCODER, else "
            "howtree-retriever; howtree-retriever-large finds more and is slower]."
        ),
    ] = "",
    reranker: Annotated[
        str,
        typer.Option(
            help="Name or folder of a CrossEncoder of sentence-transformers that decides which of the first "
            "candidates is right [default: what belongs to the encoder]."
        ),
    ] = "",
    precision: Annotated[
        Precision, typer.Option(help="Number format of the encoder; auto takes what suits the processor.")
    ] = Precision.auto,
    device: DeviceOption = Device.auto,
    executor: Annotated[
        str,
        typer.Option(help="Where linking runs: process (this one), pool (of processes) or ray (a cluster)."),
    ] = "process",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers of the pool or the cluster [default: one per core].")
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address of the Ray cluster: auto, local or host:port [default: auto].")
    ] = "",
    part_size: Annotated[
        int, typer.Option(min=1, hidden=True, help="Texts linked at a time; a lost part is done again.")
    ] = 8_192,
    summary: Annotated[
        Path | None, typer.Option(help="A file to write what was built to, as JSON (docs/jobs.md).")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Build a knowledge base from articles; an interrupted or repeated build does only what is left.

    Example: howtree build data/sample -o kb.duckdb
    """
    from kb.build.build import Options
    from kb.build.build import build as build_kb
    from kb.work import WorkFolder

    options = Options(
        encoder=encoder,
        reranker=reranker,
        precision=precision.value,
        device=device.value,
        threshold=threshold,
        beta=beta,
        decision=decision,
        candidates=candidates,
        alternatives=alternatives,
        sites=tuple(filter(None, map(str.strip, sites.split(",")))),
        executor=executor,
        workers=workers,
        address=address,
        part_size=part_size,
    )
    with stoppable(
        f"what is whole is kept in {WorkFolder(output).path}: the same command goes on from there"
    ):
        tally = build_kb(sources, output, options)
    if summary is not None:
        write_summary(output, summary)
    for line in tally.lines():
        say(line)
    say(f"Wrote {output}. {WorkFolder(output).path} makes the next build quick and may be deleted.")
    kb = f"--kb {shlex.quote(str(output))}"
    if tally.corpus.skipped:
        say(f"What was skipped and why: howtree sql 'FROM skipped' {kb}")
    say(f"Next: howtree info {kb}; howtree search WORDS {kb}; howtree tree GOAL {kb}")


def write_summary(output: Path, summary: Path) -> None:
    """Write the file that was built and the run that built it, as JSON.

    Raises:
        BadInput: it cannot be written.
    """
    from kb.store import KnowledgeBase
    from kb.summary import last_run

    with KnowledgeBase(output) as base:
        run = last_run(base)
    try:
        write_json(summary, {"output": str(output), **run})
    except OSError as error:
        raise BadInput(
            f"{output} is built; its summary cannot be written to {summary}: {error.strerror}"
        ) from error
