"""Data frames and their columns: labels, dtypes that NumPy lacks, missing values, row labels.

Libraries are told apart by what their objects offer, because none of them may be imported here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def is_missing(value: Any) -> bool:
    """Return whether a value stands for a missing one: None, NaN, NaT or NA of any library."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return math.isnan(value)
    except (TypeError, ValueError, OverflowError):
        return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def is_category(dtype: object) -> bool:
    """Return whether a dtype is that of classes, whatever their labels are."""
    return type(dtype).__name__ in ("CategoricalDtype", "Categorical", "Enum")


def dtype_of(column: Any) -> Any:
    """Return the dtype of a column, None where it has none."""
    return getattr(column, "dtype", getattr(column, "type", None))


def column_labels(x: Any) -> list[Hashable] | None:
    """Return the labels of the columns of a data frame, None for what is none."""
    if hasattr(x, "collect"):  # a lazy frame, which would be computed for its labels
        return None
    labels = getattr(x, "column_names", None)  # pyarrow, whose columns are arrays
    if labels is None:
        labels = getattr(x, "columns", None)
    return None if labels is None or callable(labels) else list(labels)


def frame_columns(x: Any) -> list[tuple[Hashable, Any]] | None:
    """Return the label and the values of each column of a data frame, None for what is none.

    Columns are taken by their position, because names may repeat.
    """
    labels = column_labels(x)
    if labels is None:
        return None
    if hasattr(x, "iloc"):  # pandas and what follows it
        return [(label, x.iloc[:, j]) for j, label in enumerate(labels)]
    if hasattr(x, "get_columns"):  # polars
        return list(zip(labels, x.get_columns(), strict=True))
    if hasattr(x, "column_names"):
        return list(zip(labels, x.columns, strict=True))
    return None


def column_dtypes(x: Any) -> list[object]:
    """Return the dtypes of the columns of a data frame."""
    dtypes = x.schema.types if hasattr(x, "column_names") else getattr(x, "dtypes", ())
    return list(dtypes)


def typed_numbers(column: Any) -> Array | None:
    """Return a column of numbers that NumPy holds as objects as float64, None if it is no such.

    These are booleans with missing values and decimals of pandas, pyarrow in pandas, and polars.
    Missing values become NaN. Other objects stay with their owner, even where all are numbers.
    """
    dtype = dtype_of(column)
    if hasattr(dtype, "is_numeric"):  # polars
        if dtype.is_numeric() or str(dtype) == "Boolean":
            return np.asarray(column.cast(float).to_numpy(), dtype=np.float64)
        return None
    numeric = getattr(dtype, "kind", "O") in "biuf" or str(dtype).startswith("decimal")
    if numeric and hasattr(column, "to_numpy"):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return None


def check_pairing(arrays: Iterable[object], names: Sequence[str]) -> None:
    """Check that rows which are paired by their position do not have labels that say otherwise.

    The default labels, 0 to n - 1, say nothing, as of a prediction beside the rows of a test set.
    They are compared too if the others are the same in another order, as of a sorted column.

    Raises:
        ValueError: Two of the arrays have pandas indexes that differ.
    """
    first: Any = None
    first_name = ""
    for x, name in zip(arrays, names, strict=True):
        index: Any = getattr(x, "index", None)
        if not hasattr(x, "iloc") or not hasattr(index, "equals"):
            continue
        if first is None:
            first, first_name = index, name
            continue
        if index is first or len(index) != len(first) or index.equals(first):
            continue
        if _same_labels(index, first):
            raise ValueError(
                f"{first_name} and {name} must have the same index, because rows are paired by "
                f"their position; got the same labels in another order in {name}: pair by label "
                f"with {name}.loc[{first_name}.index], or by position with {name}.to_numpy()"
            )
        if not (_is_default(index) or _is_default(first)):
            raise ValueError(
                f"{first_name} and {name} must have the same index, because rows are paired by "
                f"their position; got other labels in {name}: keep the rows of both with "
                f'{first_name}.align({name}, join="inner", axis=0), or pair by position with '
                f"{name}.to_numpy()"
            )


def _same_labels(index: Any, other: Any) -> bool:
    try:
        return bool(index.isin(other).all() and other.isin(index).all())
    except TypeError:  # labels of one level against labels of several
        return False


def _is_default(index: Any) -> bool:
    return (getattr(index, "start", None), getattr(index, "step", None)) == (0, 1)
