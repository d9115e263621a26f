"""Columns of pyarrow as numbers, and Parquet files; pyarrow is imported when a file needs it."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from fastmi.cli.columns import Column, DataError
from fastmi.cli.integers import integer_column
from fastmi.cli.numerals import Notation, Reading, as_numbers, read_strings

_NOTES = {
    "grouped": "groups of thousands were read as one number",
    "percent": "the percent signs were removed",
}


def require_pyarrow() -> ModuleType:
    """Return pyarrow with the modules that the readers use.

    Raises:
        DataError: It is not installed; the message names what to install.
    """
    try:
        for module in ("compute", "csv", "parquet"):
            importlib.import_module(f"pyarrow.{module}")
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise DataError(
            "Parquet and text files need pyarrow; install it with: pip install pyarrow"
        ) from error


def read_parquet(file: Path | BinaryIO) -> list[Column]:
    """Return the columns of a Parquet file.

    Raises:
        ValueError: It is no such file, or has no rows.
    """
    arrow = require_pyarrow()
    try:
        table = arrow.parquet.read_table(file)
    except arrow.ArrowException as error:
        raise ValueError(str(error)) from error
    if table.num_rows == 0:
        raise ValueError("it has no rows")
    return [
        as_column(arrow, name, values)
        for name, values in zip(table.column_names, table.columns, strict=True)
    ]


def write_columns(path: Path, names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
    """Write columns of strings or of floats and None; names may repeat."""
    arrow = require_pyarrow()
    frame = arrow.Table.from_arrays([arrow.array(column) for column in columns], list(names))
    arrow.parquet.write_table(frame, path)


def as_column(
    arrow: ModuleType,
    name: str,
    chunks: Any,
    *,
    place: Callable[[int], str] = lambda _: "",
) -> Column:
    """Return an arrow column as numbers, or with what keeps it from being some.

    Args:
        arrow: The module pyarrow.
        name: Name of the column.
        chunks: A chunked array.
        place: Says where a row is, for messages, for example " in line 7".
    """
    values = chunks.combine_chunks()
    if isinstance(values, arrow.ChunkedArray):  # older releases return one when there are no chunks
        values = arrow.concat_arrays(values.chunks)
    types = arrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if types.is_null(kind):
        return Column(name, np.full(len(values), np.nan))
    if types.is_string(kind) or types.is_large_string(kind):
        notation = Notation(".")
        reading = read_strings(arrow, values, notation)
        if reading.form == "other":
            notation = notation.other
            reading = read_strings(arrow, values, notation)
        return column_of_strings(arrow, name, reading, notation, place)
    if types.is_temporal(kind):
        return _temporal(arrow, name, values, place)
    if types.is_boolean(kind):
        values = arrow.compute.cast(values, "uint8")
    if types.is_decimal(kind):
        values = arrow.compute.cast(values, "float64")
    return _numeric(arrow, name, values)


def column_of_strings(
    arrow: ModuleType,
    name: str,
    reading: Reading,
    notation: Notation,
    place: Callable[[int], str] = lambda _: "",
) -> Column:
    """Return a column of strings as what :func:`read_strings` found in it."""
    form = reading.form
    if form in {"number", "truth", "grouped"}:
        column = _numeric(arrow, name, as_numbers(arrow, reading, notation))
        notes = [_NOTES["grouped"]] if form == "grouped" else []
        notes += [_NOTES["percent"]] if reading.percent else []
        notes += [column.note] if column.note else []
        return Column(name, column.values, column.problem, None, "; ".join(notes))
    cells = reading.cells
    at = max(reading.odd, 0)
    if form in {"either", "other"}:
        at = arrow.compute.index(arrow.compute.match_substring(cells, notation.group), True).as_py()
    example = f"'{_shortened(cells[at].as_py())}'{place(at)}"
    if form == "either":
        problem = f"numbers such as {example}: are those thousands or decimals?"
    elif form == "other":
        problem = f"decimals such as {example} beside others that are marked by a point"
    elif form == "date":
        problem = f"dates ({example})"
    elif reading.numbers:
        present = len(cells) - cells.null_count
        problem = f"text in {present - reading.numbers} of {present} cells ({example})"
    else:
        problem = f"text ({example})"
    return Column(name, problem=problem, labels=cells.to_numpy(zero_copy_only=False))


def _numeric(arrow: ModuleType, name: str, values: Any) -> Column:
    types = arrow.types
    kind = values.type
    if types.is_integer(kind):
        if not values.null_count:
            return integer_column(name, values.to_numpy())
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return integer_column(name, arrow.compute.fill_null(values, 0).to_numpy(), missing)
    if types.is_floating(kind):
        floats = values.to_numpy(zero_copy_only=False)
        return Column(name, floats if kind == arrow.float32() else floats.astype(np.float64))
    return Column(name, problem=f"values of type {kind}")


def _temporal(arrow: ModuleType, name: str, values: Any, place: Callable[[int], str]) -> Column:
    types = arrow.types
    known = [("durations", types.is_duration), ("times", types.is_time)]
    what = next((word for word, test in known if test(values.type)), "dates")
    present = values.is_valid()
    at = arrow.compute.index(present, True).as_py()
    if at < 0:
        return Column(name, np.full(len(values), np.nan))
    return Column(name, problem=f"{what} ('{values[at]}'{place(at)})")


def _shortened(cell: str) -> str:
    cell = " ".join(cell.split())
    return cell if len(cell) <= 40 else cell[:39] + "…"
