"""Parquet through pyarrow, which is imported when a file needs it and not before."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy.typing as npt

from fastmi.cli.columns import DataError


def require_pyarrow() -> None:
    """Raise `DataError` that names the package to install if Parquet files cannot be used."""
    _pyarrow("pyarrow.parquet")


def read_columns(path: Path) -> list[tuple[str, npt.NDArray[Any]]]:
    """Return name and values of each column; nulls are NaN, or None in an object array."""
    frame = _pyarrow("pyarrow.parquet").read_table(path)
    arrays = (column.to_numpy() for column in frame.columns)
    return list(zip(frame.column_names, arrays, strict=True))


def write_columns(path: Path, names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
    """Write columns of strings or of floats and None; names may repeat."""
    pyarrow = _pyarrow("pyarrow")
    frame = pyarrow.Table.from_arrays([pyarrow.array(column) for column in columns], list(names))
    _pyarrow("pyarrow.parquet").write_table(frame, path)


def _pyarrow(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise DataError(
            "Parquet files need pyarrow; install it with: pip install pyarrow"
        ) from error
