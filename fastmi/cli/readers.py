"""Read CSV, TSV, Parquet, NPY and NPZ into a `Table`; only Parquet needs more than NumPy."""

import csv
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from fastmi.cli.columns import Column, DataError, FloatArray, Table
from fastmi.cli.parquet import read_columns

_DELIMITED = {".csv": "", ".tsv": "\t", ".tab": "\t", ".txt": "", ".dat": ""}
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_NO_VALUES: FloatArray = np.empty(0)


def read_table(path: Path, *, header: bool | None = None) -> Table:
    """Read every column of a data file; the suffix says which format it is.

    Args:
        path: .csv, .tsv, .txt (any delimiter), .parquet, .npy or .npz.
        header: Whether the first line of a text file holds names; with None it does unless it is
            all numbers.

    Raises:
        DataError: If the file cannot be read as that format.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in _DELIMITED:
            return _read_delimited(path, _DELIMITED[suffix], header)
        if suffix in {".parquet", ".pq"}:
            columns = [_column_of_array(name, values) for name, values in read_columns(path)]
            return _table(path, columns)
        if suffix == ".npy":
            return _read_npy(path)
        if suffix == ".npz":
            return _read_npz(path)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    raise DataError(f"cannot read {path}: expected .csv, .tsv, .txt, .parquet, .npy or .npz")


def _read_delimited(path: Path, delimiter: str, header: bool | None) -> Table:
    # utf-8-sig: spreadsheets put a byte-order mark in front of the first name.
    with path.open(newline="", encoding="utf-8-sig") as file:
        first_line = next((line for line in file if line.strip()), "")
        delimiter = delimiter or _guess_delimiter(first_line)
        file.seek(0)
        first_row = next(_rows(file, delimiter), None)
        if first_row is None:
            raise DataError(f"{path.name} is empty")
        _, first = first_row
        if header is None:
            # A missing value cannot name a column, so that such a row is data.
            header = not all(_is_number(cell) or _is_missing(cell) for cell in first)
        names = [f"{j}" for j in range(len(first))]
        if header:
            names = [cell.strip() or names[j] for j, cell in enumerate(first)]
        else:
            file.seek(0)
        numbers = _all_numbers(file, delimiter, len(names))
        if numbers is not None:
            return _table(path, list(map(Column, names, numbers.T)))
        file.seek(0)
        lines, rows = _rectangle(path, file, delimiter)
    if header:
        lines, rows = lines[1:], rows[1:]
    if not rows:
        raise DataError(f"{path.name} has column names and no rows")
    cells = zip(*rows, strict=True)
    columns = [_column_of_cells(*column, lines) for column in zip(names, cells, strict=True)]
    return _table(path, columns, lines=np.array(lines, dtype=np.int64))


def _all_numbers(file: TextIO, delimiter: str, width: int) -> FloatArray | None:
    """Return the rest of a file as numbers, several times faster than cell by cell.

    The result is None if a cell is text, missing or infinite, because such a cell needs a closer
    look, or its line number for a message.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns of a file without rows
            numbers = np.loadtxt(
                file,
                delimiter=None if delimiter == " " else delimiter,
                comments=None,
                quotechar='"',
                ndmin=2,
            )
    except (UserWarning, ValueError):
        return None
    return numbers if numbers.shape[1] == width and np.isfinite(numbers).all() else None


def _rectangle(path: Path, file: TextIO, delimiter: str) -> tuple[list[int], list[list[str]]]:
    """Return line numbers and cells of all rows, which must have the same number of cells."""
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, row in _rows(file, delimiter):
        lines.append(line)
        rows.append(row)
        if len(row) != len(rows[0]):
            raise DataError(
                f"line {line} of {path.name} has {len(row)} fields; expected {len(rows[0])}, "
                f"as in line {lines[0]}"
            )
    return lines, rows


def _rows(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number (from 1) and the cells of each row that is not blank."""
    if delimiter == " ":
        for line, text in enumerate(file, start=1):
            if cells := text.split():
                yield line, cells
        return
    reader = csv.reader(file, delimiter=delimiter)
    before = 0
    for cells in reader:
        if cells:
            yield before + 1, cells
        before = reader.line_num


def _guess_delimiter(line: str) -> str:
    counts = {delimiter: line.count(delimiter) for delimiter in "\t,;"}
    best = max(counts, key=counts.__getitem__)
    if counts[best]:
        return best
    return " " if len(line.split()) > 1 else ","


def _column_of_cells(name: str, cells: tuple[str, ...], lines: list[int]) -> Column:
    try:
        return Column(name, np.array(cells, dtype=np.float64))
    except ValueError:
        values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if _is_missing(cell):
            values[row] = np.nan
        elif _is_number(cell):
            values[row] = float(cell)
        else:
            return Column(name, _NO_VALUES, f"text ('{cell}' in line {lines[row]})")
    return Column(name, values)


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in _MISSING


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_npy(path: Path) -> Table:
    array = np.load(path, allow_pickle=False)
    return _table(path, list(_columns_of(array, "{}", "the array")))


def _read_npz(path: Path) -> Table:
    columns: list[Column] = []
    groups: dict[str, range] = {}
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            array = archive[key]
            if array.ndim == 1 and array.dtype.names is None:
                columns.append(_column_of_array(key, array))
                continue
            start = len(columns)
            columns.extend(_columns_of(array, key + "[{}]", f"array '{key}'"))
            groups[key] = range(start, len(columns))
    return _table(path, columns, groups=groups)


def _columns_of(array: npt.NDArray[Any], pattern: str, what: str) -> Iterator[Column]:
    """Yield the columns of an array of shape (n,) or (n, d), or the fields of a structured one."""
    if array.dtype.names is not None and array.ndim == 1:
        for name in array.dtype.names:
            yield _column_of_array(pattern.format(name), array[name])
        return
    if array.ndim not in (1, 2):
        raise DataError(f"{what} must have shape (n,) or (n, d); got {array.shape}")
    for j, values in enumerate(array.reshape(len(array), -1).T):
        yield _column_of_array(pattern.format(j), values)


def _column_of_array(name: str, values: npt.NDArray[Any]) -> Column:
    kind = values.dtype.kind
    if values.dtype in (np.float32, np.float64):
        return Column(name, values)
    if kind in "biuf":
        return Column(name, values.astype(np.float64))
    # Parquet columns with nulls arrive as objects; they are numbers if all other entries are.
    if kind == "O" and all(value is None or isinstance(value, bool | int) for value in values):
        filled = [np.nan if value is None else value for value in values]
        return Column(name, np.array(filled, dtype=np.float64))
    if kind in "OUS":
        example = next((value for value in values if isinstance(value, str)), None)
        return Column(name, _NO_VALUES, "objects" if example is None else f"text ('{example}')")
    return Column(name, _NO_VALUES, f"values of type {values.dtype}")


def _table(
    path: Path,
    columns: list[Column],
    *,
    groups: dict[str, range] | None = None,
    lines: npt.NDArray[np.int64] | None = None,
) -> Table:
    if not columns:
        raise DataError(f"{path.name} has no columns")
    repeated = [name for name, n in Counter(column.name for column in columns).items() if n > 1]
    if repeated:
        raise DataError(
            f"{path.name} has more than one column called '{repeated[0]}'; rename one of them"
        )
    return Table(path.name, tuple(columns), groups or {}, lines)
