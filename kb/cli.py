"""The command `howtree`: one typer app over the verbs in `kb.commands`."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from howtree.errors import HowtreeError
from howtree.version import __version__

app = typer.Typer(
    name="howtree",
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
    """Run the command line: exit code 1 for bad input, 2 for wrong usage, 130 after Ctrl-C."""
    try:
        app()
    except HowtreeError as error:
        if os.environ.get("HOWTREE_DEBUG"):
            raise
        print(f"howtree: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("howtree: stopped; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
