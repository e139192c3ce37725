"""The command `howtree`: one typer app over the verbs in `kb.commands`."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from howtree.errors import HowtreeError, stoppable
from howtree.streams import prepare_stdout
from howtree.version import __version__


class Verbs(TyperGroup):
    """The verbs; a stop by Ctrl-C becomes an error of ours, since typer itself would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was named."""
        with stoppable():
            return super().invoke(ctx)


app = typer.Typer(
    name="howtree",
    cls=Verbs,
    help="Turn how-to articles into a hierarchical knowledge base of procedures, and query it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Start with: howtree build FOLDER -o kb.duckdb, then: howtree tree 'A title'.",
)

VERBS = (
    "crawl",
    "import_",  # the underscore because `import` is a word of Python's
    "build",
    "tree",
    "search",
    "sql",
    "info",
    "explore",
    "review",
    "check",
    "diff",
    "export",
    "import_predictions",
    "train",
    "weights",
    "evaluate",
)

for verb in VERBS:
    importlib.import_module(f"kb.commands.{verb}").register(app)


@app.callback(invoke_without_command=True)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Turn how-to articles into a hierarchical knowledge base of procedures, and query it."""
    if version:
        print(__version__)
        raise typer.Exit
    if debug:
        os.environ["HOWTREE_DEBUG"] = "1"


def main() -> None:
    """Run the command line: exit code 1 for bad input, 2 for wrong usage, 130 after Ctrl-C; see docs/jobs.md."""
    prepare_stdout()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a reader that has left is known, not when Python ends
    except HowtreeError as error:
        if os.environ.get("HOWTREE_DEBUG"):
            raise
        print(f"howtree: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
