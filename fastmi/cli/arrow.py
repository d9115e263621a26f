"""Columns of pyarrow as numbers, and Parquet files; pyarrow is imported when a file needs it."""

import importlib
from collections.abc import Callable, Sequence
from io import BytesIO
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from fastmi.cli.columns import Column, DataError
from fastmi.cli.integers import integer_column
from fastmi.cli.numerals import Notation, Reading, as_numbers, read_strings
from fastmi.cli.sources import most_bytes
from fastmi.cli.visible import clipped

# Rows of a Parquet file that are read at once.
_BATCH = 2**16
_SHOWN_CELL = 40
_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?"
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})"
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


def read_parquet(file: BinaryIO) -> list[Column]:
    """Return the columns of a Parquet file.

    Raises:
        ValueError: It is no such file, has no rows, or would fill the memory.
    """
    arrow = require_pyarrow()
    source = arrow.parquet.ParquetFile(file)
    # As long as texts are numbers of an entry in a list, equal ones cost nothing.
    texts = [each.name for each in source.schema_arrow if _is_text(arrow, each.type)]
    source = arrow.parquet.ParquetFile(file, read_dictionary=texts)
    fields = source.schema_arrow
    rows = source.metadata.num_rows
    if rows <= 0:
        raise ValueError("it has no rows")
    # A few bytes can stand for any number of equal values.
    if 8 * rows * len(fields) > most_bytes():
        raise ValueError(
            f"{rows:,} rows of {len(fields):,} columns take more than half of the memory"
        )
    flat = [each.name for each in fields if not arrow.types.is_nested(each.type)]
    found = iter(_in_batches(arrow, source, None if len(flat) == len(fields) else flat))
    return [
        Column(each.name, problem=f"values of type {each.type}")
        if arrow.types.is_nested(each.type)
        else as_column(arrow, each.name, next(found))
        for each in fields
    ]


def _in_batches(arrow: ModuleType, source: Any, names: list[str] | None) -> list[Any]:
    """Return columns of a Parquet file, read bit by bit to stop before the memory is full."""
    batches, size = [], 0
    for batch in source.iter_batches(_BATCH, columns=names, use_threads=False):
        batches.append(batch)
        size += batch.nbytes
        if size > most_bytes():
            raise ValueError("it takes more than half of the memory")
    columns: list[Any] = arrow.Table.from_batches(batches).columns
    return columns


def columns_as_parquet(names: Sequence[str], columns: Sequence[Sequence[object]]) -> bytes:
    """Return a Parquet file of columns of strings or of floats and None; names may repeat."""
    arrow = require_pyarrow()
    frame = arrow.Table.from_arrays([arrow.array(column) for column in columns], list(names))
    # A pipe cannot tell its position, which the writer asks for.
    content = BytesIO()
    arrow.parquet.write_table(frame, content)
    return content.getvalue()


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
        values = _decoded(arrow, values)
    kind = values.type
    if types.is_null(kind):
        return Column(name, np.full(len(values), np.nan))
    if _is_text(arrow, kind):
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


def _decoded(arrow: ModuleType, values: Any) -> Any:
    """Return the entries that a dictionary array refers to."""
    entries, compute = values.dictionary, arrow.compute
    if _is_text(arrow, entries.type):
        lengths = compute.take(compute.binary_length(entries), values.indices)
        if (compute.sum(lengths).as_py() or 0) > most_bytes():
            raise ValueError("its texts take more than half of the memory")
    return values.dictionary_decode()


def _is_text(arrow: ModuleType, kind: Any) -> bool:
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


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
        times = _as_times(arrow, cells)
        labels = cells.to_numpy(zero_copy_only=False)
        return Column(name, problem=f"dates ({example})", labels=labels, times=times)
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
    times = None if what == "times" else values.to_numpy(zero_copy_only=False)
    return Column(name, problem=f"{what} ('{values[at]}'{place(at)})", times=times)


def _as_times(arrow: ModuleType, cells: Any) -> Any:
    """Return strings as times if all of them are dates of ISO 8601 that exist, else None.

    Those are written from the year down to the day or the second; 01/02/2020 has two meanings.
    """
    compute = arrow.compute
    zoned = compute.match_substring_regex(cells, rf"^{_ISO}{_ZONE}$")
    plain = compute.match_substring_regex(cells, rf"^{_ISO}$")
    for matches, zone in ((plain, None), (zoned, "UTC")):
        if compute.all(matches).as_py():
            try:
                return compute.cast(cells, arrow.timestamp("us", zone)).to_numpy(
                    zero_copy_only=False
                )
            except arrow.ArrowInvalid:  # February 30
                return None
    return None


def _shortened(cell: str) -> str:
    return clipped(" ".join(cell.split()), _SHOWN_CELL)
