"""Named columns of numbers, how a user picks them, and what makes them unusable."""

import csv
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

_SHOWN_NAMES = 60
_INDEX = re.compile(r"\d+")
_SLICE = re.compile(r"(\d*):(\d*)")


class DataError(Exception):
    """A file, column or cell that cannot be used; the message is written for the user."""


@dataclass(frozen=True)
class Column:
    """One variable of a table.

    Attributes:
        name: Name in the file, or the 0-based position where the file gives none.
        values: Shape (n,), float32 or float64, NaN where a value is missing; empty when `problem`.
        problem: What the column holds instead of numbers; empty for a usable column.
    """

    name: str
    values: FloatArray
    problem: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether all values that are present are equal."""
        present = self.values[~np.isnan(self.values)]
        return present.size > 0 and bool(np.all(present == present[0]))


@dataclass(frozen=True)
class Table:
    """The columns of one data file.

    Attributes:
        source: File name, for messages.
        columns: The columns in file order; only in an NPZ archive may their lengths differ.
        groups: Positions of the columns of each 2-D array of an NPZ archive, by its key.
        lines: For text files, the line on which each row starts, for messages.
    """

    source: str
    columns: tuple[Column, ...]
    groups: Mapping[str, range] = field(default_factory=dict)
    lines: npt.NDArray[np.int64] | None = None

    def select(self, specs: Sequence[str]) -> list[Column]:
        """Return the columns that the user's `--x a,b --x 3` style options name, without repeats.

        A token is, in this order: a column name, the key of a 2-D array, a 0-based index, or a
        half-open range of indices such as `0:50`. Commas separate tokens; a name that contains
        one is quoted as in CSV.

        Raises:
            DataError: If a token names nothing; the message lists what there is.
        """
        names = {column.name: i for i, column in enumerate(self.columns)}
        positions: dict[int, None] = {}
        for spec in specs:
            whole = spec in names
            for token in [spec] if whole else next(csv.reader([spec], skipinitialspace=True), []):
                positions.update(dict.fromkeys(self._positions(token.strip(), names)))
        if not positions:
            raise DataError(f"no column was named; {self._listing()}")
        return [self.columns[i] for i in positions]

    def place(self, row: int) -> str:
        """Say where row `row` (0-based) is, as a reader of the file would look for it."""
        if self.lines is None:
            return f"row {row}"
        return f"row {row} (line {self.lines[row]} of {self.source})"

    def _positions(self, token: str, names: Mapping[str, int]) -> Sequence[int]:
        count = len(self.columns)
        if token in names:
            return [names[token]]
        if token in self.groups:
            return self.groups[token]
        if _INDEX.fullmatch(token):
            if int(token) >= count:
                raise DataError(
                    f"column index {token} is out of range; {self.source} has columns "
                    f"0 to {count - 1}"
                )
            return [int(token)]
        if match := _SLICE.fullmatch(token):
            start, stop = int(match[1] or 0), int(match[2] or count)
            if not start < stop <= count:
                raise DataError(
                    f"column range {token} does not fit; {self.source} has columns "
                    f"0 to {count - 1}, and the end of a range is not included"
                )
            return range(start, stop)
        known = [*names, *self.groups]
        by_lower_case = {name.lower(): name for name in reversed(known)}
        close = difflib.get_close_matches(token.lower(), by_lower_case, n=1)
        hint = f"; did you mean '{by_lower_case[close[0]]}'?" if close else ""
        raise DataError(f"no column '{token}' in {self.source}{hint}\n{self._listing()}")

    def _listing(self) -> str:
        names = [*self.groups, *(column.name for column in self.columns)]
        more = len(names) - _SHOWN_NAMES
        tail = f", ... and {more} more" if more > 0 else ""
        return f"columns: {', '.join(names[:_SHOWN_NAMES])}{tail}"


@dataclass(frozen=True)
class Samples:
    """Blocks of columns over the same rows.

    Attributes:
        blocks: Each of shape (n, d), C-contiguous, finite.
        dropped: Rows left out because a value was missing.
    """

    blocks: list[FloatArray]
    dropped: int

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.blocks[0])


def as_samples(
    table: Table, blocks: Sequence[Sequence[Column]], *, drop_missing: bool, scale: str
) -> Samples:
    """Stack each block of columns into an array of shape (n, d).

    Args:
        table: Where the columns come from.
        blocks: At least one block of at least one column.
        drop_missing: Leave out the rows that lack a value in any of the columns.
        scale: "none", or "std" to divide each column by its standard deviation (ddof 0, over
            the rows kept); a constant column is divided by 1.

    Raises:
        DataError: For a column without numbers, unequal lengths, missing or infinite values.
    """
    columns = [column for block in blocks for column in block]
    for column in columns:
        if column.problem:
            raise DataError(
                f"column '{column.name}' of {table.source} holds {column.problem}; "
                "fastmi needs numbers"
            )
        if len(column.values) != len(columns[0].values):
            raise DataError(
                f"columns must have the same number of rows; '{columns[0].name}' has "
                f"{len(columns[0].values)} and '{column.name}' has {len(column.values)}"
            )
    keep = np.ones(len(columns[0].values), dtype=bool)
    for column in columns:
        missing = np.isnan(column.values)
        if missing.any() and not drop_missing:
            raise DataError(
                f"column '{column.name}' has no value in {table.place(int(missing.argmax()))} "
                f"(missing in {missing.sum()} of {len(missing)} rows); "
                "--drop-missing leaves such rows out"
            )
        infinite = np.isinf(column.values)
        if infinite.any():
            raise DataError(
                f"column '{column.name}' is infinite in {table.place(int(infinite.argmax()))}"
            )
        keep &= ~missing
    arrays = [np.column_stack([column.values[keep] for column in block]) for block in blocks]
    if scale == "std":
        arrays = [_unit_deviation(array) for array in arrays]
    return Samples(arrays, dropped=int(keep.size - keep.sum()))


def _unit_deviation(array: FloatArray) -> FloatArray:
    if len(array) == 0:
        return array
    deviation = array.std(axis=0)
    # Rounding leaves a constant column a deviation of a few ulps of its level; dividing by that
    # would turn noise of the arithmetic into data (same threshold as the library's normalisers).
    level = np.abs(array).max(axis=0)
    deviation[deviation <= 1e-14 * level] = 1
    scaled: FloatArray = array / deviation
    return scaled
