"""The command `howtree`: one typer app over the verbs in `kb.commands`."""

from __future__ import annotations

import importlib
import os
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from howtree.errors import HowtreeError, stoppable
from howtree.progress import in_json, log
from howtree.streams import prepare_stdout
from howtree.version import __version__


class LogFormat(StrEnum):
    """How lines on stderr are written."""

    text = "text"
    json = "json"


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
    "plan",
    "mcp",
    "serve",
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
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", envvar="HOWTREE_QUIET", help="Only warnings and errors on stderr."),
    ] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            "--log-format", envvar="HOWTREE_LOG_FORMAT", help="Lines on stderr: text, or JSON objects."
        ),
    ] = LogFormat.text,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="HOWTREE_DEBUG", help="Show a traceback with an error.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Turn how-to articles into a hierarchical knowledge base of procedures, and query it."""
    if version:
        print(__version__)
        raise typer.Exit
    os.environ["HOWTREE_QUIET"] = "1" if quiet else ""  # there, since processes that are started read it, too
    os.environ["HOWTREE_DEBUG"] = "1" if debug else ""
    os.environ["HOWTREE_LOG_FORMAT"] = log_format.value


def main() -> None:
    """Run the command line: exit code 1 for bad input, 2 for wrong usage, 130 after Ctrl-C; see docs/jobs.md."""
    prepare_stdout()
    try:
        try:
            app(prog_name="howtree")
        finally:
            sys.stdout.flush()  # here, where a reader that has left is known, not when Python ends
    except HowtreeError as error:
        if os.environ.get("HOWTREE_DEBUG"):
            raise
        fail(str(error), error.exit_code)
    except Exception as error:
        engine = sys.modules.get("duckdb")  # where it is not loaded, it is none of its errors
        if os.environ.get("HOWTREE_DEBUG") or engine is None or not isinstance(error, engine.Error):
            raise
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        fail(f"the database engine failed: {first}. If a file may be damaged, run `howtree check` on it", 1)


def fail(message: str, code: int) -> None:
    """Say what is wrong, and end with an exit code."""
    log("error", message if in_json() else f"howtree: {message}")
    sys.exit(code)


if __name__ == "__main__":
    main()
