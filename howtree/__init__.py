"""howtree: how-to articles -> a hierarchical knowledge base of procedures.

This is the front door for Python programs, described in docs/python.md. Whatever it names is imported when it is first
used, so `import howtree` costs nothing; nothing inside the project imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

from howtree.errors import BadInput, BadQuery, BadUsage, HowtreeError, NotFound
from howtree.version import __version__

if TYPE_CHECKING:
    from howtree.knowledge_base import KnowledgeBase
    from kb.build.build import BuildTally
    from kb.build.build import Options as BuildOptions
    from linking.model import Model

_LAZY = {
    "BuildOptions": ("kb.build.build", "Options"),
    "BuildTally": ("kb.build.build", "BuildTally"),
    "KnowledgeBase": ("howtree.knowledge_base", "KnowledgeBase"),
    "Model": ("linking.model", "Model"),
}

__all__ = [
    "BadInput",
    "BadQuery",
    "BadUsage",
    "BuildOptions",
    "BuildTally",
    "HowtreeError",
    "KnowledgeBase",
    "Model",
    "NotFound",
    "__version__",
    "build",
    "open",
]


def open(path: str | PathLike[str] | None = None) -> KnowledgeBase:
    """Open a knowledge base for reading.

    Args:
        path: its file; None for what the commands read by default: HOWTREE_KB, else kb.duckdb here.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no knowledge base, or one of another schema version.
    """
    from howtree.knowledge_base import KnowledgeBase
    from kb.store import default_path

    return KnowledgeBase(default_path() if path is None else path)


def build(
    sources: str | PathLike[str] | Iterable[str | PathLike[str]],
    output: str | PathLike[str] = "kb.duckdb",
    **options: Any,
) -> BuildTally:
    """Build a knowledge base from articles; an interrupted or repeated build does only what is left.

    Args:
        sources: a file or folder of articles, or several: whatever `howtree build` reads.
        output: the file to write.
        options: the fields of `BuildOptions`, such as `encoder`, `threshold`, `beta` and `candidates`.

    Raises:
        BadInput: no article was found, a model cannot be loaded, another build of `output` is running, or the disk
            is full; a knowledge base that was there before is untouched.
        BadUsage: the options contradict each other.
        TypeError: there is no such option.
    """
    from pathlib import Path

    from kb.build.build import Options, build

    several = [sources] if isinstance(sources, (str, PathLike)) else list(sources)
    return build([Path(source) for source in several], Path(output), Options(**options))


if not TYPE_CHECKING:  # else type checkers would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, inside = _LAZY[name]
        found = globals()[name] = getattr(import_module(module), inside)
        return found


def __dir__() -> list[str]:
    return __all__
