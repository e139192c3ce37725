"""howtree.toml: options that repeat, beside the job; what is given on the command line comes first."""

from __future__ import annotations

import difflib
import inspect
import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from howtree.errors import BadInput


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the options of a command from the table of its name; paths are below the file's folder.

    Raises:
        BadInput: the file cannot be read, or names a table or an option that does not exist.
    """
    if path is None:
        return None
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    command = context.command
    refuse_unknown(path, "table", tables, [str(command.name)])
    given = tables.get(str(command.name), {})
    if not isinstance(given, dict):
        raise BadInput(f"{path}: write the options below a line [{command.name}]")
    hints = get_type_hints(inspect.unwrap(command.callback or read_config))
    values = {name.replace("-", "_"): value for name, value in given.items()}
    refuse_unknown(path, "option", values, [name for name in hints if name not in ("config", "return")])
    context.default_map = {
        name: below(path.parent, value) if Path in (hints[name], *get_args(hints[name])) else value
        for name, value in values.items()
    }
    return path


def refuse_unknown(path: Path, kind: str, given: dict[str, Any], known: list[str]) -> None:
    """Refuse a name that does not exist, with those near it.

    Raises:
        BadInput: there is one.
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3) or known
            raise BadInput(f"{path}: no {kind} {name!r}; there is {', '.join(near)}")


def below(folder: Path, value: Any) -> Any:
    """A path, or each of some, as seen from the folder."""
    return [str(folder / each) for each in value] if isinstance(value, list) else str(folder / str(value))


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        is_eager=True,
        callback=read_config,
        help="TOML with options in a table of the command's name (docs/jobs.md).",
    ),
]
