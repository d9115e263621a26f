"""Reads classes of any type, and numbers the different ones.

A variable whose values are only compared for equality is kept as symbols: integers from 0, one for
each different row. Crossing the symbols of two variables gives those of the pair.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import frame_columns, is_missing
from fastmi._reading import read_array
from fastmi._refusals import advice

Array: TypeAlias = NDArray[Any]

# Integers that span fewer values than this multiple of their number are numbered by a table, in
# linear time; the others are sorted.
_TABLE_PER_SAMPLE = 4
# dtype.kind of what NumPy compares by itself: numbers, dates, durations and bytes.
_COMPARABLE_KINDS = "biufcmMS"


class Symbols(NamedTuple):
    """The symbol of each sample, shape (n,), and the number of samples of each symbol.

    Every number from 0 to ``len(size) - 1`` occurs.
    """

    of: NDArray[np.intp]
    size: NDArray[np.intp]


def numbered(values: Array) -> Symbols:
    """Return the rank of each value, shape (n,), among the different values, which NumPy sorts."""
    if values.dtype.kind == "b":
        values = values.astype(np.intp)
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < _TABLE_PER_SAMPLE * len(values):
            wide = values if values.dtype.kind == "u" else values.astype(np.int64, copy=False)
            place = (wide - wide.dtype.type(low)).astype(np.intp, copy=False)
            size = np.bincount(place)
            occurs = size > 0
            if occurs.all():
                return Symbols(place, size)
            return Symbols((np.cumsum(occurs) - 1)[place], size[occurs])
    _, of, size = np.unique(values, return_inverse=True, return_counts=True)
    return Symbols(of.reshape(-1), size)


def crossed(a: Symbols, b: Symbols) -> Symbols:
    """Return the symbols of the pairs of symbols that occur."""
    # Both are numbered without gaps, so the product stays below n^2.
    return numbered(a.of * len(b.size) + b.of)


def as_symbols(x: object, name: str) -> tuple[Symbols, int]:
    """Return the symbols of the rows of `x`, and the number of its columns.

    Values are one symbol where they compare equal, so that 1, 1.0 and True are, and 1 and "1" are
    not. Integers of any size are told apart.

    Args:
        x: Classes, shape (n,) or (n, d): numbers, booleans, strings, dates, categories, or any
            objects with a hash, in an array, a list, a column or a data frame of any library.
        name: What to call it in messages.

    Raises:
        TypeError: Values without a hash, records, or what is not readable as an array.
        ValueError: Neither 1-D nor 2-D, empty, masked entries, missing labels.
    """
    columns = column_symbols(x, name)
    return reduce(crossed, columns), len(columns)


def as_codes(x: object, name: str) -> NDArray[np.float64]:
    """Return the symbols of each column of `x` by itself, shape (n, d).

    They serve functions that reorder samples or leave some out, and know nothing of classes.

    Raises:
        TypeError: See :func:`as_symbols`.
        ValueError: See there.
    """
    return np.column_stack([column.of for column in column_symbols(x, name)]).astype(np.float64)


def column_symbols(x: object, name: str) -> list[Symbols]:
    """Return the symbols of each column, as :func:`as_symbols` reads them."""
    frame = frame_columns(x)
    if frame is None:
        array = _read_labels(x, name)
        places = [f" in column {j}" if array.ndim == 2 else "" for j in range(array[:1].size)]
        columns = list(array.reshape(len(array), -1).T)
    else:
        _check_shape(getattr(x, "shape", (0, len(frame))), x, name)
        places = [f" in column {label!r}" for label, _ in frame]
        columns = [_read_labels(column, name) for _, column in frame]
    return [
        _symbols_of(column, x, name, where) for column, where in zip(columns, places, strict=True)
    ]


def _read_labels(x: object, name: str) -> Array:
    array = read_array(x, name)
    if array.dtype.kind in "US" and isinstance(x, list | tuple):
        # NumPy turns the numbers, NaN and None beside a string into strings.
        array = read_array(np.array(x, dtype=object), name)
    if array.ndim == 0:
        raise TypeError(
            f"{name} must be classes in 1 or 2 dimensions; got {type(x).__name__}"
            f"{advice(array, x, name)}"
        )
    _check_shape(array.shape, x, name)
    return array


def _check_shape(shape: tuple[int, ...], x: object, name: str) -> None:
    if not 1 <= len(shape) <= 2 or 0 in shape:
        raise ValueError(
            f"{name} must be 1-D or 2-D with at least one sample; "
            f"got {type(x).__name__} of shape {tuple(shape)}"
        )


def _symbols_of(column: Array, x: object, name: str, where: str) -> Symbols:
    """Return the symbols of one column."""
    kind = column.dtype.kind
    if kind in _COMPARABLE_KINDS:
        if kind in "fcmM":
            missing = np.isnat(column) if kind in "mM" else np.isnan(column)
            if missing.any():
                _raise_missing(missing, "NaT" if kind in "mM" else "NaN", name, where)
        return numbered(column)
    if kind not in "UOT":
        raise TypeError(
            f"{name} must be classes: numbers, booleans or strings; got {type(x).__name__} with "
            f"dtype {column.dtype}{where}{advice(column, x, name)}"
        )
    values = column.tolist()
    codes: dict[Any, int] = {}
    try:
        # A set would lose the row, and sorting needs values of one type.
        of = np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.intp)
    except TypeError as error:
        raise TypeError(
            f"{name} must be classes: numbers, booleans or strings, or other values with a hash; "
            f"got {type(values[0]).__name__} in {type(x).__name__}{where}: {error}"
        ) from None
    absent = [code for value, code in codes.items() if is_missing(value)]
    if absent:
        _raise_missing(np.isin(of, absent), "missing labels (NaN, None, NA or NaT)", name, where)
    return Symbols(of, np.bincount(of))


def _raise_missing(missing: NDArray[np.bool_], what: str, name: str, where: str) -> NoReturn:
    raise ValueError(
        f"{name} must not have {what}; got {int(missing.sum())} of them{where}, the first in row "
        f"{int(missing.argmax())}: leave those rows out, or give them a label of their own"
    )


def stacked(x: object, other: object, names: tuple[str, str]) -> tuple[Array, int, int]:
    """Return the classes of two samples of one variable below each other, for :func:`as_symbols`.

    Equal values are one symbol in both, which symbols of each by itself would not show.

    Returns:
        The values, shape (n + m, d) or (n + m,), n, and the number of columns d.

    Raises:
        TypeError: See :func:`as_symbols`.
        ValueError: See there; or the numbers of columns differ.
    """
    parts = []
    for each, name in ((x, names[0]), (other, names[1])):
        column_symbols(each, name)  # raises what there is to raise, by the name of the argument
        frame = frame_columns(each)
        if frame is None:
            array = _read_labels(each, name)
            parts.append(array.reshape(len(array), -1))
        else:
            columns = [_read_labels(column, name).astype(object) for _, column in frame]
            parts.append(np.column_stack(columns))
    first, second = parts
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of columns; got "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    if first.dtype.kind != second.dtype.kind or first.dtype.kind not in _COMPARABLE_KINDS:
        # Strings and numbers, say, would become strings.
        first, second = first.astype(object), second.astype(object)
    return np.concatenate([first, second]), len(first), first.shape[1]
