"""Reads a table of any library column by column: values, what is missing, and what is unusable.

It decides nothing about methods. Numbers stay numbers of float32 or float64, names become codes of
classes, times become seconds. What cannot be used is kept with the reason, so that a caller can
name it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import frame_columns
from fastmi._reading import FLOAT64, read_array
from fastmi._refusals import advice
from fastmi._table_frames import of_arrow, of_pandas, of_polars
from fastmi._table_values import Read, Unusable, of_numpy

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes:
        label: Its label, or its number in an array.
        values: Shape (n,): float64 or float32 numbers, or codes of classes, intp from 0, where
            `named`. Entries where `missing` is True mean nothing.
        missing: Shape (n,), None if nothing is missing.
        named: Whether the values are names (strings, categories, booleans, objects), which are
            never magnitudes.
        problem: Why the column cannot be used, "" for a usable one.
        note: What is odd about a usable column, "" for nothing.
    """

    label: Hashable
    values: Array
    missing: Mask | None
    named: bool
    problem: str = ""
    note: str = ""


def read_table(X: Any, name: str) -> list[TableColumn]:
    """Return the columns of a table.

    Args:
        X: A data frame or a column of pandas, polars or pyarrow, a dictionary of columns, an array
            of shape (n,) or (n, d) or with fields, or nested lists of rows.
        name: What to call it in messages.

    Raises:
        TypeError: What is no table.
        ValueError: Neither 1-D nor 2-D, no rows or no columns, columns of different lengths.
    """
    given = _columns_of(X, name)
    if not given:
        raise ValueError(f"{name} must have at least one column; got {type(X).__name__} with none")
    columns = [_column(label, values, name) for label, values in given]
    first = columns[0]
    for column in columns:
        if len(column.values) != len(first.values):
            raise ValueError(
                f"{name} must have columns of one length; got {len(first.values)} values in "
                f"{first.label!r} and {len(column.values)} in {column.label!r}"
            )
    if len(first.values) == 0:
        raise ValueError(f"{name} must have at least one row; got {type(X).__name__} without any")
    return columns


def _columns_of(X: Any, name: str) -> list[tuple[Hashable, Any]]:
    """Return the label and what holds the values of each column."""
    if hasattr(X, "collect"):
        raise TypeError(
            f"{name} must be a table in memory; got {type(X).__name__}: compute it with "
            f"{name}.collect()"
        )
    if isinstance(X, Mapping):
        return list(X.items())
    frame = frame_columns(X)
    if frame is not None:
        return frame
    if _is_column(X):
        label = getattr(X, "name", None)
        return [(0 if label is None or callable(label) or label == "" else label, X)]
    array = _as_array(X, name)
    if array.dtype.names:
        if array.ndim != 1:
            raise ValueError(f"{name} must be 1-D if it has fields; got shape {array.shape}")
        return [(field, array[field]) for field in array.dtype.names]
    if array.ndim == 1:
        return [(0, array)]
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be 1-D (one column) or 2-D (samples in rows); got {array.ndim}-D, shape "
            f"{array.shape}"
        )
    return [(j, array[:, j]) for j in range(array.shape[1])]


def _is_column(X: Any) -> bool:
    """Return whether `X` is one column of pandas, polars or pyarrow."""
    library = type(X).__module__.partition(".")[0]
    return library in ("pandas", "polars", "pyarrow") and hasattr(X, "__len__")


def _as_array(X: Any, name: str) -> Array:
    """Return an array of any library, or nested lists, as an array; masked ones stay masked."""
    if isinstance(X, np.ndarray):
        return X
    array = _of_lists(X) if isinstance(X, list | tuple) else read_array(X, name)
    if array.ndim == 0:
        raise TypeError(
            f"{name} must be a table: a data frame, an array, or a dictionary or a list of "
            f"columns; got {type(X).__name__}{advice(array, X, name)}"
        )
    return array


def _of_lists(X: Sequence[Any]) -> Array:
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        array = np.empty(len(X), dtype=object)
        array[:] = list(X)
        return array
    if array.dtype.kind in "US":
        # NumPy turns the numbers, NaN and None beside a string into strings.
        return np.array(X, dtype=object)
    return array


def _column(label: Hashable, values: Any, name: str) -> TableColumn:
    try:
        read = _read(values, f"column {label!r} of {name}")
    except Unusable as reason:
        length = len(values) if hasattr(values, "__len__") else 0
        return TableColumn(label, np.zeros(length, dtype=FLOAT64), None, False, str(reason))
    missing = read.missing
    if missing is not None and not missing.any():
        missing = None
    return TableColumn(label, read.values, missing, read.named, note=read.note)


def _read(values: Any, name: str) -> Read:
    library = type(values).__module__.partition(".")[0]
    if library == "pandas":
        return of_pandas(values)
    if library == "polars":
        return of_polars(values)
    if library == "pyarrow":
        return of_arrow(values)
    array = values if isinstance(values, np.ndarray) else _as_array(values, name)
    if array.ndim != 1:
        raise Unusable(f"its values have shape {array.shape[1:]} each: make a column of each")
    return of_numpy(array)
