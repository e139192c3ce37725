"""Lists of goals on disk: some columns of k values for each text of a part, one Arrow file a part.

The files are mapped into memory, so reading a few rows of many parts reads little else. Each names what it was made
from, and is written aside and renamed, so columns and name always belong together. Each is sealed, and the seal knows
how the goals and the texts were laid out: where they are laid out anew, the rows in the lists mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from howtree.files import make_folder
from howtree.seals import SUFFIX, about_of, seal_as_they_are, sealed
from linking.arrays import Positions, Rows, Vectors
from linking.run.executors import Executor, InProcess, Work

_MADE_FROM = b"made_from"


@dataclass(frozen=True, slots=True)
class GoalLists:
    """The best goals of some step texts, best first. Short lists are padded with goal -1 and score -inf."""

    goals: Rows
    """Rows of the goals in their vector store, shape [n, depth]."""
    scores: Vectors
    """Cosines, shape [n, depth]."""
    reranked: NDArray[np.float64] | None = None
    """The scores that put the lists into their order, where that was not the cosine; shape [n, depth]."""

    @property
    def deciding(self) -> NDArray[np.float64]:
        """The scores that the lists are in the order of, shape [n, depth]."""
        return self.scores.astype(np.float64) if self.reranked is None else self.reranked


class Layout(Protocol):
    """What the rows in the lists of a part stand for."""

    def of(self, part: int) -> str:
        """In one line, as it is now."""

    def still(self, part: int, line: str) -> bool:
        """Whether the rows of lists that were made under this layout mean the same now."""


class ListFiles:
    """A folder with one file of columns a part of texts."""

    def __init__(self, folder: Path, layout: Layout | None = None) -> None:
        self.folder, self.layout = folder, layout
        make_folder(folder)

    def save(self, part: int, made_from: str, **columns: NDArray[Any]) -> None:
        """Write the columns of a part, each of shape [texts, k] with a k of its own."""
        arrays = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])
            for name, column in columns.items()
        }
        table = pa.table(arrays).replace_schema_metadata({_MADE_FROM: made_from})
        about = self.layout.of(part) if self.layout else ""
        with (
            sealed(self._seal(part), about) as write,
            write(self._path(part)) as aside,
            pa.ipc.new_file(str(aside), table.schema) as file,
        ):
            file.write_table(table)

    def load(self, part: int) -> dict[str, NDArray[Any]] | None:
        """The columns of a part, mapped and read-only; None where there is no such part yet."""
        if not self._is_there(part):
            return None
        table = self._opened(part).read_all().combine_chunks()
        return {
            name: table.column(name).chunk(0).flatten().to_numpy().reshape(len(table), -1)
            for name in table.column_names
        }

    def made_from(self, part: int) -> str | None:
        """What the columns of a part were made from; None where there is no such part yet."""
        if not self._is_there(part):
            return None
        return str(self._opened(part).schema.metadata[_MADE_FROM], "utf-8")

    def stale(self, parts: int, made_from: str) -> list[int]:
        """Which of the first `parts` parts are missing or were made from something else."""
        return [part for part in range(parts) if self.made_from(part) != made_from]

    def update(
        self, parts: Sequence[Rows], made_from: str, work: Work, bar: Any, executor: Executor | None
    ) -> int:
        """Have each stale part made by `work`; returns the sum of what that tells, the bar counts texts."""
        total = 0
        for part, done in (executor or InProcess()).run(work, self.stale(len(parts), made_from)):
            total += done
            if bar is not None:
                bar.update(len(parts[part]))
        return total

    def gather(self, parts: Sequence[Rows], rows: Rows, names: Sequence[str]) -> list[NDArray[Any]]:
        """Columns for any rows, in their order, each of shape [len(rows), k]; `parts` gives each part's rows."""
        found: dict[str, NDArray[Any]] = {}
        for number, part in enumerate(parts):
            here = np.flatnonzero((rows >= part[0]) & (rows <= part[-1]))
            if not len(here):
                continue
            columns = self.load(number)
            assert columns is not None, "every part has been written before"
            for name in names:
                values = columns[name]
                if name not in found:
                    found[name] = np.empty((len(rows), values.shape[1]), values.dtype)
                found[name][here] = values[rows[here] - part[0]]
        return [found[name] if found else np.empty((0, 0)) for name in names]

    def adopt(self, parts: Sequence[Rows], goals: int) -> None:
        """Seal the parts of an earlier version, which have no seals; those that cannot be right go.

        `goals` is the number of goals that there are.
        """
        for number, part in enumerate(parts):
            if self._path(number).exists() and not self._seal(number).exists():
                if self._can_be_right(number, len(part), goals):
                    about = self.layout.of(number) if self.layout else ""
                    seal_as_they_are(self._seal(number), [self._path(number)], about)
                else:
                    self._path(number).unlink()

    def _can_be_right(self, part: int, texts: int, goals: int) -> bool:
        try:
            table = self._opened(part).read_all()
            table.validate(full=True)
            listed = table.column("goals").combine_chunks().flatten().to_numpy()
            made_from = (table.schema.metadata or {}).get(_MADE_FROM)
        except Exception:  # whatever a damaged file makes its reader raise
            return False
        in_bounds = ((listed >= -1) & (listed < goals)).all()
        return bool(made_from and len(table) == texts and in_bounds)

    def _is_there(self, part: int) -> bool:
        about = about_of(self._seal(part))
        return about is not None and (self.layout is None or self.layout.still(part, about))

    def _seal(self, part: int) -> Path:
        return self._path(part).with_suffix(SUFFIX)

    def _opened(self, part: int) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self._path(part))))

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:05d}.arrow"


def positions_in(goals: Rows, lists: Rows) -> Positions:
    """Where each of some goals [n, k] is in the list of the same step [n, j]; -1 where not, and at padding."""
    if goals.shape == lists.shape:
        changed = np.flatnonzero((goals != lists).any(axis=1))
        positions = np.tile(np.arange(goals.shape[1]), (len(goals), 1))
    else:
        changed, positions = np.arange(len(goals)), np.empty(goals.shape, np.int64)
    if len(changed) and lists.shape[1]:
        span = int(max(lists.max(), goals.max())) + 2
        line = np.arange(len(changed))[:, None] * span + 1
        before, after = (line + lists[changed]).ravel(), (line + goals[changed]).ravel()
        order = np.argsort(before, kind="stable")
        found = order[np.minimum(np.searchsorted(before, after, sorter=order), len(before) - 1)]
        same = before[found] == after
        positions[changed] = np.where(same, found % lists.shape[1], -1).reshape(len(changed), -1)
    elif len(changed):
        positions[changed] = -1
    return np.where(goals < 0, -1, positions)
