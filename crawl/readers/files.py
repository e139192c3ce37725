"""Which files a source holds, in one fixed order, and which form each has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawl.formats.prohow import SYNTAXES
from crawl.readers.packed import unpacked_name
from howtree.errors import BadInput
from howtree.files import WORK_SUFFIX, digest_of, digest_of_file, read_json
from howtree.progress import progress

FORMS_BY_SUFFIX = {
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".json": "json",
    ".jsonld": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".warc": "warc",
    ".wacz": "wacz",
    ".zim": "zim",
    ".md": "markdown",
    ".markdown": "markdown",
    ".page": "mallard",
    ".wikitext": "wiki file",
    ".mediawiki": "wiki file",
    ".xml": "wiki dump",
    **dict.fromkeys(SYNTAXES, "rdf"),
}
"""Form of a file by its suffix; `.gz`, `.bz2` or `.zst` may follow, but for Parquet and ZIM.

Any other is tried as a page."""
IGNORED_SUFFIXES = frozenset(
    {".css", ".js", ".mjs", ".map", ".woff", ".woff2", ".ttf", ".otf", ".eot"}
    | {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".ico", ".bmp", ".avif", ".mp3", ".mp4", ".webm"}
    | {".pdf", ".txt", ".tsv", ".log", ".yml", ".yaml", ".toml", ".py", ".sh"}
    | {".part", ".tmp", ".cdx", ".cdxj", ".zip", ".tar", ".duckdb", ".sqlite"}
    | {".sqlite-wal", ".sqlite-shm"}
)
"""Files in a folder that are no source: what a browser saves beside a page, notes, programs."""
_NOTE = re.compile(
    r"(?:read-?me|change-?log|changes|history|news|licen[cs]e|copying|contributing|code[_-]of[_-]conduct|security|authors|todo)"
    r"(?:[._-]\w+)?\.(?:md|markdown)|(?!.*-pages-(?:articles|meta|current)).*\.xml",
    re.IGNORECASE,
)
"""Files in a folder that are notes on the others by their names, and XML that is no dump of a wiki by its name."""
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file (or a corpus folder) to be read, with its form: page, lines, json, csv, parquet, warc, wacz,
    zim, corpus."""

    path: Path
    form: str


def find(sources: Sequence[Path], without: Path | None = None) -> Iterator[SourceFile]:
    """Every file of the sources: the sources in the order given, the files of a folder sorted by path, at any depth.

    Hidden files and folders are left out, and so are files with a suffix that no source has, the folder `without`
    and folders in which knowledge bases are built.

    Raises:
        BadInput: a source does not exist.
    """
    check(sources)
    for source in sources:
        if is_corpus(source):
            yield SourceFile(source, "corpus")
        elif source.is_dir():
            yield from _find_in(source, without)
        else:
            yield SourceFile(source, form_of(source))


def check(sources: Sequence[Path]) -> None:
    """Raise BadInput where a source does not exist, cannot be looked at, or is neither a file nor a folder."""
    for source in sources:
        try:
            found, right = source.exists(), source.is_file() or source.is_dir()
        except OSError as error:  # a path that is too long
            raise BadInput(f"{source}: {error.strerror or error}. Name it by a shorter path.") from error
        if not found:
            raise BadInput(f"{source}: no such file or folder. Name a folder of pages or a file of articles.")
        if not right:
            raise BadInput(
                f"{source}: neither a file nor a folder. Write what it gives to a file, and name that."
            )


def _find_in(folder: Path, without: Path | None) -> Iterator[SourceFile]:
    """What is in a folder at any depth. Each folder is read once, however many links lead to it."""
    seen = {_identity(each) for each in (folder, *folder.resolve().parents)}
    if without is not None and without.exists():
        seen.add(_identity(without))
    open_folders = [_entries(folder)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, SourceFile):
            yield entry
        else:
            try:
                found = _found(entry, seen)
            except OSError:  # its path is too long, or it is not ours to look at
                found = SourceFile(entry, "unreadable")
            if isinstance(found, SourceFile):
                yield found
            elif found is not None:
                open_folders.append(_entries(found))


def _found(entry: Path, seen: set[tuple[int, int]]) -> SourceFile | Path | None:
    """What an entry of a folder is to be read as: a file or a corpus, a folder to look into, or nothing."""
    if not entry.is_dir():
        if entry.suffix.lower() in IGNORED_SUFFIXES or _NOTE.fullmatch(entry.name):
            return None
        return SourceFile(entry, form_of(entry) if entry.is_file() else "no file")
    identity = _identity(entry)
    if identity in seen:
        return None  # what is being written, a folder around this one, or one that is read already
    seen.add(identity)
    if is_corpus(entry):
        return SourceFile(entry, "corpus")
    return entry if entry.suffix != WORK_SUFFIX else None


def _entries(folder: Path) -> Iterator[Path | SourceFile]:
    """What is in a folder, by name, without what is hidden; itself where it cannot be listed."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError:
        return iter([SourceFile(folder, "unreadable")])
    return (entry for entry in entries if not entry.name.startswith("."))


def _identity(folder: Path) -> tuple[int, int]:
    """The device and the number of a folder, which are the same by whatever path it is reached."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def form_of(path: Path) -> str:
    """Form of a file by its name; a name without a known suffix is a page."""
    name = unpacked_name(path.name.lower())
    return next((form for suffix, form in FORMS_BY_SUFFIX.items() if name.endswith(suffix)), "page")


def is_corpus(folder: Path) -> bool:
    """Whether a folder is a corpus of ours, finished or not."""
    try:
        return (folder / MANIFEST).is_file() and any(folder.glob("part-*.parquet"))
    except OSError:  # not ours to look into
        return False


def is_finished(folder: Path) -> bool:
    """Whether a corpus folder holds the whole of its sources."""
    manifest = read_json(folder / MANIFEST)
    return isinstance(manifest, dict) and manifest.get("finished") is True


def fingerprint(sources: Sequence[Path], without: Path | None = None) -> str:
    """A digest of the paths, sizes and times of change of every file of the sources.

    Of the two times the system sets one itself: a copy that keeps the old time (`cp -p`, `rsync -t`) is seen, too.
    """
    parts: list[str] = []
    for path in _paths_of(sources, without):
        try:
            state = path.stat()
            parts += [str(path), str(state.st_size), str(state.st_mtime_ns), str(state.st_ctime_ns)]
        except OSError:
            parts += [str(path), "unreadable", "", ""]
    return digest_of(*parts)


def content_digest(source: Path, without: Path | None = None) -> str:
    """SHA-256 of what a source holds, wherever it is: of a file its content, as `sha256sum` gives it.

    Of a folder it is over the names and contents of its files in their order. Reading them once more takes about
    a second a gigabyte, little beside parsing.
    """
    if source.is_file():
        return digest_of_file(source)
    return digest_of(
        *(
            part
            for path in progress(_paths_of([source], without), "digesting")
            for part in (path.relative_to(source).as_posix(), _digest_if_readable(path))
        )
    )


def _digest_if_readable(path: Path) -> str:
    try:
        return digest_of_file(path) if path.is_file() else "no file"
    except OSError:
        return "unreadable"


def _paths_of(sources: Sequence[Path], without: Path | None) -> Iterator[Path]:
    """Every file that is read of the sources; of a corpus, all that is in its folder."""
    for found in find(sources, without):
        yield from sorted(found.path.glob("*")) if found.form == "corpus" else [found.path]
