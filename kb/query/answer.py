"""The whole answer to a query, in the forms that Python programs want."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from howtree.errors import BadQuery

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """The whole answer to a query, as a table in memory."""

    table: pa.Table

    def arrow(self) -> pa.Table:
        """The answer as an Arrow table."""
        return self.table

    def pandas(self) -> pd.DataFrame:
        """The answer as a pandas data frame; integers beyond 64 bits, such as sums, become floats as DuckDB does it."""
        import pyarrow as pa

        columns = [
            column.cast(pa.float64()) if _whole(column.type) else column for column in self.table.columns
        ]
        return pa.table(columns, names=self.columns).to_pandas()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as Python values.

        Raises:
            BadQuery: a date is beyond those of Python.
        """
        try:
            columns = [
                [value if value is None else int(value) for value in column.to_pylist()]
                if _whole(column.type)
                else column.to_pylist()
                for column in self.table.columns
            ]
        except (OverflowError, ValueError) as error:
            raise BadQuery(
                f"a value of the answer has no form in Python ({error}): cast it to VARCHAR in the query"
            ) from error
        return list(zip(*columns, strict=True))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return int(self.table.num_rows)


def _whole(kind: pa.DataType) -> bool:
    """Whether a column holds whole numbers beyond 64 bits, for which Arrow has only decimals."""
    import pyarrow as pa

    return bool(pa.types.is_decimal(kind) and kind.scale == 0)
