"""Columns of NumPy arrays: NPY and NPZ files."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastmi.cli.columns import Column, DataError
from fastmi.cli.integers import integer_column

_KINDS = {"c": "complex numbers", "M": "dates", "m": "durations", "O": "Python objects"}


def read_npy(file: BinaryIO) -> list[Column]:
    """Return the columns of the array in an NPY file."""
    array = _load(file)
    return list(_columns_of(array, "{}", "the array"))


def read_npz(file: BinaryIO) -> tuple[list[Column], dict[str, range]]:
    """Return the columns of all arrays in an NPZ file, and which belong to each 2-D array."""
    columns: list[Column] = []
    groups: dict[str, range] = {}
    with _load(file) as archive:
        for key in archive.files:
            array = _member(archive, key)
            if isinstance(array, Column):
                columns.append(array)
                continue
            if array.ndim == 1 and array.dtype.names is None:
                columns.append(_column_of(key, array))
                continue
            start = len(columns)
            columns.extend(_columns_of(array, key + "[{}]", f"array '{key}'"))
            groups[key] = range(start, len(columns))
    return columns, groups


def _load(file: BinaryIO) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise ValueError(
            "it holds Python objects, which are not loaded because a file could run any code in "
            "that way; save numbers: numpy.save(file, array.astype(float))"
        ) from error


def _member(archive: Any, key: str) -> Any:
    """Return an array of an NPZ file, or a column that says why there is none."""
    try:
        return archive[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        return Column(key, problem="Python objects, which are not loaded from files")


def _columns_of(array: npt.NDArray[Any], pattern: str, what: str) -> Iterator[Column]:
    """Yield the columns of an array of shape (n,) or (n, d), or the fields of a structured one."""
    if array.dtype.names is not None and array.ndim == 1:
        for name in array.dtype.names:
            yield _column_of(pattern.format(name), array[name])
        return
    if array.ndim not in (1, 2):
        raise DataError(f"{what} must have shape (n,) or (n, d); got {array.shape}")
    if array.size == 0:
        raise DataError(f"{what} is empty: its shape is {array.shape}")
    for j, values in enumerate(array.reshape(len(array), -1).T):
        yield _column_of(pattern.format(j), values)


def _column_of(name: str, values: npt.NDArray[Any]) -> Column:
    kind = values.dtype.kind
    if values.ndim != 1:
        return Column(name, problem=f"an array in every row, of shape {values.shape[1:]}")
    if kind == "f":
        exact = values.dtype in (np.float32, np.float64)
        # Other byte orders and float16 become the float64 of this machine.
        return Column(name, values if exact else values.astype(np.float64))
    if kind == "b":
        return Column(name, values.astype(np.float64))
    if kind in "iu":
        return integer_column(name, values)
    if kind in "US":
        labels = np.char.decode(values, "utf-8", "replace") if kind == "S" else values
        texts = labels.astype(object)
        texts[labels == ""] = None
        return Column(name, problem=f"text ('{labels[0]}')", labels=texts)
    hint = f" ({_KINDS[kind]})" if kind in _KINDS else ""
    return Column(name, problem=f"values of type {values.dtype}{hint}")
