"""`howtree import`: whatever copy of how-to articles a user has -> a corpus, or a look at one article of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kb.commands.options import Shape, ShapeOption

EXAMPLE = """Example: howtree import saved-pages/ dump.jsonl.gz crawl.warc.gz -o corpus"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("import", epilog=EXAMPLE)(run)


def run(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders: saved pages, WARC, ZIM, JSON Lines, JSON or CSV dumps, Parquet, a corpus."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the corpus to write.")
    ] = None,
    show: Annotated[
        int | None, typer.Option(min=1, help="Print what is read from the N-th article, and write nothing.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that parse pages; 0: one per processor.")
    ] = 0,
    shard_size: Annotated[int, typer.Option(min=1, help="Raw items per shard.")] = 2000,
    shape: ShapeOption = Shape.text,
) -> None:
    """Read how-to articles from any documented format into a corpus of Parquet shards.

    Goes on where a killed run stopped. docs/formats.md describes every format and every reason for a skip.
    """
    from howtree.errors import BadUsage

    if show is not None:
        _show(sources, show, shape)
    elif output is None:
        raise BadUsage("give -o FOLDER for the corpus, or --show N to look at one article.")
    else:
        _write(sources, output, workers, shard_size)


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Hold a corpus folder alone; the lock beside it goes with the process, however that ends.

    Raises:
        BadInput: another import writes there, or the place cannot be written.
    """
    from filelock import FileLock, Timeout

    from howtree.errors import BadInput, HowtreeError

    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        with FileLock(output.absolute().with_name(f".{output.absolute().name}.lock"), blocking=False):
            yield
    except Timeout:
        raise BadInput(f"another import into {output} is running: wait for it, or give another -o") from None
    except OSError as error:
        if isinstance(error, HowtreeError):
            raise
        raise BadInput(
            f"could not write the corpus {output}: {error.strerror or error}. Whole shards are kept; see that the "
            "folder can be written and has room, or give another -o"
        ) from error


def _write(sources: list[Path], output: Path, workers: int, shard_size: int) -> None:
    import os

    from crawl.corpus.write import write_corpus
    from howtree.errors import stoppable
    from kb.work import report_damage

    with stoppable(f"whole shards are kept in {output}: the same command goes on"), alone(output):
        tally = write_corpus(sources, output, shard_size=shard_size, workers=workers or os.cpu_count() or 1)
    report_damage(tally.damaged)
    print(f"{output}: " + "\n".join(tally.lines()))


def _show(sources: list[Path], number: int, shape: Shape) -> None:
    from crawl.article import Article
    from crawl.corpus.show import lines_of
    from crawl.readers.sources import read
    from howtree.errors import NotFound

    found = 0
    for outcome in read(sources):
        if isinstance(outcome, Article):
            found += 1
            if found == number:
                text = json.dumps(outcome.to_dict(), indent=2, ensure_ascii=False)
                print(text if shape is Shape.json else "\n".join(lines_of(outcome)))
                return
    raise NotFound(f"there are {found} articles: --show takes a number from 1 to {found}.")
