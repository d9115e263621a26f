"""Named columns of numbers or classes, how a user picks them, and what makes them unusable."""

import csv
import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
# Text, with None where a value is missing.
LabelArray = npt.NDArray[np.object_]

_SHOWN_NAMES = 60
# To compare a name with so many others takes half a second.
_MOST_CANDIDATES = 10_000
_INDEX = re.compile(r"\d+")
_SLICE = re.compile(r"(\d*):(\d*)")


class DataError(Exception):
    """A file, column or cell that cannot be used; the message is written for the user.

    Args:
        lines: The message. A line break inside of a line comes from the data, and is no break.

    Attributes:
        code: With it the command exits.
    """

    code = 1

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class NoFileError(DataError):
    """There is no file where the user says that the data are."""

    code = 2


def listed(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f", ... and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Column:
    """One variable of a table.

    Attributes:
        name: Name in the file, or the 0-based position where the file gives none.
        values: Shape (n,), float32 or float64, NaN where a value is missing; empty when `problem`.
        problem: What the column holds instead of numbers; empty for a usable column.
        labels: The entries of a column of text, shape (n,), which some methods take as classes.
        times: The entries of a column of dates or durations, shape (n,), NaT where one is missing;
            None where their order is not certain.
        note: What was done to the entries to make numbers of them; empty for most columns.
    """

    name: str
    values: FloatArray = field(default_factory=lambda: np.empty(0))
    problem: str = ""
    labels: LabelArray | None = None
    note: str = ""
    times: npt.NDArray[Any] | None = None

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which entries are missing, shape (n,)."""
        if self.labels is not None:
            return np.array([label is None for label in self.labels], dtype=bool)
        if self.times is not None:
            lacking: npt.NDArray[np.bool_] = np.isnat(self.times)
            return lacking
        return np.isnan(self.values)

    @property
    def is_constant(self) -> bool:
        """Whether all values that are present are equal."""
        present = self.values[~np.isnan(self.values)]
        return present.size > 0 and bool(np.all(present == present[0]))

    @property
    def is_empty(self) -> bool:
        """Whether every value of a column of numbers is missing."""
        return not self.problem and bool(np.isnan(self.values).all())


@dataclass(frozen=True)
class Table:
    """The columns of one data file.

    Attributes:
        source: File name, for messages.
        columns: The columns in file order; only in an NPZ archive may their lengths differ.
        groups: Positions of the columns of each 2-D array of an NPZ archive, by its key.
        line_of: For text files, the line on which a row starts, for messages.
        notes: How the file was read where it could be read in another way.
    """

    source: str
    columns: tuple[Column, ...]
    groups: Mapping[str, range] = field(default_factory=dict)
    line_of: Callable[[int], int] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            raise DataError(f"{self.source} has no columns")
        names = Counter(column.name for column in self.columns)
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            raise DataError(
                f"{self.source} has more than one column called '{repeated[0]}'; rename one of them"
            )

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
            for token in [spec] if spec in names else _tokens(spec):
                positions.update(dict.fromkeys(self._positions(token.strip(), names)))
        if not positions:
            raise DataError(f"no column was named; {self._listing()}")
        return [self.columns[i] for i in positions]

    def place(self, row: int) -> str:
        """Say where row `row` (0-based) is, as a reader of the file would look for it."""
        if self.line_of is None:
            return f"row {row}"
        return f"row {row} (line {self.line_of(row)} of {self.source})"

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
        candidates = islice(by_lower_case, _MOST_CANDIDATES)
        close = difflib.get_close_matches(token.lower(), [*candidates], n=1)
        hint = f"; did you mean '{by_lower_case[close[0]]}'?" if close else ""
        raise DataError(f"no column '{token}' in {self.source}{hint}", self._listing())

    def _listing(self) -> str:
        names = [*self.groups, *(column.name for column in self.columns)]
        return f"columns: {listed(names, _SHOWN_NAMES)}"


def _tokens(spec: str) -> list[str]:
    """Return what commas separate in the text of an option."""
    try:
        return next(csv.reader([spec], skipinitialspace=True), [])
    except csv.Error:  # a line break
        return [spec]
