"""Blocks of samples from the columns that a user picked: missing rows, units, classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmi.cli.columns import Column, DataError, FloatArray, Table, listed
from fastmi.estimators import MI_METHODS
from fastmi.estimators._methods import DISCRETE, DISCRETE_Y, Method
from fastmi.normalize import normalize_blocks

_SHOWN_COLUMNS = 5
# Share of the rows above which a message says that one column costs them.
_COSTLY = 0.1


# Which of x (0) and y (1) may be text, by what a method takes.
_CLASSES = {DISCRETE_Y: (1,), DISCRETE: (0, 1)}


def class_blocks(method: Method) -> tuple[int, ...]:
    """Return which of x (0) and y (1) the method takes as classes."""
    return _CLASSES.get(method.takes, ())


@dataclass(frozen=True)
class Samples:
    """Blocks of columns over the same rows.

    Attributes:
        blocks: Each of shape (n, d), C-contiguous: finite numbers, or strings for classes.
        scaled: Whether the numbers that are no classes were divided by their deviations.
        rows: Rows of the file.
        lacking: Missing values of each column that lacks any, the worst first.
        rounded: Names of columns that are constant up to the rounding of their values.
    """

    blocks: list[npt.NDArray[Any]]
    scaled: bool
    rows: int
    lacking: dict[str, int] = field(default_factory=dict)
    rounded: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Number of rows that were kept."""
        return len(self.blocks[0])

    @property
    def dropped(self) -> int:
        """Rows left out because a value was missing."""
        return self.rows - self.n

    def describe_scale(self) -> str:
        """Say in which unit the numbers are."""
        return "unit deviation" if self.scaled else "not scaled"

    def describe_rounded(self) -> str:
        """Say which columns were not scaled because they vary no more than their rounding."""
        names = listed([f"'{name}'" for name in self.rounded], _SHOWN_COLUMNS)
        return f"{names}: all values are equal up to rounding, as if constant; not scaled"

    def describe_dropped(self) -> str:
        """Say how many rows were left out, and which columns cost them."""
        return f"{self.dropped} of {self.rows} rows left out: {_worst(self.lacking)}"


def as_samples(
    table: Table,
    blocks: Sequence[Sequence[Column]],
    *,
    drop_missing: bool,
    scale: str,
    classes: Sequence[int] = (),
    as_codes: bool = False,
    advice: str = "--drop-missing leaves such rows out",
) -> Samples:
    """Stack each block of columns into an array of shape (n, d).

    Args:
        table: Where the columns come from.
        blocks: At least one block of at least one column.
        drop_missing: Leave out the rows that lack a value in any of the columns.
        scale: "none", or "std" to divide each column by its standard deviation (ddof 0, over
            the rows kept), as ``fastmi.normalize.local`` does; a constant column stays.
        classes: Numbers of the blocks that are classes: they may hold text, and are not scaled.
        as_codes: Number the different texts of a column, so that all blocks are numbers.
        advice: What the command says of missing values that it does not take.

    Raises:
        DataError: For a column without numbers, unequal lengths, missing or infinite values.
    """
    for number, block in enumerate(blocks):
        for column in block:
            if column.problem and not (number in classes and column.labels is not None):
                raise DataError(_unusable(column, table, classes))
    columns = [column for block in blocks for column in block]
    lacks = [column.missing for column in columns]
    for column, missing in zip(columns, lacks, strict=True):
        if len(missing) != len(lacks[0]):
            raise DataError(
                f"columns must have the same number of rows; '{columns[0].name}' has "
                f"{len(lacks[0])} and '{column.name}' has {len(missing)}"
            )
    rows = len(lacks[0])
    counts = {
        column.name: int(missing.sum())
        for column, missing in zip(columns, lacks, strict=True)
        if missing.any()
    }
    lacking = dict(sorted(counts.items(), key=lambda item: -item[1]))
    keep = ~np.any(lacks, axis=0)
    if lacking and not drop_missing:
        raise DataError(*_first_missing(table, columns, lacks, lacking, int(keep.sum()), advice))
    if lacking and not keep.any():
        raise DataError(
            f"no row of {table.source} has a value in every column: {_worst(lacking)}; "
            "leave such columns out"
        )
    for column in columns:
        infinite = np.isinf(column.values)
        if infinite.any():
            raise DataError(
                f"column '{column.name}' is infinite in {table.place(int(infinite.argmax()))}"
            )
    arrays: list[npt.NDArray[Any]] = []
    rounded: list[str] = []
    for number, block in enumerate(blocks):
        if number in classes and any(column.labels is not None for column in block):
            texts = np.column_stack([_as_text(column)[keep] for column in block]).astype(str)
            arrays.append(_codes(texts) if as_codes else texts)
            continue
        array = np.column_stack([column.values[keep] for column in block])
        if scale == "std" and number not in classes:
            array, names = _unit_deviation(array, block)
            rounded += names
        arrays.append(array)
    scaled = scale == "std" and len(classes) < len(blocks)
    return Samples(arrays, scaled, rows, lacking, rounded)


def _unusable(column: Column, table: Table, classes: Sequence[int]) -> str:
    text = f"column '{column.name}' of {table.source} holds {column.problem}; "
    if column.labels is None:
        return text + "fastmi needs numbers"
    if classes:
        return text + "this method takes classes as --y only: exchange --x and --y"
    both, only_y = (
        " or ".join(method.name for method in MI_METHODS.values() if class_blocks(method) == which)
        for which in ((0, 1), (1,))
    )
    return text + (
        f"this method needs numbers. --method {only_y} takes text as classes of --y, and --method "
        f"{both} on both sides"
    )


def _first_missing(
    table: Table,
    columns: Sequence[Column],
    lacks: Sequence[npt.NDArray[np.bool_]],
    lacking: dict[str, int],
    complete: int,
    advice: str,
) -> list[str]:
    """Say where the first missing value is, and which columns cost how many rows."""
    position, missing = next((i, lack) for i, lack in enumerate(lacks) if lack.any())
    lines = [
        f"column '{columns[position].name}' has no value in {table.place(int(missing.argmax()))} "
        f"(missing in {missing.sum()} of {len(missing)} rows); {advice}"
    ]
    rows = len(missing)
    if len(lacking) > 1:
        lines.append(f"{rows - complete} of {rows} rows lack a value: {_worst(lacking)}")
    worst = next(iter(lacking))
    others = [lack for column, lack in zip(columns, lacks, strict=True) if column.name != worst]
    if len(others) < 2:
        return lines
    without = rows - int(np.any(others, axis=0).sum())
    if without - complete > _COSTLY * rows:
        lines.append(f"without '{worst}', {without} rows are complete instead of {complete}")
    return lines


def _worst(lacking: dict[str, int]) -> str:
    parts = [f"'{name}' lacks {count}" for name, count in lacking.items()]
    return listed(parts, _SHOWN_COLUMNS)


def _as_text(column: Column) -> npt.NDArray[np.object_]:
    if column.labels is not None:
        return column.labels
    return np.array([repr(value) for value in column.values.tolist()], dtype=object)


def _codes(texts: npt.NDArray[np.str_]) -> FloatArray:
    """Return the number of each text among the different texts of its column, shape (n, d)."""
    codes = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in texts.T]
    return np.column_stack(codes).astype(np.float64)


def _unit_deviation(array: FloatArray, columns: Sequence[Column]) -> tuple[FloatArray, list[str]]:
    """Return the columns by their deviations, and the names of those that rounding made vary."""
    if len(array) < 2:
        return array, []
    scaled = np.empty_like(array)
    rounded = []
    for j, column in enumerate(columns):
        values = array[:, [j]]
        # Half of the largest number is the most of which differences fit; halving is exact.
        if np.abs(values).max() > np.finfo(values.dtype).max / 2:
            values = values / 2
        (scaled[:, [j]],), cautions = normalize_blocks([values], [column.name], "local")
        if any(caution.kind == "rounding" for caution in cautions):
            rounded.append(column.name)
    return scaled, rounded
